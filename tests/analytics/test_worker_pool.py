"""Coded units in, observations out: real threads, a real decoder, analytics that misbehave."""

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import pytest
from tests.analytics.pool_world import (
    FRAMES,
    Clip,
    RedDetector,
    World,
    channel,
    make_clip,
    order,
    zone_order,
)

from civiscope.analytics import AnalysisPlan, AnalyticOrder, Coverage, PoolSettings
from civiscope.base import AppError, ErrorKind, new_id
from civiscope.media import UnitFlags

ALL = '["entered", "present", "left"]'


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Clip:
    return make_clip(tmp_path_factory.mktemp("clip"))


@pytest.fixture
def worlds() -> Iterator[list[World]]:
    made: list[World] = []
    yield made
    for world in made:
        world.pool.close(0.5)


@pytest.fixture
def world(worlds: list[World]) -> World:
    worlds.append(World())
    return worlds[0]


def test_a_thing_walks_through_a_zone(world: World, clip: Clip) -> None:
    plan = channel(zone_order(ALL))
    world.pool.apply(AnalysisPlan((plan,)))
    units = world.feed(plan, clip)
    world.until("leaving", lambda: any(one.kind == "zone.left" for one in world.observations(plan)))
    told = world.observations(plan)
    assert [(one.kind, one.phase) for one in told] == [
        ("zone.entered", "occurred"),
        ("zone.present", "began"),
        ("zone.present", "ended"),
        ("zone.left", "occurred"),
    ]
    entered, began, ended, left = told
    assert entered.at_us in {unit.arrival_us for unit in units}
    assert (entered.zone, entered.object_class, entered.detector) == ("Middle", "person", "red")
    assert began.event_id == ended.event_id
    for one in (entered, began, left):
        assert one.picture[:16] == one.event_id.bytes
        assert one.picture[16:18] == b"\xff\xd8"
    assert ended.picture == b""
    assert [reason for reason, _ in world.spans(plan)] == ["no_stream", "analysed"]
    assert world.spans(plan)[-1] == ("analysed", units[0].arrival_us)
    (figures,) = world.pool.figures()
    assert (figures.width_px, figures.height_px) == (320, 180)
    assert figures.frames_per_s > 1
    assert 0 < figures.moving_share < 1
    assert figures.cost_ms_per_s > 0


def test_of_what_is_gone_there_is_no_picture(world: World, clip: Clip) -> None:
    """It walks out of the picture within the zone, and has left 2 s later: an empty place would be shown."""
    settings = {"name": "Way in", "zone": [[0.2, 0], [1, 0], [1, 1], [0.2, 1]], "says": ["entered", "left"]}
    plan = channel(AnalyticOrder(new_id(), "zone", json.dumps(settings)))
    world.pool.apply(AnalysisPlan((plan,)))
    begin_us = world.clock.now_us()
    world.feed(plan, clip, from_us=begin_us)
    for empty in range(3):
        world.feed(plan, clip, slice(0, 20), begin_us + 6_000_000 + empty * 2_000_000)
    world.until("leaving", lambda: any(one.kind == "zone.left" for one in world.observations(plan)))
    pictured = {one.kind: bool(one.picture) for one in world.observations(plan)}
    assert pictured["zone.entered"] is True
    assert pictured["zone.left"] is False


def test_what_lasts_ends_with_the_run(world: World, clip: Clip) -> None:
    plan = channel(zone_order())
    world.pool.apply(AnalysisPlan((plan,)))
    world.feed(plan, clip, slice(0, 40))
    world.until("being there", lambda: len(world.observations(plan)) == 2)
    world.pool.ended(plan.stream_id, world.clock.now_us(), "unreachable")
    world.until("the end", lambda: len(world.observations(plan)) == 3)
    told = world.observations(plan)
    assert (told[1].event_id, told[2].phase) == (told[2].event_id, "ended")
    assert world.spans(plan)[-1][0] == "no_stream"


@pytest.mark.parametrize("name", ["throws", "hangs"])
def test_a_bad_analytic_takes_nothing_down_but_itself(worlds: list[World], clip: Clip, name: str) -> None:
    world = World(PoolSettings(threads=1, hang_us=300_000))
    worlds.append(world)
    bad = order(name)
    plan, neighbour = channel(bad, zone_order()), channel(zone_order())
    world.pool.apply(AnalysisPlan((plan, neighbour)))
    world.feed(plan, clip, slice(0, 10))
    world.until("the trouble", world.troubles)
    assert [one.analytic_id for one in world.troubles()] == [bad.analytic_id]
    for one in (plan, neighbour):
        world.runs.clear()
        world.feed(one, clip)
        world.until("entering", partial(world.observations, one))
    (states,) = [one.analytics for one in world.pool.figures() if one.channel_id == plan.channel_id]
    assert [bool(one.trouble) for one in states] == [True, False]
    world.pool.apply(AnalysisPlan((replace(plan, analytics=plan.analytics[1:]), neighbour)))
    assert len(world.pool.figures()[0].analytics) == 1


def test_more_than_there_is_time_for_is_shed_and_said(worlds: list[World], clip: Clip) -> None:
    gate, is_at_work = threading.Event(), threading.Event()

    def wait() -> None:
        is_at_work.set()
        gate.wait(20)

    world = World(PoolSettings(threads=1), lambda name: RedDetector(wait))
    worlds.append(world)
    plan = channel(zone_order())
    world.pool.apply(AnalysisPlan((plan,)))
    world.feed(plan, clip, slice(0, 1))
    assert is_at_work.wait(10)
    heavy = Clip(clip.track, tuple(replace(one, data=one.data + bytes(400_000)) for one in clip.units))
    units = world.feed(plan, heavy, slice(1, FRAMES))
    assert world.pool.figures()[0].shed_frames > 0
    assert world.spans(plan)[-1][0] == "shed"
    gate.set()
    world.until("being up to date", lambda: world.pool.figures()[0].coverage == "analysed", 10)
    since = dict(world.spans(plan))["analysed"]
    assert since <= units[-1].arrival_us
    assert {"shed", "analysed"} <= {reason for reason, _ in world.spans(plan)}


def test_bytes_that_are_no_picture_are_told_and_survived(world: World, clip: Clip) -> None:
    plan = channel(zone_order())
    world.pool.apply(AnalysisPlan((plan,)))
    broken = tuple(
        replace(one, data=len(one.data[4:]).to_bytes(4, "big") + b"\x65" + bytes(len(one.data) - 5))
        if at < 10
        else one
        for at, one in enumerate(clip.units)
    )
    world.feed(plan, Clip(clip.track, broken))
    world.until("entering", lambda: world.observations(plan))
    reasons = [reason for reason, _ in world.spans(plan)]
    assert reasons[:2] == ["no_stream", "undecodable"]
    assert reasons[-1] == "analysed"


def test_damaged_units_are_not_guessed_at(world: World, clip: Clip) -> None:
    plan = channel(zone_order())
    world.pool.apply(AnalysisPlan((plan,)))
    damaged = tuple(
        replace(one, flags=one.flags | UnitFlags.DAMAGED) if at == 5 else one
        for at, one in enumerate(clip.units)
    )
    units = world.feed(plan, Clip(clip.track, damaged))
    world.until("entering", lambda: world.observations(plan))
    told = world.spans(plan)
    assert ("undecodable", units[5].arrival_us) in told
    assert ("analysed", units[10].arrival_us) in told


def test_without_a_detector_the_reason_is_said(worlds: list[World], clip: Clip) -> None:
    def none(name: str) -> RedDetector:
        raise AppError(ErrorKind.MISSING, f"There is no model {name}.")

    world = World(make_detector=none)
    worlds.append(world)
    plan = channel(zone_order())
    world.pool.apply(AnalysisPlan((plan,), detector="nothing"))
    world.feed(plan, clip, slice(0, 3))
    world.until("the reason", lambda: world.pool.figures()[0].coverage == "no_detector")
    assert world.pool.figures()[0].detail == "There is no model nothing."
    assert world.pool.detector_name == ""


def test_of_a_large_main_stream_key_frames_are_looked_at(world: World, clip: Clip) -> None:
    plan = channel(zone_order(), is_main=True)
    world.pool.apply(AnalysisPlan((plan,)))
    large = Clip(replace(clip.track, width_px=1920, height_px=1080), clip.units)
    world.feed(plan, large)
    world.until("looking", lambda: world.pool.figures()[0].coverage == "analysed")
    world.until("all key frames", lambda: world.pool.figures()[0].frames_per_s >= 6)
    figures = world.pool.figures()[0]
    assert figures.detail == "key frames of the main stream only"
    assert figures.frames_per_s == 6


def test_a_change_of_analytics_keeps_what_is_known_of_the_others(world: World, clip: Clip) -> None:
    plan = channel(zone_order())
    world.pool.apply(AnalysisPlan((plan,)))
    world.feed(plan, clip, slice(0, 40))
    world.until("being there", lambda: len(world.observations(plan)) == 2)
    more = replace(plan, analytics=(*plan.analytics, zone_order('["entered"]')))
    world.pool.apply(AnalysisPlan((more,)))
    world.feed(more, clip, slice(40, FRAMES))
    world.until("leaving", lambda: len(world.observations(plan)) >= 4)
    first = [one for one in world.observations(plan) if one.analytic_id == plan.analytics[0].analytic_id]
    assert [one.phase for one in first] == ["occurred", "began", "ended"], "the path goes on over the change"


def test_a_channel_without_analytics_is_switched_off(world: World, clip: Clip) -> None:
    plan = channel(zone_order())
    world.pool.apply(AnalysisPlan((plan,)))
    assert world.pool.wanted == {plan.stream_id}
    world.feed(plan, clip, slice(0, 40))
    world.until("being there", lambda: len(world.observations(plan)) == 2)
    world.pool.apply(AnalysisPlan((replace(plan, analytics=()),)))
    assert world.pool.wanted == frozenset()
    world.until("the end", lambda: len(world.observations(plan)) == 3)
    assert world.spans(plan)[-1][0] == "switched_off"


def test_outside_its_schedule_nothing_is_decoded(world: World, clip: Clip) -> None:
    day = (world.clock.now_us() // 86_400_000_000 + 3) % 7  # 1970 began on a Thursday
    elsewhen = {"name": "elsewhen", "spans": [{"weekday": (day + 3) % 7, "from_minute": 0, "to_minute": 1}]}
    plan = channel(replace(zone_order(), schedule_json=json.dumps(elsewhen)))
    world.pool.apply(AnalysisPlan((plan,)))
    world.feed(plan, clip, slice(0, 5))
    world.until("resting", lambda: world.pool.figures()[0].coverage == "switched_off")
    assert world.pool.figures()[0].detail == "outside the schedules of its analytics"
    assert world.pool.figures()[0].frames_per_s == 0


def test_after_a_restart_the_span_between_has_its_reason_and_nothing_is_told_twice(
    world: World, clip: Clip
) -> None:
    plan = channel(zone_order())
    mark_us = world.clock.now_us() - 5_000_000
    world.pool.apply(AnalysisPlan((plan,)), mark_us)
    units = world.feed(plan, clip, slice(0, 42), mark_us - 2_050_000)
    world.until("looking", lambda: world.pool.figures()[0].coverage == "analysed")
    first = next(one.arrival_us for one in units if one.arrival_us > mark_us)
    assert world.spans(plan)[:2] == [("our_restart", mark_us), ("analysed", first)]
    world.pool.close()
    assert world.spans(plan)[-1][0] == Coverage.OUR_RESTART


def test_channels_are_spread_over_the_threads(worlds: list[World]) -> None:
    world = World(PoolSettings(threads=3))
    worlds.append(world)
    world.pool.apply(AnalysisPlan(tuple(channel(zone_order()) for _ in range(9))))
    assert sorted(len(thread.seats) for thread in world.pool._threads) == [3, 3, 3]
