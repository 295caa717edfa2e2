"""Percentiles, aims and peak memory."""

from __future__ import annotations

import subprocess
import sys

from engine.measuring import load_average, peak_memory_mib, percentiles
from tests.contract.tiny import environment


def test_percentiles_bound_what_was_measured():
    found = percentiles([5.0, 1.0, 3.0])
    assert found == {"p50_ms": 3.0, "p99_ms": 4.96, "max_ms": 5.0, "n": 3}


def test_all_aims_must_be_met():
    assert percentiles([1.0, 2.0], aims={"p50_ms": 1.5, "max_ms": 2.0})["met"]
    missed = percentiles([1.0, 2.0], aims={"p50_ms": 1.5, "max_ms": 1.9})
    assert not missed["met"]
    assert missed["aim"] == {"p50_ms": 1.5, "max_ms": 1.9}


def test_peak_memory_remembers_what_was_freed_and_is_not_inherited():
    program = (
        "import subprocess, sys\n"
        "from engine.measuring import peak_memory_mib as peak\n"
        "before = peak()\n"
        "block = bytearray(200 * 2**20)\n"
        "del block\n"
        "child = 'from engine.measuring import peak_memory_mib as peak; print(peak())'\n"
        "small = subprocess.run([sys.executable, '-c', child], capture_output=True, text=True, check=True).stdout\n"
        "print(before, peak(), small)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment()
    )
    before, after, child = map(float, done.stdout.split())
    assert after > before + 190
    assert child < after - 150
    assert 1 < peak_memory_mib() < 1_000_000


def test_load_average_is_three_figures():
    load = load_average()
    assert load is None or (len(load) == 3 and min(load) >= 0)
