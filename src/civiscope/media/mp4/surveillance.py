"""The boxes of ONVIF's export file format: who exported what and when, and the place of the signature.

ONVIF Export File Format 26.06. The `meta` box stands at the end of the file, so that it can be written when
everything before it is known; the signature is over the whole file with zeros in its own place (§5.6).
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from civiscope.media.mp4.boxes import box, full_box
from civiscope.media.mp4.movie import creation_time_s

_SCHEME = 0x6F656666
_SCHEME_VERSION = 0x00010000
_TICKS_1601_TO_1970 = 11_644_473_600 * 10_000_000


@dataclass(frozen=True, slots=True)
class SurveillanceTrack:
    """One track, and where it came from."""

    track_id: int
    source_name: str
    start_us: int
    """UTC of the origin of its media timeline: of its first sample's decode time, before any edit."""


@dataclass(frozen=True, slots=True)
class SurveillanceExport:
    """Who exported, when."""

    unit_name: str
    operator: str
    at_us: int
    tracks: Sequence[SurveillanceTrack]


@dataclass(frozen=True, slots=True)
class UnsignedMeta:
    """The `meta` box with zeros where the signature goes."""

    data: bytes
    signature_offset: int
    signature_bytes: int

    def signed(self, signature: bytes) -> bytes:
        """The box with the signature in its place."""
        begin, end = self.signature_offset, self.signature_offset + self.signature_bytes
        if len(signature) != self.signature_bytes:
            raise ValueError(f"a signature of {len(signature)} bytes does not fit {self.signature_bytes}")
        return self.data[:begin] + signature + self.data[end:]


def surveillance_meta(export: SurveillanceExport, certificate: bytes, signature_bytes: int) -> UnsignedMeta:
    """suep, and ipro with one sinf: cstb, schm and schi with sibo and cert."""
    handler = full_box(b"hdlr", 0, 0, bytes(4), b"null", bytes(12), b"\0")
    signature = box(b"sibo", bytes(signature_bytes))
    scheme = full_box(b"schm", 0, 0, struct.pack(">II", _SCHEME, _SCHEME_VERSION))
    information = box(b"schi", signature, box(b"cert", certificate))
    protection = box(b"sinf", _start_times(export.tracks), scheme, information)
    items = full_box(b"ipro", 0, 0, struct.pack(">H", 1), protection)
    data = full_box(b"meta", 0, 0, handler, _export_box(export), items)
    behind = len(box(b"cert", certificate))
    return UnsignedMeta(data, len(data) - behind - signature_bytes, signature_bytes)


def _export_box(export: SurveillanceExport) -> bytes:
    """suep version 1 (§5.2)."""
    rows = [
        struct.pack(">H", one.track_id) + _text(one.source_name) + _text("") + _text("") + _text("")
        for one in export.tracks
    ]
    return full_box(
        b"suep", 1, 0, _text(export.unit_name), _text(""), _text(""),
        struct.pack(">Q", creation_time_s(export.at_us)), _text(export.operator),
        struct.pack(">I", len(rows)), *rows,
    )  # fmt: skip


def _start_times(tracks: Sequence[SurveillanceTrack]) -> bytes:
    """cstb (§5.3.1): 100 ns steps since 1601."""
    rows = [struct.pack(">IQ", one.track_id, one.start_us * 10 + _TICKS_1601_TO_1970) for one in tracks]
    return box(b"cstb", struct.pack(">I", len(rows)), *rows)


def _text(words: str) -> bytes:
    return words.replace("\0", "").encode() + b"\0"
