"""data: what a data set holds, before anything is trained on it."""

from __future__ import annotations

import argparse
from typing import Any

from engine.commands.common import Command, Result, rounded
from engine.data.survey import Survey, survey
from engine.families import sizes
from engine.session import Session

LISTED = 10


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("data", help="folder, zip, npz or idx of images")
    parser.add_argument("--labels", help="CSV of labels, where the data set has none inside")
    parser.add_argument(
        "--group", default="", help="column of the labels whose pictures stay in one split, or (folder)"
    )
    parser.add_argument("--size", type=int, choices=sizes(), default=64, help="pixels a side")
    parser.add_argument("--channels", type=int, choices=(1, 3), default=3)


def _run(args: argparse.Namespace) -> Result:
    data = Session().dataset(args.data, labels=args.labels, group=args.group, size=args.size, channels=args.channels)
    found = survey(data)
    return Result(_values(found), _text(found))


def _values(found: Survey) -> dict[str, Any]:
    data = found.data
    return {
        "data": data.name,
        "images": found.count,
        "unreadable": list(data.skipped),
        "sizes": [[size.width, size.height, size.count] for size in found.sizes],
        "formats": dict(found.formats),
        "splits": dict(zip(("training", "validation", "test"), found.splits, strict=True)),
        "groups": found.groups,
        "columns": list(data.columns),
        "attributes": {
            a.name: {"yes": a.yes, "no": a.no, "unknown": a.unknown, "share": rounded(a.share)}
            for a in found.attributes
        },
        "duplicates": [
            {"files": [data.names[row] for row in same.rows], "exact": same.exact} for same in found.duplicates
        ],
        "leaks": found.leaks,
        "notes": list(found.sentences),
    }


def _text(found: Survey) -> str:
    data = found.data
    sizes = ", ".join(f"{size.width} x {size.height}: {size.count:,}" for size in found.sizes[:4])
    more = f" and {len(found.sizes) - 4:,} other sizes" if len(found.sizes) > 4 else ""
    by = f"{found.groups:,} groups" if found.groups else "pictures"
    lines = [
        f"{data.name}: {found.count:,} images, {len(data.skipped):,} not readable",
        f"  sizes       {sizes}{more}",
        f"  formats     {', '.join(f'{name} {count:,}' for name, count in found.formats)}",
        "  split       {:,} training, {:,} validation, {:,} test, by {}".format(*found.splits, by),
        f"  duplicates  {sum(len(same.rows) - 1 for same in found.duplicates):,} in {len(found.duplicates):,} groups, "
        f"{found.leaks:,} of them across the split",
    ]
    if found.attributes:
        lines.append("  attributes  share of the pictures that say, and how many say")
        width = max(len(a.name) for a in found.attributes)
        lines += [f"    {a.name:<{width}}  {a.share:6.1%}  {a.yes + a.no:>8,}" for a in found.attributes]
    lines += [f"  - {sentence}" for sentence in found.sentences]
    lines += [f"  not readable: {name}" for name in data.skipped[:LISTED]]
    return "\n".join(lines)


COMMANDS = (Command("data", "what a data set holds: counts, sizes, labels, split, duplicates", _arguments, _run),)
