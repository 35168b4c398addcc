"""One life of an alarm: raised once, folded, handled by those who may, woken and told again by the clock."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
from tests.alarms.world import ANNA, BEN, DORA, GATE, NOW_US, PIA, PIER, VERA, AlarmWorld, draft, person

from civiscope.alarms import (
    Act,
    Alarm,
    AlarmChanged,
    AlarmId,
    AlarmQuery,
    AlarmRaised,
    AlarmState,
    AlarmUnacknowledged,
    Priority,
)
from civiscope.base import AppError, ErrorKind, PrincipalId, new_id
from civiscope.security import Principal, Role

MINUTE_US = 60_000_000


def act(alarm: Alarm, by: Principal = ANNA, **changes: object) -> Act:
    made = Act(alarm.id, alarm.version, by)
    return replace(made, **changes)  # type: ignore[arg-type]  # names of the act


async def kind_of(call: Awaitable[object]) -> ErrorKind:
    with pytest.raises(AppError) as refused:
        await call
    return refused.value.kind


async def whats(world: AlarmWorld, alarm: Alarm) -> list[str]:
    return [row.what for row in await world.alarms.history(alarm.id, ANNA)]


async def test_an_alarm_is_raised_once_for_a_rule_and_event(world: AlarmWorld) -> None:
    said = draft()
    alarm = await world.alarms.raise_alarm(said)
    assert (alarm.state, alarm.count, alarm.version, alarm.owner) == (AlarmState.NEW, 1, 1, None)
    assert await world.alarms.raise_alarm(said) == alarm
    assert [type(fact) for fact in world.said] == [AlarmRaised]
    assert await whats(world, alarm) == ["raised"]


async def test_repeats_fold_into_the_open_alarm(world: AlarmWorld) -> None:
    first = await world.alarms.raise_alarm(draft())
    claimed = await world.alarms.claim(act(first))
    again = await world.alarms.raise_alarm(draft(NOW_US + 4 * MINUTE_US))
    assert (again.id, again.count, again.last_us) == (first.id, 2, NOW_US + 4 * MINUTE_US)
    assert (again.state, again.version) == (AlarmState.CLAIMED, claimed.version)
    third = await world.alarms.raise_alarm(draft(NOW_US + 8 * MINUTE_US))
    assert (third.id, third.count) == (first.id, 3)
    late = await world.alarms.raise_alarm(draft(NOW_US + 14 * MINUTE_US))
    assert late.id != first.id
    assert await whats(world, first) == ["raised", "claimed", "folded", "folded"]


@pytest.mark.parametrize(
    "changes", [{"zone": "Quay"}, {"channel_id": GATE}, {"channel_id": None}, {"rule_id": new_id()}]
)
async def test_what_is_not_the_same_does_not_fold(world: AlarmWorld, changes: dict[str, object]) -> None:
    first = await world.alarms.raise_alarm(draft())
    assert (await world.alarms.raise_alarm(draft(**changes))).id != first.id  # type: ignore[arg-type]


async def test_nothing_folds_into_what_is_closed(world: AlarmWorld) -> None:
    first = await world.alarms.raise_alarm(draft())
    await world.alarms.close(act(first), "a dog")
    assert (await world.alarms.raise_alarm(draft())).id != first.id


async def test_a_person_handles_it_from_claim_to_close(world: AlarmWorld) -> None:
    alarm = await world.alarms.raise_alarm(draft())
    mine = await world.alarms.claim(act(alarm, note="on my way"))
    assert (mine.state, mine.owner and mine.owner.name) == (AlarmState.CLAIMED, "Anna")
    his = await world.alarms.claim(act(mine, BEN))
    assert his.owner is not None
    assert his.owner.id == BEN.id
    hers = await world.alarms.forward(act(his, BEN), ANNA.id)
    parked = await world.alarms.park(act(hers), NOW_US + MINUTE_US)
    assert (parked.state, parked.parked_until_us) == (AlarmState.PARKED, NOW_US + MINUTE_US)
    noted = await world.alarms.note(act(parked, note="looks calm"))
    closed = await world.alarms.close(act(noted), "a swimmer")
    assert (closed.state, closed.close_reason, closed.version) == (AlarmState.CLOSED, "a swimmer", 7)
    rows = await world.alarms.history(alarm.id, ANNA)
    assert [row.what for row in rows] == [
        "raised", "claimed", "taken_over", "forwarded", "parked", "noted", "closed",
    ]  # fmt: skip
    assert [row.who for row in rows][1:4] == ["Anna", "Ben", "Ben"]
    assert rows[1].note == "on my way"
    assert (rows[-1].before["state"], rows[-1].after["state"]) == ("parked", "closed")
    assert (await world.alarms.verify_history()).is_intact
    entries = await world.audit.entries()
    assert [entry.what for entry in reversed(entries)] == [
        "alarm.claim", "alarm.claim", "alarm.forward", "alarm.park", "alarm.note", "alarm.close",
    ]  # fmt: skip
    details = await world.audit.details(entries[0].sequence)
    assert details is not None
    assert details["history"] == rows[-1].sequence


async def test_who_saw_an_older_version_changes_nothing(world: AlarmWorld) -> None:
    alarm = await world.alarms.raise_alarm(draft())
    await world.alarms.claim(act(alarm))
    before = await world.alarms.alarm(alarm.id, ANNA)
    for version in (alarm.version, 99, 0, -1):
        stale = Act(alarm.id, version, BEN)
        assert await kind_of(world.alarms.claim(stale)) is ErrorKind.CONFLICT
        assert await kind_of(world.alarms.close(stale, "over")) is ErrorKind.CONFLICT
        assert await kind_of(world.alarms.note(replace(stale, note="x"))) is ErrorKind.CONFLICT
    assert await world.alarms.alarm(alarm.id, ANNA) == before
    assert await whats(world, alarm) == ["raised", "claimed"]


async def test_of_two_at_once_one_wins(world: AlarmWorld) -> None:
    alarm = await world.alarms.raise_alarm(draft())
    results = await asyncio.gather(
        *(world.alarms.claim(act(alarm, one)) for one in (ANNA, BEN, PIA)), return_exceptions=True
    )
    assert sorted(isinstance(one, Alarm) for one in results) == [False, False, True]


async def test_nothing_changes_what_is_closed(world: AlarmWorld) -> None:
    alarm = await world.alarms.close(act(await world.alarms.raise_alarm(draft())), "done")
    assert await kind_of(world.alarms.claim(act(alarm))) is ErrorKind.CONFLICT
    assert await kind_of(world.alarms.park(act(alarm), NOW_US + 1)) is ErrorKind.CONFLICT
    assert await kind_of(world.alarms.close(act(alarm), "again")) is ErrorKind.CONFLICT
    assert await kind_of(world.alarms.forward(act(alarm), BEN.id)) is ErrorKind.CONFLICT
    assert (await world.alarms.note(act(alarm, note="the report is filed"))).state is AlarmState.CLOSED


async def test_what_is_said_must_make_sense(world: AlarmWorld) -> None:
    alarm = await world.alarms.raise_alarm(draft())
    for until_us in (0, NOW_US, NOW_US + 31 * 86_400_000_000):
        assert await kind_of(world.alarms.park(act(alarm), until_us)) is ErrorKind.INVALID
    for reason in ("", "  ", "x" * 201):
        assert await kind_of(world.alarms.close(act(alarm), reason)) is ErrorKind.INVALID
    assert await kind_of(world.alarms.note(act(alarm, note=" "))) is ErrorKind.INVALID
    assert await kind_of(world.alarms.claim(act(alarm, note="n" * 2_001))) is ErrorKind.INVALID
    mine = await world.alarms.claim(act(alarm))
    assert await kind_of(world.alarms.claim(act(mine))) is ErrorKind.CONFLICT


async def test_it_is_forwarded_only_to_who_may_handle_it(world: AlarmWorld) -> None:
    alarm = await world.alarms.raise_alarm(draft(channel_id=GATE))
    for nobody in (VERA.id, DORA.id, PIA.id, PrincipalId(new_id())):
        assert await kind_of(world.alarms.forward(act(alarm), nobody)) is ErrorKind.INVALID
    assert (await world.alarms.forward(act(alarm), BEN.id)).state is AlarmState.CLAIMED


Call = Callable[[AlarmWorld, Alarm, Principal], Awaitable[object]]
CALLS: dict[str, Call] = {
    "look": lambda world, alarm, by: world.alarms.alarm(alarm.id, by),
    "history": lambda world, alarm, by: world.alarms.history(alarm.id, by),
    "claim": lambda world, alarm, by: world.alarms.claim(act(alarm, by)),
    "forward": lambda world, alarm, by: world.alarms.forward(act(alarm, by), BEN.id),
    "park": lambda world, alarm, by: world.alarms.park(act(alarm, by), NOW_US + 1),
    "close": lambda world, alarm, by: world.alarms.close(act(alarm, by), "x"),
    "note": lambda world, alarm, by: world.alarms.note(act(alarm, by, note="x")),
}


@pytest.mark.parametrize("name", CALLS)
async def test_what_is_not_ones_business_is_not_there(world: AlarmWorld, name: str) -> None:
    call = CALLS[name]
    here = await world.alarms.raise_alarm(draft())
    there = await world.alarms.raise_alarm(draft(channel_id=GATE))
    nowhere = await world.alarms.raise_alarm(draft(channel_id=None))
    unknown = replace(here, id=AlarmId(new_id()))
    for foreign in (there, nowhere, unknown):
        assert await kind_of(call(world, foreign, PIA)) is ErrorKind.MISSING
    for without in (VERA, DORA, person("Nobody")):
        assert await kind_of(call(world, here, without)) is ErrorKind.DENIED
    knows = replace(PIA, roles=frozenset({Role.VIEWER}))
    assert await kind_of(call(world, there, knows)) is ErrorKind.DENIED
    await call(world, here, PIA)
    await call(world, nowhere, ANNA)


async def test_the_list_shows_ones_own_newest_first(world: AlarmWorld) -> None:
    made = [
        await world.alarms.raise_alarm(draft(channel_id=channel, zone=f"{number}"))
        for number, channel in enumerate((PIER, GATE, None, PIER, PIER))
    ]
    await world.alarms.claim(act(made[3]))

    async def ids(by: Principal, query: AlarmQuery) -> list[AlarmId]:
        return [alarm.id for alarm in (await world.alarms.page(query, by)).alarms]

    order = [alarm.id for alarm in reversed(made)]
    assert await ids(ANNA, AlarmQuery()) == order
    assert await ids(PIA, AlarmQuery()) == [made[4].id, made[3].id, made[0].id]
    assert await ids(ANNA, AlarmQuery(states=frozenset({AlarmState.CLAIMED}))) == [made[3].id]
    assert await ids(ANNA, AlarmQuery(channels=frozenset({GATE}))) == [made[1].id]
    page = await world.alarms.page(AlarmQuery(limit=2), ANNA)
    assert page.next == made[3].id
    assert await ids(ANNA, AlarmQuery(limit=9, before=page.next)) == order[2:]
    assert await kind_of(world.alarms.page(AlarmQuery(), VERA)) is ErrorKind.DENIED


async def test_counts_are_ones_own_and_the_rate_is_of_ten_minutes(world: AlarmWorld) -> None:
    await world.alarms.raise_alarm(draft())
    there = await world.alarms.raise_alarm(draft(channel_id=GATE))
    await world.alarms.claim(act(there))
    counts = await world.alarms.counts(ANNA)
    assert (counts.new, counts.claimed, counts.parked, counts.rate_per_10_min) == (1, 1, 0, 2)
    counts = await world.alarms.counts(PIA)
    assert (counts.new, counts.claimed, counts.rate_per_10_min) == (1, 0, 1)
    world.clock.advance(10 * MINUTE_US)
    assert (await world.alarms.counts(ANNA)).rate_per_10_min == 0
    assert await kind_of(world.alarms.counts(VERA)) is ErrorKind.DENIED


async def test_what_nobody_claims_is_told_again_twice_at_most(world: AlarmWorld) -> None:
    alarm = await world.alarms.raise_alarm(draft())
    world.clock.advance(119_000_000)
    assert await world.alarms.escalate_due() == []
    seen = []
    for _ in range(4):
        world.clock.advance(120_000_000)
        seen += await world.alarms.escalate_due()
    assert [(one.escalations, one.priority) for one in seen] == [
        (1, Priority.HIGH), (2, Priority.CRITICAL),
    ]  # fmt: skip
    assert world.told_again == seen
    facts = [fact for fact in world.said if isinstance(fact, AlarmUnacknowledged)]
    assert [(fact.alarm_id, fact.escalation) for fact in facts] == [(alarm.id, 1), (alarm.id, 2)]
    assert await whats(world, alarm) == ["raised", "escalated", "escalated"]


async def test_what_is_in_hand_is_not_told_again(world: AlarmWorld) -> None:
    for number, do in enumerate(("claim", "park", "close")):
        alarm = await world.alarms.raise_alarm(draft(zone=str(number)))
        await CALLS[do](world, alarm, ANNA)
    world.clock.advance(1_000)
    world.clock.advance(120_000_000)
    assert await world.alarms.escalate_due() == []


async def test_a_parked_alarm_wakes_and_waits_anew(world: AlarmWorld) -> None:
    alarm = await world.alarms.raise_alarm(draft())
    await world.alarms.park(act(alarm), NOW_US + 10 * MINUTE_US)
    assert await world.alarms.wake_due() == []
    world.clock.advance(10 * MINUTE_US)
    (woken,) = await world.alarms.wake_due()
    assert (woken.state, woken.owner, woken.parked_until_us) == (AlarmState.NEW, None, None)
    assert await world.alarms.escalate_due() == []
    world.clock.advance(120_000_000)
    assert len(await world.alarms.escalate_due()) == 1
    assert await whats(world, alarm) == ["raised", "parked", "unparked", "escalated"]


async def test_watchers_hear_each_change_in_its_newest_state(world: AlarmWorld) -> None:
    with world.alarms.changes() as changes:
        alarm = await world.alarms.raise_alarm(draft())
        claimed = await world.alarms.claim(act(alarm))
        other = await world.alarms.raise_alarm(draft(zone="Quay"))
        assert await anext(changes) == (claimed, other)
        waiting = asyncio.ensure_future(anext(changes))
        folded = await world.alarms.raise_alarm(draft(NOW_US + 1))
        assert await waiting == (folded,)
    await world.alarms.close(act(claimed), "done")
    said = [fact.what for fact in world.said if isinstance(fact, AlarmChanged)]
    assert said == ["claimed", "folded", "closed"]


async def test_a_watcher_that_sleeps_is_sent_away(world: AlarmWorld) -> None:
    alarm = await world.alarms.raise_alarm(draft())
    with world.alarms.changes() as changes:
        for _ in range(600):
            changes.put(replace(alarm, id=AlarmId(new_id())))
        assert await kind_of(anext(changes)) is ErrorKind.EXHAUSTED
