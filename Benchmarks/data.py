#!/usr/bin/env python3
"""Measures the effect of normalization, origins, quantiles and padding in small training runs on synthetic data.

Needs NumPy and a built `dpolicy`:

    python3 Benchmarks/data.py .build/release/dpolicy [FOLDER] > Benchmarks/results/data-numbers.md

A robot moves on a circle: it observes its position, and the action is its position four steps later. Each row trains
the same tiny policy on 40 episodes of 60 frames, written in the units and the type of the row, and compares predicted
actions at 256 intermediate positions with the true ones. Errors are root mean squares, in percent of the action range.
"""

import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np

RECIPE = """
name: circle
description: Circles without end
policy:
  observations: {features: [{name: place}]}
  action: {feature: action, dimension: 2}
  horizon: {observation: 2, prediction: 16, action: 8}
  conditioning: global
  denoiser: {name: unet, widths: [32, 64], kernel_size: 3, groups: 4, step_embedding: 32, cond_predict_scale: true}
  diffusion: {steps: 100, betas: squaredcos_cap_v2, prediction: sample, clip: 1}
  sampler: {name: ddim, steps: 20, eta: 0}
  normalization: {observations: limits, action: limits, features: {}}
training:
  steps: 2000
  batch_size: 64
  optimizer: {learning_rate: 1.0e-3}
  learning_rate_schedule: {name: cosine, warm_up: 50}
  validation_interval: 2000
  checkpoint_interval: 2000
"""

STEP, FRAMES, EPISODES = 0.1, 60, 40


def circle(phase):
    return np.stack([np.cos(phase), np.sin(phase)], axis=-1)


def write_zarr(folder, arrays):
    """Writes a zarr v2 folder in the layout of `dpolicy`, each array as one uncompressed chunk."""
    for name, array in arrays.items():
        place = folder / name
        place.mkdir(parents=True)
        meta = dict(zarr_format=2, shape=array.shape, chunks=array.shape, dtype=array.dtype.str, compressor=None,
                    fill_value=0, order="C", filters=None)
        (place / ".zarray").write_text(json.dumps(meta))
        (place / ".".join("0" for _ in array.shape)).write_bytes(array.tobytes())
    for group in (folder, folder / "data", folder / "meta"):
        (group / ".zgroup").write_text('{"zarr_format": 2}')


def write_safetensors(file, name, array):
    header = json.dumps({name: dict(dtype="F64", shape=array.shape, data_offsets=[0, array.nbytes])}).encode()
    file.write_bytes(len(header).to_bytes(8, "little") + header + array.tobytes())


def read_safetensors(file, name):
    data = file.read_bytes()
    length = int.from_bytes(data[:8], "little")
    entry = json.loads(data[8:8 + length])[name]
    start, end = entry["data_offsets"]
    numbers = np.frombuffer(data[8 + length + start:8 + length + end], {"F32": "<f4", "F64": "<f8"}[entry["dtype"]])
    return numbers.reshape(entry["shape"]).astype(np.float64)


def run(dpolicy, folder, name, scale=1.0, offset=0.0, dtype="<f4", spike=None, settings=()):
    """Trains on circles in the given units and returns the relative error of each predicted step."""
    place = folder / name
    place.mkdir()
    starts = np.random.default_rng(0).uniform(0, 2 * np.pi, EPISODES)
    phases = (starts[:, None] + STEP * np.arange(FRAMES)).reshape(-1)

    def units(values):
        return values * scale + offset

    action = units(circle(phases + 4 * STEP))
    if spike is not None:
        action[1234, 0] = units(spike)
    write_zarr(place / "circle.zarr", {
        "data/place": units(circle(phases)).astype(dtype), "data/action": action.astype(dtype),
        "meta/episode_ends": FRAMES * np.arange(1, EPISODES + 1, dtype="<i8")})
    (place / "circle.yaml").write_text(RECIPE)
    options = [word for setting in settings for word in ("--set", setting)]
    subprocess.run([dpolicy, "train", "--recipe", place / "circle.yaml", "--data", place / "circle.zarr", "--output",
                    place / "run", "--precision", "float32", *options], check=True, stdout=subprocess.DEVNULL)
    now = np.random.default_rng(1).uniform(0, 2 * np.pi, 256)
    seen = units(circle(now[:, None] + STEP * np.array([-1, 0])))
    write_safetensors(place / "in", "observation", seen.astype(np.float64))
    subprocess.run([dpolicy, "predict", "--policy", place / "run/policy", "--input", place / "in", "--output",
                    place / "out", "--precision", "float32"], check=True)
    predicted = read_safetensors(place / "out", "action_prediction")
    true = units(circle(now[:, None] + STEP * (np.arange(16) - 1) + 4 * STEP))
    return 100 * np.sqrt(((predicted - true) ** 2).mean(axis=(0, 2))) / (2 * scale)


def main():
    dpolicy = pathlib.Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else temporary)
        executed = slice(1, 9)
        rows = [
            ("float32, range 2", {}),
            ("float32, range 2e-6", dict(scale=1e-6)),
            ("float32, range 2e-30", dict(scale=1e-30)),
            ("float32, range 2e6", dict(scale=1e6)),
            ("float64 about 0", dict(dtype="<f8")),
            ("float64 about 4,649,776", dict(dtype="<f8", offset=4_649_776.0)),
            ("float64 about 1.7e9", dict(dtype="<f8", offset=1.7e9)),
            ("int64, 3,000,000,000 ± 500", dict(dtype="<i8", offset=3e9, scale=500.0)),
        ]
        clamped = "policy.normalization.action=clamped_quantiles"
        rows += [
            ("one action of 1000, limits", dict(spike=1000.0)),
            ("one action of 1000, clamped_quantiles", dict(spike=1000.0, settings=[clamped])),
            ("one action of 1000, quantiles, clip null", dict(spike=1000.0, settings=[
                "policy.normalization.action=quantiles", "policy.diffusion.clip=null"])),
            ("no such action, clamped_quantiles", dict(settings=[clamped])),
        ]
        print("| demonstrations | error of executed actions, % of the range |\n|---|---|")
        for index, (name, options) in enumerate(rows):
            errors = run(dpolicy, folder, f"row{index}", **options)
            print(f"| {name} | {np.sqrt((errors[executed] ** 2).mean()):.2f} |", flush=True)
        print("\n| loss_on_padding | executed actions | last executed | last predicted, % of the range |\n|---|---|---|---|")
        for value in ("true", "false"):
            errors = run(dpolicy, folder, f"padding-{value}", settings=[f"training.loss_on_padding={value}"])
            whole = np.sqrt((errors[executed] ** 2).mean())
            print(f"| {value} | {whole:.2f} | {errors[8]:.2f} | {errors[15]:.2f} |", flush=True)


main()
