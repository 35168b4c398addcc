"""What somebody wants to look at, and what he is given: values only."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from uuid import UUID

from civiscope.base import ChannelId, Span
from civiscope.media import AccessUnit, Codec, TrackConfig, TrackKind
from civiscope.media.mp4 import flac_frame, mse_type
from civiscope.privacy import Function, Presentation
from civiscope.security import Principal

JPEG_TYPE = "image/jpeg"
"""Stands in for an MSE type where pictures are JPEG files: no browser plays Motion JPEG in MP4."""


class Made(StrEnum):
    """How the picture that a viewer sees came about."""

    AS_SENT = "as sent"
    SECOND_STREAM = "second stream"
    """The camera's smaller stream stands in for one that the screen cannot play."""
    TRANSCODED = "transcoded"
    """The worker decoded H.265 and coded it again as H.264."""


@dataclass(frozen=True, slots=True)
class Wish:
    """Who wants to look at what, why and how; `span` is None for live and needed for all else."""

    principal: Principal
    purpose: str
    function: Function
    channel_id: ChannelId
    span: Span | None
    presentation: Presentation
    from_where: str
    """Where he sits, for the audit: an address."""
    needs_h264: bool = False
    """His screen cannot play H.265: live pictures of such a stream are shown another way, and it is said."""


@dataclass(frozen=True, slots=True)
class MediaAnswer:
    """Recorded media of a moment, or, when nothing is recorded there, only where recording goes on.

    `content` is fragmented MP4; for `image/jpeg` its samples are JPEG files, which the page draws itself.
    """

    span: Span | None
    """From the first picture to the end of the last one."""
    next_us: int | None
    """After a gap: where recording goes on. None when it goes on at once, or not at all."""
    mse_type: str | None
    made: Made = Made.AS_SENT
    content: bytes = field(repr=False, default=b"")


@dataclass(frozen=True, slots=True)
class WhepAnswer:
    """A viewer over WebRTC: his name within the look, and the answer to his offer."""

    peer_id: UUID
    sdp: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class SentPicture:
    """The last picture sent over WebRTC: which arrival its RTP timestamp stands for (90 kHz, modulo 2³²)."""

    rtp_timestamp: int
    arrival_us: int


class LiveStateName(StrEnum):
    """What a viewer may believe of the picture he sees."""

    CONNECTING = "connecting"
    LIVE = "live"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class LiveState:
    """How a stream stands, and since when (UTC)."""

    name: LiveStateName
    since_us: int
    reason: str = ""
    detail: str = ""


class LiveKind(IntEnum):
    """Types of live messages (docs/design/api.md)."""

    INIT = 1
    FRAGMENT = 2
    STATE = 3
    DROPPED = 4


@dataclass(frozen=True, slots=True)
class LiveMessage:
    """One framed message; the same bytes go to every viewer."""

    kind: LiveKind
    data: bytes = field(repr=False)
    is_start: bool = False
    """A player can start here: a key unit of the pictures."""
    content: "LiveState | tuple[TrackConfig, ...] | AccessUnit | None" = field(default=None, repr=False)
    """What the bytes say, for who sends it another way: a state, the tracks of an init, a picture's unit."""


_TELEPHONE_SOUND = frozenset({Codec.PCMU, Codec.PCMA})


def shown_tracks(tracks: Sequence[TrackConfig]) -> tuple[TrackConfig, ...]:
    """The first track of pictures and the first of sound; JPEG pictures stand alone."""
    pictures = next((track for track in tracks if track.kind is TrackKind.VIDEO), None)
    sound = next((track for track in tracks if track.kind is TrackKind.AUDIO), None)
    if pictures is not None and pictures.codec is Codec.MJPEG:
        return (pictures,)
    return tuple(track for track in (pictures, sound) if track is not None)


def shown_data(track: TrackConfig, data: bytes, decode_time: int) -> bytes:
    """A unit as it goes into Media Source: G.711 as FLAC (empty if it cannot), all else as it came."""
    return flac_frame(track, data, decode_time) if track.codec in _TELEPHONE_SOUND else data


def shown_type(shown: Sequence[TrackConfig]) -> str | None:
    """The MSE type of the tracks that are shown, `image/jpeg`, or None when there are none."""
    if not shown:
        return None
    return JPEG_TYPE if shown[0].codec is Codec.MJPEG else mse_type(shown)
