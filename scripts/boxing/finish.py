"""What is done once the weights lie in the box: directions, sheets, percentiles and the card."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from fit_reference import write_reference

from boxing import card as cards
from boxing import sheets
from boxing.baseline import cached_file
from boxing.directing import Amounts, directions
from boxing.fast import poll_soon
from boxing.figures import Scale
from boxing.kinds import Kind, kind_of
from engine.checkpoints.model_file import ModelHeader, load_model
from engine.data import DataSet, Split, open_dataset
from engine.device import cpu_name
from engine.latent.direction_files import save_directions
from engine.latent.encoder import load_encoder
from engine.latent.encoding import load_aids
from engine.library import DIRECTIONS, ENCODER, REFERENCE
from engine.models.base import LatentModel
from engine.session import Session

NOTES = Path(__file__).parent / "notes"
"""A file SLUG.md here is the end of that model's card: what was tried, what failed."""


def open_data(args: argparse.Namespace, shape: tuple[int, int, int]) -> tuple[DataSet, Kind]:
    """The data set in the model's shape, and its row of terms."""
    channels, size, _ = shape
    data = open_dataset(args.data, labels=args.labels, size=size, channels=channels)
    return data, kind_of(data.name)


def shipped_header(
    header: ModelHeader,
    model: LatentModel,
    data: DataSet,
    kind: Kind,
    found: Mapping[str, Any],
    card: Mapping[str, Any],
) -> ModelHeader:
    """The header with the card that `latent-loom models --json` shows; `found` is the answer of `figures.measured`."""
    train, test = data.indices(Split.TRAIN), data.indices(Split.TEST)
    figures = {**found, "test": {k: v for k, v in found["test"].items() if k != "heldout_bits_per_dim"}}
    whole = {
        "data": f"{data.name}: {len(train)} training images, {len(test)} test images, split by {kind.groups}",
        "terms": kind.terms,
        "licence": kind.licence,
        "headline": cards.headline(figures),
        "machine": cpu_name(),
        **card,
        "figures": figures,
    }
    if "heldout_bits_per_dim" in found["test"]:
        whole["heldout_bits_per_dim"] = found["test"]["heldout_bits_per_dim"]
    return replace(header, card=whole)


def finish(
    target: Path,
    args: argparse.Namespace,
    data: DataSet,
    kind: Kind,
    beside: Mapping[str, Any],
    *,
    scale: Scale,
    search_steps: int = 0,
) -> None:
    """Everything beside the model file at `target`; `beside` has the figures of PCA-128 and of real pictures."""
    model, header, digest = load_model(target)
    model.requires_grad_(False)
    if model.abilities.encode != "search" or not search_steps:
        # A search needs gradients, which the frozen form does not give.
        poll_soon(model)
    aids = load_aids(target, model, digest)
    sheets.write_samples(model, target)
    flat = None if header.family == "pca" else beside["pca"]
    parts = {
        "test": cards.table_of_test(header.card["figures"], flat, _encoder_card(target, model, digest)),
        "samples": cards.table_of_samples(header.card["figures"], flat, beside["real"]),
        "directions": "",
        "pictures": "",
        "notes": _notes(target),
    }
    if model.abilities.density != "none":
        write_reference(
            model, data, target.with_name(target.stem + REFERENCE), digest=digest, most=min(1500, scale.test)
        )
    if model.abilities.encode != "search" or aids.encoder is not None:
        amounts = Amounts(fit=args.fit, held=args.held, effects=args.effects, search_steps=search_steps)
        made, found = directions(
            model, data, kind, digest=digest, labels=args.labels, encoder=aids.encoder, amounts=amounts
        )
        save_directions(target.with_name(target.stem + DIRECTIONS), made)
        if found is not None:
            parts["directions"] = cards.direction_text(found, kind.aims)
        parts["pictures"] = _pictures(target, kind, data, kind.shown or made.names[:4])
    else:
        print("no encoder beside the model yet: run scripts/fit_encoder.py, then this with --only-directions")
    channels, size, _ = header.image_shape
    shown = {
        **header.card,
        "family": header.family,
        "image": f"{size} x {size} pixels, {'colour' if channels == 3 else 'grey'}",
        "parameters": sum(p.numel() for p in model.parameters()),
        "megabytes": target.stat().st_size / 1e6,
        "parts": scale.parts,
        "part": min(scale.part, len(data.indices(Split.TEST))),
    }
    text = cards.markdown(header.title, shown, digest, stem=target.stem, parts=parts)
    target.with_suffix(".md").write_text(text, "utf-8")
    print(f"{target}: {target.stat().st_size / 1e6:.1f} MB")


def _encoder_card(target: Path, model: LatentModel, digest: str) -> Mapping[str, Any] | None:
    path = target.with_name(target.stem + ENCODER)
    if not path.is_file():
        return None
    _, facts = load_encoder(path, model_sha256=digest, code=model.spec.size, image_shape=model.spec.image_shape)
    return facts.card


def _notes(target: Path) -> str:
    path = NOTES / f"{target.stem}.md"
    return path.read_text("utf-8") if path.is_file() else ""


def _pictures(target: Path, kind: Kind, data: DataSet, names: tuple[str, ...]) -> str:
    """Writes the strips of reconstructions and edits, as the program itself does, and says what they show."""
    session = Session(device="cpu", home=cached_file("home"))
    opened = session.open(str(target))
    photos = sheets.photos(kind, data, session)
    who = "Portraits of people who do not exist" if kind.photos == "portraits" else "Test pictures"
    text = ""
    if opened.info.encode != "exact":
        dbs = sheets.write_photos(opened, photos, target)
        text += f"""
![reconstructions]({target.stem}.photos.webp)

{who}, and below each what the model makes of it ({sum(dbs) / len(dbs):.1f} dB on average of these {len(dbs)}).
"""
    sheets.write_edits(opened, photos, names, target)
    return f"""{text}
![edits]({target.stem}.edits.webp)

Three {"portraits" if kind.photos == "portraits" else "test pictures"} and three samples inside the model; beside each,
from left to right, {", ".join(names)}, each at -2 and at +2 sigma.
"""
