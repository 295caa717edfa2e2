"""How measurements are told: percentiles with their aims, this process's peak memory, the load of the machine."""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np


def percentiles(milliseconds: Sequence[float], *, aims: Mapping[str, float] | None = None) -> dict[str, Any]:
    """Median, 99th percentile and largest, in ms; with `aims` (by those names) also whether all of them are met."""
    values = np.array(milliseconds)
    found: dict[str, Any] = {
        "p50_ms": round(float(np.percentile(values, 50)), 2),
        "p99_ms": round(float(np.percentile(values, 99)), 2),
        "max_ms": round(float(values.max()), 2),
        "n": len(milliseconds),
    }
    if aims:
        found |= {"aim": dict(aims), "met": all(found[name] <= aim for name, aim in aims.items())}
    return found


def peak_memory_mib() -> float:
    """The most memory that this process has held, in MiB."""
    # Not ru_maxrss on Linux: a child inherits there what its parent held when it was started.
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("VmHWM:"):
                return round(int(line.split()[1]) / 1024, 1)
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (1024 * 1024 if sys.platform == "darwin" else 1024), 1)


def load_average() -> tuple[float, ...] | None:
    """How many processes wanted a core in the last 1, 5 and 15 minutes; None where the system does not tell."""
    return tuple(round(value, 2) for value in os.getloadavg()) if hasattr(os, "getloadavg") else None
