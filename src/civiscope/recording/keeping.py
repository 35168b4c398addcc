"""For how long each stream is kept, on the recorder's own disk: in force before any server speaks."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from civiscope.base import AppError, ErrorKind, StreamId, get_log
from civiscope.storage import keep_file

_VERSION = 1
_log = get_log("civiscope.recording")


@dataclass(frozen=True, slots=True)
class StreamTime:
    """How long one stream is kept."""

    stream_id: StreamId
    keep_us: int


@dataclass(frozen=True, slots=True)
class KeepTimes:
    """How long everything is kept: a stream by its own time, every other by the site's."""

    default_us: int
    streams: tuple[StreamTime, ...] = ()

    def digest(self) -> str:
        """Names the times in whatever order: the server sends its own when the recorder's are others."""
        return hashlib.sha256(_to_json(self)).hexdigest()


class KeepBook:
    """The times in force. `apply` from one thread, `keep_us` from the writers'.

    While what is kept cannot be read, nothing is deleted by its age until the server has sent its times.
    """

    def __init__(self, path: Path, first_us: int | None) -> None:
        """Reads what is kept; blocks. `first_us` is for a new node, which was told nothing yet."""
        self._path = path
        self._times: tuple[dict[StreamId, int], int | None] = {}, first_us
        """By stream, and for all others: replaced at once, because writers read it from their threads."""
        self._digest = ""
        try:
            self._take(_parse(path.read_bytes()))
        except FileNotFoundError:
            return
        except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
            self._times = {}, None
            _log.error(
                "the kept times cannot be read; nothing is deleted by its age", why=type(error).__name__
            )

    @property
    def digest(self) -> str:
        """Of the times that are in force and kept; empty while they are not kept."""
        return self._digest

    def keep_us(self, stream_id: StreamId) -> int | None:
        """How long the stream is kept; None: as long as there is room."""
        streams, default_us = self._times
        return streams.get(stream_id, default_us)

    def apply(self, times: KeepTimes) -> None:
        """In force from now on, and after a restart; AppError if the disk does not keep them. Blocks."""
        self._take(times)
        self._digest = ""
        try:
            keep_file(self._path, _to_json(times))
        except OSError as error:
            raise AppError(
                ErrorKind.UNAVAILABLE,
                f"the recorder cannot keep its times in {self._path}: {error.strerror}. They are in force "
                "while it runs, and sent again until they are kept.",
            ) from error
        self._digest = times.digest()

    def _take(self, times: KeepTimes) -> None:
        self._times = {one.stream_id: one.keep_us for one in times.streams}, times.default_us
        self._digest = times.digest()


def _to_json(times: KeepTimes) -> bytes:
    streams = sorted((str(one.stream_id), one.keep_us) for one in times.streams)
    return json.dumps({"version": _VERSION, "default_us": times.default_us, "streams": streams}).encode()


def _parse(text: bytes) -> KeepTimes:
    kept = json.loads(text)
    if kept["version"] != _VERSION:
        raise ValueError(f"times of version {kept['version']}")
    streams = tuple(StreamTime(StreamId(UUID(name)), _time_us(keep_us)) for name, keep_us in kept["streams"])
    return KeepTimes(_time_us(kept["default_us"]), streams)


def _time_us(kept: object) -> int:
    """A damaged file must not delete: only whole, positive times are times."""
    if not isinstance(kept, int) or isinstance(kept, bool) or kept <= 0:
        raise ValueError(f"no time: {kept!r}")
    return kept
