"""How patient the intake is."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class IntakeSettings:
    """Times of a stream's life; they keep the promise of 3 s from a camera's return to its first unit.

    A camera that comes back answers the connection attempt under way (a SYN is repeated after 1 s), or the
    next one, which begins at most `connect_timeout_s - 1 s + retry_limit_s` later.
    """

    connect_timeout_s: float = 2.0
    """Name look-up, TCP and TLS, each."""
    answer_timeout_s: float = 5.0
    """For each RTSP answer."""
    stall_s: float = 5.0
    """Without a packet of the picture (or, lacking one, the sound) a running session is given up."""
    first_packet_s: float | None = None
    """The same before the first packet; None: as `stall_s`."""
    retry_first_s: float = 0.25
    retry_limit_s: float = 1.0
    """For a camera that does not answer, that was alive within `alive_s`, or whose session broke."""
    retry_refused_limit_s: float = 2.0
    """For one that answers and has refused for longer than `alive_s`: a wrong path, an unreadable codec."""
    retry_password_s: float = 30.0
    """After a refused password: many cameras lock the account after five wrong ones in minutes."""
    retry_gate_s: float = 30.0
    """After the gate refused the address: only its name may lead elsewhere by then; new rules try at once."""
    alive_s: float = 300.0
    report_interval_s: float = 5.0
    """Between receiver reports: some cameras take silence for absence."""
    read_bytes: int = 1 << 20
    """The one buffer all sockets read into."""
    udp_buffer_bytes: int = 4 << 20
    hold_bytes: int = 8 << 20
    """What may wait for parameter sets before the oldest is let go."""
    import_folders: tuple[Path, ...] = ()
    """Folders whose media files may be cameras; none: no file:// address is opened."""
    ca_file: str | None = None
    """Authorities that may vouch for cameras, besides the system's; PEM."""
