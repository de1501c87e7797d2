"""Results on disk: for each work a list of runs.

A run is what a machine measured on one day with a number of threads and with the same versions. What is measured again
on that day replaces what was there; another day, machine, number of threads or version adds a run.
"""

import json
import os

# What tells one run of a work from another.
KEY = ("machine", "threads", "versions", "date")


class Results:
    """`facts` has the values of `KEY` for what is measured now."""

    def __init__(self, path, facts):
        self.path, self.facts = path, facts
        self.document = {"machines": {}, "works": {}}
        if os.path.exists(path):
            with open(path) as file:
                self.document = json.load(file)

    def describe(self, machine):
        self.document["machines"][self.facts["machine"]] = machine

    def put(self, work, record, quick):
        """A record replaces its parties' entries of each case in the run of today and keeps those of others."""
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
    """A run with the entries of a newer one in place of its own, party by party."""
    result = old | new
    for key in ("outputs", "memory_mib"):
        if key in new:
            result[key] = old.get(key, {}) | new[key]
    if "cases" in new:
        cases = {name: dict(parties) for name, parties in old.get("cases", {}).items()}
        for name, parties in new["cases"].items():
            cases[name] = cases.get(name, {}) | parties
        result["cases"] = cases
        # A party that has been measured since then is not missing any more.
        measured = {name for parties in new["cases"].values() for name in parties}
        missing = {name: reason for name, reason in old.get("not_run", {}).items() if name not in measured}
        result["not_run"] = missing | new.get("not_run", {})
    return result
