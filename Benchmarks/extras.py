"""Work that only dpolicy supports, and the time from the start of a process to its first action."""

import os
import statistics
import time

from parties import Ours, PartyError, Peer

PRECISIONS = ["f32", "bf16"]


def evaluation(network, options):
    """Measures fifty simultaneous rollouts in Push-T with the small policy."""
    parties = {}
    for precision in PRECISIONS:
        for sampler, steps in [("ddim", 10)] if options.quick else [("ddim", 10), ("ddpm", 100)]:
            request = {
                "do": "evaluation", "batch": 2 if options.quick else 50, "sampler": sampler, "steps": steps,
                "repetitions": 1}
            try:
                answer = Ours(options.dpolicy, precision, network, options.threads).ask(request)
            except PartyError as error:
                parties[f"dpolicy-{precision}"] = {"error": str(error)}
                continue
            parties[f"dpolicy-{precision}, {sampler.upper()}-{steps}"] = {
                "seconds": sum(answer["samples"]) / 1e3,
                "control_steps_per_second": answer["details"]["control_steps_per_second"],
                "peak_memory_mib": answer["peak_memory_mib"]}
    return {"title": "Evaluation: 50 environments together, small U-Net", "parties": parties}


def simulator(network, options):
    """Measures control steps of Push-T without a policy."""
    request = {"do": "simulator", "batch": 1, "repetitions": 2 if options.quick else 20}
    answer = Ours(options.dpolicy, "f32", network, options.threads).ask(request)
    return {
        "title": "Simulator: Push-T on one thread",
        "parties": {"dpolicy": {"control_steps_per_second": answer["details"]["control_steps_per_second"]}}}


def start(network, options):
    """Measures the time from the start of the process to the first action chunk."""
    parties = {}
    runs = 2 if options.quick else 10
    given = os.path.join(options.scratch, f"answers-{network.name}", "one.safetensors")
    write_one(network, given)
    output = os.path.join(options.scratch, "started.safetensors")
    for name, sampler in {"own sampler, DDPM-100": [], "DDIM-10": ["--sampler", "ddim", "--steps", "10"]}.items():
        for precision in PRECISIONS:
            party = Ours(options.dpolicy, precision, network, options.threads)
            arguments = ["predict", "--policy", network.policy, "--input", given, "--output", output, *sampler]
            try:
                parties[f"dpolicy-{precision}, {name}"] = seconds(runs, lambda: party.run(*arguments))
            except PartyError as error:
                parties[f"dpolicy-{precision}, {name}"] = {"error": str(error)}
    for variant in ["openvino-bf16", "onnxruntime-f32", "pytorch-eager-f32"]:
        def first():
            peer = Peer(variant, network, options.threads, os.path.join(options.scratch, "models"))
            peer.ask({"do": "first", "batch": 1, "sampler": "ddim", "steps": 10})
            peer.close()

        try:
            first()  # Exports the model if necessary.
            parties[f"{variant}, DDIM-10"] = seconds(max(2, runs // 3), first)
        except PartyError as error:
            parties[f"{variant}, DDIM-10"] = {"error": str(error)}
    return {"title": "Start: from the process's start to the first action, small U-Net", "parties": parties}


def write_one(network, path):
    """Writes one observation as the input of `predict`."""
    import numpy as np
    from peers.policy import Policy
    from safetensors.numpy import save_file

    os.makedirs(os.path.dirname(path), exist_ok=True)
    save_file({"observation": np.full((1, *Policy(network.policy).observation_shape), 100, np.float32)}, path)


def seconds(runs, body):
    samples = []
    for _ in range(runs):
        start = time.perf_counter()
        body()
        samples.append(time.perf_counter() - start)
    return {"seconds": statistics.median(samples), "least_seconds": min(samples), "samples": runs}


WORKS = {"evaluation": evaluation, "simulator": simulator, "start": start}
