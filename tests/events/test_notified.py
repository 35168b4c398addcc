"""Notifications of devices become events by one table; states begin and end; nothing real is unknown."""

import json
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest
from tests.events.world import NOW_US, PIER, SECOND_US

from civiscope.analytics import Phase
from civiscope.base import DeviceId, new_id
from civiscope.devices import DeviceNotified
from civiscope.devices.drivers.onvif.events import parse_notifications
from civiscope.events import DeviceStates, Event
from civiscope.events.notified import kind_of

BOX = DeviceId(UUID(int=9))
MOTION = DeviceNotified(
    BOX, NOW_US, "RuleEngine/CellMotionDetector/Motion", "Changed",
    (("VideoSourceConfigurationToken", "1"),), (("IsMotion", "true"),),
)  # fmt: skip


def still(fact: DeviceNotified = MOTION) -> DeviceNotified:
    return replace(fact, data=(("IsMotion", "false"),))


def tell(states: DeviceStates, fact: DeviceNotified, at_us: int = NOW_US) -> list[tuple[Phase, Event]]:
    heard = states.hear(new_id(), at_us, replace(fact, at_us=at_us), PIER)
    states.settle(heard)
    return [(told.phase, told.event) for told in heard.told]


def test_a_state_begins_and_ends_as_one_event() -> None:
    states = DeviceStates()
    ((began, event),) = tell(states, MOTION)
    assert (began, event.kind, event.channel_id) == (Phase.BEGAN, "device.motion", PIER)
    assert tell(states, MOTION, NOW_US + 30 * SECOND_US) == []
    ((ended, over),) = tell(states, still(), NOW_US + 40 * SECOND_US)
    assert (ended, over.id, over.began_us) == (Phase.ENDED, event.id, NOW_US + 40 * SECOND_US)
    assert tell(states, still(), NOW_US + 41 * SECOND_US) == []


def test_two_lenses_of_a_box_are_two_states() -> None:
    states = DeviceStates()
    other = replace(MOTION, source=(("VideoSourceConfigurationToken", "2"),))
    assert len(tell(states, MOTION)) == len(tell(states, other)) == 1
    ((_, event),) = tell(states, still(other))
    assert event.values[1] == ("VideoSourceConfigurationToken", "2")


def test_an_end_that_was_not_heard_does_not_silence_the_next_one() -> None:
    states = DeviceStates()
    ((_, first),) = tell(states, MOTION)
    (ended, began) = tell(states, MOTION, NOW_US + 600 * SECOND_US)
    assert (ended[0], ended[1].id, ended[1].began_us) == (Phase.ENDED, first.id, NOW_US)
    assert (began[0], began[1].id == first.id) == (Phase.BEGAN, False)


def test_a_notification_heard_again_is_told_again_until_it_is_settled() -> None:
    states, event_id = DeviceStates(), new_id()
    first = states.hear(event_id, NOW_US, MOTION, PIER)
    assert states.hear(event_id, NOW_US, MOTION, PIER) == first
    states.settle(first)
    assert states.hear(event_id, NOW_US, MOTION, PIER).told == first.told
    ending = states.hear(new_id(), NOW_US, still(), PIER)
    assert [told.phase for told in ending.told] == [Phase.ENDED]
    assert len(states.hear(new_id(), NOW_US, still(), PIER).told) == 1
    states.settle(ending)
    assert states.hear(new_id(), NOW_US, still(), PIER).told == ()


def test_after_a_restart_what_goes_on_is_known() -> None:
    states = DeviceStates()
    ((_, event),) = tell(states, MOTION)
    fresh = DeviceStates()
    fresh.remember([replace(event, lasts=True)])
    ((_, over),) = tell(fresh, still(), NOW_US + SECOND_US)
    assert over.id == event.id


def test_a_report_of_how_things_stand_is_no_happening() -> None:
    states = DeviceStates()
    assert tell(states, replace(still(), operation="Initialized")) == []
    stale = replace(MOTION, topic="Monitoring/ProcessorUsage", data=(("Value", "17"),))
    assert tell(states, replace(stale, operation="Initialized")) == []
    ((phase, event),) = tell(states, stale)
    assert (phase, event.kind, event.values[0]) == (
        Phase.OCCURRED, "device.other", ("topic", "Monitoring/ProcessorUsage"),
    )  # fmt: skip


def test_a_count_of_one_is_no_state() -> None:
    ((phase, _),) = tell(DeviceStates(), replace(MOTION, data=(("ObjectId", "1"),)))
    assert phase is Phase.OCCURRED


def test_a_clock_that_is_far_off_is_not_believed() -> None:
    states = DeviceStates()
    told = states.hear(new_id(), NOW_US, replace(MOTION, at_us=NOW_US - 10**13), PIER).told
    assert told[0].event.began_us == NOW_US


@pytest.mark.footage
def test_every_captured_notification_has_a_kind_of_its_own(shared_data: Path) -> None:
    captures = sorted((shared_data / "onvif" / "events").glob("*.xml"))
    assert len(captures) >= 11
    kinds = {}
    for capture in captures:
        for note in parse_notifications(capture.read_bytes(), NOW_US):
            kinds[capture.stem] = kind_of(note.topic, note.data)
    assert "device.other" not in kinds.values(), json.dumps(kinds)
    assert kinds["generic__line_detector_crossed"] == "device.line_crossed"
    assert kinds["tapo__tapo_tpsmartevent_vehicle"] == "device.vehicle"
    assert kinds["tapo__tapo_tpsmartevent_pet"] == "device.animal"
    assert kinds["tapo__tapo_cellmotiondetector_person"] == "device.person"
