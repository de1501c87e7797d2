"""Exports networks to the file formats of the runtimes, for a fixed batch size."""

import os
import subprocess
import sys
import tempfile

from .policy import Policy


def path(policy, network, batch, folder, kind="onnx"):
    """Returns the file of `denoiser` or `encoder`, of a kind in `KINDS`.
    Creates it in a separate process, so that PyTorch's memory does not count as memory of a runtime.
    Raises RuntimeError with the last line of that process if it fails."""
    path = os.path.join(folder, f"{os.path.basename(os.path.normpath(policy.folder))}-{network}-{batch}.{kind}")
    weights = os.path.join(policy.folder, "model.safetensors")
    if not os.path.exists(path) or os.path.getmtime(path) < os.path.getmtime(weights):
        os.makedirs(folder, exist_ok=True)
        outcome = subprocess.run(
            [python(kind), "-m", "peers.exports", policy.folder, network, str(batch), kind, path],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        if outcome.returncode:
            raise RuntimeError((outcome.stderr.strip().splitlines() or ["the conversion ended without a message"])[-1])
    return path


def python(kind):
    """Returns the interpreter for a conversion: litert-torch requires an older PyTorch than the measured one."""
    return os.path.join(sys.prefix, "converter", "bin", "python") if kind.endswith("tflite") else sys.executable


def module(policy, network, batch):
    """Returns the network in PyTorch, and example inputs by name."""
    import torch

    from . import networks

    if network == "denoiser":
        inputs = {
            "sample": torch.zeros(batch, *policy.action_shape), "steps": torch.zeros(batch),
            "condition": torch.zeros(batch, policy.condition_dimension)}
    else:
        count = batch * policy.observation_shape[0]
        inputs = {"pixels": torch.zeros(count, *policy.camera.crop, 3, dtype=torch.uint8)}
    # Export attention as standard operations instead of one that only PyTorch has.
    torch.backends.mha.set_fastpath_enabled(False)
    return getattr(networks, network)(policy).eval(), inputs


def to_onnx(made, inputs, path):
    import torch

    torch.onnx.export(
        made, tuple(inputs.values()), path, input_names=list(inputs), output_names=["output"], dynamo=False,
        opset_version=18)


def to_litert(made, inputs, path):
    import litert_torch

    litert_torch.convert(made, tuple(inputs.values())).export(path)


def to_executorch(made, inputs, path):
    import torch
    from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
    from executorch.exir import to_edge_transform_and_lower

    program = torch.export.export(made, tuple(inputs.values()))
    lowered = to_edge_transform_and_lower(program, partitioner=[XnnpackPartitioner()]).to_executorch()
    with open(path, "wb") as file:
        lowered.write_to_file(file)


def to_litert_int8(made, inputs, path):
    """Converts with weights in 8 bits; activations are quantized at run time."""
    from ai_edge_quantizer import quantizer, recipe

    to_litert(made, inputs, f"{path}.float")
    made = quantizer.Quantizer(f"{path}.float", recipe.dynamic_wi8_afp32())
    made.quantize().export_model(path, overwrite=True)
    os.remove(f"{path}.float")


def to_ncnn(made, inputs, path):
    """Writes the weights to `path` and the network to `path.param`; deletes the other files of the converter."""
    import pnnx
    import torch

    with tempfile.TemporaryDirectory() as folder:
        traced = os.path.join(folder, "network.pt")
        torch.jit.trace(made, tuple(inputs.values())).save(traced)
        shapes = ",".join(str(list(value.shape)).replace(" ", "") for value in inputs.values())
        subprocess.run(
            [pnnx.EXEC_PATH, traced, f"inputshape={shapes}", "fp16=0", f"ncnnparam={os.path.abspath(path)}.param",
             f"ncnnbin={os.path.abspath(path)}"], check=True, cwd=folder)


def to_mnn(made, inputs, path):
    # The program `mnnconvert` would install packages and send usage data; this calls the same converter without either.
    import _tools

    to_onnx(made, inputs, f"{path}.onnx")
    _tools.mnnconvert([
        "mnnconvert", "-f", "ONNX", "--modelFile", f"{path}.onnx", "--MNNModel", path, "--bizCode", "bench"])
    os.remove(f"{path}.onnx")


KINDS = {
    "onnx": to_onnx, "tflite": to_litert, "int8.tflite": to_litert_int8, "pte": to_executorch, "ncnn": to_ncnn,
    "mnn": to_mnn}


def main():
    folder, network, batch, kind, path = sys.argv[1:]
    # Use another name until the file is complete.
    root, extension = os.path.split(path)
    unfinished = os.path.join(root, f"unfinished-{extension}")
    KINDS[kind](*module(Policy(folder), network, int(batch)), unfinished)
    for suffix in (".param", ""):
        if os.path.exists(unfinished + suffix):
            os.replace(unfinished + suffix, path + suffix)


if __name__ == "__main__":
    main()
