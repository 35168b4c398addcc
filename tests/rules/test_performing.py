"""What rules order is done, each on its own; failures are on record and tried again; strangers are fenced."""

import asyncio
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from pydantic import BaseModel
from tests.events.world import NOW_US, PIER, SECOND_US, told
from tests.rules.world import ADMIN, ALARM, TARGET, RuleWorld, rule, rule_world

from civiscope.alarms import AlarmQuery
from civiscope.base import AppError, ErrorKind, Span
from civiscope.rules import ActionOrder, ActionPlugin, ActionPorts, ActionShelf, Fired, RuleError
from civiscope.rules.rows import ActionState
from civiscope.security import SiteKeys

NOTIFY = ActionOrder("notify", {"target_ids": [str(TARGET)]})
BOOKMARK = ActionOrder("bookmark", {"text": "seen"})
RECORD = ActionOrder("record", {"seconds": 30, "pre_roll_s": 4})
HOLD = ActionOrder("hold", {"before_s": 10, "after_s": 20, "keep_days": 1})


async def test_all_actions_do_their_thing_once(world: RuleWorld) -> None:
    await world.only(rule(ALARM, NOTIFY, BOOKMARK, HOLD, RECORD))
    event, (firing,) = await world.happens(told())
    done = await world.perform(firing)
    assert [(row.name, row.state) for row in done] == [
        (name, ActionState.DONE) for name in ("raise_alarm", "notify", "bookmark", "hold", "record")
    ]
    ((notice, targets),) = world.outside.told
    assert (notice.id, notice.event_id, notice.subject, targets) == (
        firing.id, event.id, "Person entered Mole", (TARGET,),
    )  # fmt: skip
    (bookmark,) = world.outside.bookmarks
    assert (bookmark.channel_id, bookmark.at_us, bookmark.text) == (PIER, NOW_US, "seen")
    (hold,) = world.outside.holds
    assert hold.span == Span(NOW_US - 10 * SECOND_US, NOW_US + 20 * SECOND_US)
    (order,) = world.outside.recorded
    assert (order.channel_ids, order.firing_id) == ((PIER,), firing.id)
    assert (order.span.start_us, order.span.end_us) == (NOW_US - 4 * SECOND_US, firing.at_us + 30 * SECOND_US)
    assert await world.perform(firing) == []


async def test_a_failure_stops_none_of_the_others_and_is_tried_again(world: RuleWorld) -> None:
    await world.only(rule(NOTIFY, ALARM))
    world.outside.faults = [AppError(ErrorKind.UNAVAILABLE, "The queue is full.")] * 2
    _, (firing,) = await world.happens(told())
    failed, alarm = await world.perform(firing)
    assert (failed.state, failed.words, failed.attempts) == (ActionState.WAITING, "The queue is full.", 1)
    assert alarm.state is ActionState.DONE
    assert failed.next_us is not None
    assert failed.next_us > NOW_US
    troubles = await world.book.troubles()
    assert troubles == {firing.rule_id: "notify: The queue is full."}
    (again,) = await world.perform(firing)
    assert (again.state, again.attempts) == (ActionState.WAITING, 2)
    assert again.next_us is not None
    assert again.next_us > failed.next_us
    (done,) = await world.perform(firing)
    assert (done.state, len(world.outside.told)) == (ActionState.DONE, 1)
    assert await world.book.troubles() == {}


async def test_what_cannot_become_right_is_not_tried_again(world: RuleWorld) -> None:
    await world.only(rule(NOTIFY))
    world.outside.faults = [AppError(ErrorKind.MISSING, "There is no such target.")]
    _, (firing,) = await world.happens(told())
    (row,) = await world.perform(firing)
    assert (row.state, row.next_us, row.words) == (ActionState.FAILED, None, "There is no such target.")


async def test_firings_are_performed_by_themselves_and_again_when_due(world: RuleWorld) -> None:
    await world.only(rule(NOTIFY, ALARM))
    world.outside.faults = [AppError(ErrorKind.UNAVAILABLE, "Not now.")]
    running = asyncio.ensure_future(world.book.run())
    try:
        await world.happens(told())
        async with asyncio.timeout(10):
            while not (await world.around.alarms.page(AlarmQuery(), ADMIN)).alarms:
                await asyncio.sleep(0.002)
            assert world.outside.told == []
            world.around.clock.advance(30 * SECOND_US)
            while not world.outside.told:
                await asyncio.sleep(0.002)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_a_firing_that_nobody_performed_is_found_again(
    world: RuleWorld, tmp_path: Path, made_keys: SiteKeys
) -> None:
    await world.only(rule())
    await world.happens(told())
    with rule_world(tmp_path, made_keys) as again:
        await again.book.load()
        again.around.clock.advance(31 * SECOND_US)
        running = asyncio.ensure_future(again.book.run())
        try:
            async with asyncio.timeout(10):
                while not (await again.around.alarms.page(AlarmQuery(), ADMIN)).alarms:
                    await asyncio.sleep(0.002)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


# -- strangers' actions


class Plain(BaseModel):
    """No settings."""


async def explode(fired: Fired, settings: Plain, ports: ActionPorts) -> str:
    raise ZeroDivisionError("secret")


async def hang(fired: Fired, settings: Plain, ports: ActionPorts) -> str:
    await asyncio.sleep(3_600)
    return "never"


EXPLODE = ActionPlugin("explode", "Explode", Plain, explode)
HANG = ActionPlugin("hang", "Hang", Plain, hang, deadline_s=0.05)
LIAR = ActionPlugin("truth", "Calls itself otherwise", Plain, hang)
NOTHING = "not a plug-in"
SLOW = ActionPlugin("slow", "Takes its time", Plain, hang, deadline_s=60)


def point(name: str, value: str) -> EntryPoint:
    return EntryPoint(name, f"tests.rules.test_performing:{value}", "civiscope.actions.v1")


POINTS = [
    point("explode", "EXPLODE"), point("hang", "HANG"), point("liar", "LIAR"), point("nothing", "NOTHING"),
    point("slow", "SLOW"), point("gone", "NO_SUCH_NAME"), point("other", "EXPLODE"),
    EntryPoint("raise_alarm", "civiscope.rules.actions.raise_alarm:ACTION", "civiscope.actions.v1"),
]  # fmt: skip
ALLOWED = ("explode", "hang", "liar", "nothing", "slow", "gone", "absent", "raise_alarm")


def test_broken_ones_are_shown_with_why_and_break_nothing_else() -> None:
    infos = {info.name: info for info in ActionShelf(ALLOWED, POINTS).infos()}
    states = {name: info.state for name, info in infos.items()}
    broken = dict.fromkeys(("liar", "nothing", "slow", "gone", "absent"), "broken")
    assert states == {
        "explode": "loaded", "hang": "loaded", "raise_alarm": "loaded", "other": "not_allowed", **broken,
    }  # fmt: skip
    assert all(infos[name].why for name in (*broken, "other"))
    assert infos["raise_alarm"].settings_schema is not None


def test_our_own_actions_are_all_there() -> None:
    infos = ActionShelf().infos()
    assert [(info.name, info.state) for info in infos if info.state != "not_allowed"] == [
        (name, "loaded") for name in ("raise_alarm", "notify", "bookmark", "hold", "record")
    ]


async def test_what_is_not_allowed_cannot_be_ordered(tmp_path: Path, made_keys: SiteKeys) -> None:
    with rule_world(tmp_path, made_keys, ActionShelf(("raise_alarm",), POINTS)) as world:
        await world.book.load()
        with pytest.raises(RuleError) as refused:
            await world.book.add(rule(ActionOrder("explode")), ADMIN)
        assert "[rules]" in refused.value.fields["actions.0"]


async def test_strangers_code_that_throws_or_hangs_takes_nothing_down(
    tmp_path: Path, made_keys: SiteKeys
) -> None:
    with rule_world(tmp_path, made_keys, ActionShelf(ALLOWED, POINTS)) as world:
        await world.book.load()
        await world.only(rule(ActionOrder("explode"), ActionOrder("hang"), ALARM))
        _, (firing,) = await world.happens(told())
        exploded, hung, alarm = await world.perform(firing)
        assert (exploded.state, exploded.words) == (
            ActionState.WAITING, "An error in the action (ZeroDivisionError).",
        )  # fmt: skip
        assert (hung.state, hung.words) == (ActionState.WAITING, "It took longer than 0.05 s.")
        assert alarm.state is ActionState.DONE


async def test_a_rule_whose_action_was_taken_off_the_list_says_so(
    world: RuleWorld, tmp_path: Path, made_keys: SiteKeys
) -> None:
    made = await world.only(rule(BOOKMARK))
    with rule_world(tmp_path, made_keys, ActionShelf(("raise_alarm",))) as again:
        await again.book.load()
        assert "not allowed" in (await again.book.troubles())[made.id]
        _, (firing,) = await again.happens(told())
        (row,) = await again.perform(firing)
        assert row.state is ActionState.FAILED
