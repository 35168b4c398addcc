"""Observations for tests of events, rules and alarms."""

from dataclasses import replace
from uuid import UUID

from civiscope.analytics import ObservationMade, Phase
from civiscope.base import ChannelId, StreamId, new_id
from civiscope.events import EventTold, told_by_analytic

NOW_US = 1_790_000_000_000_000
PIER, GATE, QUAY = (ChannelId(UUID(int=number)) for number in (1, 2, 3))
SECOND_US = 1_000_000


def observation(at_us: int = NOW_US, **changes: object) -> ObservationMade:
    """Somebody enters a zone at the pier."""
    fact = ObservationMade(
        event_id=new_id(), channel_id=PIER, stream_id=StreamId(new_id()), analytic_id=UUID(int=7),
        plugin="zone", kind="zone.entered", phase="occurred", at_us=at_us, object_class="person",
        track_id=4, box_n=(0.1, 0.2, 0.3, 0.9), place_n=(0.2, 0.9), zone="Mole", score=0.8,
        values=(("dwell", "2"),), detector="builtin", picture=b"",
    )  # fmt: skip
    return replace(fact, **changes)  # type: ignore[arg-type]  # names are checked when it is made


def told(at_us: int = NOW_US, **changes: object) -> EventTold:
    """The same as it is told to the store."""
    return told_by_analytic(observation(at_us, **changes))


def pair(
    began_us: int, ended_us: int, event_id: UUID | None = None, **changes: object
) -> tuple[EventTold, EventTold]:
    """Beginning and end of one lasting event."""
    one = {"event_id": event_id or new_id(), "kind": "zone.present", **changes}
    return (
        told(began_us, phase=Phase.BEGAN.value, **one),
        told(ended_us, phase=Phase.ENDED.value, **one),
    )
