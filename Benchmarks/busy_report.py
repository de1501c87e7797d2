"""Writes performance under load as Markdown."""

from parties import precision_of
from report import COMPARABLE, milliseconds

# The heading of a table, the work, and the figure.
TABLES = [
    ("Training step, small U-Net, batch 256: median", "training step", "median_ms"),
    ("DDIM-10 chunk, small U-Net, batch 1: median", "DDIM-10 chunk", "median_ms"),
    ("DDIM-10 chunk, small U-Net, batch 1: p99", "DDIM-10 chunk", "p99_ms"),
]

EXPLANATION = """
Under each load, dpolicy and each baseline compute in turns, twice; no process is pinned to a processor. A load is a
number of busy processes that count in a loop, at the same priority or, if stated, at `nice 19` with one per processor.
They use almost no memory, so they compete for processors but not for caches.

Times are in milliseconds; the numbers in parentheses are relative to the quiet machine with the same number of threads.
The second table of each pair shows the time of the fastest peer under that load, in the same or a higher precision and
with the same number of threads, divided by the time of dpolicy: above 1, dpolicy is faster. The p99 of fewer than 100
samples is their maximum.
""".strip()


def markdown(document):
    lines = ["# Busy machines", "", EXPLANATION]
    for run in sorted(document["works"]["busy"]["runs"], key=lambda run: run["date"], reverse=True):
        cells = {(cell["work"], cell["party"], cell["threads"], cell["load"]): cell for cell in run["cells"]}
        lines += ["", f"## {run['machine']}, {run['date']}", "", conditions(run)]
        for title, work, key in TABLES:
            samples = min(cell["samples"] for cell in run["cells"] if cell["work"] == work)
            lines += ["", f"### {title}", "", f"At least {samples} samples for each figure.", ""]
            lines += times(run, cells, work, key) + [""] + against(run, cells, work, key)
        if run["not_run"]:
            lines += ["", "Not run:", ""] + [f"- {name}: {reason}" for name, reason in sorted(run["not_run"].items())]
    return "\n".join(lines) + "\n"


def conditions(run):
    versions = ", ".join(f"{name} {version}" for name, version in run["versions"].items())
    text = f"| versions | load average before |\n|---|---|\n| {versions} | {run['load_average_before']:.2f} |\n\n"
    if run["autogroup"]:
        text += (
            "The kernel divides the processors equally among sessions (`sched_autogroup_enabled` is 1); all measured "
            "and\nbusy processes were in one session, so they competed as single processes.")
    else:
        text += "The kernel does not group processes by session."
    return text + (" **A quick run: figures are not meaningful.**" if run["quick"] else "")


def times(run, cells, work, key):
    lines = [header("program", run["loads"])]
    for party, threads in contenders(run, work):
        quiet = cells.get((work, party, threads, run["loads"][0]))
        row = []
        for load in run["loads"]:
            cell = cells.get((work, party, threads, load))
            factor = f" ({cell[key] / quiet[key]:.2f}×)" if cell and quiet and cell is not quiet else ""
            row.append(milliseconds(cell[key]) + factor if cell else "")
        lines.append(f"| {party} | {threads} | " + " | ".join(row) + " |")
    return lines


def against(run, cells, work, key):
    lines = [header("best peer / dpolicy", run["loads"])]
    everyone = contenders(run, work)
    for own, threads in everyone:
        if not own.startswith("dpolicy"):
            continue
        peers = [
            name for name, number in everyone if number == threads and not name.startswith("dpolicy")
            and precision_of(name) in COMPARABLE[precision_of(own)]]
        row = []
        for load in run["loads"]:
            theirs = [(cells[place][key], name) for name in peers if (place := (work, name, threads, load)) in cells]
            mine = cells.get((work, own, threads, load))
            row.append(f"{min(theirs)[0] / mine[key]:.2f}× ({min(theirs)[1]})" if theirs and mine else "")
        lines.append(f"| {own} | {threads} | " + " | ".join(row) + " |")
    return lines


def header(first, loads):
    return f"| {first} | threads | " + " | ".join(loads) + " |\n" + "|---" * (len(loads) + 2) + "|"


def contenders(run, work):
    """Returns the pairs (baseline, threads) of a work, in measurement order."""
    return list(dict.fromkeys((cell["party"], cell["threads"]) for cell in run["cells"] if cell["work"] == work))
