"""The "own features" of pictures: what a small network of ours, which ships, sees in them.

Distances between these features are ours alone: they do not compare with figures made with other networks, such as the
FID with Inception. They are always computed on the CPU in float32, so that one set has one figure on every machine.
"""

import threading
from typing import Final, Literal
from weakref import WeakKeyDictionary

import numpy as np
import torch
from numpy.typing import NDArray

from engine.device import placed
from engine.diagnostics.base import Subject
from engine.diagnostics.feature_net import FEATURES, FeatureNet, fitted, load_net
from engine.pictures import to_images
from engine.progress import SILENT, Progress
from resources import path as resource

Pictures = NDArray[np.uint8]
Features = NDArray[np.float32]
Part = Literal["training", "heldout", "samples"]

FILE: Final = "features/own-features.safetensors"
TITLE: Final = "own features"
CHUNK: Final = 128

_lock = threading.Lock()
_loaded: dict[str, FeatureNet] = {}
_kept: WeakKeyDictionary[Subject, dict[tuple[str, int, float], Features]] = WeakKeyDictionary()


def network() -> FeatureNet:
    """The network that ships, loaded once; it has no state that a call changes, so threads may share it.

    Raises:
        CheckpointError: its file is damaged or missing.
    """
    with _lock:
        if FILE not in _loaded:
            _loaded[FILE] = placed(load_net(resource(FILE)), torch.device("cpu"))
        return _loaded[FILE]


@torch.inference_mode()
def embed(pictures: Pictures, *, progress: Progress = SILENT) -> Features:
    """Own features (N, FEATURES) float32 of pictures (N, H, W, 1 or 3) or (N, H, W), uint8 of any size.

    About one standard deviation of real faces is 1 in each. Grey is replicated, other sizes than 64 px are resampled.

    Raises:
        CheckpointError: the network's file is damaged or missing.
    """
    net = network()
    found = np.empty((len(pictures), FEATURES), np.float32)
    for start in range(0, len(pictures), CHUNK):
        progress.check()
        part = np.asarray(pictures[start : start + CHUNK])
        images = fitted(to_images(part if part.ndim == 4 else part[..., None]))
        found[start : start + len(part)] = net(images.contiguous(memory_format=torch.channels_last)).numpy()
    return found


def shuffled(count: int, n: int) -> NDArray[np.int64]:
    """At most `n` of the rows 0 to `count`, in an order without meaning that is always the same."""
    return np.random.default_rng(0).permutation(count)[:n]


def pictures_of(
    subject: Subject, part: Part, n: int, *, seed: int = 0, temperature: float = 1.0, progress: Progress = SILENT
) -> Pictures:
    """At most `n` pictures (n, S, S, C) of a part of a subject, in the order in which `features_of` sees them."""
    if part == "samples":
        return subject.samples(n, seed=seed, temperature=temperature, progress=progress)
    pictures = subject.training if part == "training" else subject.heldout
    return pictures[shuffled(len(pictures), n)]


def features_of(
    subject: Subject, part: Part, n: int, *, seed: int = 0, temperature: float = 1.0, progress: Progress = SILENT
) -> Features:
    """Own features (n, FEATURES) of at most `n` pictures of a part; training and held-out rows are shuffled.

    What was seen once is kept as long as the subject lives, so that several diagnostics look at the same rows. Seed and
    temperature are those of the samples.
    """
    key = (part, seed, temperature) if part == "samples" else (part, 0, 1.0)
    with _lock:
        have = _kept.setdefault(subject, {}).get(key)
    done = 0 if have is None else len(have)
    if done < n:
        pictures = pictures_of(subject, part, n, seed=seed, temperature=temperature, progress=progress)
        new = embed(pictures[done:], progress=progress)
        have = new if have is None else np.concatenate([have, new])
        with _lock:
            _kept[subject][key] = have
    assert have is not None
    return have[:n]
