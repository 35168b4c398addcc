"""Rules fire once per event, are on record, rest, wait for what must last, and can be tried dry."""

from dataclasses import replace
from pathlib import Path

import pytest
from tests.alarms.world import ANNA, DORA
from tests.events.world import GATE, NOW_US, PIER, SECOND_US, pair, told
from tests.rules.world import ADMIN, RuleWorld, rule, rule_world

from civiscope.alarms import AlarmQuery
from civiscope.base import AppError, ErrorKind, Span, new_id
from civiscope.rules import ActionOrder, Conditions, EventPattern, Places, RuleError, RuleId
from civiscope.rules.rows import ActionState
from civiscope.security import SiteKeys

LONG = 30 * SECOND_US


async def test_a_new_site_begins_with_one_rule_and_keeps_it(world: RuleWorld) -> None:
    (first,) = world.book.all()
    assert first.draft.name == "Something enters a zone or crosses a line"
    _, fired = await world.happens(told())
    (row,) = await world.perform(fired[0])
    assert (row.state, row.name) == (ActionState.DONE, "raise_alarm")
    (alarm,) = (await world.around.alarms.page(AlarmQuery(), ANNA)).alarms
    assert (alarm.title, alarm.priority.value, alarm.zone) == ("Person entered Mole", "normal", "Mole")
    await world.book.remove(first.id, ADMIN)
    await world.book.load()
    assert world.book.all() == ()
    assert [entry.what for entry in await world.around.audit.entries()] == [
        "rule.remove", "rule.fire", "rule.seed",
    ]  # fmt: skip


async def test_a_rule_fires_once_per_event_however_often_it_is_told(world: RuleWorld) -> None:
    await world.only(rule())
    said = told()
    event, fired = await world.happens(said)
    assert [(one.event, one.at_us) for one in fired] == [(event, NOW_US)]
    for _ in range(3):
        assert (await world.happens(said))[1] == ()
    for _ in range(2):
        await world.perform(fired[0])
    (alarm,) = (await world.around.alarms.page(AlarmQuery(), ANNA)).alarms
    assert alarm.count == 1


async def test_what_was_stored_before_a_crash_still_meets_the_rules(world: RuleWorld) -> None:
    await world.only(rule())
    said = told()
    await world.events.record(said)
    assert len((await world.happens(said))[1]) == 1


async def test_rules_are_written_by_who_may_and_old_versions_stay(world: RuleWorld) -> None:
    made = await world.only(rule(name="One"))
    edited = await world.book.edit(made.id, rule(name="Two"), ADMIN)
    assert (edited.version, edited.draft.name, world.book.all()) == (2, "Two", (edited,))
    await world.book.load()
    assert world.book.all() == (edited,)
    for without in (ANNA, DORA):
        for call in (
            world.book.add(rule(), without),
            world.book.edit(made.id, rule(), without),
            world.book.remove(made.id, without),
        ):
            with pytest.raises(AppError) as refused:
                await call
            assert refused.value.kind is ErrorKind.DENIED
    with pytest.raises(AppError) as missing:
        await world.book.edit(RuleId(new_id()), rule(), ADMIN)
    assert missing.value.kind is ErrorKind.MISSING
    whats = [entry.what for entry in await world.around.audit.entries()]
    assert whats[:2] == ["rule.edit", "rule.add"]


@pytest.mark.parametrize(
    ("order", "field"),
    [
        (ActionOrder("nothing"), "actions.0"),
        (ActionOrder("raise_alarm", {"priority": "deadly"}), "actions.0.priority"),
        (ActionOrder("raise_alarm", {"colour": "red"}), "actions.0.colour"),
        (ActionOrder("raise_alarm", {"title": "x" * 201}), "actions.0.title"),
        (ActionOrder("raise_alarm", {"procedure": "x" * 9_000}), "actions.0.settings"),
        (ActionOrder("notify", {}), "actions.0.target_ids"),
        (ActionOrder("hold", {"after_s": 1e9}), "actions.0.after_s"),
    ],
)
async def test_settings_that_do_not_fit_are_named(world: RuleWorld, order: ActionOrder, field: str) -> None:
    with pytest.raises(RuleError) as refused:
        await world.book.add(rule(order), ADMIN)
    assert set(refused.value.fields) == {field}


async def test_a_rule_that_rests_is_quiet_on_its_channel(world: RuleWorld) -> None:
    await world.only(rule(rest_s=60.0))
    seen = [
        len((await world.happens(told(NOW_US + second * SECOND_US, channel_id=channel)))[1])
        for second, channel in ((0, PIER), (30, PIER), (30, GATE), (59, PIER), (60, PIER), (70, GATE))
    ]
    assert seen == [1, 0, 1, 0, 1, 0]


async def test_what_must_last_fires_when_it_has_lasted(world: RuleWorld) -> None:
    await world.only(rule(conditions=Conditions(min_lasting_s=30.0)))
    began, _ = pair(NOW_US, NOW_US)
    assert (await world.happens(began))[1] == ()
    assert (await world.happens(told()))[1] == ()
    world.around.clock.advance(LONG - 1)
    assert await world.book.look_at_lasting() == ()
    world.around.clock.advance(1)
    (fired,) = await world.book.look_at_lasting()
    assert (fired.event.id, fired.at_us) == (began.event.id, NOW_US + LONG)
    assert await world.book.look_at_lasting() == ()


async def test_what_is_over_too_soon_does_not_fire(world: RuleWorld) -> None:
    await world.only(rule(conditions=Conditions(min_lasting_s=30.0)))
    began, ended = pair(NOW_US, NOW_US + LONG - 1)
    await world.happens(began)
    assert (await world.happens(ended))[1] == ()
    world.around.clock.advance(2 * LONG)
    assert await world.book.look_at_lasting() == ()
    long_began, long_ended = pair(NOW_US, NOW_US + LONG)
    await world.events.record(long_began)
    assert len((await world.happens(long_ended))[1]) == 1


async def test_an_end_does_not_fire_rules_for_beginnings(world: RuleWorld) -> None:
    await world.only(rule(is_on=False))
    began, ended = pair(NOW_US, NOW_US + LONG)
    await world.happens(began)
    await world.only(rule())
    assert (await world.happens(ended))[1] == ()


async def test_after_a_restart_what_lasts_is_waited_for(
    world: RuleWorld, tmp_path: Path, made_keys: SiteKeys
) -> None:
    made = await world.only(rule(conditions=Conditions(min_lasting_s=30.0)))
    began, _ = pair(NOW_US, NOW_US)
    await world.happens(began)
    with rule_world(tmp_path, made_keys) as again:
        await again.book.load()
        assert again.book.all() == (made,)
        assert await again.book.look_at_lasting() == ()
        again.around.clock.advance(LONG)
        assert len(await again.book.look_at_lasting()) == 1


async def test_a_dry_run_says_what_would_have_been_and_does_nothing(world: RuleWorld) -> None:
    for second, channel in ((0, PIER), (30, PIER), (30, GATE), (90, PIER)):
        await world.events.record(told(NOW_US + second * SECOND_US, channel_id=channel))
    await world.events.record(told(NOW_US, kind="line.crossed"))
    draft = rule(when=EventPattern(kinds=("zone.entered",)), rest_s=60.0, is_on=False)
    span = Span(NOW_US, NOW_US + 200 * SECOND_US)
    run = await world.book.dry_run(draft, span, DORA)
    at = [(one.at_us - NOW_US) // SECOND_US for one in run.at]
    assert (run.fired, at, run.truncated) == (3, [90, 30, 0], False)
    here = await world.book.dry_run(replace(draft, at=Places(frozenset({GATE}))), span, ANNA)
    assert [one.channel_id for one in here.at] == [GATE]
    assert (await world.around.alarms.page(AlarmQuery(), ANNA)).alarms == ()


async def test_old_firings_are_forgotten(world: RuleWorld) -> None:
    await world.only(rule())
    for number in range(3):
        await world.happens(told(NOW_US + number))
    world.around.clock.advance(10)
    assert await world.book.forget_before(NOW_US + 10) == 3
    assert await world.book.forget_before(NOW_US + 10) == 0


async def test_too_many_rules_are_refused(world: RuleWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("civiscope.rules.book.RULE_LIMIT", 1)
    with pytest.raises(AppError) as refused:
        await world.book.add(rule(), ADMIN)
    assert refused.value.kind is ErrorKind.EXHAUSTED
