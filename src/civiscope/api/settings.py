"""Limits and names of the HTTP door, composed by `app`."""

from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from pathlib import Path

KIB = 1024
_LARGE_BODIES = {"/api/v1/devices/import/read": 256 * KIB, "/api/v1/devices/import": 256 * KIB}
"""A table of 64 KiB, each character of which JSON may write as several."""


@dataclass(frozen=True, slots=True)
class ApiSettings:
    """How the door answers; every number is a limit that a test reaches."""

    hosts: Container[str]
    """Names and addresses we are known by (those in the certificate), without port; others are refused."""
    static_folder: Path | None = None
    """The built UI; None means the one that lies in this room."""
    body_limit_bytes: int = 64 * KIB
    large_bodies: Mapping[str, int] = field(default_factory=lambda: dict(_LARGE_BODIES))
    """Calls whose body may be larger, in bytes, by path."""
    answer_limit_s: float = 15.0
    """From a request's first byte to the first byte of its answer."""
    stall_limit_s: float = 30.0
    """A reader that takes nothing of a streamed answer for this long is cut off."""
    probes_at_once: int = 4
    probe_limit_s: float = 6.0
    channels_per_timeline: int = 64
