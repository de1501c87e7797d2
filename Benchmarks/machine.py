"""The machine and the versions."""

import importlib.metadata
import os
import platform

LEVELS = [
    ("AMX bf16", "amx_bf16"), ("AVX-512 bf16", "avx512_bf16"), ("AVX-512 VNNI", "avx512_vnni"), ("AVX-512", "avx512f"),
    ("AVX2", "avx2")]
PACKAGES = ["torch", "lerobot", "jax", "onnxruntime", "openvino", "nncf"]


def describe():
    with open("/proc/cpuinfo") as file:
        facts = dict(part.split(":", 1) for part in file.read().split("\n\n")[0].splitlines() if ":" in part)
    facts = {key.strip(): value.strip() for key, value in facts.items()}
    flags = facts.get("flags", "").split()
    return {
        "processor": facts.get("model name", platform.machine()),
        "cores": len(os.sched_getaffinity(0)),
        "instructions": ", ".join(name for name, flag in LEVELS if flag in flags),
        "cache": facts.get("cache size", "unknown"),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "system": f"{platform.system()} {platform.release()}",
    }


def versions():
    return {name: importlib.metadata.version(name) for name in PACKAGES} | {"python": platform.python_version()}
