"""What the door asks about heads of the audit, implemented by `app`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from civiscope.security import Delivery, NodeHead, Principal, ReceivedHead


@dataclass(frozen=True, slots=True)
class TargetState:
    """How one second party fares."""

    to: str
    sent_us: int | None
    """When the last head arrived there; None before the first."""
    failing_since_us: int | None
    why: str
    """Why the last attempt failed; empty when it did not."""


class HeadDesk(Protocol):
    """Sends this node's heads to second parties, and keeps heads of other nodes."""

    async def node_head(self) -> NodeHead | None:
        """The head of this moment; None while nothing was entered."""
        ...

    async def targets(self) -> Sequence[TargetState]:
        """The second parties, as they are configured."""
        ...

    async def deliveries(self) -> Sequence[Delivery]:
        """The newest attempts, newest first."""
        ...

    async def received(self) -> Sequence[ReceivedHead]:
        """The newest heads of other nodes, newest first."""
        ...

    async def send_now(self, by: Principal, from_where: str) -> None:
        """Send to every second party now; CONFLICT if there is none. What fails is in `deliveries`."""
        ...

    async def receive(self, head: bytes, by: Principal, from_where: str) -> None:
        """Keep another node's head; INVALID or CONFLICT if it does not hold or contradicts earlier ones."""
        ...
