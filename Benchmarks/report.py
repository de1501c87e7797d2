"""The results as Markdown."""

# The works that matter most: name, work, case, our precision, the peers of whom the best counts, the ratio to reach.
GOALS = [
    ("training step, small U-Net, f32, against PyTorch's best f32", "training-small", "batch 256", "f32",
     ["pytorch-eager-f32", "pytorch-compile-f32"]),
    ("training step, small U-Net, bf16, against PyTorch's best of any precision", "training-small", "batch 256", "bf16",
     ["pytorch-"]),
    ("training step, paper's U-Net, f32, against PyTorch's best f32", "training-paper", "batch 256", "f32",
     ["pytorch-eager-f32", "pytorch-compile-f32"]),
    ("training step, paper's U-Net, bf16, against PyTorch's best of any precision", "training-paper", "batch 256",
     "bf16", ["pytorch-"]),
    ("DDIM-10 chunk, batch 1, small U-Net, bf16, against OpenVINO bf16", "acting-small", "DDIM-10 chunk, batch 1",
     "bf16", ["openvino-bf16"]),
    ("full pass, batch 1, small U-Net, f32, against JAX", "acting-small", "network pass, batch 1", "f32", ["jax-f32"]),
    ("full pass, batch 1, small U-Net, f32, against ONNX Runtime", "acting-small", "network pass, batch 1", "f32",
     ["onnxruntime-"]),
    ("full pass, batch 1, paper's U-Net, f32, against OpenVINO f32", "acting-paper", "network pass, batch 1", "f32",
     ["openvino-f32"]),
    ("full pass, batch 1, paper's U-Net, bf16, against OpenVINO bf16", "acting-paper", "network pass, batch 1", "bf16",
     ["openvino-bf16"]),
    ("DDIM-10 chunk, batch 1, paper's U-Net, bf16, against OpenVINO bf16", "acting-paper", "DDIM-10 chunk, batch 1",
     "bf16", ["openvino-bf16"]),
    ("DDIM-10 chunk, batch 1, paper's U-Net, 8-bit weights, against OpenVINO's best", "acting-paper",
     "DDIM-10 chunk, batch 1", "int8-weights", ["openvino-"]),
    ("training step, small image policy, f32, against PyTorch's best f32", "training-image", "batch 64", "f32",
     ["pytorch-eager-f32", "pytorch-compile-f32"]),
    ("training step, small image policy, bf16, against PyTorch's best of any precision", "training-image", "batch 64",
     "bf16", ["pytorch-"]),
    ("two images to features, f32, against OpenVINO f32", "acting-image", "images to features, batch 1", "f32",
     ["openvino-f32"]),
    ("two images to features, bf16, against OpenVINO bf16", "acting-image", "images to features, batch 1", "bf16",
     ["openvino-bf16"]),
    ("training step, transformer, f32, against PyTorch's best f32", "training-transformer", "batch 256", "f32",
     ["pytorch-eager-f32", "pytorch-compile-f32"]),
    ("training step, transformer, bf16, against PyTorch's best bf16", "training-transformer", "batch 256", "bf16",
     ["pytorch-eager-bf16", "pytorch-compile-bf16"]),
    ("training step, transformer, bf16, against PyTorch's best of any precision", "training-transformer", "batch 256",
     "bf16", ["pytorch-"]),
    ("DDIM-10 chunk, batch 1, transformer, bf16, against OpenVINO bf16", "acting-transformer",
     "DDIM-10 chunk, batch 1", "bf16", ["openvino-bf16"]),
    ("DDIM-10 chunk, batch 1, transformer, bf16, against OpenVINO's best of any precision", "acting-transformer",
     "DDIM-10 chunk, batch 1", "bf16", ["openvino-"]),
]


def markdown(document):
    works = document["works"]
    quick = any(work.get("quick") for work in works.values())
    lines = ["# Speed", "", *heading(document, quick), "", *goals(works)]
    for name, work in works.items():
        lines += ["", f"## {work['title']}", "", f"`{name}`, {work['date']}.", ""]
        if "cases" not in work:
            lines += parties_table(work["parties"])
            continue
        for case, parties in work["cases"].items():
            lines += [f"**{case}**", "", *case_table(parties), ""]
        if work["outputs"]:
            lines += outputs_table(work["outputs"]) + [""]
        lines += memory_table(work["memory_mib"])
    return "\n".join(lines) + "\n"


def heading(document, quick):
    machine, versions = document["machine"], document["versions"]
    packages = ", ".join(f"{name} {version}" for name, version in versions.items())
    lines = [
        f"{machine['processor']}, {machine['cores']} cores, {machine['instructions']}, {machine['memory_gib']} GiB; "
        f"{document['threads']} threads; {packages}.", "",
        "Milliseconds are medians over rounds in which ours and theirs took turns; a ratio above 1 means that ours is faster. "
        "[How it is measured](../README.md)."]
    return lines + (["", "**A quick run: these figures say nothing.**"] if quick else [])


def ours(parties, precision):
    """Our median over all pairs in which we were measured."""
    name = f"dpolicy-{precision}"
    times = [entry["ours"]["median_ms"] for entry in parties.values() if entry.get("against") == name]
    times += [parties[name]["median_ms"]] if name in parties and "median_ms" in parties[name] else []
    return sorted(times)[len(times) // 2] if times else None


def goals(works):
    rows = []
    for title, work, case, precision, prefixes in GOALS:
        parties = works.get(work, {}).get("cases", {}).get(case, {})
        mine = ours(parties, precision)
        theirs = [
            (entry["median_ms"], name) for name, entry in parties.items()
            if any(name.startswith(prefix) for prefix in prefixes) and "median_ms" in entry]
        if mine is None or not theirs:
            continue
        best, name = min(theirs)
        ratio = best / mine
        if parties[name].get("against") == f"dpolicy-{precision}":
            # They took turns, so whatever disturbed the machine disturbed both.
            mine, ratio = parties[name]["ours"]["median_ms"], parties[name]["ratio"]
        rows.append(f"| {title} | {milliseconds(mine)} | {milliseconds(best)} ({name}) | {ratio:.2f}× |")
    if not rows:
        return []
    return ["| work | dpolicy, ms | best of them, ms | ratio |", "|---|---|---|---|", *rows]


def case_table(parties):
    lines = ["| party | median, ms | p99, ms | dpolicy in turns, ms | ratio |", "|---|---|---|---|---|"]
    for name, entry in sorted(parties.items(), key=lambda item: (not item[0].startswith("dpolicy"), item[0])):
        against = (
            f"{milliseconds(entry['ours']['median_ms'])} ({entry['against'].removeprefix('dpolicy-')}) | {entry['ratio']:.2f}×"
            if "against" in entry else "|")
        lines.append(f"| {name} | {milliseconds(entry['median_ms'])} | {milliseconds(entry['p99_ms'])} | {against} |")
    return lines


def parties_table(parties):
    keys = list(dict.fromkeys(key for entry in parties.values() for key in entry))
    lines = ["| party | " + " | ".join(key.replace("_", " ") for key in keys) + " |", "|---" * (len(keys) + 1) + "|"]
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
        "| party | " + " | ".join(columns.values()) + " |", "|---" * (len(columns) + 1) + "|"]
    for name, differences in sorted(outputs.items()):
        cells = [f"{differences[key]:.2g}" if key in differences else "" for key in columns]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return lines


def memory_table(memory):
    lines = ["Peak memory of the process; in acting, with batch 1:", "", "| party | MiB |", "|---|---|"]
    return lines + [f"| {name} | {value:.0f} |" for name, value in sorted(memory.items())]


def milliseconds(value):
    return f"{value:.3f}" if value < 10 else f"{value:.1f}"
