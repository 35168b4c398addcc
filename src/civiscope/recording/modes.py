"""When each stream is recorded, on the recorder's own disk: in force before any server speaks."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

from civiscope.base import AppError, ErrorKind, StreamId, get_log
from civiscope.devices import ALWAYS, RecordingPolicy, RecordMode, policy_of, policy_value
from civiscope.security import TimeProfile
from civiscope.storage import keep_file

_VERSION = 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MINUTE_US = 60_000_000
_log = get_log("civiscope.recording")


@dataclass(frozen=True, slots=True)
class StreamMode:
    """When one stream is recorded."""

    stream_id: StreamId
    policy: RecordingPolicy


@dataclass(frozen=True, slots=True)
class RecordingModes:
    """When everything is recorded: a stream by its own policy, every other always."""

    time_zone: str = "UTC"
    """Of the hours: the site's clock on the wall."""
    streams: tuple[StreamMode, ...] = ()

    def digest(self) -> str:
        """Names the modes in whatever order: the server sends its own when the recorder's are others."""
        return hashlib.sha256(_to_json(self)).hexdigest()


@dataclass(frozen=True, slots=True)
class Window:
    """A stream is to be recorded from one moment (UTC) to another, whatever its mode."""

    stream_id: StreamId
    from_us: int
    until_us: int


class WeekClock:
    """Answers whether a moment is within hours of the week; asks the zone's rules once a minute."""

    def __init__(self, hours: TimeProfile, time_zone: str) -> None:
        self._hours = hours
        self._zone = ZoneInfo(time_zone)
        self._minute = -1
        self._holds = False

    def holds(self, at_us: int) -> bool:
        """True within the hours; borders are whole minutes by the clock on the wall."""
        minute = at_us // _MINUTE_US
        if minute != self._minute:
            local = (_EPOCH + timedelta(minutes=minute)).astimezone(self._zone)
            self._minute, self._holds = minute, self._hours.holds(local)
        return self._holds


class ModeBook:
    """The modes in force, kept. If they cannot be read, all is recorded until the server speaks."""

    def __init__(self, path: Path, on_change: Callable[[RecordingModes], None]) -> None:
        """Reads what is kept; blocks."""
        self._path = path
        self._on_change = on_change
        self._digest = ""
        try:
            kept = _parse(path.read_bytes())
        except FileNotFoundError:
            return
        except (
            AppError, OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError,
        ) as error:  # fmt: skip
            _log.error("the kept modes cannot be read; all is recorded", why=type(error).__name__)
            return
        on_change(kept)
        self._digest = kept.digest()

    @property
    def digest(self) -> str:
        """Of the modes that are in force and kept; empty while they are not kept."""
        return self._digest

    def apply(self, modes: RecordingModes) -> None:
        """In force from now on; call from the thread of the recorder. `keep` puts them on the disk."""
        check_modes(modes)
        self._on_change(modes)
        self._digest = ""

    def keep(self, modes: RecordingModes) -> None:
        """In force after a restart, too; AppError if the disk does not keep them. Blocks."""
        try:
            keep_file(self._path, _to_json(modes))
        except OSError as error:
            raise AppError(
                ErrorKind.UNAVAILABLE,
                f"the recorder cannot keep its modes in {self._path}: {error.strerror}. They are in force "
                "while it runs, and sent again until they are kept.",
            ) from error
        self._digest = modes.digest()


def check_modes(modes: RecordingModes) -> None:
    """INVALID when the zone is none that this machine knows."""
    try:
        ZoneInfo(modes.time_zone)
    except (ValueError, OSError, LookupError) as error:
        raise AppError(ErrorKind.INVALID, f"There is no time zone “{modes.time_zone}” here.") from error


def is_always(policy: RecordingPolicy) -> bool:
    """True if nothing is ever left out."""
    return policy == ALWAYS or policy.mode is RecordMode.CONTINUOUS


def _to_json(modes: RecordingModes) -> bytes:
    ordered = sorted(modes.streams, key=lambda one: str(one.stream_id))
    streams = [(str(one.stream_id), policy_value(one.policy)) for one in ordered]
    return json.dumps({"version": _VERSION, "time_zone": modes.time_zone, "streams": streams}).encode()


def _parse(text: bytes) -> RecordingModes:
    kept = json.loads(text)
    if kept["version"] != _VERSION:
        raise ValueError(f"modes of version {kept['version']}")
    streams = tuple(StreamMode(StreamId(UUID(name)), policy_of(value)) for name, value in kept["streams"])
    modes = RecordingModes(str(kept["time_zone"]), streams)
    check_modes(modes)
    return modes
