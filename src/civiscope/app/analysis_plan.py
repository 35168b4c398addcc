"""What the analyst is to do, kept on its disk: it starts from its last plan, without a server."""

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from civiscope.analytics import AnalysisPlan, AnalyticOrder, ChannelPlan
from civiscope.base import AppError, ChannelId, ErrorKind, StreamId, get_log

_VERSION = 1
_log = get_log("civiscope.app")


def analysis_digest(plan: AnalysisPlan) -> str:
    """Names a plan: the server sends its own when the analyst's is another."""
    return hashlib.sha256(_to_json(plan)).hexdigest()


@dataclass(frozen=True, slots=True)
class AnalysisFiles:
    """The last plan, and the last moment at which the analyst was seen at work; in its own folder, private.

    No secret is in them: zones and schedules, and ids. Every call blocks.
    """

    folder: Path

    def load_plan(self) -> AnalysisPlan:
        """The last plan; empty if there is none or it cannot be read (the server will send it again)."""
        try:
            return _parse(json.loads((self.folder / "plan.json").read_bytes()))
        except FileNotFoundError:
            return AnalysisPlan()
        except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
            _log.error("the kept plan cannot be read; waiting for the server's", why=type(error).__name__)
            return AnalysisPlan()

    def keep_plan(self, plan: AnalysisPlan) -> None:
        """Write it so that a cut leaves the old plan or the new one; AppError if the disk refuses."""
        try:
            _replace(self.folder / "plan.json", _to_json(plan), is_synced=True)
        except OSError as error:
            raise AppError(
                ErrorKind.UNAVAILABLE,
                f"the analyst cannot keep its plan in {self.folder}: {error.strerror}. It works by it while "
                "it runs, but would not know it after a restart without the server.",
            ) from error

    def last_seen_us(self) -> int | None:
        """UTC of the last mark of an earlier start; None: there was none."""
        try:
            return int((self.folder / "seen").read_text(encoding="ascii"))
        except (OSError, ValueError):
            return None

    def mark_seen(self, at_us: int) -> None:
        """We were at work until now. Not synced: a power cut leaves an older mark, and a longer span."""
        try:
            _replace(self.folder / "seen", str(at_us).encode("ascii"), is_synced=False)
        except OSError as error:
            _log.warning("the mark of being at work is not kept", why=error.strerror)


def _replace(path: Path, data: bytes, *, is_synced: bool) -> None:
    unfinished = path.with_suffix(".new")
    with open(unfinished, "wb", opener=_private) as file:
        file.write(data)
        file.flush()
        if is_synced:
            os.fsync(file.fileno())
    unfinished.rename(path)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _to_json(plan: AnalysisPlan) -> bytes:
    return json.dumps({"version": _VERSION, **asdict(plan)}, default=str, sort_keys=True).encode()


def _parse(kept: dict[str, Any]) -> AnalysisPlan:
    if kept["version"] != _VERSION:
        raise ValueError(f"plan version {kept['version']}")
    channels = tuple(_channel(one) for one in kept["channels"])
    return AnalysisPlan(channels, str(kept["detector"]), str(kept["time_zone"]))


def _channel(one: dict[str, Any]) -> ChannelPlan:
    orders = tuple(
        AnalyticOrder(
            UUID(order["analytic_id"]),
            str(order["plugin"]),
            str(order["settings_json"]),
            str(order["schedule_json"]),
        )
        for order in one["analytics"]
    )
    channel, stream = ChannelId(UUID(one["channel_id"])), StreamId(UUID(one["stream_id"]))
    return ChannelPlan(channel, stream, bool(one["is_main"]), orders)
