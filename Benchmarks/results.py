"""Results on disk: parts that are measured replace what was there, the others stay."""

import json
import os


class Results:
    def __init__(self, path):
        self.path = path
        self.document = {"works": {}}
        if os.path.exists(path):
            with open(path) as file:
                self.document = json.load(file)

    def set_machine(self, machine, versions, threads):
        facts = {"machine": machine, "versions": versions, "threads": threads}
        if any(self.document.get(key) != value for key, value in facts.items()):
            # Figures of another machine or of other versions are not comparable.
            self.document = facts | {"works": {}}

    def put(self, work, record, date, quick):
        """A record replaces its parties' entries of each case and keeps those of others."""
        old = self.document["works"].get(work, {})
        merged = dict(record, date=date, quick=quick)
        for key in ("outputs", "memory_mib"):
            if key in record:
                merged[key] = old.get(key, {}) | record[key]
        if "cases" in record:
            merged["cases"] = {
                case: old.get("cases", {}).get(case, {}) | parties for case, parties in record["cases"].items()}
            for case, parties in old.get("cases", {}).items():
                merged["cases"].setdefault(case, parties)
        self.document["works"][work] = merged

    def save(self):
        temporary = f"{self.path}.new"
        with open(temporary, "w") as file:
            json.dump(self.document, file, indent=1)
            file.write("\n")
        os.replace(temporary, self.path)
