"""Streets in which something happens for a tenth of the time: what most cameras see for most of the day."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.clips import RATE_FPS, clip_folder
from civiscope.media import EncoderSettings, PlanarPicture, encode_clip
from civiscope.simulator.canvas import Canvas
from civiscope.simulator.street import Mover, StreetPlan, _background, _draw_mover

CLIP_S = 30
ACTIVE_S = 3
ACTIVE_SHARE = ACTIVE_S / CLIP_S
"""Of the frames, in which something is drawn elsewhere than in the frame before: the truth, not a measure."""
NOISE_SIGMA = 2.0
_SEEDS = (11, 23, 37, 51, 64, 78)
_CARS = ((81, 90, 240), (41, 240, 110), (210, 16, 146), (190, 128, 128), (60, 128, 128), (145, 54, 34))
_COATS = ((70, 160, 110), (110, 110, 170), (50, 128, 128), (160, 90, 140), (70, 160, 110), (110, 110, 170))
_WAY = 0.07
"""How far the person goes and comes back, of the view's width: a walk of 1.5 s each way."""


@dataclass(frozen=True, slots=True)
class _Passing(Mover):
    """Comes in whole at one side and leaves whole at the other."""

    def left_px(self, share: float, width_px: int) -> int:
        """Column of its left side at a share (0 to 1) of its way; outside the picture at both ends."""
        return int(share * (width_px + 2 * self.size_px)) // 2 * 2 - 2 * self.size_px


@dataclass(frozen=True, slots=True)
class _Street:
    """One view: a parked car, a person who waits and once walks up and down, and a car that passes."""

    ground: Canvas
    person: Mover
    passing: Mover

    def at(self, share: float | None) -> Canvas:
        """At a share of the active span; None: nothing moves. Both ends of the span look like None."""
        canvas = self.ground.copy()
        _draw_mover(canvas, self.person, 0.0 if share is None else _WAY * (1.0 - abs(2.0 * share - 1.0)))
        if share is not None:
            _draw_mover(canvas, self.passing, share)
        return canvas


def quiet_clips() -> list[Path]:
    """Six clips of 720p15, 30 s each, variable bit rate; in each something moves for 3 s, at another time.

    They loop without a jump: the last picture is, but for the noise, the first.
    """
    return [_clip(turn) for turn in range(len(_SEEDS))]


def _clip(turn: int) -> Path:
    begin_s = 1 + turn * CLIP_S // len(_SEEDS)
    clip = clip_folder() / f"quiet-street-{_SEEDS[turn]}-{RATE_FPS}fps-{CLIP_S}s-{begin_s}.mp4"
    if not clip.exists():
        unfinished = clip.with_suffix(f".{os.getpid()}.mp4")
        settings = EncoderSettings(rate_fps=RATE_FPS, gop_frames=2 * RATE_FPS, bitrate_bps=2_000_000)
        encode_clip(unfinished, _pictures(turn, begin_s), settings)
        unfinished.rename(clip)
    return clip


def _street(turn: int) -> _Street:
    plan = StreetPlan("Quiet", _SEEDS[turn], rate_fps=RATE_FPS)
    height = plan.height_px
    ground = _background(plan)
    parked = Mover(True, _CARS[turn - 1], height * 13 // 20, height // 6, 0.15 + 0.1 * turn, 0)
    _draw_mover(ground, parked, 0.0)
    person = Mover(False, _COATS[turn], height // 2, height // 7, 0.8 - 0.1 * turn, 1)
    passing = _Passing(True, _CARS[turn], height * 17 // 20, height * 5 // 24, 0.0, 1)
    return _Street(ground, person, passing)


def _pictures(turn: int, begin_s: int) -> Iterator[PlanarPicture]:
    """Nothing moves, then something does for 3 s, then nothing; noise like a sensor's on all of it."""
    street = _street(turn)
    still = street.at(None).picture()
    shape = (still.height_px, still.width_px)
    chance = np.random.default_rng(_SEEDS[turn])
    noise = [np.rint(chance.normal(0, NOISE_SIGMA, shape)).astype(np.int16) for _ in range(5)]
    active = ACTIVE_S * RATE_FPS
    for number in range(CLIP_S * RATE_FPS):
        at = number - begin_s * RATE_FPS
        plain = street.at((at + 1) / (active + 1)).picture() if 0 <= at < active else still
        luma = np.frombuffer(plain.y, np.uint8).reshape(shape).astype(np.int16) + noise[number % len(noise)]
        yield PlanarPicture(
            plain.width_px,
            plain.height_px,
            np.clip(luma, 16, 235).astype(np.uint8).tobytes(),
            plain.u,
            plain.v,
        )
