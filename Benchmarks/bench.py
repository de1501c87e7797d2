"""Measures dpolicy and its peers in turns, on the same work with the same number of threads; run by `make bench`.

    python Benchmarks/bench.py                                  # everything
    python Benchmarks/bench.py --only training-small,start      # some works; other results are kept
    python Benchmarks/bench.py --only acting-paper --peers openvino-bf16
    python Benchmarks/bench.py --busy                           # training and inference under load
    python Benchmarks/bench.py --quick                          # a quick check that everything works

Results go to speed.json and speed.md in Benchmarks/results; with --busy to busy.json and busy.md.
"""

import argparse
import datetime
import functools
import os
import statistics
import sys
import time

import busy
import busy_report
import extras
import machine
import outputs
import report
from parties import Differs, Ours, PartyError, Peer
from results import Results
from works import WORKS, Network

OWN_PRECISION = {"f32": "f32", "bf16": "bf16", "int8-weights": "int8-weights", "int8": "int8-weights"}


def main():
    options = arguments()
    os.makedirs(options.results, exist_ok=True)
    if options.busy:
        measure_busy(options)
        return
    results = make_results(options, "speed.json", options.threads)
    networks = make_networks(options)
    checks = functools.cache(lambda network: outputs.Check(network, options.scratch))
    failures = []
    for work in WORKS:
        if chosen(work.name, options.only):
            start = time.perf_counter()
            failures += measure(work, networks[work.network], checks, options, results)
            print(f"{work.name}: {time.perf_counter() - start:.0f} s", file=sys.stderr)
    for name, run in extras.WORKS.items():
        if chosen(name, options.only):
            results.put(name, run(networks["small"], options), options.quick)
    results.save()
    write(options, "speed.md", report.markdown(results.document))
    for failure in failures:
        print(f"failed: {failure}", file=sys.stderr)
    sys.exit(1 if any("differs" in failure for failure in failures) else 0)


def measure_busy(options):
    # The number of threads is stored with each figure.
    results = make_results(options, "busy.json", busy.THREADS)
    results.put("busy", busy.run(make_networks(options, ["small"])["small"], options), options.quick)
    results.save()
    write(options, "busy.md", busy_report.markdown(results.document))


def make_results(options, name, threads):
    described = machine.describe()
    facts = {
        "machine": options.machine or described["name"], "threads": threads, "versions": machine.versions(),
        "date": datetime.date.today().isoformat()}
    results = Results(os.path.join(options.results, name), facts)
    results.describe(described)
    return results


def write(options, name, text):
    with open(os.path.join(options.results, name), "w") as file:
        file.write(text)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = [work.name for work in WORKS] + list(extras.WORKS)
    parser.add_argument("--only", help=f"comma-separated works: {', '.join(names)}")
    parser.add_argument("--peers", help="comma-separated peers; none: measure only dpolicy")
    parser.add_argument("--busy", action="store_true", help="measure under load instead; about 20 minutes")
    parser.add_argument("--machine", help="name of this machine in the results; default: its processor")
    parser.add_argument("--quick", action="store_true", help="few repetitions: a check that everything works")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--dpolicy", default=".build/release/dpolicy")
    parser.add_argument("--policy", default="Policies/pusht", help="the small U-Net")
    parser.add_argument("--data", default="Demonstrations/pusht.zarr")
    parser.add_argument("--scratch", default=".build/benchmarks/files", help="folder for generated weights and models")
    parser.add_argument("--results", help="default: Benchmarks/results; with --quick a temporary folder")
    options = parser.parse_args()
    options.results = options.results or (".build/benchmarks/quick" if options.quick else "Benchmarks/results")
    for name in options.only.split(",") if options.only else []:
        if name not in names:
            parser.error(f"--only: expected some of {', '.join(names)}, found {name}")
    return options


def chosen(name, only):
    return not only or name in only.split(",")


def make_networks(options, names=("small", "paper", "image", "transformer")):
    """The small network is the shipped policy; the others have random weights, which take the same time."""
    data = ["--data", options.data]
    small = Network("small", options.policy, (*data, "--set", "policy.denoiser.widths=[64,128,256]"))
    paper = Network(
        "paper", os.path.join(options.scratch, "paper"), (*data, "--set", "policy.denoiser.widths=[256,512,1024]"))
    # Use as many images as the peers, since rendering all would only take time, and no gradient clipping, as the peers.
    image = Network("image", os.path.join(options.scratch, "image"), (
        *data, "--recipe", "pusht-image-cnn", "--windows", "5000", "--set", "training.gradient_clip=null"),
        sees_images=True)
    transformer = Network("transformer", os.path.join(options.scratch, "transformer"), (
        *data, "--recipe", "pusht-lowdim-transformer", "--set", "training.gradient_clip=null"))
    networks = [network for network in [small, paper, image, transformer] if network.name in names]
    for network in networks:
        if not os.path.exists(os.path.join(network.policy, "policy.json")):
            ours(options, "f32", network).run(
                "bench", "--work", "pass", "--repetitions", "1", *network.training, "--export", network.policy)
    return {network.name: network for network in networks}


def ours(options, precision, network):
    return Ours(options.dpolicy, precision, network, options.threads)


def measure(work, network, checks, options, results):
    """Measures a work with each peer, and returns the failures."""
    failures = []
    record = {"title": work.title, "cases": {}, "outputs": {}, "memory_mib": {}, "not_run": {}}
    peers = [peer for peer in work.peers if chosen(peer, options.peers)]
    if work.measures_tails or not peers:
        for precision in ["f32", "bf16", "int8-weights"] if "acting" in work.name or work.measures_tails else ["f32", "bf16"]:
            party = ours(options, precision, network)
            failures += attempt(party, lambda: alone(party, work, options, record), record)
    for name in peers:
        peer = Peer(name, network, options.threads, os.path.join(options.scratch, "models"))
        own = ours(options, OWN_PRECISION[peer.precision], network)
        try:
            if not work.name.startswith("training"):
                failures += attempt(peer, lambda: checks(network).compare(peer, record["outputs"]), record)
                failures += attempt(own, lambda: checks(network).compare(own, record["outputs"]), record)
            partner = None if work.measures_tails or own.name in record["not_run"] else own
            if peer.name not in record["not_run"]:
                failures += attempt(peer, lambda: in_turns(peer, partner, work, options, record), record)
        finally:
            peer.close()
        results.put(work.name, record, options.quick)
        results.save()
    results.put(work.name, record, options.quick)
    return failures


def attempt(party, body, record):
    """Runs `body` and returns its failures. Baselines that cannot do the work or be installed are listed as not run."""
    try:
        body()
        return []
    except PartyError as error:
        print(f"  {party.name}: {error}", file=sys.stderr)
        if not isinstance(error, Differs):
            record["not_run"][party.name] = str(error)
        return [f"{party.name}: {error}"]


def alone(party, work, options, record):
    for case in work.cases:
        samples = ask(party, case, options, record)
        record["cases"].setdefault(case.name, {})[party.name] = summary([samples])


def in_turns(peer, own, work, options, record):
    """Measures dpolicy and the peer in alternating rounds; the ratio is the median of the rounds' ratios."""
    for case in work.cases:
        if case.peers is not None and peer.name not in case.peers:
            continue
        theirs, mine = [], []
        for _ in range(1 if options.quick else work.rounds):
            if own:
                mine.append(ask(own, case, options, record))
            theirs.append(ask(peer, case, options, record))
        entry = summary(theirs)
        if own:
            ratios = [statistics.median(a) / statistics.median(b) for a, b in zip(theirs, mine)]
            entry |= {"against": own.name, "ours": summary(mine), "ratio": statistics.median(ratios)}
        record["cases"].setdefault(case.name, {})[peer.name] = entry
        ratio = f"  {entry['ratio']:.2f}× {own.name}" if own else ""
        print(f"  {case.name}: {peer.name} {entry['median_ms']:.3f} ms{ratio}", file=sys.stderr)


def ask(party, case, options, record):
    repetitions = min(case.repetitions, 3) if options.quick else case.repetitions
    seconds = 0.1 if options.quick else case.seconds
    answer = party.ask(case.request | {"repetitions": repetitions, "seconds": seconds})
    if (case.request["do"] == "training" or case.request["batch"] == 1) and not case.request.get("cold"):
        record["memory_mib"][party.name] = max(record["memory_mib"].get(party.name, 0), answer["peak_memory_mib"])
    return answer["samples"]


def summary(rounds):
    samples = sorted(sample for one in rounds for sample in one)
    return {
        "median_ms": statistics.median(statistics.median(one) for one in rounds),
        "p99_ms": samples[-(-99 * len(samples) // 100) - 1], "minimum_ms": samples[0], "samples": len(samples)}


if __name__ == "__main__":
    main()
