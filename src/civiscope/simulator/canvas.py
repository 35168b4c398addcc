"""A picture to draw on: YUV 4:2:0 planes, rectangles and small text; enough for a street made of nothing."""

from dataclasses import dataclass
from typing import TypeAlias

from civiscope.media import PlanarPicture

Colour: TypeAlias = tuple[int, int, int]
"""Y, U, V, each 0 to 255."""

_GLYPHS = {
    "0": "7555557", "1": "2622227", "2": "7115747", "3": "7117117", "4": "5557111", "5": "7447117",
    "6": "7447557", "7": "7112222", "8": "7557557", "9": "7557117", ":": "0200200", "-": "0007000",
    ".": "0000002", " ": "0000000", "A": "2557555", "B": "6556556", "C": "7444447", "D": "6555556",
    "E": "7446447", "F": "7446444", "G": "7445557", "H": "5557555", "I": "7222227", "J": "1111157",
    "K": "5566555", "L": "4444447", "M": "5775555", "N": "5577755", "O": "7555557", "P": "7557444",
    "Q": "7555571", "R": "7557655", "S": "7447117", "T": "7222222", "U": "5555557", "V": "5555522",
    "W": "5555775", "X": "5552555", "Y": "5552222", "Z": "7112447",
}  # fmt: skip
"""Three columns by seven rows, a row an octal digit."""


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in pixels, origin top left; even numbers keep colour and brightness together."""

    left_px: int
    top_px: int
    width_px: int
    height_px: int


class Canvas:
    """Three byte planes; what lies outside is clipped away."""

    def __init__(self, width_px: int, height_px: int, colour: Colour = (16, 128, 128)) -> None:
        if width_px % 2 or height_px % 2 or width_px < 2 or height_px < 2:
            raise ValueError(f"a canvas needs even sides of at least 2 px, not {width_px}x{height_px}")
        self.width_px = width_px
        self.height_px = height_px
        self._planes = [
            bytearray([colour[0]]) * (width_px * height_px),
            bytearray([colour[1]]) * (width_px * height_px // 4),
            bytearray([colour[2]]) * (width_px * height_px // 4),
        ]

    def copy(self) -> "Canvas":
        """A canvas of its own with the same picture."""
        twin = Canvas(2, 2)
        twin.width_px, twin.height_px = self.width_px, self.height_px
        twin._planes = [bytearray(plane) for plane in self._planes]
        return twin

    def fill(self, box: Box, colour: Colour) -> None:
        """Paint a rectangle."""
        for index, (plane, value) in enumerate(zip(self._planes, colour, strict=True)):
            scale = 1 if index == 0 else 2
            width = self.width_px // scale
            left, right = max(0, box.left_px // scale), min(width, (box.left_px + box.width_px) // scale)
            top = max(0, box.top_px // scale)
            bottom = min(self.height_px // scale, (box.top_px + box.height_px) // scale)
            if left < right:
                row_bytes = bytes([value]) * (right - left)
                for row in range(top, bottom):
                    plane[row * width + left : row * width + right] = row_bytes

    def write(self, text: str, left_px: int, top_px: int, scale_px: int = 4) -> None:
        """White letters on a dark ground; unknown characters become a blank."""
        self.fill(
            Box(left_px - 8, top_px - 8, len(text) * 4 * scale_px + 16, 7 * scale_px + 16), (24, 128, 128)
        )
        for position, character in enumerate(text.upper()):
            glyph = _GLYPHS.get(character, _GLYPHS[" "])
            for row, digit in enumerate(glyph):
                for column in range(3):
                    if int(digit, 8) >> (2 - column) & 1:
                        x = left_px + (position * 4 + column) * scale_px
                        self.fill(Box(x, top_px + row * scale_px, scale_px, scale_px), (235, 128, 128))

    def picture(self) -> PlanarPicture:
        """What has been drawn so far, as a value."""
        y, u, v = (bytes(plane) for plane in self._planes)
        return PlanarPicture(self.width_px, self.height_px, y, u, v)
