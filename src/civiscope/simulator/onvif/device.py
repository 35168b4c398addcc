"""A simulated ONVIF device: one lens with a main and a sub stream, and everything that can be set of it."""

import secrets
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from civiscope.base import AppError, Clock, ErrorKind, SystemClock
from civiscope.media.wire import Credentials
from civiscope.simulator.camera import SimulatedCamera
from civiscope.simulator.onvif.encoding import Encoding, EncodingOptions, encoding_of, options_for
from civiscope.simulator.onvif.faults import FLAWLESS, OnvifFaults
from civiscope.simulator.onvif.login import DeviceUser, Doorkeeper, UserLevel, write_time
from civiscope.simulator.onvif.ptz import Pose, PtzHead
from civiscope.simulator.onvif.pull_point import Notice, NoticeBoard, PullPoint, make_notice
from civiscope.simulator.onvif.replay import OnvifReplay
from civiscope.simulator.onvif.soap import Raw

_NAMES_SPACE = uuid.UUID("6f9c2f5e-6f8e-4a57-9d84-0a0c7a3a1b52")
VIDEO_SOURCE = "source"
VIDEO_SOURCE_CONFIGURATION = "source-configuration"


@dataclass(frozen=True, slots=True)
class DeviceTraits:
    """Who the device says it is, and what it can do."""

    maker: str = "Civiscope"
    model: str = "Simulated camera"
    firmware: str = "1.0"
    hardware: str = "SIM-1"
    serial: str = ""
    """Empty: made from its name."""
    has_ptz: bool = True
    has_media2: bool = True
    has_events: bool = True
    has_imaging: bool = True
    places: tuple[str, ...] = ()
    """Scopes of discovery after `onvif://www.onvif.org/location/`."""


@dataclass(frozen=True, slots=True)
class Profile:
    """One fixed media profile."""

    token: str
    """`main` or `sub`; its encoder configuration is called the same."""
    name: str
    camera: SimulatedCamera
    options: EncodingOptions


@dataclass(frozen=True, slots=True)
class ImagingSettings:
    """What is set of the picture; each 0 to 100."""

    brightness: float = 50.0
    colour_saturation: float = 50.0
    contrast: float = 50.0
    sharpness: float = 50.0
    ir_cut_filter: str = "AUTO"


@dataclass(frozen=True, slots=True)
class StoredPose:
    """A preset."""

    name: str
    pose: Pose


@dataclass(eq=False)
class SimulatedDevice:
    """Give it cameras that an RTSP server serves. All state lives here and may be read and changed by tests.

    `users` without a level are administrators; none at all: everybody may do everything. For one event loop.
    """

    name: str
    main: SimulatedCamera
    sub: SimulatedCamera | None = None
    users: tuple[DeviceUser | Credentials, ...] = field(default=(), repr=False)
    traits: DeviceTraits = DeviceTraits()
    snapshot: bytes = field(default=b"", repr=False)
    """A JPEG; without one no snapshot is offered."""
    faults: OnvifFaults = FLAWLESS
    replay: OnvifReplay | None = None
    """Captured answers given in place of its own."""
    clock: Clock = field(default_factory=SystemClock)

    def __post_init__(self) -> None:
        given = self.users
        self.accounts = [one if isinstance(one, DeviceUser) else DeviceUser(one) for one in given]
        self.endpoint = uuid.uuid5(_NAMES_SPACE, f"{self.traits.serial}/{self.name}")
        self.serial = self.traits.serial or f"SIM{self.endpoint.int % 10**9:09d}"
        self.doorkeeper = Doorkeeper()
        self.board = NoticeBoard()
        self.head = PtzHead()
        self.presets: dict[str, StoredPose] = {}
        self.imaging = ImagingSettings()
        self.hostname = f"sim-{self.endpoint.hex[:8]}"
        self.ntp_server = ""
        self.clock_offset_us = 0
        """What SetSystemDateAndTime left over."""
        self.is_ntp_used = False
        self.requests: list[str] = []
        """Operations asked, in order; at most the last 1000."""
        self.profiles = self._profiles()
        self.encodings = {profile.token: encoding_of(profile.camera.footage) for profile in self.profiles}
        self.tell_streams_users()

    def _profiles(self) -> tuple[Profile, ...]:
        found = [
            Profile("main", "Main stream", self.main, options_for(encoding_of(self.main.footage), False))
        ]
        if self.sub is not None:
            options = options_for(encoding_of(self.sub.footage), True)
            found.append(Profile("sub", "Sub stream", self.sub, options))
        return tuple(found)

    # -- time

    def now_us(self) -> int:
        """UTC by the device's own clock, its error included."""
        return self.clock.now_us() + self.clock_offset_us + self.faults.clock_offset_us

    def monotonic_us(self) -> int:
        """For durations."""
        return self.clock.monotonic_us()

    # -- users

    def replace_users(self, accounts: Sequence[DeviceUser]) -> None:
        """From now on these, for streams too."""
        self.accounts = list(accounts)
        self.tell_streams_users()

    def tell_streams_users(self) -> None:
        """Streams ask for the same names and passwords."""
        for profile in self.profiles:
            profile.camera.users = tuple(account.credentials for account in self.accounts)

    def level_of(self, user: DeviceUser | None) -> UserLevel | None:
        """What the asker may; None is anonymous. A device without users takes everybody as administrator."""
        if not self.accounts and not self.faults.refuses_login:
            return UserLevel.ADMINISTRATOR
        return None if user is None or self.faults.refuses_login else user.level

    # -- what it is asked and what it tells

    def profile(self, token: str) -> Profile | None:
        """The profile, or encoder configuration, of this token."""
        return next((profile for profile in self.profiles if profile.token == token), None)

    def set_encoding(self, token: str, encoding: Encoding) -> None:
        """Another value for a stream, as if somebody had set it at the device."""
        self.encodings[token] = encoding

    def notify(
        self, topic: str, source: Mapping[str, str], data: Mapping[str, str], operation: str = "Changed"
    ) -> None:
        """Tell everybody who listens; `topic` with its prefix: `tns1:VideoSource/MotionAlarm`."""
        if operation == "Deleted":
            self.board.forget_state(topic, source)
        elif operation:
            self.board.keep_state(topic, source, data)
        self.board.post(make_notice(topic, source, data, write_time(self.now_us()), operation))

    def notify_bytes(self, notification: bytes) -> None:
        """Tell a captured wsnt:NotificationMessage byte for byte."""
        self.board.post(Notice("", Raw(notification)))

    def tell_captured(self, point: PullPoint) -> None:
        """The captured notifications, to one new pull point."""
        for notification in self.replay.notifications if self.replay is not None else ():
            point.give(Notice("", Raw(notification)))

    def start_anew(self) -> None:
        """What a reboot does: pull points are gone, settings stay."""
        self.board.close_all()
        self.doorkeeper = Doorkeeper()

    def keep_preset(self, token: str, name: str) -> str:
        """Store where it looks now; the token, a new one when none is given."""
        if len(self.presets) >= 100 and token not in self.presets:
            raise AppError(ErrorKind.EXHAUSTED, "the device keeps 100 presets")
        kept = token or f"preset-{secrets.token_hex(3)}"
        name = name or (self.presets[kept].name if kept in self.presets else kept)
        self.presets[kept] = StoredPose(name, self.head.at(self.monotonic_us()))
        return kept

    def heard(self, operation: str) -> None:
        """Note what was asked."""
        self.requests.append(operation)
        del self.requests[:-1000]

    def set_imaging(self, **changes: float | str) -> None:
        """Change some of the picture's settings."""
        self.imaging = replace(self.imaging, **changes)  # type: ignore[arg-type]  # names and types as in the value
