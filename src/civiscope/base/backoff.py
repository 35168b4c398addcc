"""Retrying in one place: exponential back-off with full jitter, used at the session level only."""

import random
from dataclasses import dataclass, field


@dataclass(slots=True)
class Backoff:
    """Gives the wait before the next attempt; `reset` after a success."""

    first_s: float = 0.25
    factor: float = 2.0
    limit_s: float = 30.0
    jitter: float = 0.25
    """Share of the wait that is random, 0 to 1."""
    rng: random.Random = field(default_factory=random.Random)
    attempts: int = 0

    def next_delay_s(self) -> float:
        """Seconds to wait before the next attempt; grows with every call until `limit_s`."""
        base_s = min(self.limit_s, self.first_s * self.factor ** min(self.attempts, 32))
        self.attempts += 1
        return base_s * (1.0 - self.jitter * self.rng.random())

    def reset(self) -> None:
        """Forget earlier failures."""
        self.attempts = 0
