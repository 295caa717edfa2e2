"""Makes the shipped PCA model from a data set, in seconds, with the same card, figures and directions as every other.

python scripts/box_pca.py --title "Faces PCA 64" --data celeba64.zip --labels celeba_labels.csv
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from box_model import add_arguments, scale_of
from boxing.baseline import COMPONENTS, fit_pca_model, references
from boxing.finish import finish, open_data, shipped_header
from boxing.reproduce import box_command

from engine.checkpoints.model_file import ModelHeader, load_model, save_model
from engine.data import Split
from engine.device import use_threads
from engine.families import sizes
from engine.knobs import to_json
from engine.library import slug


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_arguments(parser)
    parser.add_argument("--size", type=int, choices=sizes(), default=64, help="pixels a side")
    parser.add_argument("--channels", type=int, choices=(1, 3), default=3)
    args = parser.parse_args()
    use_threads(args.threads)
    shape = (args.channels, args.size, args.size)
    data, kind = open_data(args, shape)
    args.out.mkdir(parents=True, exist_ok=True)
    target = args.out / f"{slug(args.title)}.safetensors"
    beside = references(data, scale_of(args))
    if not args.only_directions:
        training = np.asarray(data.images[data.indices(Split.TRAIN)])
        began = time.process_time()
        with torch.inference_mode():
            model = fit_pca_model(training, COMPONENTS)
        seconds = time.process_time() - began
        header = ModelHeader("pca", to_json(model.config), shape, title=args.title)
        again = {"title": args.title, "data": f"{kind.where}/{Path(args.data).name}"}
        if args.labels:
            again["labels"] = f"{kind.where}/{args.labels.name}"
        card = {
            "training": {},
            "model_knobs": to_json(model.config),
            "training_seconds": seconds,
            "seconds_of": "of CPU time",
            "steps_text": "Computed at once, without training",
            "command": box_command("box_pca.py", again, ""),
            "made": f"The {model.config.components} main axes of {len(training):,} training pictures by randomised "
            "subspace iteration; no mirror images.",
        }
        # The model that was just fitted is the baseline of every card, so its figures are those.
        save_model(target, model, shipped_header(header, model, data, kind, beside["pca"], card), half=True)
        load_model(target)
    finish(target, args, data, kind, beside, scale=scale_of(args))


if __name__ == "__main__":
    main()
