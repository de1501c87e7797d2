#!/usr/bin/env bash
# diffusers 0.42.1: DDIMScheduler steps to a noise level that differs from that of the next timestep.
#
# With `timestep_spacing="trailing"` or `"linspace"` and a number of steps that does not divide the number of training
# steps, `set_timesteps` spreads the steps over the whole diffusion: 60 of 100 are 99, 97, 96 … 1. Expected: `step` goes
# from each timestep to the next one. Observed: it goes to `timestep - num_train_timesteps // num_inference_steps`, here
# one below: from 99 to the noise level of 98, although the network receives 97 next, and from the last one, 1, to the
# level of 0 instead of a clean sample. DDPMScheduler of the same library goes to the next timestep.
#
# Result: of 60 steps, 40 end at another level than that of the next step in trailing and in linspace spacing, and 9
# of 10 steps in linspace spacing. The level is computed from a sample and a model output with known signal and
# noise: after a step, the fraction of the signal determines it. To compare trajectories of such a policy, or to
# reuse its settings, you must know which of the two levels is meant.
#
# Needs Python 3.11 and 6 GB for PyTorch in a temporary folder, which is removed.
set -euo pipefail

folder=$(mktemp --directory)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/environment"
"$folder/environment/bin/pip" --quiet --disable-pip-version-check install diffusers==0.42.1 torch==2.15.0 numpy==2.4.6

"$folder/environment/bin/python" - <<'PYTHON'
import diffusers
import torch

SIGNAL, NOISE = 2.0, 1.0


def levels(scheduler, steps):
    """Yields the next timestep and the timestep whose noise level a step reaches; -1 is a clean sample."""
    scheduler.set_timesteps(steps)
    visited = scheduler.timesteps.tolist()
    shares = scheduler.alphas_cumprod.double().sqrt()
    for timestep, following in zip(visited, visited[1:] + [-1]):
        scale = shares[timestep]
        sample = torch.tensor([[scale * SIGNAL + (1 - scale**2).sqrt() * NOISE]])
        after = scheduler.step(torch.tensor([[NOISE]], dtype=sample.dtype), timestep, sample).prev_sample.item()
        expected = shares * SIGNAL + (1 - shares**2).sqrt() * NOISE
        distances = torch.cat([torch.tensor([abs(SIGNAL - after)]), (expected - after).abs()])
        yield following, distances.argmin().item() - 1


settings = {"num_train_timesteps": 100, "beta_schedule": "squaredcos_cap_v2", "clip_sample": False}
print("diffusers", diffusers.__version__)
found = {}
for spacing in "trailing", "linspace", "leading":
    for steps in 10, 60:
        pairs = list(levels(diffusers.DDIMScheduler(**settings, timestep_spacing=spacing), steps))
        found[spacing, steps] = sum(following != reached for following, reached in pairs)
        print(f"{spacing}, {steps} of 100 steps: {found[spacing, steps]} end at another level; first: next {pairs[0][0]}, "
              f"reached {pairs[0][1]}; last: next {pairs[-1][0]}, reached {pairs[-1][1]}")
ancestral = diffusers.DDPMScheduler(**settings, timestep_spacing="trailing")
ancestral.set_timesteps(60)
visited = ancestral.timesteps.tolist()
assert [int(ancestral.previous_timestep(step)) for step in visited[:-1]] == visited[1:], "DDPMScheduler has changed"
expected = {("trailing", 10): 0, ("trailing", 60): 40, ("linspace", 10): 9, ("linspace", 60): 40, ("leading", 10): 0, ("leading", 60): 0}
assert found == expected, f"expected {expected}, found {found}"
PYTHON
