"""Streets in which something happens for a tenth of the time: what most cameras see for most of the day."""

import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np

from bench.clips import RATE_FPS, clip_folder
from civiscope.media import EncoderSettings, PlanarPicture, encode_clip
from civiscope.simulator.street import StreetPlan, draw_street

CLIP_S = 30
ACTIVE_S = 3
NOISE_SIGMA = 2.0
_SEEDS = (11, 23, 37, 51, 64, 78)


def quiet_clips() -> list[Path]:
    """Six clips of 720p15, 30 s each, variable bit rate; each is active for 3 s, at another time."""
    return [_clip(seed, turn * CLIP_S // len(_SEEDS)) for turn, seed in enumerate(_SEEDS)]


def _clip(seed: int, begin_s: int) -> Path:
    clip = clip_folder() / f"quiet-{seed}-{RATE_FPS}fps-{CLIP_S}s-{begin_s}.mp4"
    if not clip.exists():
        unfinished = clip.with_suffix(f".{os.getpid()}.mp4")
        settings = EncoderSettings(rate_fps=RATE_FPS, gop_frames=2 * RATE_FPS, bitrate_bps=2_000_000)
        encode_clip(unfinished, _pictures(seed, begin_s), settings)
        unfinished.rename(clip)
    return clip


def _pictures(seed: int, begin_s: int) -> Iterator[PlanarPicture]:
    """Standing still, moving for 3 s, standing still where it ended; noise like a sensor's on all of it."""
    plan = StreetPlan("Quiet", seed, rate_fps=RATE_FPS, duration_s=16)
    moving = list(islice(draw_street(plan), ACTIVE_S * RATE_FPS))
    chance = np.random.default_rng(seed)
    shape = (plan.height_px, plan.width_px)
    noise = [np.rint(chance.normal(0, NOISE_SIGMA, shape)).astype(np.int16) for _ in range(5)]
    for number in range(CLIP_S * RATE_FPS):
        at = min(max(0, number - begin_s * RATE_FPS), len(moving) - 1)
        plain = moving[at]
        luma = np.frombuffer(plain.y, np.uint8).reshape(shape).astype(np.int16) + noise[number % len(noise)]
        yield PlanarPicture(
            plain.width_px,
            plain.height_px,
            np.clip(luma, 16, 235).astype(np.uint8).tobytes(),
            plain.u,
            plain.v,
        )
