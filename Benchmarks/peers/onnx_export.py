"""Networks as ONNX files for batches of one size."""

import os
import subprocess
import sys

from .policy import Policy


def path(policy, network, batch, folder):
    """The file of `denoiser` or `encoder`, which is made in a process of its own: what PyTorch takes must not count as memory of a runtime."""
    path = os.path.join(folder, f"{os.path.basename(os.path.normpath(policy.folder))}-{network}-{batch}.onnx")
    weights = os.path.join(policy.folder, "model.safetensors")
    if not os.path.exists(path) or os.path.getmtime(path) < os.path.getmtime(weights):
        os.makedirs(folder, exist_ok=True)
        subprocess.run([sys.executable, "-m", "peers.onnx_export", policy.folder, network, str(batch), path], check=True)
    return path


def export(policy, network, batch, path):
    import torch

    from . import networks

    if network == "denoiser":
        inputs = {
            "sample": torch.zeros(batch, *policy.action_shape), "steps": torch.zeros(batch),
            "condition": torch.zeros(batch, policy.condition_dimension)}
    else:
        count = batch * policy.observation_shape[0]
        inputs = {"pixels": torch.zeros(count, *policy.camera.crop, 3, dtype=torch.uint8)}
    made = getattr(networks, network)(policy).eval()
    # Attention as operations that files know, not as one that only PyTorch has.
    torch.backends.mha.set_fastpath_enabled(False)
    torch.onnx.export(
        made, tuple(inputs.values()), path, input_names=list(inputs), output_names=["output"], dynamo=False,
        opset_version=18)


if __name__ == "__main__":
    export(Policy(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4])
