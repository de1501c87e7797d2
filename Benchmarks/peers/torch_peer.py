"""PyTorch with LeRobot's networks and with its own transformer layers: eager or compiled, float32 or bfloat16."""

import torch
from torch import nn

from . import networks, sampling

# Windows to draw batches from; camera frames take more memory, so there are fewer.
WINDOWS, FRAMES = 20_000, 5_000


class TorchPeer:
    def __init__(self, policy, variant, threads):
        torch.set_num_threads(threads)
        self.is_compiled = "compile" in variant
        self.is_bfloat16 = "bf16" in variant
        self.policy = policy
        self.denoiser = networks.denoiser(policy)
        self.encoder = networks.encoder(policy) if policy.camera else None

    def autocast(self):
        return torch.autocast("cpu", torch.bfloat16, enabled=self.is_bfloat16)

    def acting(self, batch):
        """Returns a function from arrays to an array: one pass of the denoiser."""
        return self._evaluated(self.denoiser)

    def encoding(self, batch):
        """Returns a function from cropped images to their features."""
        return self._evaluated(self.encoder)

    def _evaluated(self, network):
        network = network.eval()
        if self.is_bfloat16:
            network = network.to(torch.bfloat16)
        if self.is_compiled:
            # Weights are constant, so the compiler may pack them.
            torch._inductor.config.freezing = True
            network = torch.compile(network, dynamic=False)

        def run(*inputs):
            with torch.inference_mode(), self.autocast():
                return network(*map(torch.from_numpy, inputs)).float().numpy()

        return run

    def training(self, batch, noise_samples=1):
        """Returns a function for one training step: batch assembly, gradients, AdamW, EMA."""
        trained = [network.train() for network in (self.denoiser, self.encoder) if network is not None]
        parameters = [parameter for network in trained for parameter in network.parameters()]
        # The fused optimizer has less memory traffic than one that updates parameters one by one.
        optimizer = torch.optim.AdamW(parameters, lr=1e-4, betas=(0.95, 0.999), weight_decay=1e-6, fused=True)
        average = [parameter.detach().clone() for parameter in parameters]
        assemble = self._images_batch(batch) if self.encoder else self._vectors_batch(batch)
        remaining = torch.tensor(sampling.remaining(), dtype=torch.float32)

        def loss(clean, noise, steps, *observation):
            share = remaining[steps][:, None, None]
            sample = share.sqrt() * clean.repeat_interleave(noise_samples, 0) + (1 - share).sqrt() * noise
            with self.autocast():
                # Images are encoded once for all noise samples.
                condition = self._condition(*observation).repeat_interleave(noise_samples, 0)
                prediction = self.denoiser(sample, steps.float(), condition)
            return nn.functional.mse_loss(prediction.float(), noise)

        if self.is_compiled:
            loss = torch.compile(loss, dynamic=False)

        def update():
            clean, *observation = assemble()
            count = batch * noise_samples
            steps, noise = torch.randint(0, len(remaining), (count,)), torch.randn(count, *clean.shape[1:])
            value = loss(clean, noise, steps, *observation)
            optimizer.zero_grad()
            value.backward()
            optimizer.step()
            with torch.no_grad():
                torch._foreach_lerp_(average, parameters, 0.01)
            return value.item()

        return update

    def _condition(self, vectors, pixels=None):
        """Returns the condition: vectors [batch, To, D], followed by the features of images [batch · To, height, width,
        3]."""
        if self.encoder is None:
            return vectors.flatten(1)
        features = self.encoder(pixels).reshape(*vectors.shape[:2], -1)
        return torch.cat([vectors, features], -1).flatten(1)

    def _vectors_batch(self, batch):
        vectors = torch.rand(WINDOWS, *self.policy.observation_shape) * 2 - 1
        actions = torch.rand(WINDOWS, *self.policy.action_shape) * 2 - 1

        def assemble():
            windows = torch.randint(0, WINDOWS, (batch,))
            return actions[windows], vectors[windows]

        return assemble

    def _images_batch(self, batch):
        """Returns a function that assembles a batch, with a random crop of each image. Images stay bytes until the
        network."""
        camera, (length, width) = self.policy.camera, self.policy.observation_shape
        (whole_height, whole_width), (height, width_seen) = camera.size, camera.crop
        vectors = torch.rand(FRAMES, width) * 2 - 1
        actions = torch.rand(FRAMES, *self.policy.action_shape) * 2 - 1
        images = torch.randint(0, 256, (FRAMES, whole_height, whole_width, 3), dtype=torch.uint8)
        pixels = torch.empty(batch * length, height, width_seen, 3, dtype=torch.uint8)

        def assemble():
            windows = torch.randint(0, FRAMES - length + 1, (batch,))
            frames = windows[:, None] + torch.arange(length)
            tops = torch.randint(0, whole_height - height + 1, (len(pixels),)).tolist()
            lefts = torch.randint(0, whole_width - width_seen + 1, (len(pixels),)).tolist()
            for part, frame, top, left in zip(pixels, frames.flatten().tolist(), tops, lefts):
                part.copy_(images[frame, top:top + height, left:left + width_seen])
            return actions[windows], vectors[frames], pixels

        return assemble
