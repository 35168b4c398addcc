"""A fact said in one process is heard in others, and a face is called across them, over one Unix socket.

Facts in: whatever a room subscribes to. Facts out: `FactsLost`, when a disk failed for too long.
Invariants: at least once, in order per producer; `publish` never waits; a subscriber pulls, so a slow one
slows nobody; peers with our own user only; any bytes at the socket end in a closed connection.
"""

from civiscope.bus.context import CallContext, calling, current_call
from civiscope.bus.endpoint import BusSettings, BusStatus, Endpoint
from civiscope.bus.facts import BusIdentity, Envelope, Fact, FactsLost
from civiscope.bus.inbox import Parked
from civiscope.bus.outbox import OutboxSettings
from civiscope.bus.subscription import SubscriptionSettings, SubscriptionStatus

__all__ = [
    "BusIdentity", "BusSettings", "BusStatus", "CallContext", "Endpoint", "Envelope", "Fact", "FactsLost",
    "OutboxSettings", "Parked", "SubscriptionSettings", "SubscriptionStatus", "calling", "current_call",
]  # fmt: skip
