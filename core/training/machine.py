"""The machine that trains, and what the process has needed of it. Workers only (torch)."""

import os
import platform
import resource
import sys
from typing import Any

import torch


def peak_bytes(device: str) -> int:
    """The most memory that this process has held so far, on the GPU if that is where it computes."""
    if device.startswith("cuda"):
        return int(torch.cuda.max_memory_allocated())
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def describe(device: str) -> dict[str, Any]:
    """What a model card says of where a model was made."""
    name = torch.cuda.get_device_name() if device.startswith("cuda") else _processor()
    return {
        "device": device,
        "machine": name,
        "cores": os.cpu_count(),
        "torch": torch.__version__,
        "peak_bytes": peak_bytes(device),
    }


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            return next(line.partition(":")[2].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
