"""Compares outputs: the same weights, observations and noise must give the same results in dpolicy and all peers."""

import os

import numpy as np
from parties import Differs

# The maximum difference of network outputs from PyTorch's in float32; the standard deviation of the outputs is about 1.
# Quantized activations are known to be coarse, so they are reported but not limited. The limit of an action chunk
# follows from the network: see `Check.sensitivity`. The limits also apply to image features, whose standard deviation
# is 0.05: an image cropped one pixel off changes them by as much, bfloat16 by 0.004.
LIMITS = {"f32": 1e-5, "bf16": 0.025, "int8-weights": 0.04, "int8": np.inf}
BATCH = 4
ERROR, DRAWS = 0.01, 8


class Check:
    def __init__(self, network, scratch):
        from peers.policy import Policy
        from safetensors.numpy import save_file

        policy = Policy(network.policy)
        self.folder = os.path.join(scratch, f"answers-{network.name}")
        os.makedirs(self.folder, exist_ok=True)
        generator = np.random.default_rng(0)
        given = {
            "observation": generator.uniform(100, 400, (BATCH, *policy.observation_shape)).astype(np.float32),
            "noise": generator.standard_normal((BATCH, *policy.action_shape), np.float32)}
        if policy.camera:
            given[f"image.{policy.camera.name}"] = patches(policy.frames(BATCH), generator)
        self.input = os.path.join(self.folder, "given.safetensors")
        save_file(given, self.input)
        self._compute(policy, given)

    def _compute(self, policy, given):
        """Computes the reference with PyTorch in float32, and the sensitivity: the pixels by which its chunk moves for
        an error of one in the network outputs. The sensitivity is measured with random errors of up to `ERROR` in the
        output of each of the chunk's ten passes; the worst of `DRAWS` draws counts. A network with random weights
        amplifies an error twenty times as much as a trained one."""
        from peers import networks, sampling
        import torch

        def computing(module):
            def run(*inputs):
                with torch.inference_mode():
                    return module.eval()(*map(torch.from_numpy, inputs)).numpy()

            return run

        network, features = computing(networks.denoiser(policy)), {}
        if camera := policy.camera:
            encoder = computing(networks.encoder(policy))
            features = {"features": encoder(camera.middle(given[f"image.{camera.name}"]))}
        condition = policy.condition(given["observation"], *features.values())

        def chunk(network):
            sample = sampling.denoise(network, sampling.table("ddim", 10), given["noise"], condition, None)
            return policy.action(sample)

        def moved(seed):
            generator = np.random.default_rng(seed)

            def erring(sample, steps, condition):
                output = network(sample, steps, condition)
                return output + generator.uniform(-ERROR, ERROR, output.shape).astype(np.float32)

            return np.abs(chunk(erring) - self.reference["action_prediction"]).max()

        self.reference = features | {
            "output": network(given["noise"], np.full(BATCH, 50, np.float32), condition),
            "action_prediction": chunk(network)}
        self.sensitivity = float(max(moved(seed) for seed in range(DRAWS))) / ERROR

    def compare(self, party, record):
        """Adds the largest differences to the record.
        Raises Differs when one is above its limit."""
        from safetensors.numpy import load_file

        if party.name in record:
            return
        path = os.path.join(self.folder, f"{party.name}.safetensors")
        party.answer(self.input, path)
        found = load_file(path)
        differences = {
            name: float(np.abs(found[name].reshape(reference.shape) - reference).max())
            for name, reference in self.reference.items() if name in found}
        record[party.name] = differences
        for name, difference in differences.items():
            limit = LIMITS[party.precision] * (self.sensitivity if name == "action_prediction" else 1)
            if not difference <= limit:
                raise Differs(f"{name} differs from PyTorch's by {difference:.3g}, more than {limit:.3g}")


def patches(shape, generator):
    """Returns byte images [batch, To, height, width, 3] of color patches: an encoder maps all noise to similar
    features."""
    side = 16
    batch, length, height, width, channels = shape
    coarse = generator.integers(0, 256, (batch, length, -(-height // side), -(-width // side), channels), np.uint8)
    return np.ascontiguousarray(coarse.repeat(side, 2).repeat(side, 3)[:, :, :height, :width])
