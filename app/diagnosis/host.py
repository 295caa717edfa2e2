"""What the study lane does for a diagnosis: it holds the model under examination. Every method runs there."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from app.core.model_host import ModelHost
from app.diagnosis.state import DiagnosticCard
from engine import diagnostics
from engine.api import Pictures
from engine.errors import RunError
from engine.lanes import Context
from engine.runs import newest_snapshot

if TYPE_CHECKING:
    from engine.session import Session, Subject


@dataclass(frozen=True, eq=False)
class Diagnosed:
    """A finished diagnosis; `problem` says why it could not be kept on disk, empty where it is."""

    step: int
    report: diagnostics.Report
    problem: str = ""


@dataclass(frozen=True, eq=False)
class Table:
    """A test that may begin or go on: the model it is about, how many real images there are, and the kept game."""

    step: int
    sha256: str
    training: int
    real: int
    game: diagnostics.Game | None


@dataclass(frozen=True, eq=False)
class Batch:
    """A drawn round: its plan, its pairs, and their pictures (P, H, W, 3)."""

    plan: diagnostics.Plan
    pairs: tuple[diagnostics.Pair, ...]
    left: Pictures
    right: Pictures


class DiagnosisHost:
    """Keeps the newest subject, so that a test draws all its batches from one model although training goes on."""

    def __init__(self, host: ModelHost) -> None:
        self._host = host
        self._kept: tuple[Path, bool, Subject] | None = None
        self._checked: tuple[tuple[str, str, bool], Subject] | None = None
        self._game: tuple[Path, Subject] | None = None

    def cards(self) -> tuple[DiagnosticCard, ...]:
        """The catalogue; importing it takes a second."""
        return tuple(DiagnosticCard(row.name, row.title, row.help) for row in self._host.session().diagnostics())

    def diagnose(self, run: Path, names: tuple[str, ...] | None, *, quick: bool, context: Context) -> Diagnosed:
        """Makes the diagnostics `names` (None: all) of the run's newest checkpoint and keeps the report in the run.

        One that is made alone joins the findings of that step's report.
        """
        subject = self._subject(run, quick=quick, context=context)
        folder = diagnostics.report_folder(run, subject.origin.step or 0)
        return self._made(folder, subject, names, quick=quick, context=context)

    def check(self, ref: str, data: str, names: tuple[str, ...] | None, *, quick: bool, context: Context) -> Diagnosed:
        """The same of a model of the library, held against the images at `data`; kept in the user's folder."""
        context.step(0, 0, "reading the model and its images")
        if self._checked is None or self._checked[0] != (ref, data, quick):
            # The old one goes first: two sets of images need not fit.
            self._checked = None
            subject = self._host.session().subject(ref, data, quick=quick, progress=context.named("reading the images"))
            self._checked = ((ref, data, quick), subject) if quick else None
        else:
            subject = self._checked[1]
        folder = self._folder(subject.origin.model_sha256, data)
        return self._made(folder, subject, names, quick=quick, context=context)

    def _made(
        self, folder: Path, subject: Subject, names: tuple[str, ...] | None, *, quick: bool, context: Context
    ) -> Diagnosed:
        report = self._host.session().diagnose(subject, names, quick=quick, progress=context)
        if names is not None:
            report = _joined(self._host.session(), folder, subject, report)
        return _written(folder, subject, report)

    def kept(self, sha256: str, data: str) -> diagnostics.Report | None:
        """The report on a model and these images that was kept, None where there is none."""
        folder = self._folder(sha256, data)
        try:
            return diagnostics.read_report(folder) if folder.is_dir() else None
        except RunError:
            return None

    def _folder(self, sha256: str, data: str) -> Path:
        home: Path = self._host.session().home
        place = hashlib.sha256(data.encode("utf-8", "surrogateescape")).hexdigest()[:12]
        return home / "diagnostics" / sha256[:16] / place

    def table(self, run: Path, file: Path | None, *, context: Context) -> Table:
        """The newest checkpoint for a birthday test, and the test of it that was kept in the run."""
        subject = self._subject(run, quick=True, context=context)
        self._game = (run, subject)
        origin = subject.origin
        step = origin.step or 0
        kept = diagnostics.load_game(file or diagnostics.game_file(run, step), model_sha256=origin.model_sha256)
        total = origin.training_total or len(subject.training)
        return Table(step, origin.model_sha256, total, len(subject.heldout) + len(subject.training), kept)

    def batch(self, run: Path, plan: diagnostics.Plan, *, context: Context) -> Batch:
        """Draws the round that `plan` asks for.

        Raises:
            RunError: the model of the test is no longer held: begin again.
        """
        drawn = self._host.session().draw_round(self._tested(run), plan, progress=context)
        return Batch(plan, drawn.pairs, _rgb(drawn.left), _rgb(drawn.right))

    def conclude(self, run: Path, finding: diagnostics.Finding) -> Diagnosed:
        """Puts the finished test into the report of its step, with the verdict anew.

        Raises:
            RunError: the model of the test is no longer held.
        """
        subject = self._tested(run)
        folder = diagnostics.report_folder(run, subject.origin.step or 0)
        session = self._host.session()
        report = _known(folder, subject) or session.diagnose(subject, ())
        return _written(folder, subject, session.judged_again(report, subject, finding))

    def _tested(self, run: Path) -> Subject:
        if self._game is None or self._game[0] != run:
            raise RunError("The model of this test is not open any more: begin the test again.")
        return self._game[1]

    def _subject(self, run: Path, *, quick: bool, context: Context) -> Subject:
        context.step(0, 0, "reading the model and its images")
        kept, folder = self._kept, newest_snapshot(run)[0]
        if kept is not None and kept[:2] == (run, quick) and folder is not None:
            if folder.name == f"step_{kept[2].origin.step or 0:06d}":
                return kept[2]
        self._kept = None
        subject = self._host.session().subject(run, quick=quick, progress=context.named("reading the images"))
        # All images of a large set are not kept after the diagnosis that asked for them.
        self._kept = (run, quick, subject) if quick else None
        return subject


def _known(folder: Path, subject: Subject) -> diagnostics.Report | None:
    """The report in the folder, None where there is none or it is of another model."""
    try:
        report = diagnostics.read_report(folder)
    except RunError:
        return None
    return report if report.model_sha256 == subject.origin.model_sha256 else None


def _joined(session: Session, folder: Path, subject: Subject, fresh: diagnostics.Report) -> diagnostics.Report:
    """The report in the folder with the findings of a fresh one in place of its own."""
    before = _known(folder, subject)
    if before is None:
        return fresh
    made = {finding.diagnostic for finding in fresh.findings}
    skipped = {name: why for name, why in before.skipped.items() if name not in made} | dict(fresh.skipped)
    for finding in fresh.findings:
        before = session.judged_again(before, subject, finding)
    return replace(before, skipped=skipped, seconds=fresh.seconds)


def _written(folder: Path, subject: Subject, report: diagnostics.Report) -> Diagnosed:
    step = subject.origin.step or 0
    try:
        diagnostics.write_report(folder, report)
    except RunError as error:
        return Diagnosed(step, report, str(error))
    return Diagnosed(step, report)


def _rgb(pictures: Pictures) -> Pictures:
    """Pictures with three channels."""
    return pictures if pictures.shape[-1] == 3 else pictures.repeat(3, axis=-1)
