"""Coded pictures and sound as values: codecs, tracks and access units."""

from dataclasses import dataclass, field
from enum import IntFlag, StrEnum


class Codec(StrEnum):
    """How an access unit is coded; the values are the names users see."""

    H264 = "h264"
    H265 = "h265"
    MJPEG = "mjpeg"
    AAC = "aac"
    PCMU = "pcmu"
    PCMA = "pcma"
    OPUS = "opus"


class TrackKind(StrEnum):
    """What a track carries."""

    VIDEO = "video"
    AUDIO = "audio"


VIDEO_CODECS = frozenset({Codec.H264, Codec.H265, Codec.MJPEG})


class UnitFlags(IntFlag):
    """What is known about one access unit."""

    NONE = 0
    KEY = 1
    """Decoding can start here (IDR or other random access point; every MJPEG and audio unit)."""
    DISCONTINUITY = 2
    """Something between this unit and the one before was not received, or the clock was re-anchored."""
    DAMAGED = 4
    """Packets inside this unit were lost; what arrived is kept."""
    CONFIG_CHANGED = 8
    """The first unit of a new configuration generation."""


_NONE = UnitFlags.NONE
"""There is one of it, and most units have it: asking `is` costs a tenth of asking a flag."""


@dataclass(frozen=True, slots=True)
class TrackConfig:
    """All a decoder must know before the first unit of one track.

    `parameter_sets` holds bare NAL units (no start code, no length): SPS, PPS for H.264; VPS,
    SPS, PPS for H.265.
    `codec_data` is the AudioSpecificConfig for AAC, the OpusHead body for Opus (may be empty), else empty.
    """

    track_id: int
    """1, 2, … within the stream; video first."""
    codec: Codec
    clock_rate_hz: int
    """Ticks per second of pts and dts: 90,000 for video, the sampling rate for sound."""
    generation: int = 0
    """Grows by one with each change of configuration within a run."""
    parameter_sets: tuple[bytes, ...] = ()
    codec_data: bytes = b""
    width_px: int = 0
    height_px: int = 0
    sample_rate_hz: int = 0
    channel_count: int = 0

    @property
    def kind(self) -> TrackKind:
        """Video or audio, as the codec says."""
        return TrackKind.VIDEO if self.codec in VIDEO_CODECS else TrackKind.AUDIO


@dataclass(frozen=True, slots=True)
class AccessUnit:
    """One coded picture, or one coded frame of sound, as the camera sent it.

    `data` of H.264 and H.265 is every NAL unit in the order received, SEI and parameter sets included, each
    behind a 4-byte big-endian length; of MJPEG a complete JPEG file; of AAC one raw frame without ADTS; of
    G.711 and Opus the packet's payload. Order is (run, sequence), never time.
    """

    track_id: int
    sequence: int
    """Grows by one per unit over all tracks of a run, starting at 0."""
    pts: int
    """Presentation time in ticks of the track's clock, unwrapped; 0 at the run's first unit; may go below."""
    dts: int
    """Decoding time in the same ticks; grows strictly within a track and a run."""
    arrival_us: int
    """UTC when its last byte came."""
    arrival_monotonic_us: int
    flags: UnitFlags
    generation: int
    data: bytes = field(repr=False)

    @property
    def is_key(self) -> bool:
        """Decoding can start here."""
        return self.flags is not _NONE and bool(self.flags & UnitFlags.KEY)


@dataclass(frozen=True, slots=True)
class SenderClock:
    """One RTCP sender report: by the camera's clock, `rtp_ticks` happened at `camera_us` (RFC 3550 §6.4.1).

    `rtp_ticks` is unwrapped to the same zero as `AccessUnit.pts`.
    """

    track_id: int
    rtp_ticks: int
    camera_us: int
    arrival_us: int
