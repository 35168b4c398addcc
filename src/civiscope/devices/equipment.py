"""What is known, wanted and told of equipment: values only, small enough to cross the bus."""

from dataclasses import dataclass, field
from enum import StrEnum

from civiscope.base import AppError, ErrorKind


class Ability(StrEnum):
    """What a device can do through its driver."""

    DISCOVERY = "discovery"
    SNAPSHOT = "snapshot"
    PTZ = "ptz"
    EVENTS = "events"
    IMAGING = "imaging"
    CLOCK = "clock"
    ENCODER = "encoder"


class Trouble(StrEnum):
    """Why a device could not be added; each told apart in plain words, with what to try."""

    ADDRESS = "address"
    """What was typed is no address of a known kind."""
    GATE = "gate"
    UNREACHABLE = "unreachable"
    REFUSED = "refused"
    """Somebody is there and nothing listens on that port."""
    AUTHENTICATION = "authentication"
    CERTIFICATE = "certificate"
    """Not the one expected, or nobody known vouches for it: pinning is offered with `fingerprint`."""
    CODEC = "codec"
    NOT_A_CAMERA = "not_a_camera"
    STREAM = "stream"
    """The device answers, but has no stream of that name, or nothing comes on it."""
    TIMEOUT = "timeout"
    DRIVER = "driver"
    """The driver is not loaded or broke."""


@dataclass(frozen=True, slots=True)
class DeviceAddress:
    """What reaches one device; crosses only the Unix socket of the bus. Log the host, not this."""

    address: str = field(repr=False)
    """URL without user-info; may hold a secret in its query."""
    username: str = ""
    password: str = field(default="", repr=False)
    tls_fingerprint: str | None = None
    """SHA-256 of the device's certificate, 64 small hex digits; None: a known authority must vouch."""
    settings: str = "{}"
    """JSON by the driver's settings model."""


@dataclass(frozen=True, slots=True)
class DeviceIdentity:
    """Who the device says it is. All strings may be empty; none is an id of ours."""

    maker: str = ""
    model: str = ""
    firmware: str = ""
    serial: str = ""
    hardware: str = ""
    endpoint: str = ""
    """ONVIF endpoint reference (urn:uuid:…) where there is one."""


@dataclass(frozen=True, slots=True)
class OfferedStream:
    """One encoded presentation of an input that the device offers."""

    profile: str
    """`main` for the largest, `sub` for the one to analyse; others keep their own name."""
    token: str
    url: str = field(repr=False)
    """Where a transport opens it: rtsp, rtsps, http, https or file."""
    codec: str = ""
    width_px: int = 0
    height_px: int = 0
    fps: float = 0.0
    bitrate_bps: int | None = None
    gop_frames: int | None = None


@dataclass(frozen=True, slots=True)
class OfferedInput:
    """One lens (ONVIF video source) with its streams, largest first."""

    index: int
    token: str
    name: str
    streams: tuple[OfferedStream, ...]
    snapshot_url: str = field(default="", repr=False)
    has_ptz: bool = False
    has_audio: bool = False


@dataclass(frozen=True, slots=True)
class DeviceDescription:
    """All a driver can tell of a device."""

    identity: DeviceIdentity
    inputs: tuple[OfferedInput, ...]
    abilities: tuple[Ability, ...]
    clock_offset_ms: int | None = None
    """The device's clock minus ours; None when it does not tell."""
    warnings: tuple[str, ...] = ()
    """In plain words, for people."""


@dataclass(frozen=True, slots=True)
class EncoderWish:
    """How a stream shall be encoded; what is None is left as it is."""

    codec: str = "h264"
    width_px: int = 640
    height_px: int = 360
    fps: float = 5.0
    is_variable_bitrate: bool = True
    gop_s: float = 2.0
    """From one key frame to the next; wanted between 1 and 2."""
    bitrate_bps: int | None = None


@dataclass(frozen=True, slots=True)
class DesiredSettings:
    """What the site wants of a device; written on request, compared every hour."""

    sub: EncoderWish | None = EncoderWish()
    main: EncoderWish | None = None
    clock: bool = True
    """The device's clock within 2 s of ours (set by SetSystemDateAndTime when it has no NTP)."""
    ntp_server: str | None = None


@dataclass(frozen=True, slots=True)
class Drift:
    """One setting that is not as wanted."""

    input: int
    setting: str
    """`sub.resolution`, `sub.fps`, `sub.codec`, `sub.gop`, `sub.rate_control`, `clock`, `ntp`."""
    wanted: str
    found: str


@dataclass(frozen=True, slots=True)
class PtzMove:
    """Continuous movement; each −1 to 1, for at most `for_s` seconds, then the device stops by itself."""

    pan: float = 0.0
    tilt: float = 0.0
    zoom: float = 0.0
    for_s: float = 1.0


@dataclass(frozen=True, slots=True)
class PtzPreset:
    """A stored position."""

    token: str
    name: str


@dataclass(frozen=True, slots=True)
class PtzStatus:
    """Where it looks (pan, tilt −1 to 1, zoom 0 to 1; None: not told), and the stored positions."""

    pan: float | None
    tilt: float | None
    zoom: float | None
    is_moving: bool
    presets: tuple[PtzPreset, ...]


@dataclass(frozen=True, slots=True)
class Notification:
    """One event as the device told it (ONVIF Core §9): topic without prefixes, names and values as text."""

    at_us: int
    """The device's own time when it gives one, else arrival."""
    topic: str
    operation: str
    """`Initialized`, `Changed`, `Deleted` or empty."""
    source: tuple[tuple[str, str], ...] = ()
    data: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class FoundDevice:
    """A device that answered to discovery; nothing of it is believed until it is described."""

    driver: str
    endpoint: str
    addresses: tuple[str, ...]
    name: str = ""
    hardware: str = ""
    maker: str = ""
    scopes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TroubleReport:
    """A trouble with what is needed to mend it."""

    trouble: Trouble
    words: str
    """What failed and why."""
    advice: str
    """What to try."""
    fingerprint: str | None = None
    """Of the certificate that was refused: what to pin after comparing it at the device."""


@dataclass(frozen=True, slots=True)
class Described:
    """What became of asking a device: a description, or the trouble."""

    description: DeviceDescription | None = None
    trouble: TroubleReport | None = None


class TroubleError(AppError):
    """Reaching a device failed; `report` says which trouble it is."""

    def __init__(self, report: TroubleReport) -> None:
        super().__init__(ErrorKind.INVALID, f"{report.words} {report.advice}".strip())
        self.report = report

    def __reduce__(self) -> tuple[type["TroubleError"], tuple[TroubleReport]]:  # type: ignore[override]  # other args
        return (TroubleError, (self.report,))
