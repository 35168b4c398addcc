"""The recorder as other processes call it: one plan in, one status out (over the bus's RPC)."""

from dataclasses import dataclass
from typing import Protocol

from civiscope.devices import GateRules
from civiscope.ingest import StreamSource, StreamStatus
from civiscope.recording.holds import HeldSpan
from civiscope.recording.keeping import KeepTimes
from civiscope.recording.modes import RecordingModes, Window


@dataclass(frozen=True, slots=True)
class VolumeStatus:
    """How one volume stands."""

    path: str
    free_bytes: int
    used_bytes: int
    """By segments."""
    state: str
    """`good`, or the fault as in `VolumeFailed`: `full`, `read_only`, `failed`, `missing`, `slow`, `held`."""
    hours_left: int | None = None
    """Until recordings go before their time, at the last day's rates; None: they need not, or unknown."""
    reach_hours: int | None = None
    """How far back everything can be kept with all the room used; None while nothing is written."""


@dataclass(frozen=True, slots=True)
class ModeStatus:
    """How the gate before the recorder stands."""

    digest: str = ""
    """Which modes it works by (`RecordingModes.digest`); the server sends its own when they are others."""
    is_unheard: bool = False
    """No server speaks, so that streams on event are recorded."""
    held_bytes: int = 0
    """In memory, for events that may come."""
    windows: tuple[Window, ...] = ()
    """Streams that are recorded whatever their mode, until when; the server sends again what is missing."""


@dataclass(frozen=True, slots=True)
class RecorderStatus:
    """How recording stands now."""

    streams: tuple[StreamStatus, ...]
    volumes: tuple[VolumeStatus, ...]
    plan_digest: str = ""
    """Which plan it records by; the server sends the plan again when it is not its own."""
    holds_digest: str = ""
    """Which holds it keeps (`recording.holds_digest`); the server sends them again when they are others."""
    times_digest: str = ""
    """By which times it keeps streams (`KeepTimes.digest`); the server sends its own when they are others."""
    modes: ModeStatus = ModeStatus()


class RecorderFace(Protocol):
    """What the server asks of the recorder; the recorder asks nothing of anybody."""

    async def apply_plan(self, sources: tuple[StreamSource, ...], gate: GateRules) -> None:
        """Record these streams and no others, from devices that the gate allows; kept sealed on disk."""
        ...

    async def apply_holds(self, holds: tuple[HeldSpan, ...]) -> None:
        """Delete nothing of these spans, whatever its age and however full the disk; kept on disk."""
        ...

    async def apply_times(self, times: KeepTimes) -> None:
        """Keep each stream for its time from now on; kept on disk."""
        ...

    async def apply_modes(self, modes: RecordingModes) -> None:
        """Record each stream when its policy says so, from now on; kept on disk."""
        ...

    async def record(self, windows: tuple[Window, ...]) -> None:
        """Record these spans whatever the mode, and what they need before; the same again changes nothing."""
        ...

    async def keep_case_wraps(self, wraps: tuple[bytes, ...]) -> None:
        """Lay these wraps of held hours beside what they open; sent again until they are there."""
        ...

    async def status(self) -> RecorderStatus:
        """How every stream of the plan and every volume stands."""
        ...
