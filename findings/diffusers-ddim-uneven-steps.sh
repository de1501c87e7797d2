#!/usr/bin/env bash
# diffusers 0.42.1: DDIMScheduler leaves a step at a noise level that is not the one it visits next.
#
# With `timestep_spacing="trailing"` or `"linspace"` and a number of steps that does not divide that of the diffusion, `set_timesteps` spreads the
# steps over the whole diffusion: 60 of 100 are 99, 97, 96 … 1. One would expect `step` to lead from each to the next one. It leads to
# `timestep - num_train_timesteps // num_inference_steps`, here one below: from 99 to the noise level of 98, though the network is told 97
# next, and from the last one, 1, to the level of 0 and not to a clean sample. The same library's DDPMScheduler leads to the step that it visits next.
#
# Seen here: of 60 steps, 40 end at another level than the next one's in trailing and in linspace spacing, and of 10 steps in linspace spacing 9. The
# level is found by a sample and a model output of known signal and noise: after a step the share of the signal tells it. Who compares
# trajectories of such a policy, or takes over its settings, has to know which of the two levels is meant.
#
# It needs Python 3.11 and 6 GB for PyTorch in a temporary folder, which is removed.
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
    """The step visited next, and the one whose noise level a step ends at; -1 is a clean sample."""
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
