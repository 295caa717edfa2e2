"""train: the same loop as in the window, on a terminal."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import FrameType

from engine.api import Pictures, TrainRequest
from engine.commands.common import SILENT, Command, Result, assignments, natural, output_path, repeatable, rounded
from engine.control import Control
from engine.data import Split
from engine.device import cuda_devices
from engine.errors import UsageError
from engine.events import TrainingEvent, TrainingMetrics, TrainingNotice
from engine.families import FAMILIES, family, sizes
from engine.knobs import Value, knobs_of
from engine.runs import pins
from engine.runs.directory import read_config
from engine.runs.library import request_of
from engine.runs.line_files import read_notices
from engine.runs.torchrun import torchrun_line
from engine.session import Session
from engine.training.config import TrainConfig, World

SIZE = 64
"""Pixels a side of a new run that says nothing of them."""
GRACE_SECONDS = 25
"""For an orderly stop under torchrun, which kills after 30 s."""


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--family", choices=tuple(FAMILIES), help="which family to train")
    parser.add_argument("--data", help="folder, zip, npz or idx of images")
    parser.add_argument("--labels", help="CSV of labels, where the data set has none inside")
    parser.add_argument(
        "--group", default="", help="column of the labels whose pictures stay in one split, or (folder)"
    )
    parser.add_argument("--run", type=output_path, required=True, help="directory of the run")
    parser.add_argument("--size", type=int, choices=sizes(), help="pixels a side (64 if nothing else is said)")
    parser.add_argument("--channels", type=int, choices=(1, 3), default=3)
    parser.add_argument(
        "--preset", help="small, standard or large: how big the model is, and how long the small one is trained"
    )
    parser.add_argument("--steps", type=natural(1, 10_000_000), help="updates in all")
    repeatable(parser, "--set", "KNOB=VALUE", "any knob of the family or of training")
    parser.add_argument("--resume", action="store_true", help="go on with the run in --run")
    parser.add_argument(
        "--from",
        dest="start",
        type=output_path,
        metavar="RUN",
        help="start the new run from the newest checkpoint of this run, or from a folder in its checkpoints; at twice "
        "its --size the model grows, also from a model file or name",
    )
    repeatable(parser, "--pin", "PHOTO", "show this photo inside the model at every preview; up to four in all")
    parser.add_argument(
        "--force", action="store_true", help="start although the device has too little memory by what is estimated"
    )
    parser.add_argument("--device", default="auto")


def _run(args: argparse.Namespace) -> Result:
    session = Session(device=args.device)
    run: Path = args.run
    chosen = assignments(args.set) | ({"steps": str(args.steps)} if args.steps else {})
    training_names = {k.name for k in knobs_of(TrainConfig)}
    training = {k: v for k, v in chosen.items() if k in training_names}
    model = {k: v for k, v in chosen.items() if k not in training_names}
    world = World.from_environment()
    if world.rank > 0:
        # Another process of a job under torchrun: rank 0 makes the run and talks, this one only trains with it.
        with _signals(control := Control(), world):
            session.train(run, control=control, emit=lambda event: None)
        return SILENT
    photos = _pinned(args, session)
    if args.resume:
        if model:
            raise UsageError(f"{next(iter(model))} cannot change in a resumed run: start a new run for it.")
        session.extend_run(run, dict(training))
    elif args.start:
        session.new_run(replace(_continued(args, session, model, training), force=args.force))
    else:
        if not args.family or not args.data:
            raise UsageError("a new run needs --family and --data; to go on with an old one give --resume.")
        model_names = {k.name for k in knobs_of(family(args.family).config)}
        for name in model:
            if name not in model_names:
                raise UsageError(
                    f"unknown knob {name!r}: the knobs are {', '.join(sorted(model_names | training_names))}."
                )
        preset = _preset(args, session)
        request = TrainRequest(
            family=args.family,
            data=args.data,
            labels=args.labels,
            group=args.group,
            size=args.size or SIZE,
            channels=args.channels,
            model={k: v for k, v in preset.items() if k in model_names} | model,
            training={k: v for k, v in preset.items() if k in training_names} | training,
            folder=run,
            force=args.force,
        )
        session.new_run(request)
    if not args.resume:
        for row in read_notices(run)[0]:
            _say(row.text)
    for photo in photos:
        pins.pin(run, photo)
    control = Control()
    last: dict[str, float] = {}
    several = _several(args, session, run)
    if world.size == 1:
        _say(f"{'In several processes' if args.device == 'cpu' else 'On several GPUs'}: {several['torchrun']}")
        _say(f"On several machines, the same on each: {several['torchrun_nodes']}")
    with _signals(control, world):
        state = session.train(run, control=control, emit=lambda event: _report(event, last))
    values = {
        "run": str(run),
        "state": state.state,
        "step": state.step,
        "steps": state.steps,
        "metrics": {k: rounded(v, 6) for k, v in last.items()},
        **several,
    }
    return Result(values, f"{state.state} at step {state.step} of {state.steps}: {run}")


def _several(args: argparse.Namespace, session: Session, run: Path) -> dict[str, str]:
    """The lines that continue this run on all GPUs of this machine, and on two machines like it."""
    processes = max(2, cuda_devices() if session.device.kind == "cuda" else 0)
    return {
        "torchrun": torchrun_line(run, processes, device=args.device),
        "torchrun_nodes": torchrun_line(run, processes, 2, device=args.device),
    }


def _preset(args: argparse.Namespace, session: Session) -> dict[str, Value]:
    """The knobs of the preset that is asked for; none without one."""
    row = family(args.family)
    if args.preset is None:
        return {}
    name = next((name for name in row.presets if name.lower().startswith(args.preset.lower())), "")
    if not name or not args.preset:
        words = ", ".join(name.partition(",")[0].lower() for name in row.presets)
        raise UsageError(f"there is no preset {args.preset!r} of {row.title}: choose one of {words}.")
    side = args.size or SIZE
    data = session.dataset(args.data, labels=args.labels, group=args.group, size=side, channels=args.channels)
    batch = row.training.get("batch", TrainConfig().batch)
    return row.presets[name].values(row.few_images, side=side, images=len(data.indices(Split.TRAIN)), batch=int(batch))


def _continued(
    args: argparse.Namespace, session: Session, model: dict[str, str], training: dict[str, str]
) -> TrainRequest:
    """The knobs of the run it starts from, with those that were given instead; data may be other data. Where the size
    is another one the model grows, and its knobs are those of the model that it starts from.
    """
    if args.family:
        raise UsageError("--family cannot be given with --from: weights fit their own family alone.")
    trained = session.trained(args.start)
    if trained.checkpoint is None:
        if not args.data:
            raise UsageError("A model file does not say where its training images are: give --data with them.")
        channels, size, _ = trained.image_shape
        asked = TrainRequest(family=trained.family, data=args.data, size=size, channels=channels, group=args.group)
    else:
        asked = request_of(read_config(trained.checkpoint.path.parent.parent))
    asked = replace(asked, size=args.size or asked.size)
    return replace(
        asked,
        data=args.data or asked.data,
        labels=args.labels if args.data else args.labels or asked.labels,
        model=model if trained.grows_for(asked) else {**asked.model, **model},
        training={**asked.training, **training},
        title="",
        folder=args.run,
        checkpoint=trained.path,
    )


def _pinned(args: argparse.Namespace, session: Session) -> list[Pictures]:
    """The photos to pin, read first: one that cannot be read must not leave an empty run behind."""
    if len(args.pin) > pins.MOST:
        raise UsageError(f"at most {pins.MOST} photos can be pinned to a run, got {len(args.pin)}.")
    if not args.pin:
        return []
    size = args.size or SIZE
    if args.resume:
        size = read_config(args.run).image_shape[1]
    elif args.start:
        size = args.size or session.trained(args.start).size
    return [session.load_photo(Path(name).expanduser(), size=size).picture for name in args.pin]


def _report(event: TrainingEvent, last: dict[str, float]) -> None:
    """Progress goes to standard error: standard output is the result's alone."""
    if isinstance(event, TrainingMetrics):
        last.update(event.values)
        # Rates, memory and the like are for curves; a terminal shows losses and held-out figures.
        told = [
            (name, value)
            for name, value in event.values
            if ("/" not in name and name != "images_per_second") or name.startswith("heldout/")
        ]
        if told:
            words = "  ".join(f"{name} {value:.4g}" for name, value in told)
            _say(f"step {event.step}/{event.steps}  {words}")
    elif isinstance(event, TrainingNotice):
        _say(event.text)


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


@contextmanager
def _signals(control: Control, world: World) -> Iterator[None]:
    """An interrupt or a termination asks the loop to stop in order; a second one of its kind interrupts at once.

    torchrun sends a termination after a person's interrupt, and when another process of the job is lost. This process
    may then wait for the lost one where no signal is heard, so the system ends it after a while.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    asked: set[int] = set()

    def ask(number: int, frame: FrameType | None) -> None:
        if number in asked:
            raise KeyboardInterrupt
        asked.add(number)
        control.stop()
        if alarm is not None:
            alarm(GRACE_SECONDS)

    alarm = getattr(signal, "alarm", None) if world.size > 1 else None

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if alarm is not None:
            alarm(0)


COMMANDS = (Command("train", "train a model, or resume a run", _arguments, _run),)
