"""The command line of a benchmark: its cases with so many threads, as a table or as JSON."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from types import ModuleType

import torch

from engine.device import cpu_name


def run(benchmark: ModuleType, argv: list[str] | None = None) -> int:
    """Runs `benchmark.compare` and prints what `benchmark.lines` makes of it; gives the exit status."""
    cases: Mapping[str, object] = benchmark.CASES
    parser = argparse.ArgumentParser(description=(benchmark.__doc__ or "").split("\n")[0])
    parser.add_argument("--threads", type=int, default=2, help="of every contestant")
    parser.add_argument("--quick", action="store_true", help="fewer cases and repetitions")
    parser.add_argument("--only", nargs="+", default=[], choices=tuple(cases), metavar="CASE", help=", ".join(cases))
    parser.add_argument("--json", action="store_true", help="one JSON object in place of the table")
    args = parser.parse_args(argv)
    if args.threads < 1:
        parser.error(f"--threads must be at least 1, got {args.threads}")
    # Progress goes to standard error: standard output is the result's alone.
    found = benchmark.compare(
        threads=args.threads, quick=args.quick, only=args.only, on_line=lambda line: print(line, file=sys.stderr)
    )
    values = {"machine": cpu_name(), "torch": torch.__version__, "quick": args.quick, **found}
    text = "\n".join([f"{values['machine']}, torch {values['torch']}", *benchmark.lines(found)])
    print(json.dumps(values, ensure_ascii=False) if args.json else text)
    return 0
