"""Devices, channels, bindings and streams as values, and the rules for their names and credentials."""

import re
import unicodedata
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import NewType
from uuid import UUID

from civiscope.base import AppError, ChannelId, DeviceId, ErrorKind, StreamId
from civiscope.devices.equipment import Ability, DesiredSettings, DeviceIdentity, Drift, TroubleReport
from civiscope.devices.recording_policy import ALWAYS, RecordingPolicy
from civiscope.security import Secret

GroupId = NewType("GroupId", UUID)

NAME_LIMIT_CHARS = 120
PLACE_LIMIT_CHARS = 200
PURPOSE_LIMIT_CHARS = 64
CREDENTIAL_LIMIT_CHARS = 255
CAMERA_LIMIT = 10_000
KEEP_LIMIT_HOURS = 87_840
"""Ten years."""
"""Cameras one site may hold; a city's 8,000 devices fit."""

MAIN, SUB = "main", "sub"
"""The profiles that are kept; a device may offer more."""

_FINGERPRINT = re.compile(r"(?:[0-9a-f]{2}:?){31}[0-9a-f]{2}")


class Transport(StrEnum):
    """How RTP travels: asked of the camera in RTSP SETUP (RFC 2326 §12.39)."""

    AUTO = "auto"
    TCP = "tcp"
    UDP = "udp"


@dataclass(frozen=True, slots=True)
class CameraDraft:
    """A camera as a person typed it; nothing in it is checked yet."""

    name: str
    address: str = field(repr=False)
    """As typed: user-info may stand in it."""
    username: str | None = None
    password: Secret | None = None
    transport: Transport = Transport.AUTO
    audio: bool = False
    tls_fingerprint: str | None = None


@dataclass(frozen=True, slots=True)
class ChannelDraft:
    """What one input of a device shall watch, as a person typed it."""

    name: str
    input: int = 0
    place: str = ""
    latitude: float | None = None
    longitude: float | None = None
    purpose: str | None = None
    """Why this camera hangs there: an id of the register of purposes."""
    group_id: GroupId | None = None
    audio: bool = False


@dataclass(frozen=True, slots=True)
class DeviceDraft:
    """A device as a person typed it; nothing in it is checked yet."""

    address: str = field(repr=False)
    """As typed: user-info may stand in it."""
    driver: str | None = None
    """None: by the kind of address."""
    username: str | None = None
    password: Secret | None = None
    transport: Transport = Transport.AUTO
    tls_fingerprint: str | None = None
    channels: tuple[ChannelDraft, ...] = ()


class Keep(Enum):
    """Says of a field that it stays as it is, where None means empty."""

    KEEP = "keep"


KEEP = Keep.KEEP


@dataclass(frozen=True, slots=True)
class ChannelChange:
    """What becomes of a channel; fields left out stay, None empties."""

    name: str | Keep = KEEP
    audio: bool | Keep = KEEP
    place: str | Keep | None = KEEP
    latitude: float | Keep | None = KEEP
    longitude: float | Keep | None = KEEP
    purpose: str | Keep | None = KEEP
    group_id: GroupId | Keep | None = KEEP
    keep_hours: float | Keep | None = KEEP
    recording: RecordingPolicy | Keep = KEEP


@dataclass(frozen=True, slots=True)
class DeviceChange:
    """What becomes of a device; fields left out stay, None empties."""

    address: str | Keep = KEEP
    username: str | Keep | None = KEEP
    password: Secret | Keep | None = KEEP
    tls_fingerprint: str | Keep | None = KEEP
    transport: Transport | Keep = KEEP
    desired: DesiredSettings | Keep = KEEP


@dataclass(frozen=True, slots=True)
class Stream:
    """One encoded presentation of a channel; `address` shows no user-info and no password."""

    id: StreamId
    profile: str
    address: str
    transport: Transport
    audio: bool


@dataclass(frozen=True, slots=True)
class Camera:
    """A channel with the device bound to it now (or, when removed, the last one bound)."""

    channel_id: ChannelId
    device_id: DeviceId
    name: str
    streams: tuple[Stream, ...]
    added_us: int
    removed_us: int | None = None
    input: int = 0
    """Of the device; 0 while none is bound."""
    driver: str = "rtsp"
    place: str = ""
    """Where it hangs, in words."""
    latitude: float | None = None
    longitude: float | None = None
    """WGS 84 degrees."""
    purpose: str | None = None
    group_id: GroupId | None = None
    can_steer: bool = False
    """Its input moves (PTZ)."""
    keep_hours: float | None = None
    """Its recordings are kept for so long; None: by its purpose, or as the site says."""
    recording: RecordingPolicy = ALWAYS
    """When its main stream is recorded."""

    @property
    def main(self) -> Stream:
        """The stream that is recorded; the first of `streams`."""
        return self.streams[0]

    @property
    def sub(self) -> Stream | None:
        """The small stream for analysis, where the device offers one."""
        return next((stream for stream in self.streams if stream.profile == SUB), None)


@dataclass(frozen=True, slots=True)
class KnownInput:
    """One input of a device, as it told when it was last asked."""

    index: int
    token: str
    name: str
    has_ptz: bool
    has_audio: bool


@dataclass(frozen=True, slots=True)
class Device:
    """A box with an address, and how it stood when it was last asked; no secret in it."""

    id: DeviceId
    driver: str
    address: str
    """Without user-info and password."""
    identity: DeviceIdentity
    abilities: tuple[Ability, ...]
    inputs: tuple[KnownInput, ...]
    channel_ids: tuple[ChannelId, ...]
    """Bound to it now."""
    transport: Transport
    tls_fingerprint: str | None
    desired: DesiredSettings
    drift: tuple[Drift, ...]
    checked_us: int | None
    """When its settings were last compared, or tried to be; None: never."""
    clock_offset_ms: int | None
    trouble: TroubleReport | None
    """Why it could not be asked the last time."""
    added_us: int
    removed_us: int | None


@dataclass(frozen=True, slots=True)
class Group:
    """A branch of the site's tree of channels."""

    id: GroupId
    name: str
    parent_id: GroupId | None


@dataclass(frozen=True, slots=True)
class DeviceCheck:
    """What one look at a device's settings found."""

    at_us: int
    drift: tuple[Drift, ...] = ()
    clock_offset_ms: int | None = None
    identity: DeviceIdentity | None = None
    """None: not told this time."""
    trouble: TroubleReport | None = None


@dataclass(frozen=True, slots=True)
class Binding:
    """From `from_us` to `to_us` (None: still) this device's input watched for this channel."""

    channel_id: ChannelId
    device_id: DeviceId
    input: int
    from_us: int
    to_us: int | None


@dataclass(frozen=True, slots=True)
class StreamAddress:
    """What the recorder needs to open one stream; `url` has no user-info; its query may hold a secret."""

    stream_id: StreamId
    channel_id: ChannelId
    url: str = field(repr=False)
    username: str
    password: Secret
    transport: Transport
    tls_fingerprint: str | None
    audio: bool
    recorded: bool = True
    """Else it is taken in for the feed alone."""


def clean_name(text: str) -> str:
    """The name trimmed and in Unicode NFC; INVALID when empty, too long or unprintable."""
    name = unicodedata.normalize("NFC", text).strip()
    if not name:
        raise AppError(ErrorKind.INVALID, "The camera has no name. Type a name, for example where it hangs.")
    if len(name) > NAME_LIMIT_CHARS:
        raise AppError(
            ErrorKind.INVALID,
            f"The name has {len(name)} characters, at most {NAME_LIMIT_CHARS} fit. Shorten it.",
        )
    if not name.isprintable():
        raise AppError(ErrorKind.INVALID, "The name has characters that cannot be shown. Type it again.")
    return name


def clean_place(text: str | None) -> str:
    """The place in words, trimmed, in NFC; empty for None. INVALID when too long or unprintable."""
    place = unicodedata.normalize("NFC", text or "").strip()
    if len(place) > PLACE_LIMIT_CHARS or not place.isprintable():
        raise AppError(
            ErrorKind.INVALID,
            f"The place is longer than {PLACE_LIMIT_CHARS} characters, or has some that cannot be shown. "
            "Shorten it.",
        )
    return place


def clean_purpose(text: str | None) -> str | None:
    """The id of a purpose, or None when empty; whether the register knows it is for others to ask."""
    purpose = (text or "").strip()
    if len(purpose) > PURPOSE_LIMIT_CHARS or not purpose.isprintable():
        raise AppError(ErrorKind.INVALID, "The purpose is none of the register. Choose one of its list.")
    return purpose or None


def check_keep_hours(hours: float | None) -> None:
    """INVALID unless it is a time that recordings can be kept for."""
    if hours is not None and not 1 <= hours <= KEEP_LIMIT_HOURS:
        raise AppError(
            ErrorKind.INVALID, f"Recordings are kept for 1 to {KEEP_LIMIT_HOURS} hours. Give a time between."
        )


def check_position(latitude: float | None, longitude: float | None) -> None:
    """INVALID unless both are there and on the globe, or neither is."""
    if (latitude is None) != (longitude is None):
        raise AppError(ErrorKind.INVALID, "Latitude and longitude go together. Give both, or neither.")
    if latitude is None or longitude is None:
        return
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        raise AppError(
            ErrorKind.INVALID,
            "The position is not on the globe: latitude goes from -90 to 90, longitude from -180 to 180.",
        )


def clean_credential(text: str, what: str) -> str:
    """A user name or password unchanged; INVALID when too long or with control characters."""
    if len(text) > CREDENTIAL_LIMIT_CHARS:
        raise AppError(
            ErrorKind.INVALID, f"The {what} is longer than {CREDENTIAL_LIMIT_CHARS} characters. Check it."
        )
    if any(unicodedata.category(character) in {"Cc", "Cs"} for character in text):
        raise AppError(ErrorKind.INVALID, f"The {what} has control characters in it. Type it again.")
    return text


def clean_fingerprint(text: str | None) -> str | None:
    """A SHA-256 certificate fingerprint as 64 small hexadecimal digits, or None."""
    if text is None or not text.strip():
        return None
    small = text.strip().lower()
    if not _FINGERPRINT.fullmatch(small):
        raise AppError(
            ErrorKind.INVALID,
            "The certificate fingerprint is not a SHA-256: it needs 64 hexadecimal digits, "
            "with or without colons.",
        )
    return small.replace(":", "")
