"""The machine that trains, and what the process has needed of it. Workers only (torch)."""

import os
import platform
import resource
import shutil
import sys
from pathlib import Path
from typing import Any

import torch

from core.errors import Refusal
from core.locale.mark import N_


def peak_bytes(device: str) -> int:
    """The most memory that this process has held so far, on the GPU if that is where it computes."""
    if device.startswith("cuda"):
        return int(torch.cuda.max_memory_allocated())
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


DISK_PER_WEIGHT = 32
"""Bytes for each trained number: two adapters and the best one (4 each), and two checkpoints with Adam's averages."""


def disk_needed(model: Any) -> int:
    """Bytes that a training of the model's trainable weights puts on the disk at most."""
    return DISK_PER_WEIGHT * sum(weight.numel() for weight in model.parameters() if weight.requires_grad)


def check_disk(model: Any, folder: Path) -> None:
    """Refuse a training that would find the disk full halfway. Disks fill between the look at one and the start."""
    needed, free = disk_needed(model), shutil.disk_usage(folder).free
    if needed > free:
        raise Refusal(
            N_("The training needs %(needs)s GB on the disk and %(there)s GB are free. Free some space, then press "
               "Resume."), needs=round(needed / 1e9, 2), there=round(free / 1e9, 2),
        )  # fmt: skip


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
