"""Streets made of nothing: a fixed view with vehicles and people passing, drawn and coded once, then looped.

Every picture follows from the street's seed and the frame number, so that a test knows what it should see.
"""

import os
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from civiscope.media import EncoderSettings, PlanarPicture, encode_clip
from civiscope.simulator.canvas import Box, Canvas, Colour

_VEHICLE_COLOURS: tuple[Colour, ...] = (
    (81, 90, 240), (41, 240, 110), (210, 16, 146), (190, 128, 128), (60, 128, 128), (145, 54, 34),
)  # fmt: skip
_COAT_COLOURS: tuple[Colour, ...] = ((70, 160, 110), (110, 110, 170), (50, 128, 128), (160, 90, 140))


@dataclass(frozen=True, slots=True)
class StreetPlan:
    """What one simulated camera looks at."""

    name: str
    seed: int
    width_px: int = 1280
    height_px: int = 720
    rate_fps: int = 12
    duration_s: int = 16

    @property
    def clip_stem(self) -> str:
        """The file's name without its ending: changes with everything that changes the picture's shape."""
        return f"street-{self.seed}-{self.width_px}x{self.height_px}-{self.rate_fps}-{self.duration_s}"


@dataclass(frozen=True, slots=True)
class Mover:
    """Something that crosses the view from one side to the other, without a jump at the loop's seam."""

    is_vehicle: bool
    colour: Colour
    base_px: int
    """Row of its lowest point."""
    size_px: int
    phase: float
    """Where in the loop it starts, 0 to 1."""
    crossings: int
    """How often it crosses per loop; negative goes to the left."""

    def left_px(self, share: float, width_px: int) -> int:
        """Column of its left side at a share (0 to 1) of the loop."""
        span = width_px + 2 * self.size_px
        return int((self.phase + share * self.crossings) % 1.0 * span) // 2 * 2 - self.size_px


TOWN = (
    StreetPlan("Market square", 11),
    StreetPlan("Station road", 23),
    StreetPlan("School crossing", 37),
    StreetPlan("Bridge north", 51),
)
"""The cameras of a first look at the product."""


def movers(plan: StreetPlan) -> tuple[Mover, ...]:
    """Who passes in this street: lanes of vehicles, a pavement of people."""
    chance = random.Random(plan.seed)  # noqa: S311  a drawing, not a secret
    height = plan.height_px
    found = []
    for lane in range(2):
        for _ in range(chance.randint(1, 3)):
            size = height // 6 + lane * height // 24
            base = height * 13 // 20 + lane * height * 3 // 20
            crossings = chance.randint(1, 2) * (1 if lane else -1)
            found.append(Mover(True, chance.choice(_VEHICLE_COLOURS), base, size, chance.random(), crossings))
    for _ in range(chance.randint(2, 5)):
        base = height * 10 // 20 + chance.randint(0, height // 40)
        crossings = chance.choice((-1, 1))
        found.append(
            Mover(False, chance.choice(_COAT_COLOURS), base, height // 9, chance.random(), crossings)
        )
    return tuple(sorted(found, key=lambda mover: mover.base_px))


def draw_street(plan: StreetPlan) -> Iterator[PlanarPicture]:
    """All pictures of one loop, `rate_fps * duration_s` of them."""
    ground = _background(plan)
    passing = movers(plan)
    frames = plan.rate_fps * plan.duration_s
    for number in range(frames):
        canvas = ground.copy()
        for mover in passing:
            _draw_mover(canvas, mover, number / frames)
        canvas.write(f"SIMULATED {plan.name}", 32, 24)
        canvas.write(f"{number // plan.rate_fps:02d}.{number % plan.rate_fps:02d}", 32, plan.height_px - 56)
        yield canvas.picture()


def prepare_town(folder: Path, plans: tuple[StreetPlan, ...] = TOWN) -> dict[str, Path]:
    """Draw and code the streets that `folder` lacks; camera name → file."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    clips = {}
    for plan in plans:
        clip = folder / f"{plan.clip_stem}.mp4"
        if not clip.exists():
            unfinished = clip.with_suffix(f".{os.getpid()}.mp4")
            settings = EncoderSettings(
                rate_fps=plan.rate_fps, gop_frames=2 * plan.rate_fps, bitrate_bps=1_500_000
            )
            encode_clip(unfinished, draw_street(plan), settings)
            unfinished.rename(clip)
        clips[plan.name] = clip
    return clips


def _background(plan: StreetPlan) -> Canvas:
    """Sky, houses with windows, pavement and road."""
    chance = random.Random(plan.seed * 7 + 1)  # noqa: S311  a drawing, not a secret
    width, height = plan.width_px, plan.height_px
    canvas = Canvas(width, height, (150 + plan.seed % 30, 140, 118))
    left = 0
    while left < width:
        house = Box(
            left, height // 8 + chance.randint(0, height // 6), chance.randint(120, 260) // 2 * 2, height
        )
        canvas.fill(house, (chance.randint(70, 130), chance.randint(116, 130), chance.randint(126, 142)))
        for row in range(house.top_px + 24, height * 9 // 20 - 24, 56):
            for column in range(left + 20, left + house.width_px - 36, 52):
                canvas.fill(
                    Box(column // 2 * 2, row // 2 * 2, 24, 32), (chance.choice((48, 60, 190)), 120, 134)
                )
        left += house.width_px
    canvas.fill(Box(0, height * 9 // 20, width, height), (135, 126, 130))
    canvas.fill(Box(0, height * 11 // 20, width, height), (74, 128, 128))
    for column in range(0, width, 120):
        canvas.fill(Box(column, height * 14 // 20, 60, 6), (200, 128, 128))
    return canvas


def _draw_mover(canvas: Canvas, mover: Mover, share: float) -> None:
    left, size = mover.left_px(share, canvas.width_px), mover.size_px // 2 * 2
    if mover.is_vehicle:
        top = mover.base_px - size * 2 // 3
        canvas.fill(Box(left, top + size // 4, size * 2, size // 3), mover.colour)
        canvas.fill(Box(left + size // 3, top, size, size // 4), mover.colour)
        canvas.fill(Box(left + size // 2, top + 6, size * 2 // 3, size // 4 - 8), (60, 140, 120))
        for wheel in (left + size // 4, left + size * 3 // 2):
            canvas.fill(Box(wheel, mover.base_px - size // 8, size // 4, size // 4), (22, 128, 128))
        return
    stride = int(share * 40 * abs(mover.crossings)) % 2 * (size // 12)
    canvas.fill(Box(left + size // 8, mover.base_px - size, size // 6, size // 6), (170, 110, 150))
    canvas.fill(Box(left + size // 16, mover.base_px - size * 5 // 6, size // 3, size // 2), mover.colour)
    canvas.fill(
        Box(left + size // 16 - stride, mover.base_px - size // 3, size // 8, size // 3), (40, 130, 126)
    )
    canvas.fill(
        Box(left + size // 4 + stride, mover.base_px - size // 3, size // 8, size // 3), (40, 130, 126)
    )
