"""Limits and names of the HTTP door, composed by `app`."""

from collections.abc import Container
from dataclasses import dataclass
from pathlib import Path

KIB = 1024


@dataclass(frozen=True, slots=True)
class ApiSettings:
    """How the door answers; every number is a limit that a test reaches."""

    hosts: Container[str]
    """Names and addresses we are known by (those in the certificate), without port; others are refused."""
    static_folder: Path | None = None
    """The built UI; None means the one that lies in this room."""
    body_limit_bytes: int = 64 * KIB
    answer_limit_s: float = 15.0
    """From a request's first byte to the first byte of its answer."""
    stall_limit_s: float = 30.0
    """A reader that takes nothing of a streamed answer for this long is cut off."""
    probes_at_once: int = 4
    probe_limit_s: float = 6.0
    channels_per_timeline: int = 64
