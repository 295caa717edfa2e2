"""Runs the rows of the catalogue on one subject and makes a report of them, with its verdict."""

import logging
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from engine.diagnostics.base import Diagnostic, Request, Subject
from engine.diagnostics.catalogue import DIAGNOSTICS
from engine.diagnostics.facts import Facts
from engine.diagnostics.verdict import judge
from engine.errors import UsageError, UserError
from engine.knobs import Value
from engine.progress import SILENT, Progress
from engine.report import Finding, Report

TICKS: Final = 1000
"""Parts of progress that one diagnostic counts for."""

QUICK_SET: Final = ("spread", "likelihood", "birthday", "memorisation")
"""What is done beside a training run: seconds of one core, and enough for every kind of verdict."""

FAILURES: Final = (
    ArithmeticError,
    LookupError,
    RuntimeError,
    TypeError,
    ValueError,
    AssertionError,
    OSError,
    MemoryError,
)
"""What a diagnostic may stumble over without taking the others down (torch raises RuntimeError)."""

log = logging.getLogger(__name__)


def chosen(names: Sequence[str] | None) -> tuple[Diagnostic, ...]:
    """The rows of these names in the order of the catalogue; None gives all.

    Raises:
        UsageError: an unknown name.
    """
    if names is None:
        return DIAGNOSTICS
    known = [row.name for row in DIAGNOSTICS]
    for name in names:
        if name not in known:
            raise UsageError(f"There is no diagnostic {name!r}: choose among {', '.join(known)}.")
    return tuple(row for row in DIAGNOSTICS if row.name in names)


def diagnose(
    subject: Subject,
    names: Sequence[str] | None = None,
    *,
    quick: bool = False,
    seed: int = 0,
    values: Mapping[str, Mapping[str, Value]] | None = None,
    progress: Progress = SILENT,
) -> Report:
    """A report of the diagnostics `names` (None: all) on a subject; one that fails never takes down the rest.

    `values` has the knobs of a diagnostic by its name. `progress` is told of all of them, with the title of
    the one at work as its text. The same seed gives the same report.

    Raises:
        UsageError: an unknown name or a wrong knob.
        Cancelled: from `progress`.
    """
    rows = chosen(names)
    requests = {row.name: _checked(row, (values or {}).get(row.name, {})) for row in rows}
    began = time.monotonic()
    findings: list[Finding] = []
    skipped: dict[str, str] = {}
    total = TICKS * len(rows)
    for index, row in enumerate(rows):
        progress.check()
        mine = progress.named(row.title).part(TICKS * index, TICKS * (index + 1), total)
        mine.step(0, 1)
        request = Request(subject, requests[row.name], quick=quick, seed=seed, progress=mine)
        found = _made(row, request)
        if isinstance(found, Finding):
            findings.append(found)
        else:
            skipped[row.name] = found
    progress.step(total, total, "Verdict")
    origin = subject.origin
    return Report(
        model_sha256=origin.model_sha256,
        title=origin.title,
        family=origin.family,
        data=origin.data,
        findings=tuple(findings),
        verdict=judge(facts_of(subject, findings, skipped, quick=quick)),
        step=origin.step,
        seconds=time.monotonic() - began,
        skipped=skipped,
    )


def facts_of(
    subject: Subject, findings: Sequence[Finding], skipped: Mapping[str, str], *, quick: bool = False
) -> Facts:
    """What a verdict is made of."""
    model = subject.model
    return Facts(
        findings=tuple(findings),
        history=subject.history,
        density=model.abilities.density,
        bits=int(math.log2(model.bins)),
        code_size=model.spec.size,
        landmarks=model.landmarks(),
        training_images=subject.origin.training_total or len(subject.training),
        origin=subject.origin,
        skipped=tuple(skipped),
        quick=quick,
    )


def judged_again(report: Report, subject: Subject, changed: Finding) -> Report:
    """The report with one finding replaced or added (a person has confirmed pairs, say), and the verdict anew."""
    kept = [finding for finding in report.findings if finding.diagnostic != changed.diagnostic]
    order = [row.name for row in DIAGNOSTICS]
    kept.append(changed)
    kept.sort(key=lambda finding: order.index(finding.diagnostic) if finding.diagnostic in order else len(order))
    skipped = {name: why for name, why in report.skipped.items() if name != changed.diagnostic}
    return replace(report, findings=tuple(kept), verdict=judge(facts_of(subject, kept, skipped)), skipped=skipped)


def added(report: Report, finding: Finding) -> Report:
    """The report with one finding more that no verdict rests on (a ranking of photos, say)."""
    return replace(report, findings=(*report.findings, finding))


def _checked(row: Diagnostic, given: Mapping[str, Value]) -> dict[str, Value]:
    """All knobs of a diagnostic: those given, checked, and the defaults of the rest."""
    knobs = {knob.name: knob for knob in row.knobs}
    for name in given:
        if name not in knobs:
            raise UsageError(f"{row.title} has no knob {name!r}: it has {', '.join(knobs) or 'none'}.")
    return {name: knob.check(given[name]) if name in given else knob.default for name, knob in knobs.items()}


def _made(row: Diagnostic, request: Request) -> Finding | str:
    """The finding, or the sentence that says why there is none."""
    try:
        if request.subject.model.spec.range is None and not row.points:
            return f"{row.title} looks at pictures, and this model draws points."
        why = row.why_not(request.subject)
        return why or row.run(request)
    except UserError as error:
        return str(error)
    except FAILURES as error:
        log.exception("the diagnostic %s failed", row.name)
        return f"{row.title} could not be measured ({type(error).__name__}: {str(error)[:200]}): the log says more."
