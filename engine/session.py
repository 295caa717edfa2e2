"""What the window and the commands ask the engine for, in plain values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import resources
from engine import library, plots
from engine.api import Catalogue, FamilyInfo, ModelCard, TrainRequest
from engine.checkpoints.model_file import decode_model, load_model, save_model
from engine.control import Control
from engine.data import DataSet, open_dataset
from engine.device import available, pick
from engine.device import training_threads as training_threads
from engine.device import use_threads as use_threads
from engine.errors import CheckpointError, RunError, UsageError
from engine.events import TrainingState
from engine.exploring.open_model import OpenModel
from engine.families import FAMILIES, model_knobs
from engine.knobs import from_json, knobs_of, to_json
from engine.latent.direction_files import DirectionSet, load_directions
from engine.latent.encoding import load_aids
from engine.latent.user_directions import load_owned
from engine.photos.load import PhotoLoader
from engine.progress import SILENT, Progress
from engine.runs import directory as runs
from engine.runs import live
from engine.runs.checkpoints import newest_snapshot
from engine.runs.preparing import check_stop, preparing, remember_data
from engine.training.config import TrainConfig
from engine.training.distributed import together
from engine.training.lock import exclusive

if TYPE_CHECKING:
    from engine.checkpoints.importing.convert import Imported
    from engine.checkpoints.importing.report import ImportReport
    from engine.data.survey import Survey
    from engine.diagnostics import Plan
    from engine.diagnostics.base import Diagnostic, Subject
    from engine.diagnostics.birthday import Drawn
    from engine.exploring.user_attributes import UserDirections
    from engine.lab import BenchSeen, GameSeen, LabCatalogue, Proof, Response, Setup, SweepSeen, TruthInfo
    from engine.lab.bench import Bench
    from engine.lab.viewer import Viewer
    from engine.report import Finding, Report
    from engine.training.growing import Trained
    from engine.training.recorder import Emit

# The loop, the diagnoses and OpenCV are imported where they are used: a first picture does not wait for them.


class Session:
    """A device and the user's folder. Holds no model: `open` gives one away."""

    def __init__(self, *, device: str = "auto", home: Path | None = None) -> None:
        self.device = pick(device)
        self.home = home or library.home_folder()
        self.models_folder = self.home / "models"
        self.runs_folder = self.home / "runs"
        photos = PhotoLoader()
        self.load_photo, self.whole_photo = photos.load, photos.whole

    def devices(self) -> tuple[str, ...]:
        """The kinds of device that work here, best first."""
        return available()

    def models(self) -> tuple[ModelCard, ...]:
        """All models, those in the box first; no weight is loaded."""
        return (*library.shipped_models(), *library.models_in(self.models_folder, shipped=False))

    def find(self, name: str) -> ModelCard:
        """The model of this name, slug or path.

        Raises:
            UsageError: there is none.
        """
        return library.find(name, self.models())

    def open(self, name: str) -> OpenModel:
        """A model ready to draw, with its directions.

        Raises:
            UsageError: no such model.
            CheckpointError: its file is damaged or foreign.
        """
        card = self.find(name)
        return self._opened(card.path, key=card.key)

    def open_run(self, run: Path) -> OpenModel:
        """The averaged weights of a run's newest good checkpoint.

        Raises:
            RunError: the run has none yet.
        """
        folder, _ = newest_snapshot(run)
        if folder is None:
            raise RunError(f"{run.name} has no checkpoint yet: wait until training has saved one.")
        return self._opened(folder / "model.safetensors", key=str(run))

    def open_live(self, run: Path, *, sha256: str = "") -> OpenModel:
        """The newest averaged weights of a run, published while it trains or of its newest checkpoint; those with this
        `sha256` where it is given. Directions that the user finds in them belong to the run and stay as it trains.

        Raises:
            RunError: there are none yet, or not those that were asked for.
            CheckpointError: they are damaged.
        """
        try:
            data, weights = live.read_weights(run, sha256=sha256)
        except RunError:
            if sha256 or live.newest(run) is None:
                raise
            return self.open_run(run)  # What is newest is damaged: an earlier checkpoint will do.
        model, header, digest = decode_model(data, weights.file.name)
        owner = live.identity(run)
        opened = OpenModel(
            model,
            replace(header, title=header.title or run.name),
            key=str(run),
            sha256=digest,
            directions=DirectionSet(digest, ()),
            device=self.device,
            owner=owner,
        )
        opened.set_owned(load_owned(self.home, owner, model.spec.size))
        return opened

    def user_directions(self, model: OpenModel) -> UserDirections:
        """What a person can do with the directions of an open model: make, find, rename, delete, import, export."""
        from engine.exploring.user_attributes import UserDirections

        return UserDirections(self.home, self.load_photo, model)

    def subject(
        self,
        ref: str | Path,
        data: str | None = None,
        *,
        labels: str | None = None,
        quick: bool = False,
        progress: Progress = SILENT,
    ) -> Subject:
        """What a diagnosis examines: a run directory's newest good checkpoint, or a model by name or path.

        A run brings its own data; a model file needs `data`. `quick` takes a part of a large data set.

        Raises:
            UsageError: no such model, or a model file without data.
            RunError: the run has no checkpoint yet.
            DataError, CheckpointError: one of the files cannot be used.
        """

        def opened(path: str, named: str | None, size: int, channels: int) -> DataSet:
            group = runs.read_config(run).group if run is not None and data is None else ""
            return self.dataset(path, labels=named, size=size, channels=channels, group=group, progress=progress)

        from engine.diagnostics.subjects import file_subject, run_named, run_subject

        device, run = self.device.torch, run_named(ref, self.runs_folder)
        if run is not None:
            return run_subject(run, opened, device=device, path=data, labels=labels, quick=quick)
        card = self.find(str(ref))
        if not card.pictures:
            raise UsageError(f"{card.title} draws points, which no data set of pictures can be held against.")
        if data is None:
            raise UsageError("A model file does not say where its training images are: give --data with them.")
        return file_subject(card.path, opened, device=device, path=data, labels=labels, quick=quick)

    @staticmethod
    def diagnostics() -> tuple[Diagnostic, ...]:
        """All that can be examined."""
        from engine.diagnostics.catalogue import DIAGNOSTICS

        return tuple(DIAGNOSTICS)

    @staticmethod
    def diagnose(
        subject: Subject, names: Sequence[str] | None = None, *, quick: bool = False, progress: Progress = SILENT
    ) -> Report:
        """A report of the diagnostics `names` (None: all); see `diagnose.diagnose`. Of a run that was kept from the Lab
        it says also how near the truth it is."""
        from engine.diagnostics.diagnose import diagnose
        from engine.lab.kept import against_truth

        return against_truth(diagnose(subject, names, quick=quick, progress=progress), subject)

    @staticmethod
    def judged_again(report: Report, subject: Subject, changed: Finding) -> Report:
        """The report with one finding replaced or added, and the verdict anew."""
        from engine.diagnostics.diagnose import judged_again

        return judged_again(report, subject, changed)

    @staticmethod
    def draw_round(subject: Subject, plan: Plan, *, progress: Progress = SILENT) -> Drawn:
        """The nearest pairs of the batch that a birthday test asks for."""
        from engine.diagnostics.birthday import draw_round

        return draw_round(subject, plan, progress=progress)

    def _opened(self, path: Path, *, key: str) -> OpenModel:
        model, header, digest = load_model(path)
        directions = DirectionSet(digest, ())
        beside = path.with_name(path.name.removesuffix(library.SUFFIX) + library.DIRECTIONS)
        if beside.is_file():
            directions = load_directions(beside, model_sha256=digest, size=model.spec.size)
        opened = OpenModel(
            model,
            header,
            key=key,
            sha256=digest,
            directions=directions,
            device=self.device,
            aids=load_aids(path, model, digest),
        )
        opened.set_owned(load_owned(self.home, digest, model.spec.size))
        return opened

    # the Lab, which computes on the CPU whatever the device: its models are small
    def lab_catalogue(self) -> LabCatalogue:
        """The truths, presets and knobs of the Lab."""
        from engine.lab.catalogue import catalogue

        return catalogue()

    def truth_info(self, name: str) -> TruthInfo:
        """A truth of the Lab with some of its points: by name, as `engine.lab.csv_name` or as `drawn_name`.

        Raises:
            UsageError: it cannot be used; the sentence says why.
        """
        from engine.lab.viewer import truth_info

        return truth_info(name)

    def bench(self, setups: Sequence[Setup]) -> Bench:
        """Stages side by side on one clock.

        Raises:
            UsageError: a stage cannot be made; the sentence says why.
        """
        from engine.lab.bench import Bench

        return Bench(setups)

    def best_response(
        self, bench: Bench, network: str, *, progress: Progress, show: Callable[[BenchSeen], None]
    ) -> Response:
        """Trains one network of the stages until its loss moves no more, and shows it meanwhile.

        Raises:
            UsageError: no stage has it, or it has learned all its steps.
        """
        from engine.lab.response import best_response

        return best_response(bench, network, progress, show)

    def keep_stage(self, bench: Bench, stage: int, title: str, rows: Sequence[tuple[int, Mapping[str, float]]]) -> Path:
        """A run of a stage of the Lab as it is now, with `rows` (step, numbers) as its curves.

        Raises:
            RunError: the disk does not take it.
        """
        from engine.training.keeping import keep_stage

        return keep_stage(self.runs_folder, bench.stages[stage], title=title, rows=rows)

    def read_setups(self, line: str) -> tuple[Setup, ...]:
        """The stages of a line that comes from outside: each is made once, and thrown away.

        Raises:
            UsageError: it is cut, of a later version, or of stages that cannot be made; the sentence says which.
        """
        from engine.lab.lines import read_all
        from engine.lab.stage import Stage

        setups = read_all(line)
        for setup in setups:
            Stage(setup)
        return setups

    def prove(self, lesson: str, check: str, *, progress: Progress) -> Proof:
        """Measures a lesson's number now, which may train a stage first."""
        from engine.lab import Proof
        from engine.lab.lessons import LESSONS
        from engine.lab.lessons.hearing import heard

        row = next(one for one in LESSONS[lesson].checks if one.name == check)
        with heard(progress):
            value = row.measure()
        return Proof(value, row.holds(value))

    def games(
        self, rules: Sequence[str], *, steps: int, eta: float = 0.1, start: tuple[float, float] = (1.0, 0.5)
    ) -> tuple[GameSeen, ...]:
        """The lecture's game of two numbers as these rules play it; raises as `engine.lab.catalogue.games`."""
        from engine.lab.catalogue import games

        return games(rules, steps=steps, eta=eta, start=start)

    def sweep(self, name: str) -> SweepSeen:
        """What is read while two Gaussians part; raises as `engine.lab.sweeps.swept`."""
        from engine.lab.sweeps import swept

        return swept(name)

    def viewer(self, bench: Bench) -> Viewer:
        """What looks at a bench from this thread, while another one trains it."""
        from engine.lab.viewer import Viewer

        return Viewer(bench)

    def catalogue(self) -> Catalogue:
        """The families of pictures, knobs, and the data sets in the box."""
        rows = tuple(
            FamilyInfo(
                name=row.name,
                title=row.title,
                summary=row.summary,
                model_knobs=model_knobs(row.name),
                training_defaults=row.training,
                presets=row.presets,
                few_images=row.few_images,
                sizes=row.sizes,
                curves=(*row.curves, *plots.COMMON),
            )
            for row in FAMILIES.values()
            if row.sizes
        )
        return Catalogue(rows, knobs_of(TrainConfig), self._data_sets())

    def _data_sets(self) -> tuple[tuple[str, str], ...]:
        try:
            return ((str(resources.path("data/cartoons64.zip")), "Cartoon faces (in the box)"),)
        except FileNotFoundError:
            return ()

    def sample_photos(self) -> tuple[Path, ...]:
        """The portraits in the box."""
        return tuple(sorted(resources.path("samples").glob("*.webp")))

    def dataset(
        self,
        path: str | Path,
        *,
        labels: str | None = None,
        size: int = 64,
        channels: int = 3,
        group: str = "",
        progress: Progress = SILENT,
    ) -> DataSet:
        """A data set by path, decoded into the cache the first time; for a run that was kept from the Lab, its points.

        Raises:
            DataError: it cannot be used.
        """
        if size == 1:
            from engine.lab.kept import point_set

            return point_set(str(path))
        return open_dataset(path, size=size, channels=channels, labels=labels, group=group, progress=progress)

    @staticmethod
    def survey(data: DataSet, *, progress: Progress = SILENT) -> Survey:
        """Looks a data set through.

        Raises:
            DataError: the files have gone since the data set was opened.
        """
        from engine.data.survey import survey

        return survey(data, progress=progress)

    def new_run(self, request: TrainRequest, *, progress: Progress = SILENT, read_data: bool = True) -> Path:
        """Validates everything, decodes the data, and makes the run's directory; `train` then trains it.

        Without `read_data` the images are left to `train`, which may be another process.

        Raises:
            UsageError: a knob is wrong.
            CheckpointError: the checkpoint to start from is damaged.
            DataError: the data cannot be used.
            RunError: the directory cannot be written.
        """
        from engine.planning.new_run import new_run

        return new_run(self.runs_folder, request, kind=self.device.kind, read_data=read_data, progress=progress)

    def trained(self, name: str | Path) -> Trained:
        """What a new run may start from: a run, a folder in its checkpoints, or a model by name or path.

        Raises:
            RunError, CheckpointError, UsageError: there is none, or it cannot be read.
        """
        from engine.training.growing import find_trained

        path = Path(name)
        # A folder that is not there must not become a model that happens to have its last name.
        if not path.exists() and path.name == str(path):
            with suppress(UsageError):
                path = self.find(path.name).path
        return find_trained(path)

    def cost_words(self, request: TrainRequest, *, progress: Progress = SILENT) -> str:
        """What a run would need, for people: parameters, memory, seconds a step here; its data is not looked at.

        Raises:
            UsageError: a knob is wrong.
        """
        from engine.planning import cost

        return cost.of_request(request, self.device.kind, progress).words()

    def extend_run(self, run: Path, training: dict[str, object]) -> None:
        """Changes training knobs of a run before it is resumed, for instance more steps.

        Raises:
            UsageError: a knob is wrong.
        """
        config = runs.read_config(run)
        changed = from_json(TrainConfig, {**config.training, **training})
        runs.save_config(run, replace(config, training=to_json(changed)))

    def train(self, run: Path, *, control: Control, emit: Emit) -> TrainingState:
        """Trains or resumes a run, in the calling thread, until it is done or stopped.

        Raises:
            RunError, DataError, UsageError: with one sentence; the newest checkpoint stays.
        """
        from engine.training.loop import train

        with ExitStack() as stack:
            dist = stack.enter_context(together(self.device))
            lock = stack.enter_context(exclusive(run)) if dist.first else None
            config = runs.read_config(run)
            channels, size, _ = config.image_shape
            steps = from_json(TrainConfig, config.training).steps
            with preparing(run, steps=steps, first=dist.first) as told:
                progress = replace(told, check=lambda: check_stop(run, control))
                if dist.first:
                    runs.ask(run, "STOP", False)
                data = dist.in_turn(
                    lambda: self.dataset(
                        config.data,
                        labels=config.labels,
                        group=config.group,
                        size=size,
                        channels=channels,
                        progress=progress,
                    )
                )
                if dist.first:
                    remember_data(run, data.fingerprint)
            dist.wait()
            return train(run, data, device=self.device, control=control, emit=emit, dist=dist, lock=lock)

    def publish(self, run: Path, title: str) -> Path:
        """Puts a run's newest averaged weights among the user's models.

        Raises:
            RunError: the run has no checkpoint.
        """
        folder, _ = newest_snapshot(run)
        if folder is None:
            raise RunError(f"{run.name} has no checkpoint yet: wait until training has saved one.")
        model, header, _ = load_model(folder / "model.safetensors")
        target = self._place(title, run.name)
        save_model(target, model, replace(header, title=title), whole=False)
        return target

    def _place(self, title: str, otherwise: str) -> Path:
        """A free name among the user's models."""
        target = self.models_folder / f"{library.slug(title) or otherwise}{library.SUFFIX}"
        if target.exists():
            raise CheckpointError(f"There is already a model called {target.stem}: choose another title.")
        return target

    # models that others made
    @staticmethod
    def is_loom_model(path: Path) -> bool:
        """Whether a safetensors file names itself a Latent Loom model; raises as `convert.is_loom_model`."""
        from engine.checkpoints.importing.convert import is_loom_model

        return is_loom_model(path)

    @staticmethod
    def inspect(path: Path, *, progress: Progress = SILENT) -> ImportReport:
        """What a file of weights holds, and what it leaves open; raises as `convert.inspect`."""
        from engine.checkpoints.importing.convert import inspect

        return inspect(path, progress=progress)

    def import_model(
        self, path: Path, *, title: str, answers: Mapping[str, object], progress: Progress = SILENT
    ) -> Imported:
        """Puts a model that others made among the user's models.

        Raises:
            UsageError, CheckpointError: as `convert.import_model`; or the title is taken.
        """
        from engine.checkpoints.importing.convert import import_model

        target = self._place(title, "imported")
        return import_model(path, target, answers=answers, title=title, progress=progress)
