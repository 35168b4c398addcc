"""Devices, channels, bindings and streams as values, and the rules for their names and credentials."""

import re
import unicodedata
from dataclasses import dataclass, field
from enum import StrEnum

from civiscope.base import AppError, ChannelId, DeviceId, ErrorKind, StreamId
from civiscope.security import Secret

NAME_LIMIT_CHARS = 120
CREDENTIAL_LIMIT_CHARS = 255
CAMERA_LIMIT = 10_000
"""Cameras one site may hold; a city's 8,000 devices fit."""

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
    address: str
    username: str | None = None
    password: Secret | None = None
    transport: Transport = Transport.AUTO
    audio: bool = False
    tls_fingerprint: str | None = None


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

    @property
    def main(self) -> Stream:
        """The stream that is recorded."""
        return self.streams[0]


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
