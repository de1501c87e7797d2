"""Measures performance while other processes are running: `bench.py --busy`.

Under each load dpolicy and each baseline (PyTorch and the runtimes) compute in turns, with one thread and with two. A
load is a number of processes that only compute, not pinned to any processor.
"""

import contextlib
import itertools
import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass

from parties import Ours, PartyError, Peer
from works import chunk

# Ends by itself when its parent process has ended.
BUSY = """
import os, sys
parent = int(sys.argv[1])
while os.getppid() == parent:
    for _ in range(1_000_000):
        pass
"""


@dataclass(frozen=True)
class Load:
    name: str
    processes: int
    nice: int = 0


def loads(cores):
    return [
        Load("quiet", 0), *(Load(f"{count} busy", count) for count in (1, 2, 4, 6, 8)),
        Load(f"{cores} at nice 19", cores, nice=19)]


THREADS = [1, 2]
# A work: its name, the baselines and dpolicy variants, the request, and the seconds under each load.
TRAINING = (
    "training step", ["dpolicy-f32", "dpolicy-bf16", "pytorch-eager-f32", "pytorch-eager-bf16"],
    {"do": "training", "batch": 256}, 10.0)
ACTING = (
    "DDIM-10 chunk",
    ["dpolicy-f32", "dpolicy-bf16", "pytorch-eager-f32", "onnxruntime-f32", "openvino-f32", "openvino-bf16",
     "litert-f32", "executorch-f32", "mnn-f32", "ncnn-f32"],
    chunk("ddim", 10), 2.5)
ROUNDS = 2
# The assumed milliseconds of a repetition before the first measurement.
FIRST_GUESS = {"training": 300.0, "chunk": 5.0}


class Contender:
    """A baseline, or dpolicy, that does one work with a number of threads."""

    def __init__(self, work, request, seconds, party):
        self.work, self.request, self.seconds, self.party = work, request, seconds, party
        self.guess = FIRST_GUESS[request["do"]]

    def measure(self, seconds):
        """Returns the milliseconds of repetitions over about this many seconds.
        `dpolicy` takes a number of repetitions instead of a time; a tenth of the time is used to estimate it."""
        if isinstance(self.party, Ours):
            return self._repeat(seconds / 10, 1) + self._repeat(0.9 * seconds, 3)
        # All processes are already warm; one repetition of a slow baseline may take many seconds.
        request = self.request | {"repetitions": 1_000_000, "seconds": seconds, "warm_ups": int(self.guess < 1e3)}
        samples = self.party.ask(request)["samples"]
        self.guess = statistics.fmean(samples)
        return samples

    def _repeat(self, seconds, least):
        repetitions = max(least, round(1e3 * seconds / self.guess))
        samples = self.party.ask(self.request | {"repetitions": repetitions})["samples"]
        self.guess = statistics.fmean(samples)
        return samples


@contextlib.contextmanager
def load(kind):
    """Runs load processes in the session of this process, since the scheduler may divide processors among sessions."""
    command = ["nice", "-n", str(kind.nice), sys.executable, "-c", BUSY, str(os.getpid())]
    processes = [subprocess.Popen(command, stdin=subprocess.DEVNULL) for _ in range(kind.processes)]
    try:
        if any(os.getsid(process.pid) != os.getsid(0) for process in processes):
            raise PartyError("the busy processes are in another session than the bench")
        time.sleep(0.5)
        yield
    finally:
        for process in processes:
            process.kill()
        for process in processes:
            process.wait()


def run(network, options):
    """Returns a record for `Results`: median and p99 in milliseconds per load, work, baseline and number of threads."""
    kinds = loads(len(os.sched_getaffinity(0)))
    kinds = kinds[:2] if options.quick else kinds
    record = {
        "title": "Busy machines", "autogroup": autogroup(), "load_average_before": os.getloadavg()[0],
        "loads": [kind.name for kind in kinds], "cells": [], "not_run": {}}
    contenders = prepare(network, options, record["not_run"])
    try:
        for kind in kinds:
            start = time.perf_counter()
            with load(kind):
                record["cells"] += under(kind, contenders, 0.02 if options.quick else 1.0, record["not_run"])
            print(f"  {kind.name}: {time.perf_counter() - start:.0f} s", file=sys.stderr)
    finally:
        for contender in contenders:
            contender.party.close()
    return record


def prepare(network, options, not_run):
    """Returns the warmed-up contenders; adds to `not_run` the reasons of those that cannot run."""
    contenders = []
    for work, names, request, seconds in (TRAINING, ACTING):
        for name, threads in itertools.product(names, THREADS):
            if not name.startswith("dpolicy") and options.peers and name not in options.peers.split(","):
                continue
            contender = Contender(work, request, seconds, make_party(name, threads, network, options))
            try:
                contender.measure(0.1)
                contenders.append(contender)
            except PartyError as error:
                not_run[name] = str(error)
                contender.party.close()
    return contenders


def make_party(name, threads, network, options):
    if name.startswith("dpolicy"):
        return Ours(options.dpolicy, name.removeprefix("dpolicy-"), network, threads)
    return Peer(name, network, threads, os.path.join(options.scratch, "models"), pinned=False)


def under(kind, contenders, share, not_run):
    """Measures all contenders in rounds, each for the fraction `share` of its time."""
    rounds = {contender: [] for contender in contenders}
    for _ in range(ROUNDS):
        for contender, samples in rounds.items():
            try:
                samples.append(contender.measure(share * contender.seconds / ROUNDS))
            except PartyError as error:
                not_run[contender.party.name] = f"{kind.name}: {error}"
    return [cell(kind, contender, samples) for contender, samples in rounds.items() if samples]


def cell(kind, contender, rounds):
    samples = sorted(sample for one in rounds for sample in one)
    return {
        "work": contender.work, "party": contender.party.name, "threads": contender.party.threads, "load": kind.name,
        "median_ms": statistics.median(samples), "p99_ms": samples[-(-99 * len(samples) // 100) - 1],
        "samples": len(samples)}


def autogroup():
    try:
        with open("/proc/sys/kernel/sched_autogroup_enabled") as file:
            return file.read().strip() == "1"
    except OSError:
        return False
