"""diagnose: is a model any good? Figures with intervals, pictures as evidence, and a verdict that names its grounds."""

from __future__ import annotations

import argparse
import os
import sys
import textwrap
from pathlib import Path

import numpy as np

from engine.api import Cut, Pictures
from engine.commands.common import Command, Result, natural, output_path
from engine.diagnostics.base import Subject
from engine.diagnostics.catalogue import DIAGNOSTICS
from engine.diagnostics.diagnose import added, chosen, diagnose
from engine.diagnostics.ranking import rank_photos
from engine.diagnostics.report_files import check_folder, report_folder, report_values, write_report
from engine.diagnostics.subjects import run_named
from engine.errors import UsageError
from engine.lab.kept import against_truth
from engine.progress import Progress, Step
from engine.report import Figure, Finding, Report
from engine.session import Session

WIDTH = 110


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", help="a model by name or file, or a run's directory")
    parser.add_argument("--data", help="folder, zip, npz or idx of images; a run has its own")
    parser.add_argument("--labels", help="CSV of labels, where the data set has none inside")
    parser.add_argument("--only", metavar="NAMES", help=f"some of: {', '.join(row.name for row in DIAGNOSTICS)}")
    parser.add_argument("--quick", action="store_true", help="fewer images: seconds, with wider intervals")
    parser.add_argument("--out", type=output_path, help="folder for the report with its pictures, instead of the run's")
    parser.add_argument(
        "--rank", nargs="+", default=[], metavar="PHOTO", help="photos to rank by bits/dim: the unusual ones first"
    )
    parser.add_argument(
        "--align", choices=("auto", "none"), default="auto", help="whether the photos of --rank are cut to a face"
    )
    parser.add_argument("--seed", type=natural(0, 2**31 - 1), default=0)
    parser.add_argument("--device", default="auto")


def _run(args: argparse.Namespace) -> Result:
    names = None if args.only is None else tuple(name.strip() for name in args.only.split(",") if name.strip())
    if names is not None and not names:
        raise UsageError("--only was given no name: leave it out for all diagnostics.")
    chosen(names)
    if args.out is not None:
        check_folder(args.out)
    session = Session(device=args.device)
    subject = session.subject(args.model, args.data, labels=args.labels, quick=args.quick)
    pictures = _photos(session, subject, args.rank, args.align)
    report = diagnose(subject, names, quick=args.quick, seed=args.seed, progress=Progress(tell=_Titles().tell))
    report = against_truth(report, subject)
    if args.rank:
        report = added(report, rank_photos(subject, pictures, tuple(Path(photo).name for photo in args.rank)))
    out = args.out or _kept_in_run(args, session, report)
    if out is not None:
        write_report(out, report)
    values = report_values(report) | ({} if out is None else {"output": str(out)})
    return Result(values, _text(report, out))


def _kept_in_run(args: argparse.Namespace, session: Session, report: Report) -> Path | None:
    """Where a whole report about a run lies for the window to show; None where it is about something else.

    A part of one, a quick one, or one on other data or photos would take the place of a better one. A run that cannot
    be written (a disk of another machine) can still be diagnosed.
    """
    run = run_named(args.model, session.runs_folder)
    if run is None or report.step is None or args.only or args.data or args.rank or not os.access(run, os.W_OK):
        return None
    folder = report_folder(run, report.step)
    return None if args.quick and folder.exists() else folder


def _photos(session: Session, subject: Subject, photos: list[str], align: str) -> Pictures:
    """The photos of --rank, cut to the model's framing, (N, S, S, 3); a photo that cannot be used fails the call."""
    size = subject.model.spec.image_shape[1]
    if not photos:
        return np.zeros((0, size, size, 3), np.uint8)
    if subject.model.abilities.density == "none":
        raise UsageError("This family has no density, so photos cannot be ranked by it: choose a flow or a VAE.")
    return np.stack([session.load_photo(photo, size=size, cut=Cut(align)).picture for photo in photos])


class _Titles:
    """Says on standard error what is at work, once for each diagnostic."""

    def __init__(self) -> None:
        self._said = ""

    def tell(self, step: Step) -> None:
        if step.text != self._said:
            self._said = step.text
            sys.stderr.write(f"{step.text}\n")
            sys.stderr.flush()


def _text(report: Report, output: Path | None) -> str:
    """The report for people: a table a finding, then the verdict."""
    where = "" if report.step is None else f", step {report.step:,}"
    lines = [f"{report.title} ({report.family}{where}) on {report.data}", ""]
    for finding in report.findings:
        lines += _finding_lines(finding)
    for name, why in report.skipped.items():
        lines.append(f"{_title(name)}: not measured. {why}")
    if report.skipped:
        lines.append("")
    lines.append(f"VERDICT  [{report.verdict.level}] {report.verdict.kind}")
    lines += textwrap.wrap(report.verdict.paragraph, WIDTH, initial_indent="  ", subsequent_indent="  ")
    if output is not None:
        lines += ["", f"Report with pictures: {output}"]
    return "\n".join(lines)


def _title(name: str) -> str:
    return next((row.title for row in DIAGNOSTICS if row.name == name), name)


def _finding_lines(finding: Finding) -> list[str]:
    lines = [f"{finding.title}  [{finding.level}]"]
    lines += textwrap.wrap(finding.sentence, WIDTH, initial_indent="  ", subsequent_indent="  ")
    width = max((len(figure.title) for figure in finding.figures), default=0)
    lines += [f"    {figure.title:<{width}}  {_figure(figure)}" for figure in finding.figures]
    return [*lines, ""]


def _figure(figure: Figure) -> str:
    text = f"{figure.value:>10.4g} {figure.unit}".rstrip()
    if figure.low is not None and figure.high is not None:
        text += f"  [{figure.low:.4g}, {figure.high:.4g}]"
    elif figure.low is not None:
        text += f"  [at least {figure.low:.4g}]"
    elif figure.high is not None:
        text += f"  [at most {figure.high:.4g}]"
    return text if figure.n is None else f"{text}  n = {figure.n:,}"


COMMANDS = (
    Command("diagnose", "is a model any good: variety, memorisation, fidelity, likelihood, verdict", _arguments, _run),
)
