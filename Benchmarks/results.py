"""Results on disk: for each work a list of runs.

A run holds the measurements of one machine on one day with the same number of threads and the same versions. Measuring
again on that day replaces them; another day, machine, number of threads or version adds a run.
"""

import json
import os

# The keys that distinguish the runs of a work.
KEY = ("machine", "threads", "versions", "date")


class Results:
    """`facts` has the values of `KEY` for the current run."""

    def __init__(self, path, facts):
        self.path, self.facts = path, facts
        self.document = {"machines": {}, "works": {}}
        if os.path.exists(path):
            with open(path) as file:
                self.document = json.load(file)

    def describe(self, machine):
        self.document["machines"][self.facts["machine"]] = machine

    def put(self, work, record, quick):
        """Replaces the entries of the record's implementations in today's run and keeps the others."""
        entry = self.document["works"].setdefault(work, {"runs": []})
        entry["title"] = record["title"]
        contents = {key: value for key, value in record.items() if key != "title"}
        runs = entry["runs"]
        index = next((index for index, run in enumerate(runs) if is_same(run, self.facts)), len(runs))
        old = runs[index] if index < len(runs) else {}
        runs[index:index + 1] = [merged(old, self.facts | contents | {"quick": quick})]

    def save(self):
        temporary = f"{self.path}.new"
        with open(temporary, "w") as file:
            json.dump(self.document, file, indent=1)
            file.write("\n")
        os.replace(temporary, self.path)


def is_same(run, facts):
    return all(run[key] == facts[key] for key in KEY)


def merged(old, new):
    """Returns a run with its entries replaced by those of a newer one, for each implementation."""
    result = old | new
    for key in ("outputs", "memory_mib"):
        if key in new:
            result[key] = old.get(key, {}) | new[key]
    if "cases" in new:
        cases = {name: dict(parties) for name, parties in old.get("cases", {}).items()}
        for name, parties in new["cases"].items():
            cases[name] = cases.get(name, {}) | parties
        result["cases"] = cases
        # Implementations measured since then are no longer listed as not run.
        measured = {name for parties in new["cases"].values() for name in parties}
        missing = {name: reason for name, reason in old.get("not_run", {}).items() if name not in measured}
        result["not_run"] = missing | new.get("not_run", {})
    return result
