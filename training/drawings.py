"""People, cyclists and vehicles drawn by chance, faded into real pictures: their boxes are known exactly."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import cv2
import numpy as np
import numpy.typing as npt

from training.boxes import BICYCLE, PERSON, VEHICLE, Boxes
from training.labelled import Picture

_FINE = 4
"""Drawn so many times larger, then averaged: no hard edges."""

Point = tuple[float, float]
Colour = tuple[int, int, int]


@dataclass(slots=True)
class _Sheet:
    """A transparent square whose sides are 1; y points down."""

    side_px: int
    chance: np.random.Generator
    colour: Picture = field(init=False)
    cover: Picture = field(init=False)

    def __post_init__(self) -> None:
        self.colour = np.zeros((self.side_px, self.side_px, 3), np.uint8)
        self.cover = np.zeros((self.side_px, self.side_px), np.uint8)

    def area(self, points: list[Point], colour: Colour) -> None:
        """A filled polygon."""
        corners = np.array([self._at(point) for point in points], np.int32)
        cv2.fillPoly(self.colour, [corners], colour)
        cv2.fillPoly(self.cover, [corners], 255)

    def line(self, start: Point, end: Point, width: float, colour: Colour) -> None:
        """A thick stroke."""
        thick = max(1, round(width * self.side_px))
        cv2.line(self.colour, self._at(start), self._at(end), colour, thick)
        cv2.line(self.cover, self._at(start), self._at(end), 255, thick)

    def round(self, middle: Point, reach: float, colour: Colour, width: float = 0.0) -> None:
        """A disc, or a ring of a width."""
        thick = max(1, round(width * self.side_px)) if width else -1
        cv2.circle(self.colour, self._at(middle), round(reach * self.side_px), colour, thick)
        cv2.circle(self.cover, self._at(middle), round(reach * self.side_px), 255, thick)

    def any_colour(self) -> Colour:
        """Mostly dark or grey, as clothes and cars are."""
        base = self.chance.uniform(15, 235)
        tint = self.chance.normal(0, 45 if self.chance.random() < 0.5 else 8, 3)
        red, green, blue = np.clip(base + tint, 5, 250).astype(int).tolist()
        return red, green, blue

    def _at(self, point: Point) -> tuple[int, int]:
        return round(point[0] * self.side_px), round(point[1] * self.side_px)


def with_drawing(picture: Picture, boxes: Boxes, chance: np.random.Generator) -> tuple[Picture, Boxes]:
    """The picture with one more thing in it, where nothing stood; unchanged if there was no room."""
    draw = _DRAWINGS[int(chance.choice(len(_DRAWINGS), p=_SHARES))]
    height, width = picture.shape[:2]
    side = int(math.exp(chance.uniform(math.log(14), math.log(0.6 * min(height, width)))))
    left, top = int(chance.integers(0, width - side)), int(chance.integers(0, height - side))
    sheet = _Sheet(side * _FINE, chance)
    told = draw(sheet)
    told[:, :4] = told[:, :4] * side + np.array([left, top, left, top], np.float32)
    whole = np.array([told[:, 0].min(), told[:, 1].min(), told[:, 2].max(), told[:, 3].max()])
    low, high = np.maximum(boxes[:, :2], whole[:2]), np.minimum(boxes[:, 2:4], whole[2:])
    if (high > low).all(1).any():
        return picture, boxes
    return _laid(picture, sheet, (left, top)), np.concatenate([boxes, told])


def _laid(picture: Picture, sheet: _Sheet, corner: tuple[int, int]) -> Picture:
    """Lit from above, grained, averaged down and blended in."""
    chance, side = sheet.chance, sheet.side_px // _FINE
    light = np.linspace(chance.uniform(1.0, 1.3), chance.uniform(0.6, 1.0), sheet.side_px)[:, None, None]
    grain = chance.normal(0, chance.uniform(2, 14), (side, side, 3))
    small = cv2.resize(np.clip(sheet.colour * light, 0, 255), (side, side), interpolation=cv2.INTER_AREA)
    cover = cv2.resize(sheet.cover, (side, side), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    drawn = np.clip(small / np.maximum(cover[..., None], 0.05) + grain, 0, 255)
    if chance.random() < 0.6:
        cover = np.asarray(cv2.blur(cover, (2, 2)), np.float32)
    whole = picture.copy()
    under = whole[corner[1] : corner[1] + side, corner[0] : corner[0] + side]
    mixed = drawn * cover[..., None] + under * (1 - cover[..., None])
    whole[corner[1] : corner[1] + side, corner[0] : corner[0] + side] = mixed
    return whole


def _told(*rows: tuple[float, float, float, float, int]) -> Boxes:
    return np.array([(x0, y0, x1, y1, 1.0, kind) for x0, y0, x1, y1, kind in rows], np.float32)


def _person(sheet: _Sheet) -> Boxes:
    """Standing or walking, seen from any side."""
    chance = sheet.chance
    skin: Colour = tuple((np.array([225, 180, 150]) * chance.uniform(0.3, 1)).astype(int).tolist())  # type: ignore[assignment]
    coat, trousers, shoes = sheet.any_colour(), sheet.any_colour(), (25, 22, 20)
    step, wide, hem = chance.uniform(0.0, 0.13), chance.uniform(0.085, 0.13), chance.uniform(0.46, 0.6)
    for foot in (0.5 - step - 0.03, 0.5 + step + 0.03):
        sheet.line((0.5, 0.5), (foot, 0.95), chance.uniform(0.055, 0.085), trousers)
        sheet.line((foot - 0.01, 0.965), (foot + 0.03, 0.965), 0.035, shoes)
    sheet.area(
        [(0.5 - wide, 0.18), (0.5 + wide, 0.18), (0.5 + wide * 0.9, hem), (0.5 - wide * 0.9, hem)], coat
    )
    swing = chance.uniform(-0.06, 0.1)
    for side in (-1, 1):
        sheet.line((0.5 + side * wide, 0.2), (0.5 + side * (wide + swing * 0.6), 0.52), 0.05, coat)
    sheet.round((0.5, 0.1), chance.uniform(0.055, 0.07), skin)
    if chance.random() < 0.7:
        sheet.area([(0.44, 0.1), (0.445, 0.045), (0.555, 0.045), (0.56, 0.1)], sheet.any_colour())
    reach = max(wide + 0.035 + max(0.0, swing * 0.6), step + 0.06)
    return _told((0.5 - reach, 0.035, 0.5 + reach, 0.985, PERSON))


def _cyclist(sheet: _Sheet) -> Boxes:
    """A bicycle from the side, mostly with a rider."""
    chance = sheet.chance
    frame, tyre = sheet.any_colour(), (30, 30, 30) if chance.random() < 0.7 else sheet.any_colour()
    reach, hub = chance.uniform(0.17, 0.2), 0.78
    back, front = 0.22, 0.76
    thin = chance.uniform(0.018, 0.035)
    for wheel in (back, front):
        sheet.round((wheel, hub), reach, tyre, thin)
        for angle in np.arange(0, math.pi, math.pi / 4):
            spoke = (reach * math.cos(angle), reach * math.sin(angle))
            sheet.line((wheel - spoke[0], hub - spoke[1]), (wheel + spoke[0], hub + spoke[1]), 0.005, tyre)
    saddle, bar, pedals = (0.36, 0.52), (0.68, 0.48), (0.46, 0.78)
    top, rear = (0.66, 0.56), (back, hub)
    for start, end in ((saddle, pedals), (pedals, top), (saddle, top), (saddle, rear), (rear, pedals)):
        sheet.line(start, end, thin, frame)
    sheet.line(bar, (front, hub), thin, frame)
    sheet.line((0.31, 0.51), (0.41, 0.51), 0.03, (20, 20, 20))
    bicycle = (back - reach - 0.01, 0.47, front + reach + 0.01, hub + reach + 0.01, BICYCLE)
    if chance.random() < 0.2:
        return _told(bicycle)
    coat, trousers = sheet.any_colour(), sheet.any_colour()
    shoulder, knee = (0.52, 0.24), (0.54, chance.uniform(0.6, 0.68))
    sheet.line((0.37, 0.48), shoulder, 0.12, coat)
    sheet.line((0.38, 0.5), knee, 0.07, trousers)
    sheet.line(knee, (0.47, 0.84), 0.06, trousers)
    sheet.line(shoulder, (0.67, 0.47), 0.045, coat)
    sheet.round((0.57, 0.13), 0.06, (200, 160, 130))
    sheet.area([(0.5, 0.12), (0.52, 0.06), (0.62, 0.06), (0.64, 0.12)], sheet.any_colour())
    return _told(bicycle, (0.3, 0.05, 0.7, 0.88, PERSON))


def _vehicle_side(sheet: _Sheet) -> Boxes:
    """A car, van or bus from the side."""
    chance = sheet.chance
    paint, glass = sheet.any_colour(), (40, 50, 60) if chance.random() < 0.8 else (140, 160, 170)
    tall = chance.uniform(0.24, 0.5)
    roof, waist, floor = 0.9 - tall, 0.9 - tall * chance.uniform(0.5, 0.62), 0.86
    bonnet, boot = chance.uniform(0.03, 0.3), chance.uniform(0.02, 0.16)
    sheet.area([(0.02, waist), (0.98, waist), (0.98, floor), (0.02, floor)], paint)
    slope = chance.uniform(0.02, 0.1)
    cabin = [(boot, waist), (boot + slope, roof), (0.98 - bonnet - slope, roof), (0.98 - bonnet, waist)]
    sheet.area(cabin, paint)
    inner = 0.025
    panes = int(chance.integers(2, 5))
    start, end = boot + slope + inner, 0.98 - bonnet - slope - inner
    for pane in range(panes):
        x0 = start + (end - start) * pane / panes
        x1 = start + (end - start) * (pane + 1) / panes - 0.02
        sheet.area([(x0, roof + inner), (x1, roof + inner), (x1, waist), (x0, waist)], glass)
    size = chance.uniform(0.06, 0.085)
    for wheel in (chance.uniform(0.16, 0.22), chance.uniform(0.76, 0.84)):
        sheet.round((wheel, 0.9 - size * 0.4), size, (22, 22, 22))
        sheet.round((wheel, 0.9 - size * 0.4), size * 0.5, (120, 120, 120))
    return _told((0.02, roof, 0.98, 0.9 + size * 0.6, VEHICLE))


def _vehicle_end(sheet: _Sheet) -> Boxes:
    """A car, van or lorry from the front or behind."""
    chance = sheet.chance
    paint, glass = sheet.any_colour(), (45, 52, 60) if chance.random() < 0.8 else (150, 165, 175)
    tall, narrow = chance.uniform(0.66, 0.95), chance.uniform(0.02, 0.12)
    roof, floor = 0.95 - tall, 0.88
    waist = roof + tall * chance.uniform(0.38, 0.5)
    for tyre in (0.12, 0.78):
        sheet.area([(tyre, 0.8), (tyre + 0.1, 0.8), (tyre + 0.1, 0.95), (tyre, 0.95)], (20, 20, 20))
    sheet.area([(0.06, waist), (0.94, waist), (0.94, floor), (0.06, floor)], paint)
    sheet.area([(0.07, waist), (0.1 + narrow, roof), (0.9 - narrow, roof), (0.93, waist)], paint)
    sheet.area(
        [
            (0.13, waist - 0.02),
            (0.15 + narrow, roof + 0.05),
            (0.85 - narrow, roof + 0.05),
            (0.87, waist - 0.02),
        ],
        glass,
    )
    lamp = ((245, 240, 215), (190, 30, 25))[int(chance.integers(2))]
    for left in (0.09, 0.77):
        sheet.area([(left, waist + 0.08), (left + 0.14, waist + 0.08), (left + 0.14, waist + 0.15),
                    (left, waist + 0.15)], lamp)  # fmt: skip
    sheet.area(
        [(0.4, floor - 0.1), (0.6, floor - 0.1), (0.6, floor - 0.05), (0.4, floor - 0.05)], (220, 220, 210)
    )
    return _told((0.06, roof, 0.94, 0.95, VEHICLE))


_DRAWINGS: tuple[Callable[[_Sheet], Boxes], ...] = (_person, _cyclist, _vehicle_side, _vehicle_end)
_SHARES: npt.NDArray[np.float64] = np.array([0.2, 0.4, 0.2, 0.2])
