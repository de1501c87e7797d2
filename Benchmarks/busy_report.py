"""What loads do to each party, as Markdown."""

from parties import precision_of
from report import COMPARABLE, milliseconds

# The heading of a table, the work, and which figure.
TABLES = [
    ("Training step, small U-Net, batch 256: median", "training step", "median_ms"),
    ("DDIM-10 chunk, small U-Net, batch 1: median", "DDIM-10 chunk", "median_ms"),
    ("DDIM-10 chunk, small U-Net, batch 1: p99", "DDIM-10 chunk", "p99_ms"),
]

EXPLANATION = """
Under each load everyone computes in turns, twice; nobody is bound to a processor. A load is so many busy processes that
count in a loop, at the same priority as the parties or, where it says so, at `nice 19` with one for each processor. They
touch hardly any memory: what a busy process costs here is its share of the processors, not of the caches.

Milliseconds; in brackets how many times as long as on the quiet machine with the same number of threads. The second table
of each pair has the time of the peer that is fastest under that load, in the same or a more exact precision and with as
many threads, divided by ours: above 1 we are faster. The p99 of fewer than a hundred samples is their greatest.
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
    text = f"{versions}. The load average before was {run['load_average_before']:.2f}. "
    if run["autogroup"]:
        text += (
            "The kernel gives every session an equal share of the processors (`sched_autogroup_enabled` is 1); parties "
            "and busy processes were in one session, and so competed one by one.")
    else:
        text += "The kernel does not group processes by session."
    return text + (" **A quick run: these figures say nothing.**" if run["quick"] else "")


def times(run, cells, work, key):
    lines = [header("party", run["loads"])]
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
    lines = [header("best peer by", run["loads"])]
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
    """(party, threads) of a work, in the order in which they were measured."""
    return list(dict.fromkeys((cell["party"], cell["threads"]) for cell in run["cells"] if cell["work"] == work))
