"""Writes pusht_seeds.json: starts and short episodes of gym-pusht since 0.1.6, and draws of NumPy's Generator.

    python3 -m venv v && v/bin/pip install gym-pusht==0.1.8 && v/bin/python make_pusht_seeds.py

The physics is the same to the last bit with pymunk 6.11.1 and 7.3.1.
"""

import importlib.metadata
import json
import pathlib

import gym_pusht  # noqa: F401, which registers the environment
import gymnasium
import numpy as np
from gymnasium.utils.seeding import np_random


def episode(seed):
    environment = gymnasium.make("gym_pusht/PushT-v0", obs_type="state").unwrapped
    start, _ = environment.reset(seed=seed)
    random = np.random.RandomState(7)
    # Towards the block, and then somewhere, so that it is pushed.
    targets = [start[2:4].tolist()] * 12 + [random.uniform(60, 450, 2).tolist() for _ in range(20)]
    steps = []
    for target in targets:
        state, reward, _, _, info = environment.step(np.array(target))
        steps.append({"action": target, "state": state.tolist(), "coverage": float(info["coverage"])})
    return {"seed": seed, "start": start.tolist(), "steps": steps}


def start(seed):
    environment = gymnasium.make("gym_pusht/PushT-v0", obs_type="state").unwrapped
    state, _ = environment.reset(seed=seed)
    return {"seed": seed, "start": state.tolist()}


def draws(seed):
    generator, _ = np_random(seed)
    bits = [int(word) for word in generator.bit_generator.random_raw(3)]
    generator, _ = np_random(seed)
    wide = [int(generator.integers(50, 450)) for _ in range(5)]
    # Ranges that are drawn again for half of all words, and of one number, which takes none.
    uneven = [int(generator.integers(-5, (1 << 31) - 4)) for _ in range(6)]
    single = int(generator.integers(9, 10))
    uniform = [float(generator.uniform(-np.pi, np.pi)) for _ in range(3)]
    return {"seed": seed, "bits": bits, "wide": wide, "uneven": uneven, "single": single, "uniform": uniform}


def main():
    large = [(1 << 32) - 1, 1 << 32, (1 << 64) - 1]
    versions = ("gym-pusht", "gymnasium", "numpy", "pymunk")
    output = {
        "versions": {name: importlib.metadata.version(name) for name in versions},
        "draws": [draws(seed) for seed in [0, 1, 42, 100_000] + large],
        "starts": [start(seed) for seed in [0, 1, 2, 42] + list(range(100_000, 100_050)) + large],
        "episodes": [episode(seed) for seed in (0, 100_000, 100_007)],
    }
    target = pathlib.Path(__file__).parent / "pusht_seeds.json"
    target.write_text(json.dumps(output, separators=(",", ":")) + "\n")


main()
