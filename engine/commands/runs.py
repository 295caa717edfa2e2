"""runs: the library of runs on a terminal: search, tags, and two to six of them side by side."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from engine.commands.common import Command, Result, output_path, rounded
from engine.errors import UsageError
from engine.library import home_folder
from engine.runs import directory as runs
from engine.runs import library as run_library
from engine.runs.compare import FEWEST, MOST, Compared, compare_runs, final_figures
from engine.runs.library import Entry


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "words", nargs="*", help="words of title, tags, family, data or state, #word for a tag; all must match"
    )
    parser.add_argument(
        "--folder", type=output_path, action="append", default=[], help="also the run, or the runs, in this folder"
    )
    parser.add_argument("--compare", nargs="+", type=output_path, metavar="RUN", help="2 to 6 runs side by side")
    parser.add_argument("--tag", nargs="+", metavar=("RUN", "TAG"), help="replace the tags of a run")


def _run(args: argparse.Namespace) -> Result:
    if args.compare:
        return _compare([_named(path) for path in args.compare])
    if args.tag:
        run = _named(Path(args.tag[0]).expanduser())
        tags = run_library.write_tags(run, args.tag[1:])
        return Result({"run": str(run), "tags": list(tags)}, f"{run.name}: {', '.join(tags) or 'no tag'}")
    listing = run_library.read_listing(home_folder() / "runs", [path.absolute() for path in args.folder])
    found = run_library.chosen(listing.entries, query=" ".join(args.words))
    values = {
        "runs": [_values(entry) for entry in found],
        "lost": [{"path": str(lost.path), "why": lost.why} for lost in listing.lost],
    }
    lines = [_line(entry) for entry in found] + [lost.why for lost in listing.lost]
    return Result(values, "\n".join(lines) or "No run yet: latent-loom train makes one.")


def _named(path: Path) -> Path:
    """A run by its path, or by its name in the user's folder.

    Raises:
        UsageError: there is none.
    """
    for place in (path, home_folder() / "runs" / path):
        if (place / "config.json").is_file():
            return place.absolute()
    raise UsageError(f"{path} is no run: give its folder, or its name as latent-loom runs lists it.")


def _values(entry: Entry) -> dict[str, object]:
    info = entry.info
    return {
        "name": info.name,
        "path": str(info.path),
        "title": info.config.title,
        "family": info.config.family,
        "data": info.config.data,
        "state": info.status.state,
        "live": info.status.alive,
        "step": info.status.step,
        "steps": info.status.steps,
        "tags": list(entry.tags),
        "attached": entry.attached,
        "origin": dict(info.config.origin),
    }


def _line(entry: Entry) -> str:
    info, status = entry.info, entry.info.status
    state = f"live, {status.state}" if status.alive else status.state
    tags = "".join(f"  #{tag}" for tag in entry.tags)
    title = f"  {info.config.title}" if info.config.title else ""
    return f"{info.name}  {info.config.family}  {state} at {status.step:,} of {status.steps:,}{title}{tags}"


def _compare(paths: Sequence[Path]) -> Result:
    if not FEWEST <= len(paths) <= MOST:
        raise UsageError(f"--compare wants {FEWEST} to {MOST} runs, got {len(paths)}.")
    columns = [
        Compared(
            runs.RunInfo(path, path.name, runs.read_config(path), runs.read_status(path), 0.0), final_figures(path)
        )
        for path in paths
    ]
    rows = compare_runs(columns)
    values = {
        "runs": [str(path) for path in paths],
        "knobs": {row.name: list(row.texts) for row in rows if row.group in ("model", "training")},
        "differing": [row.name for row in rows if row.differs and row.group in ("model", "training")],
        "figures": [{name: rounded(value, 6) for name, (_, value) in one.figures.items()} for one in columns],
        "best": {row.name: [paths[index].name for index in row.best] for row in rows if row.best},
    }
    lines = ["\t".join(("", *(path.name for path in paths)))]
    for row in rows:
        cells = [f"{text} *" if index in row.best else text for index, text in enumerate(row.texts)]
        lines.append("\t".join((f"{'≠ ' if row.differs and row.group != 'figures' else ''}{row.name}", *cells)))
    return Result(values, "\n".join(lines))


COMMANDS = (Command("runs", "list, search, tag and compare runs", _arguments, _run),)
