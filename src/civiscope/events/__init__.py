"""Everything that happened, of any source, in one shape, kept and searchable.

Facts in: `ObservationMade`, `CoverageChanged`, `DeviceNotified`.
Facts out: none (listeners that `app` wires).
Invariants: an event is stored once by its id, however often it is told; what is written is batched, never
waited for by a camera; no search reads more than its limits; a picture lies here sealed only.
"""

from civiscope.events.model import (
    BUCKET_LIMIT,
    SEARCH_LIMIT,
    Event,
    EventPage,
    EventQuery,
    EventSource,
    EventTold,
)
from civiscope.events.notified import KIND_OF_TOPIC, DeviceStates
from civiscope.events.observed import told_by_analytic
from civiscope.events.store import EventStore, missing_event, open_database
from civiscope.events.tables import migrate_events

__all__ = [
    "BUCKET_LIMIT", "SEARCH_LIMIT", "Event", "EventPage", "EventQuery", "EventSource", "EventTold",
    "KIND_OF_TOPIC", "DeviceStates", "told_by_analytic",
    "EventStore", "migrate_events", "missing_event", "open_database",
]  # fmt: skip
