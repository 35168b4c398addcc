"""What devices answer, as values: pure, from bounded trees, forgiving in what is missing."""

import datetime
import math
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit, urlunsplit

from civiscope.base import ProtocolError
from civiscope.devices.drivers.onvif.xml_tree import Node, parse_xml
from civiscope.devices.equipment import DeviceIdentity

TEXT_LIMIT_CHARS = 256
URL_LIMIT_CHARS = 2048
PROFILE_LIMIT = 64
_CODECS = {"H264": "h264", "H265": "h265", "JPEG": "mjpeg", "MPEG4": "mpeg4", "MPV4-ES": "mpeg4"}


@dataclass(frozen=True, slots=True)
class Fault:
    """A SOAP fault (SOAP 1.2 §5.4; 1.1 read too): codes by local name, from general to special."""

    codes: tuple[str, ...]
    reason: str

    @property
    def is_authentication(self) -> bool:
        """Few cameras give the code of ONVIF Core §5.12; most say it in the reason."""
        said = " ".join((*self.codes, self.reason)).lower().replace(" ", "")
        return any(word in said for word in ("notauthorized", "authenticat", "unauthorized", "senderauth"))


@dataclass(frozen=True, slots=True)
class Encoder:
    """A video encoder configuration; `node` is the whole of it as told, to be edited and sent back."""

    token: str
    codec: str
    width_px: int
    height_px: int
    fps: float
    bitrate_bps: int | None
    gop_frames: int | None
    is_constant_bitrate: bool | None
    """None: the media service of version 10 does not tell."""
    node: Node


@dataclass(frozen=True, slots=True)
class Profile:
    """A media profile of either version of the media service."""

    token: str
    name: str
    source_token: str
    source_name: str
    source_configuration: str
    encoder: Encoder | None
    has_audio: bool
    has_ptz: bool


@dataclass(frozen=True, slots=True)
class EncoderOptions:
    """What an encoder could be set to, for one codec; empty: not told."""

    codec: str
    resolutions: tuple[tuple[int, int], ...]
    fps: tuple[float, ...]
    """Those offered, or the ends of the range when `is_fps_range`."""
    is_fps_range: bool
    gop_frames: tuple[int, int] | None
    has_constant_bitrate_choice: bool


def read_answer(data: bytes) -> Node | Fault:
    """The first element of a SOAP body; ProtocolError when it is no SOAP envelope."""
    root = parse_xml(data)
    body = root.find("Body")
    if root.name != "Envelope" or body is None:
        raise ProtocolError("the answer is no SOAP envelope")
    if not body.children:
        return Node("")
    fault = body.find("Fault")
    return body.children[0] if fault is None else _fault(fault)


def _fault(node: Node) -> Fault:
    codes = [found.text.rpartition(":")[2] for found in node.descendants("Value") if found.text]
    plain = node.value("faultcode").rpartition(":")[2]
    reason = node.value("Reason", "Text") or node.value("faultstring")
    return Fault(tuple(short(code) for code in [plain, *codes][:8] if code), short(reason))


def short(text: str) -> str:
    """A stranger's word for our own values: printable, on one line, at most 256 characters."""
    line = " ".join(text[: 4 * TEXT_LIMIT_CHARS].split())
    return "".join(letter for letter in line if letter.isprintable())[:TEXT_LIMIT_CHARS]


def read_clock_us(node: Node) -> int | None:
    """UTC of `GetSystemDateAndTimeResponse` in microseconds; None when it is not told or no date."""
    utc = node.find("SystemDateAndTime", "UTCDateTime")
    if utc is None:
        return None
    day = [number(utc.value("Date", name)) for name in ("Year", "Month", "Day")]
    time = [number(utc.value("Time", name)) for name in ("Hour", "Minute", "Second")]
    try:
        year, month, date, hour, minute, second = (int(value) for value in (*day, *time) if value is not None)
        moment = datetime.datetime(year, month, date, hour, minute, min(second, 59), tzinfo=datetime.UTC)
    except (ValueError, OverflowError):
        return None
    return int(moment.timestamp()) * 1_000_000


def read_identity(node: Node, endpoint: str) -> DeviceIdentity:
    """`GetDeviceInformationResponse`."""
    return DeviceIdentity(
        maker=short(node.value("Manufacturer")),
        model=short(node.value("Model")),
        firmware=short(node.value("FirmwareVersion")),
        serial=short(node.value("SerialNumber")),
        hardware=short(node.value("HardwareId")),
        endpoint=endpoint,
    )


def read_services(node: Node) -> dict[str, str]:
    """`GetServicesResponse`: address by namespace."""
    found = {}
    for service in node.all("Service")[:64]:
        namespace, address = service.value("Namespace"), service.value("XAddr")
        if namespace and address and len(address) <= URL_LIMIT_CHARS:
            found[namespace] = address
    return found


_CAPABILITIES = {
    "Device": "http://www.onvif.org/ver10/device/wsdl",
    "Media": "http://www.onvif.org/ver10/media/wsdl",
    "Events": "http://www.onvif.org/ver10/events/wsdl",
    "Imaging": "http://www.onvif.org/ver20/imaging/wsdl",
    "PTZ": "http://www.onvif.org/ver20/ptz/wsdl",
}


def read_capabilities(node: Node) -> dict[str, str]:
    """`GetCapabilitiesResponse`: address by namespace, for devices without `GetServices`."""
    found = {}
    for name, namespace in _CAPABILITIES.items():
        address = node.value("Capabilities", name, "XAddr")
        if address and len(address) <= URL_LIMIT_CHARS:
            found[namespace] = address
    return found


def read_scopes(texts: Iterable[str]) -> dict[str, str]:
    """`onvif://www.onvif.org/<kind>/<value>`: the first value of each kind, decoded (ONVIF Core §7.3.3)."""
    found: dict[str, str] = {}
    for text in texts:
        prefix, _, rest = text.strip().partition("://")
        host, _, path = rest.partition("/")
        kind, _, value = path.partition("/")
        if prefix.lower() == "onvif" and host.lower() == "www.onvif.org" and kind and value:
            found.setdefault(kind.lower(), short(unquote(value)))
    return found


def read_uri(node: Node) -> str:
    """The address in `GetStreamUriResponse` or `GetSnapshotUriResponse`, without user-info; empty: none.

    Version 10 nests it in `MediaUri`, version 20 does not.
    """
    text = node.value("MediaUri", "Uri") or node.value("Uri")
    return without_user_info(text)


def without_user_info(url: str) -> str:
    """The same address without a name and password in it; empty when it is none."""
    text = url.strip()
    if not text or len(text) > URL_LIMIT_CHARS or any(letter <= " " or letter == "\x7f" for letter in text):
        return ""
    try:
        parts = urlsplit(text)
        if not parts.hostname or (parts.port is not None and parts.port == 0):
            return ""
        return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
    except ValueError:
        return ""


def read_profiles(node: Node) -> tuple[Profile, ...]:
    """`GetProfilesResponse` of either version; profiles without a token or video source are left out."""
    found = (_profile(profile) for profile in node.all("Profiles")[:PROFILE_LIMIT])
    return tuple(profile for profile in found if profile.token and profile.source_token)


def _profile(node: Node) -> Profile:
    parts = node.find("Configurations")
    inside, suffix = (node, "Configuration") if parts is None else (parts, "")
    source = inside.find("VideoSource" + suffix)
    encoder = inside.find("VideoEncoder" + suffix)
    return Profile(
        token=token(node),
        name=short(node.value("Name")),
        source_token=short(source.value("SourceToken")) if source else "",
        source_name=short(source.value("Name")) if source else "",
        source_configuration=token(source) if source else "",
        encoder=read_encoder(encoder, parts is not None) if encoder else None,
        has_audio=inside.find("AudioEncoder" + suffix) is not None,
        has_ptz=inside.find("PTZ" + suffix) is not None,
    )


def read_encoder(node: Node, is_version_20: bool) -> Encoder:
    """A `VideoEncoderConfiguration`, or of version 20 a `VideoEncoder2Configuration`."""
    encoding = node.value("Encoding").upper()
    gop = number(node.attribute("GovLength") or node.value(encoding, "GovLength"))
    kbps = number(node.value("RateControl", "BitrateLimit"))
    rate = node.find("RateControl")
    constant = rate.attribute("ConstantBitRate") if rate else ""
    return Encoder(
        token=token(node),
        codec=_CODECS.get(encoding, short(encoding.lower())),
        width_px=whole(node.value("Resolution", "Width")),
        height_px=whole(node.value("Resolution", "Height")),
        fps=number(node.value("RateControl", "FrameRateLimit")) or 0.0,
        bitrate_bps=int(kbps * 1000) if kbps else None,
        gop_frames=int(gop) if gop else None,
        is_constant_bitrate=truth(constant) if is_version_20 else None,
        node=node,
    )


def token(node: Node) -> str:
    """ONVIF tokens are opaque, at most 64 characters by the schema; longer ones are cut like other words."""
    return node.attribute("token")[:TEXT_LIMIT_CHARS]


def number(text: str) -> float | None:
    """A finite number within what a camera can mean; None otherwise."""
    try:
        value = float(text) if len(text) <= 32 else math.nan
    except ValueError:
        return None
    return value if math.isfinite(value) and abs(value) < 1e12 else None


def whole(text: str) -> int:
    """A whole number from 0 to 65535; 0 for what is none."""
    value = number(text)
    return int(value) if value is not None and 0 <= value <= 65_535 else 0


def truth(text: str) -> bool:
    """`xs:boolean`; anything else is False."""
    return text.strip().lower() in {"true", "1"}
