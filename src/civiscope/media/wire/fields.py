"""RTSP header fields with a grammar: Transport, Session, RTP-Info (RFC 2326 §12.39, §12.37, §12.33)."""

import re
from dataclasses import dataclass
from enum import StrEnum

from civiscope.base import ProtocolError

DEFAULT_TIMEOUT_S = 60
_RTP_INFO_NAMES = frozenset({"seq", "rtptime", "ssrc"})


class RtpTransport(StrEnum):
    """How RTP travels: within the RTSP connection, or in datagrams of its own."""

    TCP = "tcp"
    UDP = "udp"


@dataclass(frozen=True, slots=True)
class TransportField:
    """One alternative of a Transport header."""

    lower: RtpTransport
    is_multicast: bool = False
    interleaved: tuple[int, int] | None = None
    client_ports: tuple[int, int] | None = None
    server_ports: tuple[int, int] | None = None
    source: str = ""
    destination: str = ""
    ssrc: int | None = None
    """None where missing, unreadable or 0 (H264DVR says 0 and means nothing by it)."""
    is_secure: bool = False
    mode: str = ""

    def __str__(self) -> str:
        parts = ["RTP/AVP/TCP" if self.lower is RtpTransport.TCP else "RTP/AVP"]
        parts.append("multicast" if self.is_multicast else "unicast")
        if self.destination:
            parts.append(f"destination={self.destination}")
        if self.source:
            parts.append(f"source={self.source}")
        for name in ("interleaved", "client_ports", "server_ports"):
            if (pair := getattr(self, name)) is not None:
                parts.append(f"{name.removesuffix('s')}={pair[0]}-{pair[1]}")
        if self.ssrc is not None:
            parts.append(f"ssrc={self.ssrc:08X}")
        if self.mode:
            parts.append(f'mode="{self.mode}"')
        return ";".join(parts)


def parse_transport(value: str) -> list[TransportField]:
    """The alternatives in order of preference; those that are not RTP over TCP or UDP are left out."""
    found = []
    for alternative in value.split(","):
        first, *rest = [part.strip() for part in alternative.split(";")]
        profile = first.upper().split("/")
        if profile[0] != "RTP" or len(profile) < 2:
            continue
        found.append(_transport(profile, dict(_pairs(rest))))
    return found


def _pairs(parts: list[str]) -> list[tuple[str, str]]:
    split = [part.partition("=") for part in parts]
    return [(name.strip().lower(), value.strip().strip('"')) for name, _, value in split]


def _transport(profile: list[str], named: dict[str, str]) -> TransportField:
    is_tcp = "TCP" in profile or "interleaved" in named
    ssrc = named.get("ssrc", "").lower().removeprefix("0x").replace(" ", "")
    return TransportField(
        lower=RtpTransport.TCP if is_tcp else RtpTransport.UDP,
        is_multicast="multicast" in named,
        interleaved=_pair(named.get("interleaved", ""), 255),
        client_ports=_pair(named.get("client_port", ""), 65535),
        server_ports=_pair(named.get("server_port", ""), 65535),
        source=named.get("source", ""),
        destination=named.get("destination", ""),
        ssrc=(int(ssrc, 16) or None) if re.fullmatch(r"[0-9a-f]{1,8}", ssrc) else None,
        is_secure="SAVP" in profile or "SAVPF" in profile,
        mode=named.get("mode", ""),
    )


def _pair(text: str, most: int) -> tuple[int, int] | None:
    match = re.fullmatch(r"(\d{1,5})(?:\s*-\s*(\d{1,5}))?", text)
    if match is None:
        return None
    first = int(match[1])
    second = int(match[2]) if match[2] else first + 1
    return (first, second) if first <= most and second <= most else None


@dataclass(frozen=True, slots=True)
class SessionField:
    """The server's name for a session, and how long it lives without a word from us."""

    session_id: str
    timeout_s: int = DEFAULT_TIMEOUT_S
    has_timeout: bool = False


def parse_session(value: str) -> SessionField:
    """Read a Session header; odd spaces are passed over, a timeout that is no number means the default."""
    session_id, _, rest = value.partition(";")
    match = re.search(r"timeout\s*=\s*(\d{1,6})", rest, re.IGNORECASE)
    if not session_id.strip() or len(session_id) > 256:
        raise ProtocolError("the camera's Session header names no session")
    timeout_s = int(match[1]) if match else 0
    return SessionField(session_id.strip(), timeout_s or DEFAULT_TIMEOUT_S, timeout_s > 0)


@dataclass(frozen=True, slots=True)
class RtpInfo:
    """Where a track's first packet after PLAY stands; cameras lie here, so treat it as a hint."""

    url: str
    sequence: int | None = None
    timestamp: int | None = None


def parse_rtp_info(value: str) -> list[RtpInfo]:
    """Read RTP-Info; what cannot be read is left out."""
    return [info for part in re.split(r",(?=\s*url\b)", value) if (info := _rtp_info(part)) is not None]


def _rtp_info(part: str) -> RtpInfo | None:
    """`url=…;seq=…;rtptime=…`, read from its end: an address may hold semicolons itself."""
    pieces = part.strip(" \t,;").split(";")
    named: dict[str, str] = {}
    while len(pieces) > 1 and (pair := _pairs(pieces[-1:])[0])[0] in _RTP_INFO_NAMES:
        named[pair[0]] = pair[1]
        pieces.pop()
    name, _, url = ";".join(pieces).partition("=")
    if name.strip().lower() != "url":
        return None
    sequence, timestamp = named.get("seq", ""), named.get("rtptime", "")
    return RtpInfo(url.strip().strip('"'), _number(sequence, 0xFFFF), _number(timestamp, 2**32 - 1))


def _number(text: str, most: int) -> int | None:
    return int(text) if re.fullmatch(r"\d{1,10}", text) and int(text) <= most else None


def info_for(infos: list[RtpInfo], address: str, control: str) -> RtpInfo | None:
    """The entry of one track: same address, else same relative control, else same last part of the path."""
    tail = address.rstrip("/").rpartition("/")[2]
    for wanted in (address.rstrip("/"), control):
        for info in infos:
            if info.url.rstrip("/") == wanted:
                return info
    return next((info for info in infos if info.url.rstrip("/").rpartition("/")[2] == tail), None)
