"""train: the same loop as in the window, on a terminal."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from engine.api import TrainRequest
from engine.commands.common import Command, Result, assignments, natural, output_path, rounded
from engine.control import Control
from engine.errors import UsageError
from engine.events import TrainingEvent, TrainingMetrics, TrainingNotice
from engine.families import FAMILIES, family
from engine.knobs import knobs_of
from engine.session import Session
from engine.training.config import TrainConfig


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--family", choices=tuple(FAMILIES), help="which family to train")
    parser.add_argument("--data", help="folder, zip, npz or idx of images")
    parser.add_argument("--labels", help="CSV of labels, where the data set has none inside")
    parser.add_argument("--run", type=output_path, required=True, help="directory of the run")
    parser.add_argument("--size", type=int, choices=(32, 64, 128), default=64, help="pixels a side")
    parser.add_argument("--channels", type=int, choices=(1, 3), default=3)
    parser.add_argument("--steps", type=natural(1, 10_000_000), help="updates in all")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KNOB=VALUE",
        help="any knob of the family or of training",
    )
    parser.add_argument("--resume", action="store_true", help="go on with the run in --run")
    parser.add_argument("--device", default="auto")


def _run(args: argparse.Namespace) -> Result:
    session = Session(device=args.device)
    run: Path = args.run
    chosen = assignments(args.set) | ({"steps": str(args.steps)} if args.steps else {})
    training_names = {k.name for k in knobs_of(TrainConfig)}
    training = {k: v for k, v in chosen.items() if k in training_names}
    model = {k: v for k, v in chosen.items() if k not in training_names}
    if args.resume:
        if model:
            raise UsageError(f"{next(iter(model))} cannot change in a resumed run: start a new run for it.")
        session.extend_run(run, dict(training))
    else:
        if not args.family or not args.data:
            raise UsageError("a new run needs --family and --data; to go on with an old one give --resume.")
        model_names = {k.name for k in knobs_of(family(args.family).config)}
        for name in model:
            if name not in model_names:
                raise UsageError(
                    f"unknown knob {name!r}: the knobs are {', '.join(sorted(model_names | training_names))}."
                )
        request = TrainRequest(
            family=args.family,
            data=args.data,
            labels=args.labels,
            size=args.size,
            channels=args.channels,
            model=model,
            training=training,
            folder=run,
        )
        session.new_run(request)
    control = Control()
    last: dict[str, float] = {}
    with _signals(control):
        state = session.train(run, control=control, emit=lambda event: _report(event, last))
    values = {
        "run": str(run),
        "state": state.state,
        "step": state.step,
        "steps": state.steps,
        "metrics": {k: rounded(v, 6) for k, v in last.items()},
    }
    return Result(values, f"{state.state} at step {state.step} of {state.steps}: {run}")


def _report(event: TrainingEvent, last: dict[str, float]) -> None:
    """Progress goes to standard error: standard output is the result's alone."""
    if isinstance(event, TrainingMetrics):
        last.update(event.values)
        if event.images_per_second:
            last["images_per_second"] = event.images_per_second
        words = "  ".join(f"{name} {value:.4g}" for name, value in event.values)
        _say(f"step {event.step}/{event.steps}  {words}")
    elif isinstance(event, TrainingNotice):
        _say(event.text)


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


@contextmanager
def _signals(control: Control) -> Iterator[None]:
    """An interrupt or a termination asks the loop to stop in order; a second one interrupts at once."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ask(number: int, frame: FrameType | None) -> None:
        if control.stopping:
            raise KeyboardInterrupt
        control.stop()

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


COMMANDS = (Command("train", "train a model, or resume a run", _arguments, _run),)
