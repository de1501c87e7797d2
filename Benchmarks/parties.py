"""The measured implementations: `dpolicy`, started for each request, and each peer in a persistent process."""

import contextlib
import json
import os
import subprocess
import sys
import tempfile


class PartyError(Exception):
    """An implementation cannot do a work."""


class Differs(PartyError):
    """The outputs of an implementation differ from those of PyTorch."""


def precision_of(variant):
    return next(kind for kind in ("int8-weights", "int8", "bf16", "f32") if variant.endswith(kind))


def environment(threads):
    variables = dict(os.environ, OMP_NUM_THREADS=str(threads), PYTHONWARNINGS="ignore", JAX_PLATFORMS="cpu")
    variables["PYTHONPATH"] = os.path.dirname(os.path.abspath(__file__))
    return variables


class Ours:
    """`dpolicy` with a precision: f32, bf16, or int8 weights."""

    OPTIONS = {
        "f32": ["--precision", "float32"],
        "bf16": ["--precision", "bfloat16"],
        "int8-weights": ["--weights", "int8"],
    }

    def __init__(self, executable, precision, network, threads):
        self.name = f"dpolicy-{precision}"
        self.executable, self.precision, self.network, self.threads = executable, precision, network, threads

    def run(self, *arguments):
        command = [self.executable, *arguments, *self.OPTIONS[self.precision], "--threads", str(self.threads), "--json"]
        outcome = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if outcome.returncode:
            raise PartyError(outcome.stderr.strip().splitlines()[-1])
        return json.loads(outcome.stdout or "null")

    def ask(self, request):
        arguments = ["bench", "--work", request["do"], "--repetitions", str(request["repetitions"])]
        if request["do"] == "training":
            arguments += self.network.training
            if "noise_samples" in request:
                arguments += ["--set", f"training.noise_samples={request['noise_samples']}"]
        else:
            arguments += ["--policy", self.network.policy, "--batch", str(request["batch"])]
        if "sampler" in request:
            arguments += ["--sampler", request["sampler"], "--steps", str(request["steps"])]
        if request.get("cold"):
            arguments.append("--cold")
        report = self.run(*arguments)
        measurement = report["measurements"][0]
        return {
            "samples": measurement["milliseconds"]["samples"], "peak_memory_mib": report["peak_memory_mib"],
            "details": measurement["details"], "library": report["library"]}

    def answer(self, given, output):
        self.run(
            "predict", "--policy", self.network.policy, "--input", given, "--output", output, "--sampler", "ddim",
            "--steps", "10", "--spacing", "leading", *(["--features"] if self.network.sees_images else []))

    def close(self):
        pass


class Peer:
    """A worker process, pinned to as many processors as it has threads, since some runtimes use all processors."""

    def __init__(self, variant, network, threads, models, pinned=True):
        self.name = variant
        self.precision = precision_of(variant)
        self.threads = threads
        command = [
            sys.executable, "-m", "peers.worker", "--variant", variant, "--policy", network.policy, "--models", models,
            "--threads", str(threads)]
        processors = sorted(os.sched_getaffinity(0))[:threads if pinned else None]
        self.log = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            ["taskset", "--cpu-list", ",".join(map(str, processors)), *command], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=self.log, text=True, env=environment(threads))

    def ask(self, request):
        try:
            print(json.dumps(request), file=self.process.stdin, flush=True)
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            self.log.seek(0)
            raise PartyError((self.log.read().strip().splitlines() or ["ended without a message"])[-1])
        answer = json.loads(line)
        if "error" in answer:
            raise PartyError(answer["error"])
        return answer

    def answer(self, given, output):
        self.ask({"do": "answer", "batch": 0, "input": given, "output": output})

    def close(self):
        with contextlib.suppress(BrokenPipeError):  # The process may have ended before the first request.
            self.process.stdin.close()
        self.process.wait()
