"""Makes a shipped model from a run: rounds the weights, measures them on the test split, fits directions.

It also writes the card, the sheets and the file of percentiles.

    python scripts/box_model.py RUN --title "Faces Glow 64" --data celeba64.zip --labels celeba_labels.csv

Every figure in the card is of the very file that is shipped, on people that training never saw. A GAN needs its
encoder before directions can be fitted: box it, run scripts/fit_encoder.py, and box it again with --only-directions.
What is dear (codes, features, the figures of PCA) is kept in the cache, so that a second call is fast.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

from boxing.baseline import references
from boxing.directing import Amounts
from boxing.fast import poll_soon
from boxing.figures import FULL, QUICK, Scale, measured, subject_for
from boxing.finish import finish, open_data, shipped_header
from boxing.kinds import Kind
from boxing.prior import fit_prior
from boxing.reproduce import box_command, header_facts, train_command, training_seconds

from engine.checkpoints.model_file import ModelHeader, load_model, save_model
from engine.data import DataSet
from engine.device import use_threads
from engine.diagnostics.facts import Origin
from engine.library import slug
from engine.runs import directory as runs
from engine.runs.checkpoints import newest_snapshot


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What boxing a run and boxing a PCA have in common."""
    parser.add_argument("--title", required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--labels", type=Path)
    parser.add_argument("--out", type=Path, default=Path(__file__).parents[1] / "resources" / "models")
    parser.add_argument("--fit", type=int, default=Amounts.fit, help="labelled images to fit directions on, at most")
    parser.add_argument("--held", type=int, default=Amounts.held, help="labelled images to judge them on, at most")
    parser.add_argument("--effects", type=int, default=Amounts.effects, help="pictures that effects are judged on")
    parser.add_argument("--quick", action="store_true", help="few pictures, to try; never for what is shipped")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--only-directions", action="store_true", help="keep the boxed weights and figures")


def scale_of(args: argparse.Namespace) -> Scale:
    return QUICK if args.quick else FULL


def made_text(config: runs.RunConfig, header: ModelHeader) -> str:
    batch = config.training.get("batch")
    seen = f", {header.step * int(batch):,} pictures seen" if batch else ""
    start = f" It goes on from the run {config.origin['run']!r}." if config.origin.get("run") else ""
    return f"One run, seed {config.training.get('seed', 0)}, averaged weights of the last checkpoint{seen}.{start}"


def boxed(source: Path, target: Path, args: argparse.Namespace, data: DataSet, kind: Kind) -> str:
    """Writes the rounded weights, measures the file that was written, and writes it again with its card."""
    model, header, _ = load_model(source)
    header = replace(header, title=args.title)
    config, prior_text = runs.read_config(args.run), ""
    if args.prior_steps:
        prior_text = fit_prior(model, data, steps=args.prior_steps, mirror=bool(config.training["flip"]))
    save_model(target, model, header, half=True, whole=False)
    model, _, digest = load_model(target)
    poll_soon(model)
    origin = Origin(model_sha256=digest, title=args.title, family=header.family, trained_on="yes", step=header.step)
    subject = subject_for(model, data, origin)
    found: dict[str, Any] = measured(model, data, subject, draws=args.finite, scale=scale_of(args))
    run = f"runs/{slug(args.title)}"
    again = {"title": args.title, "data": f"{kind.where}/{Path(args.data).name}"}
    if args.labels:
        again["labels"] = f"{kind.where}/{args.labels.name}"
    prior = {"prior-steps": str(args.prior_steps)} if args.prior_steps else {}
    commands = [train_command(config, kind.where, run), box_command("box_model.py", {**again, **prior}, run)]
    if model.abilities.encode == "search":
        beside = {name: words for name, words in again.items() if name != "title"}
        commands.append(box_command("fit_encoder.py", beside, f"resources/models/{target.name}"))
        commands.append(box_command("box_model.py", {**again, "only-directions": ""}, run))
    card = {
        **header_facts(config),
        "training_seconds": training_seconds(args.run),
        "steps_text": f"{header.step:,} steps",
        "command": "\n".join(commands),
        "made": " ".join(filter(None, (made_text(config, header), prior_text))),
    }
    header = shipped_header(header, model, data, kind, found, card)
    # Loaded anew: what `freeze` computed is no part of the file.
    loaded, _, _ = load_model(target)
    return save_model(target, loaded, header, half=True, whole=False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    add_arguments(parser)
    parser.add_argument("--finite", type=int, default=0, help="samples at T = 1 that must be finite (10,000 for flows)")
    parser.add_argument("--prior-steps", type=int, default=0, help="a VAE's prior learns so many steps alone first")
    parser.add_argument("--search-steps", type=int, default=0, help="steps after the encoder beside a model, for codes")
    args = parser.parse_args()
    use_threads(args.threads)
    data, kind = open_data(args, runs.read_config(args.run).image_shape)
    folder, _ = newest_snapshot(args.run)
    if folder is None:
        raise SystemExit(f"{args.run} has no checkpoint.")
    args.out.mkdir(parents=True, exist_ok=True)
    target = args.out / f"{slug(args.title)}.safetensors"
    if not args.only_directions:
        boxed(folder / "model.safetensors", target, args, data, kind)
    scale = scale_of(args)
    finish(target, args, data, kind, references(data, scale), scale=scale, search_steps=args.search_steps)


if __name__ == "__main__":
    main()
