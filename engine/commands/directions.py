"""directions: list, make, find, rename, delete, take in and give away the directions of a model."""

import argparse
from pathlib import Path
from typing import Any

from engine.api import DirectionInfo, ModelInfo
from engine.commands.common import Command, Result, natural, output_path, rounded
from engine.data.examples import Example, labelled, photos_in
from engine.data.labels import read_label_file
from engine.errors import UsageError
from engine.exploring.open_model import OpenModel
from engine.latent.directions import METHODS
from engine.latent.factorisation import SHOWN, UNSUPERVISED
from engine.session import Session

WEAK_AUC = 0.7


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "List a model's directions, or: make NAME (from photos), find --method METHOD (without labels), "
        "rename NAME NEW, delete NAME, add FILE, export NAME -o FILE."
    )
    parser.add_argument("model", help="name, slug or path of a model")
    parser.add_argument("action", nargs="?", choices=tuple(ACTIONS), default="list", help="what to do; default: list")
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="the direction; for rename its new name too; for add a file"
    )
    parser.add_argument("--positive", nargs="+", metavar="PHOTOS", help="make: photos or folders with the attribute")
    parser.add_argument("--negative", nargs="+", metavar="PHOTOS", help="make: photos or folders without the attribute")
    parser.add_argument("--labels", metavar="CSV", help="make: a CSV of labels, in place of two groups")
    parser.add_argument("--column", metavar="C", help="make: which column of the CSV")
    parser.add_argument("--data", metavar="DIR", help="make: the pictures of the CSV; find: photos to encode")
    parser.add_argument("--method", help=f"make: {', '.join(METHODS)}; find: {', '.join(UNSUPERVISED)}")
    parser.add_argument("-n", type=natural(1, 100), default=SHOWN, help="find: how many axes")
    parser.add_argument(
        "--align", choices=("auto", "none", "face", "centre"), default="auto", help="make: how photos are cut"
    )
    parser.add_argument("-o", "--output", type=output_path, help="export: the file to write")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or mps")


def _directions(args: argparse.Namespace) -> Result:
    _refuse_strangers(args)
    session = Session(device=args.device)
    return ACTIONS[args.action](args, session, session.open(args.model))


def _refuse_strangers(args: argparse.Namespace) -> None:
    """Options of another action would be left out without a word."""
    takes = {
        "make": ("positive", "negative", "labels", "column", "data", "method"),
        "find": ("data", "method"),
        "export": ("output",),
    }.get(args.action, ())
    for option in ("positive", "negative", "labels", "column", "data", "method", "output"):
        if getattr(args, option) is not None and option not in takes:
            raise UsageError(f"--{option} does not belong to directions {args.action}: leave it out.")
    wanted = {"list": 0, "find": 0, "rename": 2}.get(args.action, 1)
    if len(args.names) != wanted:
        needs = {0: "no name", 1: "one name", 2: "the old name and the new one"}[wanted]
        raise UsageError(f"directions {args.action} takes {needs}, got {len(args.names)}.")


def _row(info: DirectionInfo) -> dict[str, Any]:
    return {
        "name": info.name,
        "kind": info.kind,
        "auc": rounded(info.auc),
        "auc_interval": None if info.auc_low is None else [rounded(info.auc_low), rounded(info.auc_high)],
        "share": rounded(info.share),
        "method": info.method,
        "yours": info.user_made,
        "positives": info.positives,
        "negatives": info.negatives,
    }


def _line(info: DirectionInfo) -> str:
    if info.kind == "component":
        what = "the variance" if info.method == "pca" else "what its method measures"
        return f"{info.name:24} {100 * (info.share or 0):.1f} % of {what} ({info.method})"
    between = "" if info.auc_low is None else f" ({info.auc_low:.3f} to {info.auc_high:.3f})"
    auc = "no AUC" if info.auc is None else f"held-out AUC {info.auc:.3f}{between}"
    weak = ", weak" if info.auc is not None and info.auc < WEAK_AUC else ""
    made = f", yours, from {info.positives} + {info.negatives} photos by {info.method}" if info.user_made else ""
    return f"{info.name:24} {auc}{weak}{made}"


def _values(info: ModelInfo, rows: tuple[DirectionInfo, ...]) -> dict[str, Any]:
    return {"model": info.title, "model_sha256": info.sha256, "directions": [_row(row) for row in rows]}


def _list(args: argparse.Namespace, session: Session, model: OpenModel) -> Result:
    info = model.info
    rows = (*info.attributes, *info.components)
    lines = [*([info.problem] if info.problem else []), *(_line(row) for row in rows)]
    values = {**_values(info, rows), "problem": info.problem}
    return Result(values, "\n".join(lines) or f"{info.title} has no directions yet.")


def _make(args: argparse.Namespace, session: Session, model: OpenModel) -> Result:
    positives, negatives = _groups(args)
    made = session.user_directions(model).make(
        name=args.names[0], positives=positives, negatives=negatives, method=args.method or "logistic", align=args.align
    )
    note = f". {made.note}" if made.note else ""
    return Result({**_values(model.info, (made.info,)), "note": made.note}, _line(made.info) + note)


def _groups(args: argparse.Namespace) -> tuple[list[Example], list[Example]]:
    if args.labels is not None:
        if args.column is None or args.data is None or args.positive or args.negative:
            raise UsageError("--labels needs --column and --data, and goes without --positive and --negative.")
        return labelled(Path(args.data).expanduser(), read_label_file(Path(args.labels).expanduser()), args.column)
    if not args.positive or not args.negative or args.column is not None or args.data is not None:
        raise UsageError("make needs --positive and --negative, or --labels with --column and --data.")
    groups = []
    for given in (args.positive, args.negative):
        paths = [Path(text).expanduser() for text in given]
        missing = next((path for path in paths if not path.exists()), None)
        if missing is not None:
            raise UsageError(f"There is no photo or folder {str(missing)!r}: check the path.")
        groups.append([Example(path.name, path) for path in photos_in(paths)])
    return groups[0], groups[1]


def _find(args: argparse.Namespace, session: Session, model: OpenModel) -> Result:
    method = args.method or "pca"
    data = None if args.data is None else Path(args.data).expanduser()
    rows = session.user_directions(model).find(method, count=args.n, data=data)
    if not rows:
        return Result(_values(model.info, ()), f"{model.info.title} came with its own principal axes, which stay.")
    return Result(_values(model.info, rows), "\n".join(_line(row) for row in rows))


def _delete(args: argparse.Namespace, session: Session, model: OpenModel) -> Result:
    session.user_directions(model).delete(args.names[0])
    return Result({**_values(model.info, ()), "deleted": args.names[0]}, f"Deleted {args.names[0]}.")


def _rename(args: argparse.Namespace, session: Session, model: OpenModel) -> Result:
    name = session.user_directions(model).rename(*args.names)
    return Result({**_values(model.info, ()), "renamed": name}, f"{args.names[0]} is called {name} now.")


def _add(args: argparse.Namespace, session: Session, model: OpenModel) -> Result:
    names = session.user_directions(model).import_file(Path(args.names[0]).expanduser())
    return Result({**_values(model.info, ()), "added": list(names)}, f"Added {', '.join(names)}.")


def _export(args: argparse.Namespace, session: Session, model: OpenModel) -> Result:
    if args.output is None:
        raise UsageError("export needs -o FILE.")
    session.user_directions(model).export(args.names, args.output)
    return Result({**_values(model.info, ()), "output": str(args.output)}, f"Wrote {args.output}.")


ACTIONS = {
    "list": _list,
    "make": _make,
    "find": _find,
    "rename": _rename,
    "delete": _delete,
    "add": _add,
    "export": _export,
}
COMMANDS = (Command("directions", "list, make and find a model's directions", _arguments, _directions),)
