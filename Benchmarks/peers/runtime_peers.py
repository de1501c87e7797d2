"""Runtimes that execute the exported network: ONNX Runtime and OpenVINO."""

import numpy as np

from . import exports, sampling


class OnnxRuntimePeer:
    def __init__(self, policy, variant, threads, folder):
        self.policy, self.threads, self.folder = policy, threads, folder

    def acting(self, batch):
        return self._session("denoiser", batch)

    def encoding(self, batch):
        return self._session("encoder", batch)

    def _session(self, network, batch):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self.threads
        options.inter_op_num_threads = 1
        session = onnxruntime.InferenceSession(
            exports.path(self.policy, network, batch, self.folder), options, providers=["CPUExecutionProvider"])
        names = [node.name for node in session.get_inputs()]
        return lambda *values: session.run(None, dict(zip(names, values)))[0]


class OpenVinoPeer:
    """Variants: f32 and bf16 products; int8 weights (compressed by NNCF) with bf16 products; int8 weights and
    activations."""

    def __init__(self, policy, variant, threads, folder):
        self.policy, self.variant, self.threads, self.folder = policy, variant, threads, folder

    def acting(self, batch):
        return self._compiled("denoiser", batch)

    def encoding(self, batch):
        return self._compiled("encoder", batch)

    def _compiled(self, network, batch):
        import openvino

        core = openvino.Core()
        model = core.read_model(exports.path(self.policy, network, batch, self.folder))
        if "int8" in self.variant:
            model = self._in_8_bits(model, batch)
        compiled = core.compile_model(model, "CPU", {
            "PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": self.threads,
            "INFERENCE_PRECISION_HINT": "f32" if "f32" in self.variant else "bf16"})
        request = compiled.create_infer_request()
        inputs = [np.zeros(tuple(port.shape), port.element_type.to_dtype()) for port in compiled.inputs]
        for index, values in enumerate(inputs):
            request.set_input_tensor(index, openvino.Tensor(values, shared_memory=True))
        output = request.get_output_tensor(0).data

        def run(*values):
            for target, source in zip(inputs, values):
                target[...] = source
            request.infer(share_outputs=True)
            return output.copy()

        return run

    def _in_8_bits(self, model, batch):
        import nncf

        if "weights" in self.variant:
            return nncf.compress_weights(model, mode=nncf.CompressWeightsMode.INT8_SYM)
        rng = np.random.default_rng(0)

        def item(index):
            clean = rng.uniform(-1, 1, (batch, *self.policy.action_shape))
            share = sampling.remaining()[step := index % sampling.TRAINING_STEPS]
            sample = np.sqrt(share) * clean + np.sqrt(1 - share) * rng.standard_normal(clean.shape)
            return {
                "sample": sample.astype(np.float32), "steps": np.full(batch, step, np.float32),
                "condition": rng.uniform(-1, 1, (batch, self.policy.condition_dimension)).astype(np.float32)}

        is_transformer = self.policy.denoiser["name"] == "transformer"
        return nncf.quantize(
            model, nncf.Dataset([item(index) for index in range(100)]), subset_size=100,
            model_type=nncf.ModelType.TRANSFORMER if is_transformer else None)
