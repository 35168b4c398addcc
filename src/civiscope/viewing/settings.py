"""Bounds of looking."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ViewingSettings:
    """All bounds of this room; what happens at each is said beside it."""

    live_limit_us: int = 12 * 3_600_000_000
    """A live look ends after this; the person opens another."""
    playback_limit_us: int = 12 * 3_600_000_000
    export_limit_us: int = 3_600_000_000
    unused_limit_us: int = 30 * 60_000_000
    """A look nobody asks anything of, and that nobody watches live, ends after this."""
    looks_per_principal: int = 64
    looks_in_all: int = 2000
    recheck_s: float = 5.0
    """How often permission, purpose and session of every open look are asked again."""
    viewer_bytes: int = 4 << 20
    """What may wait for one viewer; over it, it is moved to the next key unit."""
    viewer_wait_us: int = 2_000_000
    """How long the oldest message may wait for a viewer; over it, it is moved to the next key unit."""
    gop_bytes: int = 8 << 20
    """The longest GOP kept for a viewer who comes later."""
    stale_us: int = 5_000_000
    """Without a new unit for so long (or four times the usual distance) a picture is lost, not live."""
    linger_us: int = 5_000_000
    """A stream nobody watches any more is left after this."""
    media_limit_us: int = 30_000_000
    """The longest stretch one media answer covers."""
    transcoded_limit_us: int = 10_000_000
    """The longest stretch of one media answer that is transcoded."""
    transcoded_at_once: int = 3
    """Media answers that are transcoded at once, of all people; others wait."""
    media_limit_bytes: int = 64 << 20
    media_wait_s: float = 10.0
    """A media answer that takes longer fails with TIMEOUT."""
    export_step_s: float = 60.0
    """One piece of a download that takes longer fails with TIMEOUT."""
    export_span_us: int = 24 * 3_600_000_000
    reader_threads: int = 4
    reader_queue: int = 64
    """Reads that may wait for a thread; over it, EXHAUSTED."""
    whep_peers: int = 64
    """Viewers over WebRTC at once; over it, EXHAUSTED."""
    whep_picture_s: float = 3.0
    """A stream that does not come within this is not offered over WebRTC."""
    whep_connect_s: float = 10.0
    """A WebRTC viewer who is not connected by then is let go."""
