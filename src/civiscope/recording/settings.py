"""What can be set about recording."""

from dataclasses import dataclass

_HOUR_US = 3_600_000_000


@dataclass(frozen=True, slots=True)
class RecorderSettings:
    """Defaults fit a town's 36 cameras on one disk. Times in microseconds."""

    cut_every_us: int = 900_000
    """Open parts are closed, written and synced this often; with a tick of 40 ms no part is over 1 s."""
    segment_us: int = 300_000_000
    """A segment is at most about this long."""
    part_bytes: int = 8 << 20
    """A part that reaches this is closed before its time."""
    segment_bytes: int = 1 << 30
    """A segment is at most about this large."""
    queue_bytes: int = 64 << 20
    """Bound of what waits for the disk; beyond it whole parts are dropped, with gap `disk_slow`."""
    keep_us: int | None = 72 * _HOUR_US
    """Retention by age; None: as long as there is room."""
    quota_bytes: int | None = None
    """Retention by size of the volume's segments; None: as much as the disk holds."""
    min_free_bytes: int = 256 << 20
    """Oldest unprotected segments go when less than this is free."""
    delete_oldest_when_full: bool = True
    """False: a full disk ends in gaps `disk_full`, nothing is deleted before its age."""
    retention_every_us: int = 60_000_000
    anchor_tolerance_us: int = 500_000
    """A track's time is corrected when it deviates by more (docs/design/recording.md, "Time")."""
