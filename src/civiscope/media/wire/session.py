"""What a client session is told, what it tells, why it ends: values, and what follows from them alone."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from civiscope.media.model import TrackKind
from civiscope.media.wire.auth import Credentials
from civiscope.media.wire.fields import RtpTransport
from civiscope.media.wire.rtsp import RoutedPacket, RtspResponse
from civiscope.media.wire.sdp import MediaDescription, SessionDescription, resolve_control

_USER_INFO = re.compile(r"(?<=//)[^/?#]*@")


def without_user_info(address: str) -> str:
    """The address as it may be sent, shown and logged."""
    return _USER_INFO.sub("", address, count=1)


class EndReason(StrEnum):
    """Why a client session is over."""

    AUTHENTICATION = "authentication"
    """The name and password are missing or refused."""
    REFUSED = "refused"
    """The camera answered with an error; the detail holds its number and words."""
    TRANSPORT = "transport"
    """The camera does not do this transport (461): the other one may work."""
    UNSUPPORTED = "unsupported"
    """It answered, and offers nothing that can be read here."""
    REDIRECTED = "redirected"
    SESSION_LOST = "session_lost"
    """454: the camera forgot the session; a new one will do."""
    TIMEOUT = "timeout"
    PROTOCOL = "protocol"
    CLOSED = "closed"
    """The camera ended the session by itself."""
    STOPPED = "stopped"
    """We ended it."""


@dataclass(frozen=True, slots=True)
class ClientSettings:
    """What a session is to reach. A user-info in `url` is taken off and never sent."""

    url: str
    credentials: Credentials | None = None
    transport: RtpTransport = RtpTransport.TCP
    wants_audio: bool = True
    answer_timeout_us: int = 10_000_000
    user_agent: str = "Civiscope"

    @property
    def address(self) -> str:
        """The url as it goes on the wire."""
        return without_user_info(self.url)

    @property
    def is_tls(self) -> bool:
        """rtsps: what is sent cannot be overheard."""
        return self.url.lower().startswith("rtsps:")


@dataclass(frozen=True, slots=True)
class SessionTrack:
    """One chosen track; grows as the handshake goes on."""

    index: int
    """Its place among the chosen tracks; packets carry it."""
    description: MediaDescription
    address: str
    ssrc: int | None = None
    """As SETUP said; a hint, for some cameras lie."""
    first_sequence: int | None = None
    first_timestamp: int | None = None
    server_ports: tuple[int, int] | None = None
    """UDP: send a datagram there to open a path through address translation."""
    source: str = ""
    """UDP: where packets come from, when it is not the camera's own address."""

    @property
    def kind(self) -> TrackKind:
        """Video or audio."""
        return TrackKind.VIDEO if self.description.media == "video" else TrackKind.AUDIO


@dataclass(frozen=True, slots=True)
class Described:
    """The camera said what it has, and these tracks were chosen: at most one video, one audio."""

    description: SessionDescription
    tracks: tuple[SessionTrack, ...]
    date: str = ""
    """The Date header of the answer: what the camera's clock shows."""


@dataclass(frozen=True, slots=True)
class UdpPortsNeeded:
    """Bind an even port and the next, then call `give_udp_port`; the session waits for it."""

    track: int


@dataclass(frozen=True, slots=True)
class Playing:
    """PLAY was answered; packets may have come before."""

    tracks: tuple[SessionTrack, ...]


@dataclass(frozen=True, slots=True)
class Packets:
    """A run of interleaved packets (track index, is RTCP, payload).

    The payloads look into the bytes given to `receive`: use or copy them before those change.
    """

    items: list[RoutedPacket] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Ended:
    """The session is over; nothing follows. `detail` is for people and holds no secret."""

    reason: EndReason
    detail: str


ClientEvent = Described | UdpPortsNeeded | Playing | Packets | Ended


def base_address(response: RtspResponse, asked: str) -> str:
    """Content-Base, else Content-Location, else what was asked (RFC 2326 C.1.1); never with a user-info."""
    for name in ("Content-Base", "Content-Location"):
        value = without_user_info(response.headers.get(name).strip())
        if re.match(r"rtsps?://[^\s/]", value, re.IGNORECASE) and not re.search(r"\s", value):
            return value
    return asked


def _is_back_channel(media: MediaDescription) -> bool:
    """Sound for the camera's loudspeaker (ONVIF Streaming §5.3): `sendonly` is said from our side."""
    return any(name == "sendonly" for name, _ in media.attributes)


def choose_tracks(description: SessionDescription, base: str, wants_audio: bool) -> list[SessionTrack]:
    """The first readable video and, if wanted, the first readable audio."""
    chosen: list[SessionTrack] = []
    kinds: Sequence[TrackKind] = (TrackKind.VIDEO, TrackKind.AUDIO) if wants_audio else (TrackKind.VIDEO,)
    for kind in kinds:
        for media in description.tracks:
            if media.media == kind and media.codec is not None and not _is_back_channel(media):
                chosen.append(SessionTrack(len(chosen), media, resolve_control(base, media.control)))
                break
    return chosen
