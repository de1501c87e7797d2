"""Runs one peer in its own process. Reads requests and writes responses, one line of JSON each.

    {"do": "pass", "batch": 1, "seconds": 0.5, "repetitions": 200, "cold": false}
    {"do": "encode", "batch": 1, "seconds": 0.5, "repetitions": 100}
    {"do": "chunk", "batch": 1, "sampler": "ddim", "steps": 10, "seconds": 2, "repetitions": 50, "cold": false}
    {"do": "training", "batch": 256, "seconds": 5, "repetitions": 10}
    {"do": "training", "batch": 64, "noise_samples": 4, "seconds": 5, "repetitions": 10}
    {"do": "first", "batch": 1, "sampler": "ddim", "steps": 10}
    {"do": "answer", "batch": 1, "input": "in.safetensors", "output": "out.safetensors"}
"""

import argparse
import json
import os
import sys
import threading
import time

import numpy as np

from . import sampling
from .policy import Policy

VARIANTS = {
    "pytorch-eager-f32": "torch", "pytorch-eager-bf16": "torch", "pytorch-compile-f32": "torch",
    "pytorch-compile-bf16": "torch", "jax-f32": "jax", "jax-bf16": "jax", "onnxruntime-f32": "onnxruntime",
    "openvino-f32": "openvino", "openvino-bf16": "openvino", "openvino-int8-weights": "openvino",
    "openvino-int8": "openvino", "litert-f32": "litert", "litert-int8": "litert", "executorch-f32": "executorch",
    "ncnn-f32": "ncnn", "mnn-f32": "mnn",
}


def make(variant, policy, threads, folder):
    kind = VARIANTS[variant]
    if kind == "torch":
        from .torch_peer import TorchPeer

        return TorchPeer(policy, variant, threads)
    if kind == "jax":
        from .jax_peer import JaxPeer

        return JaxPeer(policy, variant, threads)
    from . import device_peers, runtime_peers

    make = {
        "onnxruntime": runtime_peers.OnnxRuntimePeer, "openvino": runtime_peers.OpenVinoPeer,
        "litert": device_peers.LiteRtPeer, "executorch": device_peers.ExecuTorchPeer, "ncnn": device_peers.NcnnPeer,
        "mnn": device_peers.MnnPeer}[kind]
    return make(policy, variant, threads, folder)


class ColdCaches:
    """Buffers larger than any cache, one per thread, so that changing them also empties private caches."""

    def __init__(self, threads):
        self.parts = [np.zeros(192 << 20, np.uint8) for _ in range(threads)]

    def empty(self):
        threads = [threading.Thread(target=self._change, args=(part,)) for part in self.parts]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    @staticmethod
    def _change(part):
        part += 1


class Worker:
    def __init__(self, options):
        self.policy = Policy(options.policy)
        self.peer = make(options.variant, self.policy, options.threads, options.models)
        self.threads = options.threads
        self.generator = np.random.default_rng(0)
        self.prepared = {}
        self.caches = None

    def kept(self, key, make):
        if key not in self.prepared:
            self.prepared[key] = make()
        return self.prepared[key]

    def network(self, batch):
        return self.kept(("network", batch), lambda: self.peer.acting(batch))

    def condition(self, observation, images):
        """Returns the condition for raw observations [batch, To, D] and camera images [batch, To, height, width, 3]."""
        return self.policy.condition(observation, None if images is None else self.features(images))

    def features(self, images):
        batch = len(images)
        encoder = self.kept(("encoder", batch), lambda: self.peer.encoding(batch))
        return encoder(self.policy.camera.middle(images))

    def chunk(self, batch, sampler, steps):
        rows = sampling.table(sampler, steps)
        if hasattr(self.peer, "chunk"):
            return self.kept(("chunk", batch, sampler, steps), lambda: self.peer.chunk(rows))
        network = self.network(batch)
        return lambda sample, condition: sampling.denoise(network, rows, sample, condition, self.generator)

    def answer(self, request):
        batch = request["batch"]
        sample = self.generator.standard_normal((batch, *self.policy.action_shape), np.float32)
        condition = self.generator.uniform(-1, 1, (batch, self.policy.condition_dimension)).astype(np.float32)
        images = self.policy.camera and self.generator.integers(0, 256, self.policy.frames(batch), np.uint8)
        match request["do"]:
            case "training":
                options = {key: request[key] for key in ("noise_samples",) if key in request}
                body = self.kept(("training", batch, *options.items()), lambda: self.peer.training(batch, **options))
            case "pass":
                network, steps = self.network(batch), np.full(batch, 50, np.float32)
                body = lambda: network(sample, steps, condition)
            case "encode":
                body = lambda: self.features(images)
            case "chunk":
                chunk = self.chunk(batch, request["sampler"], request["steps"])
                raw = np.full((batch, *self.policy.observation_shape), 100, np.float32)
                # As in dpolicy: from raw observations and sampled noise to raw actions.
                body = lambda: self.policy.action(chunk(
                    self.generator.standard_normal(sample.shape, np.float32), self.condition(raw, images)))
            case "answer":
                return self.answer_file(request)
            case "first":
                self.chunk(batch, request["sampler"], request["steps"])(sample, condition)
                return {}
        return {"samples": self.measure(body, request), "peak_memory_mib": peak_memory()}

    def answer_file(self, request):
        """Writes predicted actions with DDIM-10, the network output at step 50 and image features, for given noise and
        observations."""
        from safetensors.numpy import load_file, save_file

        given = load_file(request["input"])
        batch = len(given["noise"])
        camera = self.policy.camera
        images = given[f"image.{camera.name}"] if camera else None
        condition = self.condition(given["observation"], images)
        output = self.network(batch)(given["noise"], np.full(batch, 50, np.float32), condition)
        action = self.policy.action(self.chunk(batch, "ddim", 10)(given["noise"], condition)).astype(np.float32)
        answer = {"output": output, "action_prediction": action}
        if camera:
            answer["features"] = self.features(images)
        save_file({name: np.ascontiguousarray(values) for name, values in answer.items()}, request["output"])
        return {}

    def measure(self, body, request):
        """Returns the milliseconds of repetitions, up to the requested number or time; the first ones warm up."""
        caches = None
        if request.get("cold"):
            self.caches = caches = self.caches or ColdCaches(self.threads)
        for _ in range(request.get("warm_ups", 3)):
            body()
        samples, end = [], time.perf_counter() + request["seconds"]
        while len(samples) < request["repetitions"] and (len(samples) < 3 or time.perf_counter() < end):
            if caches:
                caches.empty()
            start = time.perf_counter()
            body()
            samples.append(1e3 * (time.perf_counter() - start))
        return samples


def peak_memory():
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) / 1024 for line in file if line.startswith("VmHWM"))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--variant", choices=list(VARIANTS), required=True)
    parser.add_argument("--policy", required=True)
    parser.add_argument("--models", required=True)
    parser.add_argument("--threads", type=int, required=True)
    options = parser.parse_args()
    # Redirect standard output, so that libraries cannot print between the responses.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    worker = Worker(options)
    for line in sys.stdin:
        try:
            answer = worker.answer(json.loads(line))
        except Exception as error:  # Report a peer that cannot do a work; the others continue.
            answer = {"error": f"{type(error).__name__}: {error}".splitlines()[0]}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
