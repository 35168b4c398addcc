"""What is to be taken in, why it may be lost, and how it stands: values only."""

from dataclasses import dataclass, field
from enum import StrEnum

from civiscope.base import ChannelId, RunId, StreamId
from civiscope.media import AccessUnit, TrackConfig


class Transport(StrEnum):
    """How RTP travels: asked of the camera in RTSP SETUP (RFC 2326 §12.39)."""

    AUTO = "auto"
    """Within the RTSP connection; by UDP where the camera does not do that (461)."""
    TCP = "tcp"
    UDP = "udp"


@dataclass(frozen=True, slots=True)
class StreamSource:
    """One stream to take in. The address is a secret's neighbour: log the id."""

    stream_id: StreamId
    channel_id: ChannelId
    url: str = field(repr=False)
    """rtsp(s)://, http(s):// or file://, without user-info; its scheme decides the transport."""
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    transport: Transport = Transport.AUTO
    tls_fingerprint: str | None = None
    """SHA-256 of the camera's certificate in hex, colons or not; None: a known authority must vouch."""
    audio: bool = False
    foreign: bool = False
    """Taken in by libav in a process of its own, for cameras that our own client cannot read."""
    recorded: bool = True
    """Else it is for the feed alone: seen by the analyst and by people, kept nowhere."""


@dataclass(frozen=True, slots=True)
class ImportMark:
    """How far an import is recorded: units are numbered over all its runs, in order of file and decoding."""

    next_unit: int = 0
    is_finished: bool = False


class LossReason(StrEnum):
    """Why a run ended, or why a stream is not there."""

    UNREACHABLE = "unreachable"
    """No network path, no such name, or nobody answers."""
    REFUSED = "refused"
    """Somebody is there and says no: nothing listens, or RTSP answered with an error."""
    GATE = "gate"
    """The device gate does not let us connect to that address."""
    AUTHENTICATION = "authentication"
    STALLED = "stalled"
    """Connected, and nothing comes."""
    CLOSED = "closed"
    """The camera, or the network, ended the connection."""
    PROTOCOL = "protocol"
    """What comes cannot be read."""
    CHANGED = "changed"
    """The camera sends another codec than it described, or its source was set anew here."""
    TLS = "tls"
    """The camera's certificate is not the one expected, or the handshake failed."""
    OUR_RESTART = "our_restart"
    REMOVED = "removed"
    FOREIGN = "foreign"
    """libav's process failed or was killed."""
    FINISHED = "finished"
    """An imported file was taken in to its end: nothing is missing, and nothing more will come."""


class StreamState(StrEnum):
    """Where a stream stands."""

    CONNECTING = "connecting"
    RUNNING = "running"
    """Units come."""
    WAITING = "waiting"
    """Lost; the next attempt is due."""
    FINISHED = "finished"
    """Imported to its end; never opened again."""


@dataclass(frozen=True, slots=True)
class StreamStatus:
    """How one stream stands, for Health and for people; counts are of the present run."""

    stream_id: StreamId
    state: StreamState
    since_us: int
    """UTC when this state began."""
    run_id: RunId | None
    transport: Transport
    """What is used now; AUTO while nothing is."""
    tracks: tuple[TrackConfig, ...]
    units: int
    bytes: int
    bitrate_bps: float
    """Over the last seconds, as `frame_rate_fps`."""
    frame_rate_fps: float
    lost_packets: int
    damaged_units: int
    last_unit_us: int | None
    last_reason: LossReason | None
    """Of the last loss; None if there was none yet."""
    last_detail: str


@dataclass(frozen=True, slots=True)
class Probed:
    """What a camera has, seen once."""

    tracks: tuple[TrackConfig, ...]
    key_unit: AccessUnit | None
    """The first picture to decode; None if none came in time (a long distance between key frames)."""
    transport: Transport
    """TCP or UDP: what worked."""
    sends_password_in_clear: bool
    """The camera offers only Basic without TLS: whoever listens can read the password."""
    clock_offset_ms: int | None = None
    """The camera's clock minus ours; None when it told nothing in time. Good to a second or so."""
