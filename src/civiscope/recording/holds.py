"""Spans that retention leaves alone, on the recorder's own disk: in force before any server speaks."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from civiscope.base import AppError, ErrorKind, StreamId, get_log
from civiscope.recording.model import SegmentSummary
from civiscope.security import CaseId
from civiscope.storage import keep_file

_VERSION = 2
_READ_VERSIONS = (1, 2)
"""Version 1 knew no cases."""
LEAD_US = 60_000_000
"""Before a held span so much is kept too: a picture is decoded from its key unit on, which may be earlier."""
_log = get_log("civiscope.recording")


@dataclass(frozen=True, slots=True)
class HeldSpan:
    """A span of a stream of which nothing is deleted."""

    stream_id: StreamId
    start_us: int
    end_us: int
    case_id: CaseId | None = None
    """Whose key keeps the span readable after its age; None: the site's own wraps stay instead."""

    def touches(self, summary: SegmentSummary, lead_us: int = LEAD_US) -> bool:
        """True if a unit of the segment may lie in the span, or be needed to decode one that does."""
        return summary.stream_id == self.stream_id and any(
            extent.span.start_us < self.end_us and self.start_us - lead_us < extent.span.end_us
            for extent in summary.extents
        )


def holds_digest(holds: Iterable[HeldSpan]) -> str:
    """Names a set of holds in whatever order: the server sends its own when the recorder's is another."""
    return hashlib.sha256(_to_json(holds)).hexdigest()


class HoldBook:
    """The holds in force. `apply` from one thread, `protects` from the writer's.

    While what is kept cannot be read, everything is protected until the server has sent its holds: rather a
    full disk than a deleted proof.
    """

    def __init__(self, path: Path, lead_us: int = LEAD_US) -> None:
        """Reads what is kept; blocks. Nothing is kept on a new node: nothing was held there."""
        self._path = path
        self._lead_us = lead_us
        self._spans: dict[StreamId, tuple[HeldSpan, ...]] | None = {}
        self._digest = holds_digest(())
        try:
            self._take(_parse(path.read_bytes()))
        except FileNotFoundError:
            return
        except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
            self._spans, self._digest = None, ""
            _log.error("the kept holds cannot be read; nothing is deleted", why=type(error).__name__)

    @property
    def digest(self) -> str:
        """Of the holds that are in force and kept; empty while they are not kept."""
        return self._digest

    def protects(self, summary: SegmentSummary) -> bool:
        """True if a unit of the segment may lie in a held span, or be needed to decode one that does."""
        spans = self._spans
        if spans is None:
            return True
        return any(one.touches(summary, self._lead_us) for one in spans.get(summary.stream_id, ()))

    def cases_of(self, summary: SegmentSummary) -> frozenset[CaseId | None]:
        """The cases of the holds that protect the segment; None for a hold without one. Empty: no hold."""
        spans = self._spans
        if spans is None:
            return frozenset({None})
        held = spans.get(summary.stream_id, ())
        return frozenset(one.case_id for one in held if one.touches(summary, self._lead_us))

    def apply(self, holds: tuple[HeldSpan, ...]) -> None:
        """Protect these from now on, and after a restart; AppError if the disk does not keep them. Blocks."""
        self._take(holds)
        self._digest = ""
        self._keep(holds)
        self._digest = holds_digest(holds)

    def _take(self, holds: Iterable[HeldSpan]) -> None:
        found: dict[StreamId, list[HeldSpan]] = {}
        for one in holds:
            found.setdefault(one.stream_id, []).append(one)
        self._spans = {stream_id: tuple(spans) for stream_id, spans in found.items()}
        self._digest = holds_digest([one for spans in found.values() for one in spans])

    def _keep(self, holds: tuple[HeldSpan, ...]) -> None:
        try:
            keep_file(self._path, _to_json(holds))
        except OSError as error:
            raise AppError(
                ErrorKind.UNAVAILABLE,
                f"the recorder cannot keep its holds in {self._path}: {error.strerror}. They are in force "
                "while it runs, and sent again until they are kept.",
            ) from error


def _to_json(holds: Iterable[HeldSpan]) -> bytes:
    spans = sorted(
        (str(one.stream_id), one.start_us, one.end_us, "" if one.case_id is None else str(one.case_id))
        for one in holds
    )
    return json.dumps({"version": _VERSION, "held": spans}).encode()


def _parse(text: bytes) -> tuple[HeldSpan, ...]:
    kept = json.loads(text)
    if kept["version"] not in _READ_VERSIONS:
        raise ValueError(f"holds of version {kept['version']}")
    return tuple(_held(*one) for one in kept["held"])


def _held(stream: str, start_us: int, end_us: int, case: str = "") -> HeldSpan:
    case_id = CaseId(UUID(case)) if case else None
    return HeldSpan(StreamId(UUID(stream)), int(start_us), int(end_us), case_id)
