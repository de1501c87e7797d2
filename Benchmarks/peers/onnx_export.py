"""The network as an ONNX file for batches of one size."""

import os
import subprocess
import sys

from .policy import Policy


def path(policy, batch, folder):
    """The file, which is made in a process of its own: what PyTorch takes must not count as memory of a runtime."""
    path = os.path.join(folder, f"{policy.denoiser['widths'][0]}-{batch}.onnx")
    weights = os.path.join(policy.folder, "model.safetensors")
    if not os.path.exists(path) or os.path.getmtime(path) < os.path.getmtime(weights):
        os.makedirs(folder, exist_ok=True)
        subprocess.run([sys.executable, "-m", "peers.onnx_export", policy.folder, str(batch), path], check=True)
    return path


def export(policy, batch, path):
    import torch

    from . import lerobot_unet

    inputs = (
        torch.zeros(batch, *policy.action_shape), torch.zeros(batch), torch.zeros(batch, policy.condition_dimension))
    torch.onnx.export(
        lerobot_unet.make(policy).eval(), inputs, path, input_names=["sample", "steps", "condition"],
        output_names=["output"], dynamo=False, opset_version=18)


if __name__ == "__main__":
    export(Policy(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
