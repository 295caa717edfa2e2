"""import: a checkpoint that others made, reported, verified, and saved as one of ours."""

from __future__ import annotations

import argparse
from pathlib import Path

from engine import library
from engine.checkpoints.importing.convert import Imported, import_model, inspect
from engine.checkpoints.importing.report import ImportReport, Question
from engine.commands.common import Command, Result, assignments, output_path, repeatable
from engine.errors import UsageError

ENCODES = {"exact": "exactly", "amortised": "at once", "search": "by search"}
DENSITIES = {"exact": "exact", "bound": "a bound", "none": "none"}


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=output_path, help="weights (.pt .pth .ckpt .bin .safetensors ...), or a folder")
    parser.add_argument("-o", "--output", type=output_path, help="file to write; default: among your models")
    repeatable(parser, "--set", "NAME=VALUE", "answer what the file does not say; repeatable")
    parser.add_argument("--defaults", action="store_true", help="take the usual answer for what is not set")
    parser.add_argument("--config", type=output_path, help="the config.json or hparams.json that came with the weights")
    parser.add_argument("--title", default="", help="the model's name; default: from the file's name")
    parser.add_argument("--report", action="store_true", help="say what the file holds, and write nothing")


def _import(args: argparse.Namespace) -> Result:
    answers = assignments(args.set)
    if args.report:
        report = inspect(args.file, config=args.config)
        if answers:
            report.answered(answers, defaults=True)
        return Result(report.to_json(), "\n".join(report_lines(report)))
    target = args.output or _place(args.title or args.file.stem)
    if target.suffix != library.SUFFIX:
        raise UsageError(f"-o must end in {library.SUFFIX}, got {target.name!r}.")
    done = import_model(
        args.file, target, answers=answers, defaults=args.defaults, title=args.title, config=args.config
    )
    return Result(_values(done), "\n".join([*report_lines(done.report), *_result_lines(done)]))


def _place(title: str) -> Path:
    """A free name among the user's models.

    Raises:
        UsageError: there is a model of this name already.
    """
    path = library.home_folder() / "models" / f"{library.slug(title) or 'imported'}{library.SUFFIX}"
    if path.exists():
        raise UsageError(f"There is already a model called {path.stem}: give another --title, or a file with -o.")
    return path


def report_lines(report: ImportReport) -> list[str]:
    """The report for people."""
    size = "not in the file" if report.image_size is None else f"{report.image_size} x {report.image_size}"
    code = "follows from the size" if report.code_size is None else f"{report.code_size:,} numbers"
    lines = [
        f"File: {report.path.name} ({report.format})",
        f"Layout: {report.layout} -> {report.family_title}",
        f"Pictures: {size}, {report.channels} channel{'s' if report.channels > 1 else ''}",
        f"Code: {code}; encodes {ENCODES[report.encode]}; density: {DENSITIES[report.density]}",
        f"Parameters: {report.parameters:,}",
        *(f"{words}: {value}" for words, value in report.facts),
    ]
    lines += [_question_line(q) for q in report.questions]
    if report.unused:
        lines.append(f"Not needed: {len(report.unused)} tensors (a critic's, or other weights)")
    return lines + [f"Note: {words}" for words in report.warnings]


def _question_line(question: Question) -> str:
    said = "known" if question.known else "not in the file"
    choices = f" ({', '.join(map(str, question.knob.choices))})" if len(question.knob.choices) > 1 else ""
    usual = question.default if question.known else f"usually {question.default}"
    return f"{question.knob.title} [--set {question.name}=...]: {said}, {usual}{choices}"


def _result_lines(done: Imported) -> list[str]:
    new = [w for w in done.warnings if w not in done.report.warnings]
    exact = "" if done.round_trip is None else f"; a picture comes back within {done.round_trip:.1e}"
    return [
        *(f"Note: {words}" for words in new),
        f"Verified: pictures of {done.image_size} x {done.image_size}, code of {done.code_size:,} numbers{exact}",
        f"Saved: {done.path} (SHA-256 {done.sha256[:12]})",
    ]


def _values(done: Imported) -> dict[str, object]:
    plain = {name: value for name, value in vars(done).items() if name != "path"}
    return {"output": str(done.path), **plain, "warnings": list(done.warnings), "report": done.report.to_json()}


COMMANDS = (Command("import", "open a model that others made, and save it as one of ours", _arguments, _import),)
