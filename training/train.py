"""Train the detector on the set of `training.pictures`: seeded, on the CPU, with checkpoints."""

import argparse
import copy
import math
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from training.augment import Sampler
from training.labelled import load
from training.loss import Cost, Places, cost
from training.network import Detector, anchors

SIZES_PX = ((320, 192), (384, 224), (256, 160))
"""Input sizes, by turns; the first one twice as often."""
_TURNS = (0, 1, 0, 2)
BATCH = 32
PEAK_RATE = 2.5e-3
WARM_UP_STEPS = 100
LAST_PLAIN_SHARE = 0.15
"""The last of the training sees almost no mosaics: pictures as cameras give them."""


Sample = tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Order:
    """What to train: the same order on the same machine gives the same weights."""

    pictures: Path
    out: Path
    steps: int
    seed: int
    start: Path | None


def main() -> None:
    """Read the order from the command line."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("pictures", type=Path)
    asked.add_argument("out", type=Path)
    asked.add_argument("--steps", type=int, default=3000)
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--start", type=Path, help="weights of an earlier leg to begin with")
    asked.add_argument("--threads", type=int, default=1)
    told = asked.parse_args()
    torch.set_num_threads(told.threads)
    cv2.setNumThreads(1)
    train(Order(told.pictures, told.out, told.steps, told.seed, told.start))


def train(order: Order) -> None:
    """Write the averaged weights to `order.out`, every tenth of the way and at the end."""
    print(order, flush=True)
    torch.manual_seed(order.seed)
    kept = [one for one in load(order.pictures) if not one.is_held_out]
    samplers = [Sampler(kept, size, order.seed * 10 + index) for index, size in enumerate(SIZES_PX)]
    places = [Places(*anchors(*size)) for size in SIZES_PX]
    network = Detector().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    if order.start is not None:
        network.load_state_dict(torch.load(order.start, weights_only=True))
    average = copy.deepcopy(network).eval()
    optimiser = _optimiser(network)
    started = time.perf_counter()
    smooth = np.zeros(3)
    samples = _samples(samplers, order.steps)
    for step in range(order.steps):
        done = step / order.steps
        for group in optimiser.param_groups:
            group["lr"] = _rate(step, done)
        paid = _step(network, optimiser, next(samples), places[_TURNS[step % len(_TURNS)]])
        _follow(average, network, step)
        parts = np.array([paid.kinds.item(), paid.overlap.item(), paid.sides.item()])
        smooth = parts if step == 0 else 0.98 * smooth + 0.02 * parts
        if (step + 1) % 50 == 0:
            print(step + 1, f"{time.perf_counter() - started:.0f} s", smooth.round(3).tolist(), flush=True)
        if (step + 1) % max(1, order.steps // 10) == 0 or step + 1 == order.steps:
            torch.save(average.state_dict(), order.out)


def _samples(samplers: Sequence[Sampler], steps: int) -> Iterator[Sample]:
    """Batches in the order of the steps, each made on a thread of its own while the last is learnt from."""
    with ThreadPoolExecutor(1) as maker:

        def make(step: int) -> Future[Sample]:
            mosaic = 0.55 if step < steps * (1 - LAST_PLAIN_SHARE) else 0.1
            return maker.submit(samplers[_TURNS[step % len(_TURNS)]].batch, BATCH, mosaic)

        coming = make(0)
        for step in range(steps):
            ready = coming.result()
            coming = make(step + 1)
            yield ready


def _step(
    network: Detector,
    optimiser: torch.optim.Optimizer,
    sample: Sample,
    places: Places,
) -> Cost:
    pixels = torch.from_numpy(sample[0]).permute(0, 3, 1, 2).float().div_(255)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        output = network(pixels.contiguous(memory_format=torch.channels_last))
    paid = cost(output, torch.from_numpy(sample[1]), places)
    optimiser.zero_grad()
    paid.total().backward()
    nn.utils.clip_grad_norm_(network.parameters(), 10.0)
    optimiser.step()
    return paid


def _optimiser(network: Detector) -> torch.optim.Optimizer:
    """AdamW; weights decay, gains and biases do not."""
    flat = [p for p in network.parameters() if p.ndim < 2]
    deep = [p for p in network.parameters() if p.ndim >= 2]
    groups = [{"params": deep, "weight_decay": 0.02}, {"params": flat, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=PEAK_RATE, betas=(0.9, 0.99))


def _rate(step: int, done: float) -> float:
    """Warm up, then a cosine down to a fiftieth."""
    return PEAK_RATE * min(1.0, (step + 1) / WARM_UP_STEPS) * (0.49 * (1 + math.cos(math.pi * done)) + 0.02)


@torch.no_grad()
def _follow(average: Detector, network: Detector, step: int) -> None:
    """The average of the weights over about the last 500 steps, fewer at the start."""
    share = max(0.002, 1 / (step / 3 + 1))
    for mean, now in zip(average.state_dict().values(), network.state_dict().values(), strict=True):
        _blend(mean, now, share)


def _blend(mean: Tensor, now: Tensor, share: float) -> None:
    if mean.dtype.is_floating_point:
        mean.lerp_(now, share)
    else:
        mean.copy_(now)


if __name__ == "__main__":
    main()
