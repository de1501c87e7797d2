"""Writes the results as Markdown."""

import statistics

from parties import precision_of
from results import merged

# The most important works: title, work, case, precisions of dpolicy.
GOALS = [
    ("training step, small U-Net", "training-small", "batch 256", ["f32", "bf16"]),
    ("training step, paper's U-Net", "training-paper", "batch 256", ["f32", "bf16"]),
    ("training step, small image policy", "training-image", "batch 64", ["f32", "bf16"]),
    ("training step, transformer", "training-transformer", "batch 256", ["f32", "bf16"]),
    ("network pass, small U-Net", "acting-small", "network pass, batch 1", ["f32", "bf16", "int8-weights"]),
    ("DDIM-10 chunk, small U-Net", "acting-small", "DDIM-10 chunk, batch 1", ["f32", "bf16", "int8-weights"]),
    ("network pass, paper's U-Net", "acting-paper", "network pass, batch 1", ["f32", "bf16", "int8-weights"]),
    ("DDIM-10 chunk, paper's U-Net", "acting-paper", "DDIM-10 chunk, batch 1", ["f32", "bf16", "int8-weights"]),
    ("two images to features", "acting-image", "images to features, batch 1", ["f32", "bf16"]),
    ("DDIM-10 chunk, small image policy", "acting-image", "DDIM-10 chunk, batch 1", ["f32", "bf16"]),
    ("network pass, transformer", "acting-transformer", "network pass, batch 1", ["f32", "bf16", "int8-weights"]),
    ("DDIM-10 chunk, transformer", "acting-transformer", "DDIM-10 chunk, batch 1", ["f32", "bf16", "int8-weights"]),
]
# The precisions of peers that a precision of dpolicy is compared with: the same one and higher ones.
COMPARABLE = {"f32": ["f32"], "bf16": ["f32", "bf16"], "int8-weights": ["f32", "bf16", "int8-weights", "int8"]}


def markdown(document):
    works = document["works"]
    lines = ["# Speed", "", *heading(document)]
    for threads in sorted({run["threads"] for work in works.values() for run in work["runs"]}, reverse=True):
        measured = {name: Measured(work, threads) for name, work in works.items()}
        measured = {name: work for name, work in measured.items() if work.runs}
        lines += ["", f"## {count(threads, 'thread')}: the best peer of each work", "", *goals(measured)]
        for name, work in measured.items():
            lines += ["", f"## {work.title}", "", f"`{name}`, {count(threads, 'thread')}, {work.dates()}.", ""]
            lines += work_tables(work)
    return "\n".join(lines) + "\n"


class Measured:
    """The runs of a work with a number of threads. `latest` has the newest figures of the newest machine."""

    def __init__(self, work, threads):
        self.title = work["title"]
        self.runs = sorted((run for run in work["runs"] if run["threads"] == threads), key=lambda run: run["date"])
        self.latest = {}
        for run in self.runs:
            if run["machine"] == self.runs[-1]["machine"]:
                self.latest = merged(self.latest, run)

    def dates(self):
        dates = sorted({run["date"] for run in self.runs})
        return dates[0] if len(dates) == 1 else f"{dates[0]} to {dates[-1]}"

    def ratios(self, case, name, precision=None):
        """Returns (machine, peer time / dpolicy time) for every run with both. Without `precision`, uses the dpolicy
        precision measured in turns with the peer."""
        found = []
        for run in self.runs:
            parties = run.get("cases", {}).get(case, {})
            if (value := ratio(parties, name, precision)) is not None:
                found.append((run["machine"], value))
        return found


def ratio(parties, name, precision):
    entry = parties.get(name)
    if entry is None:
        return None
    if "against" in entry and (precision is None or entry["against"] == f"dpolicy-{precision}"):
        # Both were measured in turns, so disturbances affected both.
        return entry["ratio"]
    mine = precision and ours(parties, precision)
    return entry["median_ms"] / mine if mine else None


def ours(parties, precision):
    """Returns the median of dpolicy over all pairs with it."""
    name = f"dpolicy-{precision}"
    times = [entry["ours"]["median_ms"] for entry in parties.values() if entry.get("against") == name]
    times += [parties[name]["median_ms"]] if name in parties else []
    return statistics.median_low(times) if times else None


def heading(document):
    runs = [run for work in document["works"].values() for run in work["runs"]]
    machines = {run["machine"] for run in runs}
    lines = [
        "Milliseconds are medians over alternating rounds of dpolicy and the peer, from the latest run of a work. A "
        "ratio\nabove 1 means that dpolicy is faster. If a work has several runs, its ratio is their median, followed "
        "by the minimum\nand the maximum. The fastest peer is in bold. "
        f"Measured on {count(len(machines), 'machine')}. [How it is measured](../README.md).", "",
        "| machine | instructions | memory, GiB | threads | day | versions |", "|---|---|---|---|---|---|"]
    rows = {}
    for run in sorted(runs, key=lambda run: run["date"]):
        machine = document["machines"][run["machine"]]
        versions = ", ".join(f"{name} {version}" for name, version in run["versions"].items())
        rows[f"| {run['machine']} | {machine['instructions']} | {machine['memory_gib']} | {run['threads']} | "
             f"{run['date']} | {versions} |"] = None
    lines += rows
    return lines + (["", "**A quick run: figures are not meaningful.**"] if any(run["quick"] for run in runs) else [])


def goals(measured):
    """Tabulates, for each work and precision, the closest peer among those with at least the same precision."""
    rows = []
    for title, name, case, precisions in GOALS:
        work = measured.get(name)
        parties = work.latest.get("cases", {}).get(case, {}) if work else {}
        for precision in precisions:
            peers = {
                peer: work.ratios(case, peer, precision) for peer in parties
                if not peer.startswith("dpolicy") and precision_of(peer) in COMPARABLE[precision]}
            peers = {peer: ratios for peer, ratios in peers.items() if ratios}
            if not peers:
                continue
            best = min(peers, key=lambda peer: statistics.median(value for _, value in peers[peer]))
            entry = parties[best]
            in_turns = entry.get("against") == f"dpolicy-{precision}"
            mine = entry["ours"]["median_ms"] if in_turns else ours(parties, precision)
            rows.append(
                f"| {title}, {precision} | {best} | {milliseconds(mine) if mine else ''} | "
                f"{milliseconds(entry['median_ms'])} | {spread(peers[best])} |")
    return ["| work | best peer | dpolicy, ms | peer, ms | ratio |", "|---|---|---|---|---|", *rows] if rows else []


def spread(ratios):
    """Formats the median and the range of (machine, ratio) pairs."""
    values = [value for _, value in ratios]
    text = f"{statistics.median(values):.2f}×"
    if len(values) > 1:
        machines = count(len({machine for machine, _ in ratios}), "machine")
        text += f" ({min(values):.2f} to {max(values):.2f} over {len(values)} runs on {machines})"
    return text


def work_tables(work):
    latest = work.latest
    if "parties" in latest:
        return parties_table(latest["parties"])
    lines = []
    for case, parties in latest["cases"].items():
        lines += [f"**{case}**", "", *case_table(work, case, parties), ""]
    if latest["outputs"]:
        lines += outputs_table(latest["outputs"]) + [""]
    if latest.get("not_run"):
        lines += ["Not run:", ""] + [f"- {name}: {reason}" for name, reason in sorted(latest["not_run"].items())] + [""]
    return lines + memory_table(latest["memory_mib"])


def case_table(work, case, parties):
    lines = ["| program | median, ms | p99, ms | dpolicy in turns, ms | ratio |", "|---|---|---|---|---|"]
    peers = [name for name in parties if not name.startswith("dpolicy")]
    best = min(peers, key=lambda name: parties[name]["median_ms"], default=None)
    for name, entry in sorted(parties.items(), key=lambda item: (not item[0].startswith("dpolicy"), item[0])):
        against = (
            f"{milliseconds(entry['ours']['median_ms'])} ({entry['against'].removeprefix('dpolicy-')}) | "
            f"{spread(work.ratios(case, name))}" if "against" in entry else "|")
        shown = f"**{name}**" if name == best else name
        lines.append(f"| {shown} | {milliseconds(entry['median_ms'])} | {milliseconds(entry['p99_ms'])} | {against} |")
    return lines


def parties_table(parties):
    keys = list(dict.fromkeys(key for entry in parties.values() for key in entry))
    lines = ["| program | " + " | ".join(key.replace("_", " ") for key in keys) + " |", "|---" * (len(keys) + 1) + "|"]
    for name, entry in parties.items():
        cells = [f"{entry[key]:.4g}" if isinstance(entry.get(key), float) else str(entry.get(key, "")) for key in keys]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return lines


OUTPUTS = {
    "features": "features of images", "output": "output of the network",
    "action_prediction": "actions of a DDIM-10 chunk, raw units"}


def outputs_table(outputs):
    columns = {
        key: title for key, title in OUTPUTS.items() if any(key in differences for differences in outputs.values())}
    lines = [
        "Largest difference from PyTorch in float32, same weights and inputs:", "",
        "| program | " + " | ".join(columns.values()) + " |", "|---" * (len(columns) + 1) + "|"]
    for name, differences in sorted(outputs.items()):
        cells = [f"{differences[key]:.2g}" if key in differences else "" for key in columns]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return lines


def memory_table(memory):
    lines = ["Peak memory of the process; in inference, with batch 1:", "", "| program | MiB |", "|---|---|"]
    return lines + [f"| {name} | {value:.0f} |" for name, value in sorted(memory.items())]


def count(number, noun):
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def milliseconds(value):
    return f"{value:.3f}" if value < 10 else f"{value:.1f}"
