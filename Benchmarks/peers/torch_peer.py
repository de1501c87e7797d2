"""PyTorch with LeRobot's network: eager or compiled, float32 or bfloat16."""

import torch
from torch import nn

from . import lerobot_unet, sampling


class TorchPeer:
    def __init__(self, policy, variant, threads):
        torch.set_num_threads(threads)
        self.is_compiled = "compile" in variant
        self.is_bfloat16 = "bf16" in variant
        self.policy = policy
        self.network = lerobot_unet.make(policy)

    def autocast(self):
        return torch.autocast("cpu", torch.bfloat16, enabled=self.is_bfloat16)

    def acting(self, batch):
        """A function from arrays to an array: the network once."""
        network = self.network.eval()
        if self.is_bfloat16:
            network = network.to(torch.bfloat16)
        if self.is_compiled:
            # Weights never change now: let the compiler pack them.
            torch._inductor.config.freezing = True
            network = torch.compile(network, dynamic=False)

        def run(sample, steps, condition):
            with torch.inference_mode(), self.autocast():
                output = network(torch.from_numpy(sample), torch.from_numpy(steps), torch.from_numpy(condition))
                return output.float().numpy()

        return run

    def training(self, batch):
        """A function that makes one update: batch assembly, gradients, AdamW, moving average."""
        network = self.network.train()
        parameters = list(network.parameters())
        # Lower memory traffic than the optimiser that goes through the parameters one by one.
        optimizer = torch.optim.AdamW(parameters, lr=1e-4, betas=(0.95, 0.999), weight_decay=1e-6, fused=True)
        average = [parameter.detach().clone() for parameter in parameters]
        windows = 20_000
        observations = torch.rand(windows, self.policy.condition_dimension) * 2 - 1
        actions = torch.rand(windows, *self.policy.action_shape) * 2 - 1
        remaining = torch.tensor(sampling.remaining(), dtype=torch.float32)

        def loss(clean, noise, steps, condition):
            share = remaining[steps][:, None, None]
            sample = share.sqrt() * clean + (1 - share).sqrt() * noise
            with self.autocast():
                prediction = network(sample, steps.float(), condition)
            return nn.functional.mse_loss(prediction.float(), noise)

        if self.is_compiled:
            loss = torch.compile(loss, dynamic=False)

        def update():
            items, steps = torch.randint(0, windows, (batch,)), torch.randint(0, len(remaining), (batch,))
            clean = actions[items]
            value = loss(clean, torch.randn_like(clean), steps, observations[items])
            optimizer.zero_grad()
            value.backward()
            optimizer.step()
            with torch.no_grad():
                torch._foreach_lerp_(average, parameters, 0.01)
            return value.item()

        return update
