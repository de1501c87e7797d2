"""How work goes on a machine that does other things at the same time: `bench.py --busy`.

Under each load every party computes in turns: we, PyTorch and the runtimes, with one thread and with two. A load is so
many processes that compute and do nothing else, on whichever processor the system puts them.
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

# Ends by itself when whoever started it is gone, however that came about.
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
# Who does a work, what it is, and for how many seconds under each load.
TRAINING = (
    "training step", ["dpolicy-f32", "dpolicy-bf16", "pytorch-eager-f32", "pytorch-eager-bf16"],
    {"do": "training", "batch": 256}, 10.0)
ACTING = (
    "DDIM-10 chunk",
    ["dpolicy-f32", "dpolicy-bf16", "pytorch-eager-f32", "onnxruntime-f32", "openvino-f32", "openvino-bf16",
     "litert-f32", "executorch-f32", "mnn-f32", "ncnn-f32"],
    chunk("ddim", 10), 2.5)
ROUNDS = 2
# Before it has been measured, a repetition is taken to last as many milliseconds.
FIRST_GUESS = {"training": 300.0, "chunk": 5.0}


class Contender:
    """A party that does one work with so many threads."""

    def __init__(self, work, request, seconds, party):
        self.work, self.request, self.seconds, self.party = work, request, seconds, party
        self.guess = FIRST_GUESS[request["do"]]

    def measure(self, seconds):
        """Milliseconds of repetitions for about so many seconds.
        `dpolicy` is told a number of repetitions, not a time; a tenth of the time shows how long they take now."""
        if isinstance(self.party, Ours):
            return self._repeat(seconds / 10, 1) + self._repeat(0.9 * seconds, 3)
        # Everyone has been warm since the begin; one repetition of a slow party may take many seconds.
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
    """Processes that compute, in the session of this one: the scheduler may give every session a share of its own."""
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
    """A record of `Results`: for each load, work, party and number of threads the median and p99 in milliseconds."""
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
    """Everyone, warm; adds to `not_run` why some cannot take part."""
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
    """Rounds in which everyone has a turn; `share` of the time that a contender has is measured."""
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
