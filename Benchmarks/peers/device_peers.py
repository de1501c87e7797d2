"""Runtimes for phones and small devices: LiteRT and ExecuTorch, both with XNNPACK, ncnn and MNN."""

import numpy as np

from . import exports


class LiteRtPeer:
    """Variants: f32; int8, weights in 8 bits with activations quantized at run time."""

    def __init__(self, policy, variant, threads, folder):
        self.policy, self.variant, self.threads, self.folder = policy, variant, threads, folder

    def acting(self, batch):
        from ai_edge_litert.interpreter import Interpreter

        kind = "int8.tflite" if "int8" in self.variant else "tflite"
        interpreter = Interpreter(
            exports.path(self.policy, "denoiser", batch, self.folder, kind), num_threads=self.threads)
        interpreter.allocate_tensors()
        # The names of inputs are numbered in the order of the network's arguments.
        inputs = [place["index"] for place in sorted(interpreter.get_input_details(), key=lambda place: place["name"])]
        output = interpreter.get_output_details()[0]["index"]

        def run(*values):
            for index, value in zip(inputs, values):
                interpreter.set_tensor(index, value)
            interpreter.invoke()
            return interpreter.get_tensor(output)

        return run


class ExecuTorchPeer:
    def __init__(self, policy, variant, threads, folder):
        import torch
        from executorch.extension.pybindings import portable_lib

        torch.set_num_threads(threads)
        portable_lib._unsafe_reset_threadpool(threads)
        self.policy, self.folder = policy, folder

    def acting(self, batch):
        import torch
        from executorch.runtime import Runtime

        program = Runtime.get().load_program(exports.path(self.policy, "denoiser", batch, self.folder, "pte"))
        method = program.load_method("forward")
        return lambda *values: method.execute([torch.from_numpy(value) for value in values])[0].numpy()


class NcnnPeer:
    """The networks support no batches, so requests run one after another."""

    def __init__(self, policy, variant, threads, folder):
        self.policy, self.threads, self.folder = policy, threads, folder

    def acting(self, batch):
        import ncnn

        network = ncnn.Net()
        network.opt.num_threads = self.threads
        network.opt.use_fp16_packed = network.opt.use_fp16_storage = network.opt.use_fp16_arithmetic = False
        path = exports.path(self.policy, "denoiser", 1, self.folder, "ncnn")
        network.load_param(f"{path}.param")
        network.load_model(path)

        def one(*values):
            with network.create_extractor() as extractor:
                for index, value in enumerate(values):
                    extractor.input(f"in{index}", ncnn.Mat(value))
                return np.array(extractor.extract("out0")[1])

        def run(sample, steps, condition):
            return np.stack([one(sample[row], steps[row:row + 1], condition[row:row + 1]) for row in range(batch)])

        return run


class MnnPeer:
    def __init__(self, policy, variant, threads, folder):
        self.policy, self.threads, self.folder = policy, threads, folder

    def acting(self, batch):
        import MNN
        import MNN.nn

        runtime = MNN.nn.create_runtime_manager(
            ({"backend": "CPU", "numThread": self.threads, "precision": "normal"},))
        network = MNN.nn.load_module_from_file(
            exports.path(self.policy, "denoiser", batch, self.folder, "mnn"), ["sample", "steps", "condition"],
            ["output"], runtime_manager=runtime)

        def run(*values):
            inputs = [MNN.expr.const(value, list(value.shape), MNN.expr.NCHW, MNN.expr.float) for value in values]
            return network.forward(inputs)[0].read().copy()

        return run
