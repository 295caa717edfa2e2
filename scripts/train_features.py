"""Trains the small network of the "own features" (resources/features), by which sets of pictures are compared.

    python scripts/train_features.py --faces DATA/celeba64.zip --labels DATA/celeba_labels.csv \
        --digits DATA/mnist/train-images-idx3-ubyte.gz --output resources/features/own-features.safetensors

Every picture comes as two views, and the pooled features have to tell four things by linear heads: attributes of faces
and cartoons and the class of a digit; what was done to the view (blur, noise, swirl, light, colours, shift, a hole), so
that a distance of features sees it; and, behind a small head, which view belongs to the same picture or person
(arXiv:2002.05709, eq. 1). A fifth of the pictures are "dead leaves" (arXiv:2106.05963, section 3), drawn here, so that
the features are not of faces alone. People of the validation and test splits (engine.data) are never trained on.
"""

from __future__ import annotations

import argparse
import csv
import math
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from engine.data import DataSet, Split, open_dataset
from engine.diagnostics.feature_net import FEATURES, INPUT_PX, LAYERS, FeatureNet, fitted, save_net
from engine.pictures import to_images
from resources import path as resource

Pixels = NDArray[np.uint8]
SHARES: Final = {"faces": 0.56, "cartoons": 0.14, "digits": 0.10, "leaves": 0.20}
DONE: Final = (
    "blur",
    "noise",
    "swirl",
    "grid",
    "hole",
    "right",
    "down",
    "turn",
    "size",
    "light",
    "contrast",
    "colour",
    "red",
    "blue",
)
"""What is done to a view and told by a head, each in units of about one deviation."""
PLACES: Final = [DONE.index(name) for name in ("right", "down", "turn", "size")]
TEMPERATURE: Final = 0.2
EMA: Final = 0.999
FLOOR: Final = 0.1


@dataclass(frozen=True, eq=False)
class Kind:
    """Pictures (N, 64, 64, 3), labels (N, A) in {-1, 0, 1} with names, and the rows that are one person's."""

    name: str
    pictures: Pixels
    labels: NDArray[np.int8]
    attributes: tuple[str, ...]
    same: dict[int, NDArray[np.int64]]
    placed: bool
    """Whether all its pictures are framed alike, so that a shift can be told."""


def read_kind(name: str, data: DataSet, split: Split, *, people: dict[str, str], most: int | None = None) -> Kind:
    """The pictures of a split of a data set; `people` says whose each is, by its file's name."""
    rows = data.indices(split)[:most]
    pictures = np.asarray(data.images[rows])
    if pictures.shape[1:] != (INPUT_PX, INPUT_PX, 3):
        images = [fitted(to_images(pictures[i : i + 500])) for i in range(0, len(pictures), 500)]
        pixels = ((torch.cat(images) + 1) * 127.5).round().to(torch.uint8)
        pictures = np.ascontiguousarray(pixels.permute(0, 2, 3, 1).numpy())
    groups: dict[str, list[int]] = defaultdict(list)
    for place, row in enumerate(rows):
        groups[people.get(data.names[row], data.names[row])].append(place)
    same = {i: np.array(group) for group in groups.values() if len(group) > 1 for i in group}
    return Kind(name, pictures, np.asarray(data.labels[rows]), data.attributes, same, True)


def dead_leaves(count: int, seed: int) -> Kind:
    """Pictures of overlapping discs, boxes and triangles, whose sizes follow a power law, some of them striped."""
    rng = np.random.default_rng(seed)
    side = 2 * INPUT_PX
    pictures = np.empty((count, INPUT_PX, INPUT_PX, 3), np.uint8)
    for picture in pictures:
        canvas = np.full((side, side, 3), rng.integers(0, 256, 3), np.uint8)
        palette = rng.integers(0, 256, (int(rng.integers(2, 9)), 3))
        few = rng.random() < 0.2
        for _ in range(int(rng.integers(1, 8)) if few else int(rng.integers(15, 90))):
            radius = int(side / 2 * max(0.04, rng.random() ** 2.5))
            at = rng.integers(0, side, 2)
            spread = rng.normal(0, 12, 3)
            colour = tuple(int(c) for c in (palette[rng.integers(len(palette))] + spread).clip(0, 255))
            form = rng.random()
            if form < 0.4:
                cv2.circle(canvas, tuple(map(int, at)), radius, colour, -1)
            elif form < 0.8:
                corners = (at + rng.normal(0, radius, (3 if form < 0.6 else 4, 2))).astype(np.int32)
                cv2.fillPoly(canvas, [cv2.convexHull(corners)], colour)
            else:
                step = rng.normal(0, 5, 2).astype(np.int64)
                for k in range(6):
                    begin = at + k * (2 * step + 1)
                    end = begin + rng.integers(-radius - 1, radius + 1, 2)
                    cv2.line(canvas, tuple(map(int, begin)), tuple(map(int, end)), colour, 2)
        picture[:] = cv2.resize(canvas, (INPUT_PX, INPUT_PX), interpolation=cv2.INTER_AREA)
    return Kind("leaves", pictures, np.zeros((count, 0), np.int8), (), {}, False)


GRID: Final = np.stack(np.meshgrid(*[np.arange(INPUT_PX, dtype=np.float32)] * 2), -1)


def view(rng: np.random.Generator, picture: Pixels, *, flip: bool) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """A changed picture (64, 64, 3) in [0, 1] and what was done to it, (len(DONE),)."""
    done = np.zeros(len(DONE), np.float32)
    x = picture[:, ::-1] if flip else picture
    if rng.random() < 0.5:
        right, down, turn, size = rng.normal(0, 1, 4)
        done[5:9] = right, down, turn, size
        matrix = cv2.getRotationMatrix2D((INPUT_PX / 2 - 0.5,) * 2, 6 * turn, math.exp(0.06 * size))
        matrix[:, 2] += 2.0 * right, 2.0 * down
        x = cv2.warpAffine(np.ascontiguousarray(x), matrix, (INPUT_PX,) * 2, borderMode=cv2.BORDER_REFLECT)
    if rng.random() < 0.15:
        strength = rng.uniform(0, 1)
        done[2] = 3 * strength
        around, reach = rng.normal(INPUT_PX / 2, 6, 2), rng.uniform(18, 40)
        away = GRID - around.astype(np.float32)
        radius = np.hypot(away[..., 0], away[..., 1])
        angle = 2.0 * strength * rng.choice([-1, 1]) * np.exp(-((radius / reach) ** 2) * 3)
        cos, sin = np.cos(angle), np.sin(angle)
        maps = [away[..., 0] * cos - away[..., 1] * sin, away[..., 0] * sin + away[..., 1] * cos]
        x = cv2.remap(
            np.ascontiguousarray(x),
            *[(m + c).astype(np.float32) for m, c in zip(maps, around, strict=True)],
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REFLECT,
        )
    y = x.astype(np.float32) / 255
    if rng.random() < 0.35:
        sigma = rng.uniform(0, 1) ** 1.5 * 3
        done[0] = sigma
        if sigma > 0.2:
            y = cv2.GaussianBlur(np.ascontiguousarray(y), (0, 0), sigma)
    if rng.random() < 0.08:
        done[4] = side = rng.uniform(0.5, 3)
        half = side * 6
        (left, top) = rng.uniform(-half / 2, INPUT_PX - half / 2, 2).astype(int).clip(0)
        y[top : top + int(half), left : left + int(half)] = rng.random(3 if rng.random() < 0.7 else 1)
    if rng.random() < 0.10:
        # What transposed convolutions leave behind (Odena et al. 2016).
        done[3] = strength = rng.uniform(0, 3)
        pattern = np.tile(rng.normal(0, 1, (2, 2)), (INPUT_PX // 2, INPUT_PX // 2))
        if rng.random() < 0.5:
            pattern = np.kron(pattern[: INPUT_PX // 2, : INPUT_PX // 2], np.ones((2, 2)))
        y = y + (0.03 * strength * pattern)[..., None].astype(np.float32)
    if rng.random() < 0.4:
        light, contrast, colour, red, blue = rng.normal(0, 1, 5)
        done[9:14] = light, contrast, colour, red, blue
        y = (y - 0.5) * math.exp(0.15 * contrast) + 0.5 + 0.05 * light
        grey = y.mean(-1, keepdims=True)
        y = grey + (y - grey) * math.exp(0.3 * colour)
        y = y + np.array([0.03 * red, 0, 0.03 * blue], np.float32)
    if rng.random() < 0.35:
        sigma = rng.uniform(0, 1) ** 1.5 * 3
        done[1] = sigma
        y = y + rng.standard_normal(y.shape, np.float32) * np.float32(0.06 * sigma)
    return y.clip(0, 1).astype(np.float32), done


@dataclass(frozen=True, eq=False)
class Batch:
    """Views (2B, 3, 64, 64), pairs in rows i and i + B; rows by kind, their labels; what was done, with a mask."""

    images: Tensor
    rows: dict[str, Tensor]
    labels: dict[str, Tensor]
    done: Tensor
    told: Tensor


def batch_of(rng: np.random.Generator, kinds: list[Kind], pairs: int) -> Batch:
    views: tuple[list[NDArray[np.float32]], list[NDArray[np.float32]]] = ([], [])
    done: tuple[list[NDArray[np.float32]], list[NDArray[np.float32]]] = ([], [])
    told = torch.ones(2 * pairs, len(DONE))
    rows: dict[str, Tensor] = {}
    labels: dict[str, Tensor] = {}
    begin = 0
    for kind in kinds:
        end = pairs if kind is kinds[-1] else begin + round(SHARES[kind.name] * pairs)
        first = rng.integers(0, len(kind.pictures), end - begin)
        # A third of the pairs of people are two photos of one person, the others two views of one photo.
        second = np.array([rng.choice(kind.same[i]) if i in kind.same and rng.random() < 0.35 else i for i in first])
        flips = (rng.random(end - begin) < 0.5) & (kind.name != "digits")
        for which, picks in enumerate((first, second)):
            for pick, flip in zip(picks, flips, strict=True):
                image, changes = view(rng, kind.pictures[pick], flip=bool(flip))
                views[which].append(image)
                done[which].append(changes)
        places = torch.cat([torch.arange(begin, end), torch.arange(begin, end) + pairs])
        rows[kind.name] = places
        labels[kind.name] = torch.from_numpy(kind.labels[np.concatenate([first, second])])
        if not kind.placed:
            told[places[:, None], torch.tensor(PLACES)] = 0
        begin = end
    images = torch.from_numpy(np.stack(views[0] + views[1])).permute(0, 3, 1, 2) * 2 - 1
    return Batch(
        images.contiguous(memory_format=torch.channels_last),
        rows,
        labels,
        torch.from_numpy(np.stack(done[0] + done[1])),
        told,
    )


class Trained(nn.Module):
    """`FeatureNet` with a batch norm after each convolution and a short cut where shapes allow, and its heads."""

    def __init__(self, kinds: list[Kind]) -> None:
        super().__init__()
        self.convs = nn.ModuleList(nn.Conv2d(a, b, 3, stride=s, padding=1, bias=False) for a, b, s in LAYERS)
        self.norms = nn.ModuleList(nn.BatchNorm2d(b) for _, b, _ in LAYERS)
        self.heads = nn.ModuleDict({k.name: nn.Linear(FEATURES, len(k.attributes)) for k in kinds if k.attributes})
        self.done = nn.Linear(FEATURES, len(DONE))
        self.apart = nn.Sequential(nn.Linear(FEATURES, 128), nn.ReLU(), nn.Linear(128, 64))

    def pooled(self, x: Tensor) -> Tensor:
        for i, (conv, norm) in enumerate(zip(self.convs, self.norms, strict=True)):
            x = F.relu(x) if i else x
            y = norm(conv(x))
            x = y + x if y.shape == x.shape else y
        return x.mean((2, 3)).float()

    @torch.no_grad()
    def folded(self) -> FeatureNet:
        """The same function of plain convolutions, as yet not evened out."""
        net = FeatureNet()
        for conv, norm, plain, (a, b, stride) in zip(self.convs, self.norms, net.convs, LAYERS, strict=True):
            assert isinstance(conv, nn.Conv2d)
            assert isinstance(norm, nn.BatchNorm2d)
            assert isinstance(plain, nn.Conv2d)
            assert norm.running_mean is not None
            assert norm.running_var is not None
            assert plain.bias is not None
            gain = norm.weight / torch.sqrt(norm.running_var + norm.eps)
            plain.weight.copy_(conv.weight * gain[:, None, None, None])
            if a == b and stride == 1:
                plain.weight[torch.arange(b), torch.arange(b), 1, 1] += 1
            plain.bias.copy_(norm.bias - norm.running_mean * gain)
        return net.eval()


def loss_of(net: Trained, batch: Batch, pairs: int) -> tuple[Tensor, dict[str, float]]:
    """The sum of all tasks, and each one's share."""
    with torch.autocast("cpu", torch.bfloat16):
        features = net.pooled(batch.images)
    parts: dict[str, Tensor] = {}
    for name, head in net.heads.items():
        logits, labels = head(features[batch.rows[name]]), batch.labels[name].float()
        if name == "digits":
            parts[name] = 0.25 * F.cross_entropy(logits, labels.argmax(1))
        else:
            known = (labels != 0).float()
            each = F.binary_cross_entropy_with_logits(logits, (labels > 0).float(), reduction="none") * known
            parts[name] = (4.0 if name == "faces" else 1.0) * each.sum() / known.sum().clamp(min=1)
    off = F.smooth_l1_loss(net.done(features), batch.done, reduction="none") * batch.told
    parts["done"] = 3.0 * off.sum() / batch.told.sum()
    sides = F.normalize(net.apart(features), dim=1)
    likeness = sides @ sides.T / TEMPERATURE
    likeness.fill_diagonal_(-1e4)
    twins = torch.arange(2 * pairs).roll(pairs)
    parts["apart"] = 0.3 * F.cross_entropy(likeness, twins)
    return torch.stack(list(parts.values())).sum(), {name: float(part.detach()) for name, part in parts.items()}


@torch.inference_mode()
def pooled_of(net: FeatureNet, pictures: Pixels) -> Tensor:
    return torch.cat([net.pooled(to_images(pictures[i : i + 250])) for i in range(0, len(pictures), 250)])


def auc(scores: NDArray[np.float64], positive: NDArray[np.bool_]) -> float:
    """Area under the ROC curve by ranks; ties count half on average."""
    ranks = np.argsort(np.argsort(scores)).astype(np.float64) + 1
    p, n = int(positive.sum()), int((~positive).sum())
    return float((ranks[positive].sum() - p * (p + 1) / 2) / (p * n)) if p and n else math.nan


def checked(net: Trained, plain: FeatureNet, held: list[Kind]) -> str:
    """Held-out figures of the heads: mean AUC of attributes, accuracy of digits."""
    words = []
    for kind in held:
        with torch.inference_mode():
            scores = net.heads[kind.name](pooled_of(plain, kind.pictures)).double().numpy()
        if kind.name == "digits":
            right = scores.argmax(1) == kind.labels.argmax(1)
            words.append(f"{kind.name} accuracy {100 * right.mean():.2f} % of {len(right)}")
            continue
        found = []
        for at, _ in enumerate(kind.attributes):
            known = kind.labels[:, at] != 0
            found.append(auc(scores[known, at], kind.labels[known, at] > 0))
        words.append(f"{kind.name} mean AUC {np.nanmean(found):.4f} of {int((kind.labels[:, 0] != 0).sum())}")
    return ", ".join(words)


@torch.no_grad()
def even_out(net: FeatureNet, faces: Pixels, seed: int) -> None:
    """Sets mean and turn by training faces: principal axes, the long ones shortened.

    An axis of variance v is divided by sqrt(v + FLOOR * mean of all v). Axes along which real faces vary (light,
    attributes) come to about one length, and those along which they hardly vary (sharpness, noise) count more; the
    floor keeps what is mere noise of the features short.
    """
    rows = np.random.default_rng(seed).permutation(len(faces))[:5000]
    pooled = pooled_of(net, faces[rows]).double()
    deviations = pooled.std(0)
    lengths, axes = torch.linalg.eigh(torch.corrcoef(pooled.T))
    net.mean.copy_(pooled.mean(0))
    net.turn.copy_(axes / (lengths + FLOOR).sqrt() / deviations[:, None])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faces", type=Path, required=True, help="zip of aligned faces")
    parser.add_argument("--labels", type=Path, required=True, help="CSV of their attributes and identities")
    parser.add_argument("--digits", type=Path, required=True, help="idx file of digits, its labels beside it")
    parser.add_argument("--cartoons", type=Path, default=resource("data/cartoons64.zip"))
    parser.add_argument("--output", type=Path, required=True, help="the safetensors file to write")
    parser.add_argument("--steps", type=int, default=4500)
    parser.add_argument("--stop", type=int, help="end after this step of the plan; the file that ships: see its card")
    parser.add_argument("--pairs", type=int, default=48, help="pairs of views a step")
    parser.add_argument("--every", type=int, default=250, help="steps between checks, each of which writes the file")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    cv2.setNumThreads(1)
    torch.manual_seed(args.seed)
    rng = np.random.default_rng(args.seed)

    with args.labels.open(newline="", encoding="utf-8") as lines:
        people = {row["file"]: row["identity"] for row in csv.DictReader(lines)}
    sets = {
        "faces": open_dataset(args.faces, labels=args.labels),
        "cartoons": open_dataset(args.cartoons),
        "digits": open_dataset(args.digits, size=32, channels=1),
    }
    most = {"digits": 20_000}
    kinds = [read_kind(name, data, Split.TRAIN, people=people, most=most.get(name)) for name, data in sets.items()]
    held = [read_kind(name, data, Split.TEST, people=people, most=1500) for name, data in sets.items()]
    kinds.append(dead_leaves(6000, args.seed))
    print(", ".join(f"{len(kind.pictures)} {kind.name}" for kind in kinds), flush=True)

    net = Trained(kinds).to(memory_format=torch.channels_last)
    shadow = torch.optim.swa_utils.AveragedModel(
        net, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(EMA), use_buffers=True
    )
    optimiser = torch.optim.AdamW(net.parameters(), lr=3e-3, weight_decay=0.02)
    plan = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, 3e-3, total_steps=args.steps, pct_start=0.08, final_div_factor=100
    )
    began = time.perf_counter()
    last = args.stop or args.steps
    for step in range(1, last + 1):
        batch = batch_of(rng, kinds, args.pairs)
        net.train()
        loss, parts = loss_of(net, batch, args.pairs)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        optimiser.step()
        plan.step()
        shadow.update_parameters(net)
        if step % args.every == 0 or step == last:
            average = shadow.module
            plain = average.folded()
            even_out(plain, kinds[0].pictures, args.seed + 1)
            digest = save_net(args.output, plain)
            told = " ".join(f"{name} {part:.3f}" for name, part in parts.items())
            seconds = time.perf_counter() - began
            print(
                f"{step:6} {told}  held out: {checked(average, plain, held)}  {seconds:.0f} s  {digest[:12]}",
                flush=True,
            )


if __name__ == "__main__":
    main()
