"""What every depacketizer gives and keeps: raw units, their configuration, damage after a loss."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from civiscope.media.model import UnitFlags

MAX_UNIT_BYTES = 16 * 1024 * 1024
"""A longer access unit is refused: nothing a camera sends comes near."""


@dataclass(frozen=True, slots=True)
class CodecConfig:
    """What a decoder must know, as read from the SDP or from the stream itself; see `TrackConfig`."""

    parameter_sets: tuple[bytes, ...] = ()
    codec_data: bytes = b""
    width_px: int = 0
    height_px: int = 0
    sample_rate_hz: int = 0
    channel_count: int = 0
    reorder_depth: int | None = None
    """Pictures that may come before an earlier one in decoding order; None if the stream does not say."""
    frame_s: float = 0.0
    """Nominal duration of one picture or frame of sound; 0 if unknown."""


class RawUnit(NamedTuple):
    """One access unit as reassembled, still on the sender's 32-bit clock."""

    data: bytes
    """As `AccessUnit.data`."""
    timestamp: int
    flags: UnitFlags
    config: CodecConfig | None = None
    """The configuration in force from this unit on, if it changed with it."""


class Depacketizer(Protocol):
    """Turns the payloads of one track, in sequence order, into access units.

    Units come as soon as their end is certain. After lost packets what arrived is kept, marked DAMAGED; the
    next unit carries DISCONTINUITY. Any payload either adds, is ignored, or raises `ProtocolError`; after
    that the next call must say `gap`.
    """

    @property
    def config(self) -> CodecConfig | None:
        """The newest configuration known; None while the track cannot be decoded yet."""
        ...

    def push(self, payload: memoryview, timestamp: int, marker: bool, gap: bool) -> Sequence[RawUnit]:
        """Take one payload; `gap` says that packets before it are missing. The view is not kept."""
        ...

    def flush(self) -> Sequence[RawUnit]:
        """What is still being put together: the run has ended."""
        ...
