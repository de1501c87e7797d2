"""Describes the machine and the package versions."""

import contextlib
import importlib.metadata
import os
import platform

LEVELS = [
    ("AMX bf16", "amx_bf16"), ("AVX-512 bf16", "avx512_bf16"), ("AVX-512 VNNI", "avx512_vnni"), ("AVX-512", "avx512f"),
    ("AVX2", "avx2")]
PACKAGES = [
    "torch", "lerobot", "jax", "onnxruntime", "openvino", "nncf", "ai-edge-litert", "executorch", "ncnn", "MNN"]


def describe():
    with open("/proc/cpuinfo") as file:
        facts = dict(part.split(":", 1) for part in file.read().split("\n\n")[0].splitlines() if ":" in part)
    facts = {key.strip(): value.strip() for key, value in facts.items()}
    flags = facts.get("flags", "").split()
    cores = len(os.sched_getaffinity(0))
    processor = facts.get("model name", platform.machine())
    # Virtual machines often report only the vendor of the processor.
    kind = ", ".join(f"{key.removeprefix('cpu ')} {facts[key]}" for key in ("cpu family", "model") if key in facts)
    return {
        "name": f"{processor}{kind and f' ({kind})'}, {cores} cores",
        "processor": processor,
        "cores": cores,
        "instructions": ", ".join(name for name, flag in LEVELS if flag in flags),
        "cache": facts.get("cache size", "unknown"),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "system": f"{platform.system()} {platform.release()}",
    }


def versions():
    """Returns the versions of the installed packages and of Python."""
    found = {}
    for name in PACKAGES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    return found | {"python": platform.python_version()}
