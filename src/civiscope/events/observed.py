"""What an analytic says, as an event that is told."""

from civiscope.analytics import ObservationMade, Phase
from civiscope.base import AppError, ErrorKind
from civiscope.events.model import Event, EventSource, EventTold


def told_by_analytic(fact: ObservationMade) -> EventTold:
    """INVALID for a phase that this version does not know."""
    try:
        phase = Phase(fact.phase)
    except ValueError:
        raise AppError(
            ErrorKind.INVALID, f"An observation has no phase {fact.phase[:32]!r} in this version."
        ) from None
    event = Event(
        id=fact.event_id, channel_id=fact.channel_id, source=EventSource.ANALYTIC,
        source_id=fact.analytic_id, plugin=fact.plugin, kind=fact.kind, began_us=fact.at_us,
        object_class=fact.object_class or None, track_id=fact.track_id, box_n=fact.box_n,
        place_n=fact.place_n, zone=fact.zone, direction=fact.direction, score=fact.score,
        values=fact.values, detector=fact.detector,
    )  # fmt: skip
    return EventTold(event, phase, fact.picture)
