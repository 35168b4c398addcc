"""What a camera says it will send: session descriptions (RFC 8866), read as cameras really write them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from civiscope.base import ProtocolError
from civiscope.media.model import Codec

MAX_SDP_BYTES = 64 * 1024
MAX_MEDIA = 64

_STATIC: dict[int, tuple[str, int, int]] = {
    0: ("PCMU", 8000, 1),
    3: ("GSM", 8000, 1),
    8: ("PCMA", 8000, 1),
    9: ("G722", 8000, 1),
    10: ("L16", 44100, 2),
    11: ("L16", 44100, 1),
    14: ("MPA", 90000, 1),
    26: ("JPEG", 90000, 0),
    32: ("MPV", 90000, 0),
    33: ("MP2T", 90000, 0),
}  # RFC 3551 §6, as far as cameras use it

_CODECS = {
    "H264": Codec.H264,
    "H265": Codec.H265,
    "HEVC": Codec.H265,
    "JPEG": Codec.MJPEG,
    "MPEG4-GENERIC": Codec.AAC,
    "PCMU": Codec.PCMU,
    "PCMA": Codec.PCMA,
    "OPUS": Codec.OPUS,
}
_RTPMAP = re.compile(r"(\d{1,3})\s+([^\s/]+)\s*(?:/\s*(\d{1,9}))?\s*(?:/\s*(\d{1,3}))?.*")
_MEDIA = re.compile(r"(\S+)\s+(\d+)(?:/\d+)?\s+(\S+)\s*(.*)")


@dataclass(frozen=True, slots=True)
class MediaDescription:
    """One `m=` section: a track that can be set up (RFC 8866 §5.14)."""

    media: str
    """`video`, `audio`, `application`, or whatever a maker thought of."""
    payload_type: int | None
    """None where the format is no RTP payload type."""
    encoding: str
    """Upper-case encoding name of the rtpmap or, lacking one, of the static type; may be empty."""
    clock_rate_hz: int
    """0 when the camera does not say."""
    channel_count: int = 0
    fmtp: tuple[tuple[str, str], ...] = ()
    """Format parameters, names in lower case, in order."""
    control: str = ""
    """As sent: absolute, relative, `*` or empty. `resolve_control` makes it an address."""
    frame_rate_fps: float = 0.0
    """0 when missing or a lie that is no number (`a=framerate:0S` of H264DVR)."""
    attributes: tuple[tuple[str, str], ...] = ()
    port: int = 0
    protocol: str = "RTP/AVP"

    @property
    def codec(self) -> Codec | None:
        """What the encoding is called here; None for those that nobody here reads."""
        return _CODECS.get(self.encoding)

    def parameter(self, name: str, default: str = "") -> str:
        """A format parameter by its name in any case."""
        wanted = name.lower()
        return next((value for key, value in self.fmtp if key == wanted), default)

    def attribute(self, name: str, default: str = "") -> str:
        """The first `a=` line of that name."""
        return next((value for key, value in self.attributes if key == name), default)


@dataclass(frozen=True, slots=True)
class SessionDescription:
    """What DESCRIBE answered."""

    tracks: tuple[MediaDescription, ...]
    name: str = ""
    control: str = ""
    """Of the whole session; absolute, `*` or empty."""
    attributes: tuple[tuple[str, str], ...] = ()
    origin: str = "- 0 0 IN IP4 0.0.0.0"
    address: str = "0.0.0.0"  # noqa: S104  # the connection line of a server that sends where it is asked from


@dataclass(slots=True)
class _Section:
    """Lines of one section, before they are understood."""

    head: str
    attributes: list[tuple[str, str]]


def parse_sdp(text: bytes) -> SessionDescription:
    """Read a description tolerantly: unknown lines are passed over, wrong ones replaced by what is certain.

    Raises ProtocolError when it is none at all (no line `x=`), or larger than its limits.
    """
    if len(text) > MAX_SDP_BYTES:
        raise ProtocolError("a session description has over 64 KiB")
    session, sections, keyed = _Section("", []), [], dict[str, str]()
    current = session
    for kind, value in _lines(text):
        if kind == "m":
            sections.append(current := _Section(value, []))
        elif kind == "a":
            name, _, rest = value.partition(":")
            current.attributes.append((name.strip(), rest.strip()))
        elif current is session:
            keyed.setdefault(kind, value)
    if not keyed and not sections and not session.attributes:
        raise ProtocolError("the camera's description holds no line of a session description")
    if len(sections) > MAX_MEDIA:
        raise ProtocolError(f"a session description has over {MAX_MEDIA} tracks")
    stray = [item for part in (*sections, session) for item in part.attributes if item[0] == "fmtp"]
    return SessionDescription(
        tracks=tuple(_media(section, stray) for section in sections if _MEDIA.fullmatch(section.head)),
        name=keyed.get("s", ""),
        control=_first(session.attributes, "control"),
        attributes=tuple(session.attributes),
        origin=keyed.get("o", ""),
        address=keyed.get("c", "").rpartition(" ")[2],
    )


def _lines(text: bytes) -> Iterator[tuple[str, str]]:
    for line in text.decode("utf-8", "replace").replace("\r", "\n").split("\n"):
        stripped = line.strip(" \t\0")
        if len(stripped) >= 2 and stripped[1] == "=" and stripped[0].isalpha():
            yield stripped[0], stripped[2:].strip()


def _first(attributes: list[tuple[str, str]], name: str) -> str:
    return next((value for key, value in attributes if key == name), "")


def _media(section: _Section, stray: list[tuple[str, str]]) -> MediaDescription:
    match = _MEDIA.fullmatch(section.head)
    assert match is not None  # the caller chose these
    first_format = match[4].split(" ")[0]
    number = first_format.isascii() and first_format.isdigit() and len(first_format) <= 3
    payload_type = int(first_format) if number and int(first_format) <= 127 else None
    encoding, clock_rate_hz, channel_count = _encoding(section.attributes, payload_type)
    return MediaDescription(
        media=match[1].lower(),
        payload_type=payload_type,
        encoding=encoding,
        clock_rate_hz=clock_rate_hz,
        channel_count=channel_count,
        fmtp=_fmtp(section.attributes, payload_type) or _fmtp(stray, payload_type),
        control=_first(section.attributes, "control"),
        frame_rate_fps=_frame_rate(section.attributes),
        attributes=tuple(section.attributes),
        port=min(int(match[2][:6]), 65535),
        protocol=match[3],
    )


def _encoding(attributes: list[tuple[str, str]], payload_type: int | None) -> tuple[str, int, int]:
    """Name, clock, channels: rtpmap of this type, else the static type, else a lone rtpmap of any number.

    An rtpmap that contradicts a static type wins, as in ffmpeg and retina (a camera of GW says `8 PCMU`).
    """
    maps = [match for key, value in attributes if key == "rtpmap" and (match := _RTPMAP.fullmatch(value))]
    own = next((match for match in maps if payload_type is not None and int(match[1]) == payload_type), None)
    if own is None and payload_type in _STATIC:
        return _STATIC[payload_type]
    if own is None and len(maps) == 1 and payload_type is not None:
        own = maps[0]
    if own is None:
        return "", 0, 0
    encoding = own[2].upper()
    default_hz = (
        8000 if encoding in {"PCMU", "PCMA"} else 90000 if encoding in {"H264", "H265", "JPEG"} else 0
    )
    return encoding, int(own[3] or 0) or default_hz, int(own[4] or 0)


def _fmtp(attributes: list[tuple[str, str]], payload_type: int | None) -> tuple[tuple[str, str], ...]:
    """`a=fmtp` of this payload type; one camera writes the picture's into the sound's section."""
    for key, value in attributes:
        number, _, rest = value.strip().partition(" ")
        if key == "fmtp" and payload_type is not None and number == str(payload_type):
            return tuple(_parameters(rest))
    return ()


def _parameters(text: str) -> Iterator[tuple[str, str]]:
    for item in text.split(";"):
        name, _, value = item.strip().partition("=")
        if name:
            yield name.strip().lower(), value.strip()


def _frame_rate(attributes: list[tuple[str, str]]) -> float:
    """The last number given: H264DVR writes `0S` first and the truth later."""
    rate = 0.0
    for key, value in attributes:
        if key == "framerate" and re.fullmatch(r"\d{1,4}(\.\d{1,9})?", value):
            rate = float(value)
    return rate


def write_sdp(description: SessionDescription) -> bytes:
    """The description as a camera would send it (RFC 8866 §5, RFC 2326 appendix C)."""
    lines = [
        "v=0",
        f"o={description.origin}",
        f"s={description.name or '-'}",
        f"c=IN IP4 {description.address}",
    ]
    lines += ["t=0 0", f"a=control:{description.control or '*'}"]
    lines += [f"a={_attribute(item)}" for item in description.attributes if item[0] != "control"]
    for track in description.tracks:
        lines += _track_lines(track)
    if any("\r" in line or "\n" in line for line in lines):
        raise ProtocolError("a line of a session description cannot hold a line break")
    return ("\r\n".join(lines) + "\r\n").encode()


def _track_lines(track: MediaDescription) -> list[str]:
    payload_type = "" if track.payload_type is None else track.payload_type
    lines = [f"m={track.media} {track.port} {track.protocol} {payload_type}"]
    if track.encoding:
        channels = f"/{track.channel_count}" if track.channel_count else ""
        lines.append(f"a=rtpmap:{payload_type} {track.encoding}/{track.clock_rate_hz}{channels}")
    if track.fmtp:
        joined = ";".join(f"{name}={value}" for name, value in track.fmtp)
        lines.append(f"a=fmtp:{payload_type} {joined}")
    if track.frame_rate_fps:
        lines.append(f"a=framerate:{track.frame_rate_fps:.6f}")
    if track.control:
        lines.append(f"a=control:{track.control}")
    known = {"rtpmap", "fmtp", "framerate", "control"}
    return lines + [f"a={_attribute(item)}" for item in track.attributes if item[0] not in known]


def _attribute(item: tuple[str, str]) -> str:
    return f"{item[0]}:{item[1]}" if item[1] else item[0]


def resolve_control(base: str, control: str) -> str:
    """The address of a track: an absolute one as sent, else appended to `base`, as clients do.

    RFC 2326 C.1.1 asks for RFC 3986 joining, which breaks the many cameras whose base ends in a query
    without a slash (`…/H264?channel=1` + `video`); live555, ffmpeg, GStreamer and gortsplib append.
    """
    if not control or control == "*":
        return base
    if re.match(r"rtsps?://", control, re.IGNORECASE):
        return control
    if control.startswith("?"):
        return base.rstrip("/") + control
    return base.rstrip("/") + "/" + control.lstrip("/")
