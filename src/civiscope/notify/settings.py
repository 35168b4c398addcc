"""What can be set about notifying."""

from dataclasses import dataclass

_HOUR_US = 3_600_000_000


@dataclass(frozen=True, slots=True)
class NotifySettings:
    """Defaults fit a site whose network is away for a night."""

    give_up_us: int = 24 * _HOUR_US
    """A message that is not delivered by then has failed."""
    first_retry_s: float = 5.0
    retry_limit_s: float = 900.0
    waiting_limit: int = 10_000
    """Messages that wait, of all targets together; beyond it the oldest of the least priority fail."""
    keep_us: int = 30 * 24 * _HOUR_US
    """What was sent or has failed stays on record for this long."""
    keep_limit: int = 50_000
    test_limit_s: float = 10.0
    look_every_s: float = 60.0
    """The queue is looked through at least this often, whoever wakes it."""
