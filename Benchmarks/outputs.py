"""Comparison of what the parties compute: the same weights, observations and noise must give the same answers."""

import os

import numpy as np
from parties import PartyError

# The largest difference from PyTorch in float32: of the network's output, whose deviation is about 1, and of predicted actions in pixels.
LIMITS = {
    "f32": {"output": 1e-3, "action_prediction": 0.05},
    "bf16": {"output": 0.1, "action_prediction": 25.0},
    "int8-weights": {"output": 0.2, "action_prediction": 50.0},
    # Quantised activations are known to be coarse: reported, not judged.
    "int8": {"output": np.inf, "action_prediction": np.inf},
}
BATCH = 4


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
        self.input = os.path.join(self.folder, "given.safetensors")
        save_file(given, self.input)
        self.reference = self._reference(policy, given)

    def _reference(self, policy, given):
        """PyTorch in float32."""
        from peers import lerobot_unet, sampling
        import torch

        unet = lerobot_unet.make(policy).eval()

        def network(sample, steps, condition):
            with torch.inference_mode():
                return unet(*map(torch.from_numpy, (sample, steps, condition))).numpy()

        condition = policy.condition(given["observation"])
        sample = sampling.denoise(network, sampling.table("ddim", 10), given["noise"], condition, None)
        return {
            "output": network(given["noise"], np.full(BATCH, 50, np.float32), condition),
            "action_prediction": policy.action(sample)}

    def compare(self, party, record):
        """Adds the largest differences to the record.
        Raises PartyError when one is above its limit."""
        from safetensors.numpy import load_file

        if party.name in record:
            return
        path = os.path.join(self.folder, f"{party.name}.safetensors")
        party.answer(self.input, path)
        found = load_file(path)
        differences = {
            name: float(np.abs(found[name] - self.reference[name]).max()) for name in self.reference if name in found}
        record[party.name] = differences
        for name, difference in differences.items():
            limit = LIMITS[party.precision][name]
            if not difference <= limit:
                raise PartyError(f"{name} differs from PyTorch's by {difference:.3g}, more than {limit}")
