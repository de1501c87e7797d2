"""Measures dpolicy against PyTorch in one run: the same U-Net, the same work, the same threads, taking turns.

    pip install torch diffusers safetensors numpy
    python Benchmarks/pytorch.py --policy runs/pusht/policy --data Demonstrations/pusht.zarr

The policy must be a global-conditioned U-Net. First both predict actions from the same weights, observations and noise with DDIM, and the
outputs are compared; then each is timed in turn, and medians and ratios are printed as Markdown.
"""

import argparse
import json
import math
import os
import platform
import subprocess
import tempfile
import time

import numpy as np
import torch
from diffusers import DDIMScheduler
from safetensors.numpy import load_file, save_file
from torch import nn


class StepEmbedding(nn.Module):
    def __init__(self, dimension):
        super().__init__()
        self.dimension = dimension

    def forward(self, steps):
        half = self.dimension // 2
        frequencies = torch.exp(torch.arange(half) * -(math.log(10000) / (half - 1)))
        angles = steps[:, None] * frequencies[None, :]
        return torch.cat([angles.sin(), angles.cos()], dim=-1)


class ConvolutionBlock(nn.Module):
    def __init__(self, inputs, outputs, kernel, groups):
        super().__init__()
        self.block = nn.Sequential(
            nn.Conv1d(inputs, outputs, kernel, padding=kernel // 2), nn.GroupNorm(groups, outputs), nn.Mish())

    def forward(self, x):
        return self.block(x)


class ResidualBlock(nn.Module):
    def __init__(self, inputs, outputs, condition, kernel, groups):
        super().__init__()
        self.blocks = nn.ModuleList(
            [ConvolutionBlock(inputs, outputs, kernel, groups), ConvolutionBlock(outputs, outputs, kernel, groups)])
        self.cond_encoder = nn.Sequential(nn.Mish(), nn.Linear(condition, 2 * outputs))
        self.residual_conv = nn.Conv1d(inputs, outputs, 1) if inputs != outputs else nn.Identity()

    def forward(self, x, condition):
        h = self.blocks[0](x)
        scale, bias = self.cond_encoder(condition)[:, :, None].chunk(2, dim=1)
        return self.blocks[1](scale * h + bias) + self.residual_conv(x)


class Resampling(nn.Module):
    def __init__(self, conv):
        super().__init__()
        self.conv = conv

    def forward(self, x):
        return self.conv(x)


class UNet(nn.Module):
    """The network of ConditionalUNet1D, under the same parameter names."""

    def __init__(self, inputs, condition, network):
        super().__init__()
        widths, kernel, groups = network["widths"], network["kernel_size"], network["groups"]
        embedding = network["step_embedding"]
        condition += embedding
        block = lambda a, b: ResidualBlock(a, b, condition, kernel, groups)
        self.diffusion_step_encoder = nn.Sequential(
            StepEmbedding(embedding), nn.Linear(embedding, 4 * embedding), nn.Mish(), nn.Linear(4 * embedding, embedding))
        self.down_modules, self.up_modules = nn.ModuleList(), nn.ModuleList()
        pairs = list(zip([inputs] + widths[:-1], widths))
        for level, (a, b) in enumerate(pairs):
            last = level == len(pairs) - 1
            down = nn.Identity() if last else Resampling(nn.Conv1d(b, b, 3, stride=2, padding=1))
            self.down_modules.append(nn.ModuleList([block(a, b), block(b, b), down]))
        self.mid_modules = nn.ModuleList([block(widths[-1], widths[-1]), block(widths[-1], widths[-1])])
        for a, b in reversed(pairs[1:]):
            up = Resampling(nn.ConvTranspose1d(a, a, 4, stride=2, padding=1))
            self.up_modules.append(nn.ModuleList([block(2 * b, a), block(a, a), up]))
        self.final_conv = nn.Sequential(
            ConvolutionBlock(widths[0], widths[0], kernel, 8), nn.Conv1d(widths[0], inputs, 1))

    def forward(self, sample, steps, condition):
        x = sample.transpose(1, 2)
        condition = torch.cat([self.diffusion_step_encoder(steps), condition], dim=-1)
        skips = []
        for first, second, down in self.down_modules:
            x = second(first(x, condition), condition)
            skips.append(x)
            x = down(x)
        for middle in self.mid_modules:
            x = middle(x, condition)
        for first, second, up in self.up_modules:
            x = torch.cat([x, skips.pop()], dim=1)
            x = up(second(first(x, condition), condition))
        return self.final_conv(x).transpose(1, 2)


def dpolicy(options, *arguments):
    output = subprocess.run(
        [options.dpolicy, *arguments, "--threads", str(options.threads), "--json"], check=True, stdout=subprocess.PIPE)
    return json.loads(output.stdout or b"null")


def largest_difference(options, document, network):
    """Between our predicted actions and PyTorch's, in the action's raw units."""
    shapes, normaliser = document["shapes"], document["normaliser"]
    generator = np.random.default_rng(0)
    observation = generator.uniform(100, 400, [4] + shapes["observation"]).astype(np.float32)
    noise = generator.standard_normal([4] + shapes["action"]).astype(np.float32)
    with tempfile.TemporaryDirectory() as folder:
        inputs, outputs = os.path.join(folder, "in.safetensors"), os.path.join(folder, "out.safetensors")
        save_file({"observation": observation, "noise": noise}, inputs)
        dpolicy(
            options, "predict", "--policy", options.policy, "--input", inputs, "--output", outputs, "--sampler", "ddim",
            "--steps", "10")
        ours = load_file(outputs)["action_prediction"]

    scale, offset = (np.asarray(normaliser["observation"][key], np.float32) for key in ("scale", "offset"))
    condition = torch.from_numpy((observation * scale + offset).reshape(4, -1))
    scheduler = DDIMScheduler(
        num_train_timesteps=100, beta_schedule="squaredcos_cap_v2", clip_sample=True, set_alpha_to_one=True)
    scheduler.set_timesteps(10)
    sample = torch.from_numpy(noise)
    with torch.inference_mode():
        for step in scheduler.timesteps:
            output = network(sample, step.float().expand(4), condition)
            sample = scheduler.step(output, step, sample).prev_sample
    scale, offset = (np.asarray(normaliser["action"][key], np.float32) for key in ("scale", "offset"))
    theirs = (sample.numpy() - offset) / scale
    limits = document["policy"]["action"]["limits"]
    if limits:
        theirs = np.clip(theirs, limits["lower"], limits["upper"])
    return float(np.abs(ours - theirs).max())


def training_steps(network, condition, shape, count, batch=256):
    """Seconds of steps with batch assembly, AdamW and a moving average."""
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-4, betas=(0.95, 0.999), weight_decay=1e-6)
    average = [parameter.detach().clone() for parameter in network.parameters()]
    observations, actions = torch.rand(20000, condition) * 2 - 1, torch.rand(20000, *shape) * 2 - 1
    remaining = torch.linspace(0.999, 0.001, 100)
    seconds = []
    for _ in range(count + 3):
        start = time.perf_counter()
        items, steps = torch.randint(0, 20000, (batch,)), torch.randint(0, 100, (batch,))
        clean = actions[items]
        noise = torch.randn_like(clean)
        share = remaining[steps][:, None, None]
        prediction = network(share.sqrt() * clean + (1 - share).sqrt() * noise, steps.float(), observations[items])
        loss = nn.functional.mse_loss(prediction, noise)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            torch._foreach_lerp_(average, list(network.parameters()), 0.01)
        seconds.append(time.perf_counter() - start)
    return seconds[3:]


def passes(network, condition, shape, count):
    """Seconds of passes at batch 1, the sampler's arithmetic left out."""
    sample, observation, step = torch.randn(1, *shape), torch.rand(1, condition), torch.tensor([50.0])
    seconds = []
    with torch.inference_mode():
        for _ in range(count + 20):
            start = time.perf_counter()
            network(sample, step, observation)
            seconds.append(time.perf_counter() - start)
    return seconds[20:]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dpolicy", default=".build/release/dpolicy")
    parser.add_argument("--policy", required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--recipe", default="pusht-lowdim")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)

    with open(os.path.join(options.policy, "policy.json")) as file:
        document = json.load(file)
    shape = document["shapes"]["action"]
    condition = math.prod(document["shapes"]["observation"])
    network = UNet(shape[1], condition, document["policy"]["denoiser"])
    weights = load_file(os.path.join(options.policy, "model.safetensors"))
    network.load_state_dict({name: torch.from_numpy(value) for name, value in weights.items()})
    difference = largest_difference(options, document, network)

    times = {"step": ([], []), "pass": ([], [])}
    for _ in range(options.rounds):
        ours = dpolicy(options, "bench", "--recipe", options.recipe, "--data", options.data)
        times["step"][0].append(ours["training_step_ms"]["median"])
        times["pass"][0].append(ours["denoising_pass_ms"]["median"])
        network.train()
        times["step"][1].append(1e3 * np.median(training_steps(network, condition, shape, 15)))
        network.eval()
        times["pass"][1].append(1e3 * np.median(passes(network, condition, shape, 200)))

    print(f"{ours['parameters']:,} parameters, {options.threads} threads, {platform.machine()}, {ours['library']}, ", end="")
    print(f"PyTorch {torch.__version__}; largest difference of predicted actions: {difference:.2g}\n")
    print("| work | dpolicy, ms | PyTorch eager f32, ms | ratio |\n|---|---|---|---|")
    for name, title in (("step", "training step, batch 256"), ("pass", "denoising pass, batch 1")):
        ours, theirs = (float(np.median(values)) for values in times[name])
        print(f"| {title} | {ours:.2f} | {theirs:.2f} | {theirs / ours:.2f}× |")


if __name__ == "__main__":
    main()
