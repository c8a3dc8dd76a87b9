"""What a job took: time on the clock and of the processor, peak memory, and a GPU's where it used one."""

import os
import re
import resource
import sys
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

MB = 10**6
STATUS = Path("/proc/self/status")
PEAK = re.compile(r"^VmHWM:\s*(\d+) kB", re.MULTILINE)


@dataclass
class Stopwatch:
    """Measures from the moment it is made until it is asked."""

    started: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    wall: float = field(default_factory=time.perf_counter)
    cpu: float = field(default_factory=lambda: _cpu_seconds())

    def seconds(self) -> dict[str, float]:
        """Return the seconds since then: `wall`, and `cpu` with those of child processes."""
        return {
            "wall": round(time.perf_counter() - self.wall, 3),
            "cpu": round(_cpu_seconds() - self.cpu, 3),
        }


def peak_memory_mb() -> int:
    """Return the most memory that this process, or any one child of it, has held, in MB of 10^6 bytes."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return round(max(_own_peak(), children * _unit()) / MB)


def gpu_memory_mb() -> int | None:
    """Return the most memory that tensors have held on one GPU, in MB; None where no GPU was used."""
    cuda = _cuda()
    return cuda and round(max(map(cuda.max_memory_allocated, range(cuda.device_count()))) / MB)


def device() -> str:
    """Return what the process has computed on: `cpu`, or the GPU's name."""
    cuda = _cuda()
    return cuda.get_device_name() if cuda else "cpu"


def _cuda() -> Any:
    # Asked only where the job itself has opened a GPU: to import torch, or to open one, takes seconds.
    torch = sys.modules.get("torch")
    return torch.cuda if torch and torch.cuda.is_initialized() else None


def _cpu_seconds() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _own_peak() -> int:
    # The kernel's usage counters still hold the peak of the process that this one was forked from, but some
    # hosts tell no other.
    try:
        found = PEAK.search(STATUS.read_text())
    except OSError:
        found = None
    return int(found[1]) * 1024 if found else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _unit()


def _unit() -> int:
    return 1 if sys.platform == "darwin" else 1024
