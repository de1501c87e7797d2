"""Writes spacing.json: the steps that diffusers' DDIMScheduler visits, for each `timestep_spacing`.

    python3 -m venv v && v/bin/pip install numpy && v/bin/pip install --no-deps diffusers && v/bin/python make_spacing.py

`DDIMScheduler.set_timesteps` runs as it is published, without PyTorch: it only wraps the array of steps there.
"""

import ast
import importlib.metadata
import json
import pathlib
import types

import numpy as np


class Wrapped:
    def __init__(self, array):
        self.array = array

    def to(self, device):
        return self.array


def published_function():
    """`set_timesteps` alone, since the module imports PyTorch."""
    source = importlib.metadata.distribution("diffusers").locate_file("diffusers/schedulers/scheduling_ddim.py")
    tree = ast.parse(pathlib.Path(source).read_text())
    scheduler = next(node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "DDIMScheduler")
    function = next(node for node in scheduler.body if getattr(node, "name", "") == "set_timesteps")
    function.returns, function.decorator_list = None, []
    for argument in function.args.args:
        argument.annotation = None
    names = {"np": np, "torch": types.SimpleNamespace(from_numpy=Wrapped)}
    exec(compile(ast.Module([function], []), str(source), "exec"), names)
    return names["set_timesteps"]


def visited(set_timesteps, spacing, steps, training_steps):
    config = types.SimpleNamespace(timestep_spacing=spacing, num_train_timesteps=training_steps, steps_offset=0)
    scheduler = types.SimpleNamespace(config=config)
    set_timesteps(scheduler, steps)
    # For a few numbers of steps, NumPy's rounding leaves a step -1 behind the last one, which is none.
    return [step for step in scheduler.timesteps.tolist() if step >= 0]


def main():
    set_timesteps = published_function()
    cases = [(100, steps) for steps in range(1, 101)] + [(1000, steps) for steps in (1, 2, 3, 7, 15, 30, 75)]
    cases = [
        {"spacing": spacing, "training_steps": training, "timesteps": visited(set_timesteps, spacing, steps, training)}
        for spacing in ("leading", "trailing", "linspace") for training, steps in cases
    ]
    output = {"diffusers": importlib.metadata.version("diffusers"), "cases": cases}
    target = pathlib.Path(__file__).parent / "spacing.json"
    target.write_text(json.dumps(output, separators=(",", ":")) + "\n")


main()
