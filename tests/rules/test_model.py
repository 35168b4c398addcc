"""Whether a rule fires: pure, for every event; each part of a rule can only make it fire less."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.events.world import GATE, NOW_US, PIER, QUAY, SECOND_US
from tests.rules.world import ALARM, rule

from civiscope.base import ChannelId, new_id
from civiscope.events import Event, EventSource
from civiscope.rules import (
    Conditions,
    EventPattern,
    Places,
    RuleDraft,
    RuleError,
)
from civiscope.rules.body import from_json, to_json
from civiscope.rules.dry import fire_dry
from civiscope.rules.model import Answer, check, judge, rests
from civiscope.security import ScopeBook, TimeProfile, WeeklySpan

HARBOUR = UUID(int=31)
SCOPES = ScopeBook({HARBOUR: frozenset({PIER, QUAY})}, ZoneInfo("Europe/Sofia"))
KINDS = ("zone.entered", "zone.present", "line.crossed")
CLASSES = ("person", "car", "vehicle", "truck", "bicycle", "odd")

events = st.builds(
    Event,
    id=st.builds(new_id),
    channel_id=st.sampled_from((PIER, GATE, QUAY, None)),
    source=st.sampled_from(EventSource),
    source_id=st.none(),
    plugin=st.just("zone"),
    kind=st.sampled_from(KINDS),
    began_us=st.integers(NOW_US, NOW_US + 10**13),
    lasts=st.booleans(),
    object_class=st.none() | st.sampled_from(CLASSES),
    zone=st.sampled_from(("Mole", "Quay", "")),
    direction=st.sampled_from(("", "a_to_b", "b_to_a")),
    score=st.none() | st.floats(0, 1),
)
spans = st.builds(WeeklySpan, st.integers(0, 6), st.integers(0, 1439), st.integers(0, 1440)).filter(
    lambda span: span.from_minute != span.to_minute
)
profiles = st.builds(TimeProfile, st.just("Week"), st.lists(spans, min_size=1, max_size=3).map(tuple))
drafts = st.builds(
    RuleDraft,
    name=st.just("Rule"),
    when=st.builds(
        EventPattern,
        st.lists(st.sampled_from(KINDS), max_size=2).map(tuple),
        st.lists(st.sampled_from(CLASSES), max_size=2).map(tuple),
        st.lists(st.sampled_from(("Mole", "Quay")), max_size=1).map(tuple),
        st.lists(st.sampled_from(EventSource), max_size=2).map(tuple),
    ),
    at=st.builds(
        Places,
        st.frozensets(st.sampled_from((PIER, GATE)), max_size=2),
        st.frozensets(st.sampled_from((HARBOUR, UUID(int=32))), max_size=2),
        st.booleans(),
    ),
    actions=st.just((ALARM,)),
    is_on=st.booleans(),
    during=st.none() | profiles,
    conditions=st.builds(
        Conditions,
        st.sampled_from((0.0, 0.5)),
        st.sampled_from((0.0, 0.5, 90.0)),
        st.sampled_from(("", "a_to_b")),
    ),
    rest_s=st.sampled_from((0.0, 60.0)),
)
OPEN = rule(at=Places(everywhere=True))


def answer(draft: RuleDraft, event: Event, now_us: int = NOW_US + 2 * 10**13) -> Answer:
    return judge(draft, event, SCOPES, now_us).answer


@given(events)
def test_a_rule_for_everything_fires_for_everything(event: Event) -> None:
    assert answer(OPEN, event) is Answer.YES


@given(drafts, events)
def test_every_part_of_a_rule_must_hold(draft: RuleDraft, event: Event) -> None:
    """The same judgement, each part written a second time from the words of the design."""
    channels = draft.at.channels | frozenset().union(
        *(SCOPES.groups.get(group, frozenset()) for group in draft.at.groups)
    )
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(
        microseconds=event.began_us + round(draft.conditions.min_lasting_s * 1e6)
    )
    motors = {"car", "truck"}
    parts = {
        "on": draft.is_on,
        "kind": not draft.when.kinds or event.kind in draft.when.kinds,
        "zone": not draft.when.zones or event.zone in draft.when.zones,
        "source": not draft.when.sources or event.source in draft.when.sources,
        "class": not draft.when.classes
        or event.object_class in draft.when.classes
        or (event.object_class in motors and "vehicle" in draft.when.classes)
        or (event.object_class == "vehicle" and bool(motors & set(draft.when.classes))),
        "place": draft.at.everywhere or event.channel_id in channels,
        "week": draft.during is None or draft.during.holds(moment.astimezone(ZoneInfo("Europe/Sofia"))),
        "score": not draft.conditions.min_score or (event.score or 0.0) >= draft.conditions.min_score,
        "direction": draft.conditions.direction in {"", event.direction},
        "lasting": not draft.conditions.min_lasting_s or event.lasts,
    }
    assert answer(draft, event) is (Answer.YES if all(parts.values()) else Answer.NO), parts


@given(events, st.sampled_from((0.5, 90.0)), st.integers(0, 10**9), st.none() | st.integers(0, 10**9))
def test_what_must_last_fires_when_it_has(
    event: Event, min_s: float, passed_us: int, lasted_us: int | None
) -> None:
    draft = rule(conditions=Conditions(min_lasting_s=min_s))
    event = replace(event, lasts=True, ended_us=None if lasted_us is None else event.began_us + lasted_us)
    due_us = event.began_us + round(min_s * 1e6)
    judged = judge(draft, event, SCOPES, event.began_us + passed_us)
    assert judged.at_us == due_us
    if lasted_us is None:
        assert judged.answer is (Answer.YES if event.began_us + passed_us >= due_us else Answer.NOT_YET)
    else:
        assert judged.answer is (Answer.YES if lasted_us >= round(min_s * 1e6) else Answer.NO)


@given(drafts)
def test_a_rule_is_read_as_it_was_written(draft: RuleDraft) -> None:
    assert from_json(to_json(draft)) == draft


@given(
    st.lists(st.tuples(st.sampled_from((PIER, GATE)), st.integers(0, 300)), max_size=30), st.integers(1, 90)
)
def test_a_rule_rests_on_each_channel(moments: list[tuple[ChannelId, int]], rest_s: int) -> None:
    happened = [
        Event(new_id(), channel, EventSource.SYSTEM, None, "", "x", NOW_US + second * SECOND_US)
        for channel, second in sorted(moments, key=lambda one: one[1])
    ]
    fired = fire_dry(rule(rest_s=float(rest_s)), happened, SCOPES, NOW_US)
    for channel in (PIER, GATE):
        mine = [one.at_us for one in fired if one.channel_id == channel]
        assert all(not rests(a, b, rest_s) for a, b in pairwise(mine))
        silent = [
            event.began_us for event in happened
            if event.channel_id == channel and event.id not in {one.event_id for one in fired}
        ]  # fmt: skip
        assert all(any(rests(at_us, other, rest_s) for other in mine) for at_us in silent)


@given(st.integers(0, 10**12), st.integers(0, 10**12), st.floats(0, 86_400))
def test_resting_does_not_depend_on_which_came_first(a_us: int, b_us: int, rest_s: float) -> None:
    assert rests(a_us, b_us, rest_s) == rests(b_us, a_us, rest_s)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": "x" * 81}, "name"),
        ({"name": "a\x00b"}, "name"),
        ({"at": Places()}, "at"),
        ({"at": Places(frozenset(ChannelId(new_id()) for _ in range(1_001)))}, "at"),
        ({"actions": ()}, "actions"),
        ({"actions": (ALARM,) * 9}, "actions"),
        ({"when": EventPattern(kinds=("k",) * 65)}, "when"),
        ({"conditions": Conditions(min_score=1.5)}, "conditions.min_score"),
        ({"conditions": Conditions(min_score=float("nan"))}, "conditions.min_score"),
        ({"conditions": Conditions(min_lasting_s=float("inf"))}, "conditions.min_lasting_s"),
        ({"rest_s": -1.0}, "rest_s"),
    ],
)
def test_what_does_not_fit_is_named(changes: dict[str, object], field: str) -> None:
    with pytest.raises(RuleError) as refused:
        check(replace(OPEN, **changes))  # type: ignore[arg-type]  # names of the draft
    assert set(refused.value.fields) == {field}


def test_a_name_is_tidied() -> None:
    assert check(replace(OPEN, name="  Night \n at   the pier ")).name == "Night at the pier"
