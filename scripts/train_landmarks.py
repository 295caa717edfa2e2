"""Trains the face landmark network (resources/landmarks) on warped pictures of aligned faces.

    python scripts/train_landmarks.py --faces DATA/celeba128.zip DATA/celeba64.zip --labels DATA/celeba_labels.csv \
        --output resources/landmarks/five-points.safetensors

The faces are aligned so that their mean landmarks lie at known places. Each is warped by a random similarity (and a
little perspective), so that the true transform, and with it where the mean landmarks went, is known without a single
label. The picture's own border must not give the transform away: it is hidden behind other pictures, silhouettes,
noise, or continued by reflection. People whose identity number is divisible by 20 are never trained on.
"""

from __future__ import annotations

import argparse
import csv
import io
import math
import time
import zipfile
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from engine.photos.landmark_net import HIDDEN, INPUT_PX, LAYERS, POINTS, LandmarkNet, save_net, standardised
from engine.photos.landmarks import CUT, EYE_DISTANCE, MEAN_POINTS

HELD_OUT: Final = 20
SWAPPED: Final = (1, 0, 2, 4, 3)
"""Which point each becomes in a mirrored picture."""
EYES_IN_CUT: Final = EYE_DISTANCE / CUT.side
Pixels = NDArray[np.uint8]


def read_faces(files: list[Path], labels: Path) -> tuple[list[Pixels], list[Pixels]]:
    """Training and held-out pictures, apart by identity. A picture in two files is taken from the first."""
    with labels.open(newline="", encoding="utf-8") as lines:
        people = {row["file"]: int(row["identity"]) for row in csv.DictReader(lines)}
    train: list[Pixels] = []
    held: list[Pixels] = []
    seen: set[str] = set()
    for file in files:
        with zipfile.ZipFile(file) as archive:
            for name in sorted(archive.namelist()):
                if name not in people or name in seen:
                    continue
                seen.add(name)
                pixels = np.asarray(Image.open(io.BytesIO(archive.read(name))).convert("RGB"), np.uint8)
                (train if people[name] % HELD_OUT else held).append(pixels)
    return train, held


def true_points(matrix: NDArray[np.float64], side: int, mirrored: bool) -> NDArray[np.float64]:
    """Where the mean landmarks of a source of `side` pixels went in the cut, as shares of its side: (5, 2)."""
    mean = MEAN_POINTS.copy()
    if mirrored:
        mean[:, 0] = 1 - mean[:, 0]
        mean = mean[list(SWAPPED)]
    back = np.linalg.inv(matrix)
    found = np.c_[mean * side, np.ones(len(mean))] @ back.T
    return np.asarray(found[:, :2] / found[:, 2:] / INPUT_PX, np.float64)


def random_matrix(rng: np.random.Generator, side: int, wide: bool) -> NDArray[np.float64]:
    """From a cut's pixels to the source's: as a detector's box errs and beyond, or as the first look errs."""
    roll = math.radians(rng.uniform(-42, 42) if wide else rng.normal(0, 6))
    scale = math.exp(rng.normal(0, 0.16) if wide else rng.normal(0, 0.05))
    shift = rng.normal(0, 0.09 if wide else 0.03, 2)
    centre = np.array([CUT.shift.real, CUT.shift.imag]) + CUT.side / 2
    stretch = np.diag(np.exp(rng.normal(0, 0.03, 2)))
    turn = np.array([[math.cos(roll), -math.sin(roll)], [math.sin(roll), math.cos(roll)]])
    linear = stretch @ turn * (CUT.side * scale * side / INPUT_PX)
    middle = (centre + shift * CUT.side) * side
    matrix = np.eye(3)
    matrix[:2, :2] = linear
    matrix[:2, 2] = middle - linear @ np.full(2, INPUT_PX / 2)
    lean = np.eye(3)
    lean[2, :2] = rng.normal(0, 0.0006, 2)
    return matrix @ lean


GRID: Final = np.stack(np.meshgrid(*[(np.arange(INPUT_PX) + 0.5) / INPUT_PX] * 2), -1)


def backdrop(rng: np.random.Generator, other: Pixels) -> Pixels:
    """What lies behind a head: a part of another picture, one colour, or noise."""
    kind = rng.random()
    if kind < 0.6:
        zoom, angle = rng.uniform(0.3, 3.0), rng.uniform(0, 2 * math.pi)
        turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]]) * zoom
        matrix = np.c_[turn, rng.uniform(0, other.shape[0], 2)]
        found = cv2.warpAffine(
            other, matrix, (INPUT_PX,) * 2, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REFLECT
        )
        return np.asarray(cv2.blur(found, (7, 7)) if rng.random() < 0.4 else found, np.uint8)
    if kind < 0.85:
        return np.broadcast_to(rng.integers(0, 256, 3).astype(np.uint8), (INPUT_PX, INPUT_PX, 3))
    cells = int(rng.integers(2, INPUT_PX))
    return np.asarray(cv2.resize(rng.integers(0, 256, (cells, cells, 3)).astype(np.uint8), (INPUT_PX,) * 2), np.uint8)


def hiding(rng: np.random.Generator, points: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Where the backdrop shows: beyond a rough silhouette of the head, or beyond a few straight lines around it."""
    eyes = points[1] - points[0]
    unit = float(np.hypot(*eyes)) + 1e-6
    tilt = math.atan2(eyes[1], eyes[0]) + rng.normal(0, 0.15)  # A silhouette is no more exact than hair is.
    along = np.array([math.cos(tilt), math.sin(tilt)])
    place = (GRID - points[2]) / unit + rng.normal(0, 0.15, 2)
    across, down = place @ along, place @ np.array([-along[1], along[0]])
    if rng.random() < 0.5:
        wide, up, low = rng.uniform(1.2, 1.9), rng.uniform(1.6, 2.6), rng.uniform(1.1, 1.8)
        tall = np.where(down < 0, up, low)
        return np.asarray((across / wide) ** 2 + (down / tall) ** 2 > 1, np.bool_)
    hidden = np.zeros(across.shape, np.bool_)
    for _ in range(int(rng.integers(1, 5))):
        angle = rng.uniform(0, 2 * math.pi)
        hidden |= across * math.cos(angle) + down * math.sin(angle) > rng.uniform(1.1, 1.9)
    return hidden


def cover(rng: np.random.Generator, cut: Pixels, other: Pixels) -> None:
    """A hand, hair or a microphone in front of the face: an ellipse or a box of something else, in place."""
    middle = tuple(int(v) for v in rng.integers(0, INPUT_PX, 2))
    half = tuple(int(v) for v in rng.integers(3, 14, 2))
    mask = np.zeros((INPUT_PX, INPUT_PX), np.uint8)
    if rng.random() < 0.5:
        cv2.ellipse(mask, middle, half, float(rng.uniform(0, 180)), 0, 360, 1, -1)
    else:
        low = (middle[0] - half[0], middle[1] - half[1])
        cv2.rectangle(mask, low, (middle[0] + half[0], middle[1] + half[1]), 1, -1)
    cut[mask > 0] = backdrop(rng, other)[mask > 0]


def warped(
    rng: np.random.Generator, source: Pixels, other: Pixels, *, wide: bool
) -> tuple[Pixels, NDArray[np.float64]]:
    """A cut (64, 64, 3) and where its five points are."""
    side = source.shape[0]
    mirrored = bool(rng.random() < 0.5)
    if mirrored:
        source = np.ascontiguousarray(source[:, ::-1])
    matrix = random_matrix(rng, side, wide)
    points = true_points(matrix, side, mirrored)
    from_middle = np.array([[1, 0, -0.5], [0, 1, -0.5], [0, 0, 1]])  # OpenCV counts from the middle of a pixel.
    moved = from_middle @ matrix @ np.linalg.inv(from_middle)
    blur = rng.random()
    if blur < 0.5:
        source = np.asarray(cv2.GaussianBlur(source, (0, 0), 0.3 + blur * side / 100), np.uint8)
    border = cv2.BORDER_REFLECT if rng.random() < 0.7 else cv2.BORDER_REPLICATE
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    cut = np.asarray(cv2.warpPerspective(source, moved, (INPUT_PX,) * 2, flags=flags, borderMode=border), np.uint8)
    if rng.random() < 0.65:
        hidden = hiding(rng, points)
        cut[hidden] = backdrop(rng, other)[hidden]
    while rng.random() < 0.25:
        cover(rng, cut, other)
    if rng.random() < 0.2:
        few = (int(rng.integers(16, 48)),) * 2
        cut = np.asarray(cv2.resize(cv2.resize(cut, few, interpolation=cv2.INTER_AREA), (INPUT_PX,) * 2), np.uint8)
    return cut, points


def relit(cuts: Pixels, rng: np.random.Generator) -> Pixels:
    """Light from one side, tints, gamma, greys and noise, for a whole batch (B, 64, 64, 3)."""
    n = len(cuts)
    x = cuts.astype(np.float32) / 255
    x = x ** np.exp(rng.normal(0, 0.25, (n, 1, 1, 1))).astype(np.float32)
    angle = rng.uniform(0, 2 * math.pi, n)
    ramp = np.einsum("hwc,nc->nhw", GRID - 0.5, np.stack([np.cos(angle), np.sin(angle)], -1))
    x *= (1 + rng.normal(0, 0.5, (n, 1, 1)) * ramp).clip(0.1)[..., None].astype(np.float32)
    x = x * np.exp(rng.normal(0, 0.12, (n, 1, 1, 3))).astype(np.float32)
    x += rng.normal(0, 0.06, (n, 1, 1, 3)).astype(np.float32)
    grey = rng.random(n) < 0.15
    x[grey] = x[grey].mean(-1, keepdims=True)
    x += rng.standard_normal(x.shape, np.float32) * (rng.random((n, 1, 1, 1)) ** 3 * 0.09).astype(np.float32)
    return np.asarray((x * 255).clip(0, 255), np.uint8)


def batch_of(rng: np.random.Generator, faces: list[Pixels], size: int, wide: float) -> tuple[Tensor, Tensor]:
    picks = rng.integers(0, len(faces), (size, 2))
    pairs = [warped(rng, faces[a], faces[b], wide=rng.random() < wide) for a, b in picks]
    cuts = relit(np.stack([cut for cut, _ in pairs]), rng)
    return standardised(cuts), torch.from_numpy(np.stack([points for _, points in pairs])).float()


class Trained(nn.Module):
    """`LandmarkNet` with a batch norm after each convolution, which it can be freed of."""

    def __init__(self) -> None:
        super().__init__()
        self.convs = nn.ModuleList(nn.Conv2d(a, b, 3, stride=s, padding=1, bias=False) for a, b, s in LAYERS)
        self.norms = nn.ModuleList(nn.BatchNorm2d(b) for _, b, _ in LAYERS)
        self.hidden = nn.Linear(LAYERS[-1][1] * 16, HIDDEN)
        self.out = nn.Linear(HIDDEN, 2 * POINTS)
        with torch.no_grad():
            self.out.weight.mul_(0.1)
            middle = (MEAN_POINTS - [CUT.shift.real, CUT.shift.imag]) / CUT.side
            self.out.bias.copy_(torch.from_numpy(middle.ravel()).float())

    def forward(self, x: Tensor) -> Tensor:
        for conv, norm in zip(self.convs, self.norms, strict=True):
            x = torch.relu(norm(conv(x)))
        x = torch.relu(self.hidden(x.flatten(1)))
        return torch.as_tensor(self.out(x)).view(-1, POINTS, 2)

    @torch.no_grad()
    def folded(self) -> LandmarkNet:
        """The same function without norms."""
        net = LandmarkNet()
        for conv, norm, plain in zip(self.convs, self.norms, net.convs, strict=True):
            assert isinstance(conv, nn.Conv2d)
            assert isinstance(norm, nn.BatchNorm2d)
            assert isinstance(plain, nn.Conv2d)
            assert norm.running_mean is not None
            assert norm.running_var is not None
            assert plain.bias is not None
            gain = norm.weight / torch.sqrt(norm.running_var + norm.eps)
            plain.weight.copy_(conv.weight * gain[:, None, None, None])
            plain.bias.copy_(norm.bias - norm.running_mean * gain)
        net.hidden.load_state_dict(self.hidden.state_dict())
        net.out.load_state_dict(self.out.state_dict())
        return net.eval()


@torch.no_grad()
def eye_error(net: nn.Module, cuts: Tensor, points: Tensor) -> float:
    """Mean distance of the predicted eyes from the true ones, as a share of the true eye distance."""
    net.eval()
    off = (net(cuts) - points)[:, :2].norm(dim=-1).mean(1)
    return float((off / (points[:, 1] - points[:, 0]).norm(dim=-1)).mean())


def train(faces: list[Pixels], held: list[Pixels], *, steps: int, batch: int, seed: int) -> LandmarkNet:
    torch.manual_seed(seed)
    rng, still = np.random.default_rng(seed), np.random.default_rng(1)
    checks = {name: batch_of(still, held, 600, share) for name, share in (("wide", 1.0), ("narrow", 0.0))}
    net = Trained()
    optimiser = torch.optim.AdamW(net.parameters(), lr=3e-3, weight_decay=0.02)
    plan = torch.optim.lr_scheduler.OneCycleLR(optimiser, 3e-3, total_steps=steps, pct_start=0.08, final_div_factor=100)
    began = time.perf_counter()
    for step in range(1, steps + 1):
        cuts, points = batch_of(rng, faces, batch, 0.6)
        net.train()
        loss = (net(cuts) - points).norm(dim=-1).mean() / EYES_IN_CUT
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
        plan.step()
        if step % 100 == 0 or step == steps:
            plain = net.eval().folded()
            errors = "  ".join(f"{name} {100 * eye_error(plain, *data):.2f} %" for name, data in checks.items())
            seconds = time.perf_counter() - began
            print(f"{step:6} loss {loss.item():.4f}  held-out eye error: {errors}  {seconds:.0f} s", flush=True)
    return net.eval().folded()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faces", type=Path, nargs="+", required=True, help="zips of aligned faces, sharpest first")
    parser.add_argument("--labels", type=Path, required=True, help="CSV with the columns file and identity")
    parser.add_argument("--output", type=Path, required=True, help="the safetensors file to write")
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("--batch", type=int, default=96)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    cv2.setNumThreads(1)
    faces, held = read_faces(args.faces, args.labels)
    print(f"{len(faces)} training and {len(held)} held-out pictures", flush=True)
    net = train(faces, held, steps=args.steps, batch=args.batch, seed=args.seed)
    digest = save_net(args.output, net)
    print(f"{args.output}: {args.output.stat().st_size / 1024:.0f} KiB, sha256 {digest}")


if __name__ == "__main__":
    main()
