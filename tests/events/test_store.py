"""Events are stored once, in any order of telling; found by pages; forgotten with their pictures."""

import asyncio
import random
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.events.world import GATE, NOW_US, PIER, QUAY, SECOND_US, pair, told

from civiscope.analytics import CoverageChanged
from civiscope.base import AppError, ChannelId, ErrorKind, ManualClock, ReasonedSpan, Span, new_id
from civiscope.events import EventQuery, EventSource, EventStore, EventTold, migrate_events, open_database
from civiscope.events.store import count_events


async def all_of(store: EventStore, query: EventQuery) -> list[UUID]:
    found: list[UUID] = []
    for _ in range(10_000):
        page = await store.search(query)
        found += [event.id for event in page.events]
        if page.next is None:
            return found
        query = EventQuery(**{name: getattr(query, name) for name in query.__slots__} | {"before": page.next})
    raise AssertionError("the pages do not end")


async def test_what_occurred_is_kept_whole_and_once(store: EventStore) -> None:
    said = told(picture=b"sealed")
    event = await store.record(said)
    assert event is not None
    assert (event.channel_id, event.source, event.kind) == (PIER, EventSource.ANALYTIC, "zone.entered")
    assert (event.lasts, event.is_going_on, event.has_picture) == (False, False, True)
    assert await store.event(event.id) == event
    assert await store.sealed_picture(event.id) == b"sealed"
    assert await store.record(said) is None
    assert len((await store.search(EventQuery())).events) == 1


async def test_what_lasts_begins_and_ends(store: EventStore) -> None:
    began, ended = pair(NOW_US, NOW_US + 9 * SECOND_US, picture=b"x")
    going_on = await store.record(began)
    assert going_on is not None
    assert going_on.is_going_on
    assert await store.going_on() == (going_on,)
    over = await store.record(ended)
    assert over is not None
    assert (over.began_us, over.ended_us, over.lasts) == (NOW_US, NOW_US + 9 * SECOND_US, True)
    assert await store.going_on() == ()
    assert await store.record(ended) is None
    assert await store.record(began) is None
    assert await store.event(over.id) == over


async def test_an_end_that_comes_first_finds_its_beginning(store: EventStore) -> None:
    began, ended = pair(NOW_US, NOW_US + 9 * SECOND_US)
    early = await store.record(ended)
    assert early is not None
    assert early.began_us == early.ended_us == NOW_US + 9 * SECOND_US
    event = await store.record(began)
    assert event is not None
    assert (event.began_us, event.ended_us) == (NOW_US, NOW_US + 9 * SECOND_US)
    assert [one.id for one in (await store.search(EventQuery())).events] == [event.id]


async def test_an_end_never_lies_before_its_beginning(store: EventStore) -> None:
    began, ended = pair(NOW_US, NOW_US - SECOND_US)
    await store.record(began)
    event = await store.record(ended)
    assert event is not None
    assert event.ended_us == NOW_US


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.lists(st.sampled_from(["began", "ended", "occurred"]), min_size=1, max_size=8))
async def test_whatever_is_told_however_often_is_one_event(store: EventStore, order: list[str]) -> None:
    began, ended = pair(NOW_US, NOW_US + SECOND_US)
    occurred = told()
    said = {"began": began, "ended": ended, "occurred": occurred}
    for name in order:
        await store.record(said[name])
    if {"began", "ended"} <= set(order):
        event = await store.event(began.event.id)
        assert (event.began_us, event.ended_us) == (NOW_US, NOW_US + SECOND_US)
    found = await all_of(store, EventQuery(limit=1_000))
    assert found.count(began.event.id) == (1 if {"began", "ended"} & set(order) else 0)
    assert found.count(occurred.event.id) == ("occurred" in order)


async def test_a_flood_is_written_in_groups_and_everybody_hears(store: EventStore) -> None:
    many = [told(NOW_US + number) for number in range(1_200)]
    events = await asyncio.gather(*(store.record(one) for one in many))
    assert all(event is not None for event in events)
    assert len(await all_of(store, EventQuery(limit=1_000))) == 1_200


async def test_too_many_that_wait_are_sent_away(store: EventStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("civiscope.events.store._WAITING_ROWS", 200)
    results = await asyncio.gather(
        *(store.record(told(NOW_US + number)) for number in range(300)), return_exceptions=True
    )
    refused = [one for one in results if isinstance(one, AppError)]
    assert len(refused) == 100
    assert all(error.kind is ErrorKind.EXHAUSTED for error in refused)


async def test_who_gives_up_waiting_stops_nobody(store: EventStore) -> None:
    impatient = asyncio.ensure_future(store.record(told()))
    patient = [asyncio.ensure_future(store.record(told(NOW_US + number))) for number in range(20)]
    await asyncio.sleep(0)
    impatient.cancel()
    await asyncio.gather(*patient)
    assert len(await all_of(store, EventQuery())) >= 20


async def test_pages_hold_everything_once_newest_first(store: EventStore) -> None:
    chance = random.Random(4)
    said = [
        told(NOW_US + chance.randrange(50), channel_id=chance.choice((PIER, GATE, QUAY))) for _ in range(300)
    ]
    await asyncio.gather(*(store.record(one) for one in said))
    expected = sorted(said, key=lambda one: (one.event.began_us, one.event.id.bytes), reverse=True)
    for channels in (None, frozenset({PIER}), frozenset({PIER, QUAY}), frozenset({GATE, *others(100)})):
        wanted = [one.event.id for one in expected if channels is None or one.event.channel_id in channels]
        for limit in (7, 100):
            assert await all_of(store, EventQuery(channels=channels, limit=limit)) == wanted
    assert (await store.search(EventQuery(channels=frozenset()))).events == ()


def others(count: int) -> set[ChannelId]:
    return {ChannelId(new_id()) for _ in range(count)}


async def test_filters(store: EventStore) -> None:
    await store.record(told(NOW_US, zone="North 100%", score=0.9))
    await store.record(told(NOW_US + 1, kind="line.crossed", object_class="car", zone="Gate", score=0.4))
    await store.record(told(NOW_US + 2, object_class="", zone="süd_tor", score=0.5, values=(("tür", "auf"),)))

    async def found(**filters: object) -> list[int]:
        page = await store.search(EventQuery(**filters))  # type: ignore[arg-type]  # names of the query
        return [event.began_us - NOW_US for event in page.events]

    assert await found(kinds=("line.crossed",)) == [1]
    assert await found(classes=("person", "car")) == [1, 0]
    assert await found(zones=("Gate", "süd_tor")) == [2, 1]
    assert await found(min_score=0.5) == [2, 0]
    assert await found(span=Span(NOW_US + 1, NOW_US + 2)) == [1]
    assert await found(text="tür") == [2]
    assert await found(text="north") == [0]


@pytest.mark.parametrize("text", ["%", "_", "100%%", "d_t_r", "\\", "' OR 1=1 --", '"', "(?i)north"])
async def test_no_wildcard_in_a_text_means_anything(store: EventStore, text: str) -> None:
    await store.record(told(zone="North and a half", values=()))
    assert (await store.search(EventQuery(text=text))).events == ()
    await store.record(told(NOW_US + 1, zone=f"it has {text} in it"))
    assert len((await store.search(EventQuery(text=text))).events) == 1


@pytest.mark.parametrize(
    "query",
    [
        EventQuery(limit=0), EventQuery(limit=1_001), EventQuery(text="x" * 201), EventQuery(before="1"),
        EventQuery(before="1-zz"), EventQuery(kinds=("k",) * 1_001),
    ],
)  # fmt: skip
async def test_queries_beyond_the_limits_are_refused(store: EventStore, query: EventQuery) -> None:
    with pytest.raises(AppError) as refused:
        await store.search(query)
    assert refused.value.kind is ErrorKind.INVALID


async def test_what_a_plugin_writes_is_cut_to_bounds(store: EventStore) -> None:
    event = await store.record(
        told(kind="k" * 500, zone="z" * 500, values=tuple((f"n{i}", "v" * 999) for i in range(99)))
    )
    assert event is not None
    assert (len(event.kind), len(event.zone), len(event.values)) == (64, 120, 32)
    assert all(len(value) <= 200 for _, value in event.values)
    for bad in (told(-1), told(picture=b"p" * (256 * 1024 + 1))):
        with pytest.raises(AppError) as refused:
            await store.record(bad)
        assert refused.value.kind is ErrorKind.INVALID


async def test_histogram_counts_each_bucket(store: EventStore) -> None:
    for second in (0, 1, 1, 25):
        await store.record(told(NOW_US + second * SECOND_US))
    await store.record(told(NOW_US, channel_id=GATE, kind="line.crossed"))
    span = Span(NOW_US, NOW_US + 30 * SECOND_US)
    counts = await store.histogram((PIER, GATE, QUAY), span, 10 * SECOND_US)
    assert counts == {
        PIER: ((NOW_US, 3), (NOW_US + 20 * SECOND_US, 1)), GATE: ((NOW_US, 1),), QUAY: (),
    }  # fmt: skip
    assert (await store.histogram((GATE,), span, SECOND_US, ("zone.entered",)))[GATE] == ()
    with pytest.raises(AppError) as refused:
        await store.histogram((PIER,), span, 1_000)
    assert refused.value.kind is ErrorKind.INVALID


async def test_a_missing_event_is_told(store: EventStore) -> None:
    with pytest.raises(AppError) as missing:
        await store.event(new_id())
    assert missing.value.kind is ErrorKind.MISSING
    assert await store.sealed_picture(new_id()) is None


def covered(at_us: int, reason: str, channel: ChannelId = PIER, detail: str = "") -> CoverageChanged:
    return CoverageChanged(channel, at_us, reason, detail)


async def test_coverage_is_spans_with_reasons(store: EventStore) -> None:
    for second, reason in ((0, "analysed"), (10, "shed"), (10, "shed"), (12, "analysed"), (13, "analysed")):
        await store.cover(covered(NOW_US + second * SECOND_US, reason))
    await store.cover(covered(NOW_US + 20 * SECOND_US, "no_stream", detail="cable"))
    at = [NOW_US + second * SECOND_US for second in (-5, 0, 5, 10, 12, 20, 30)]
    found = await store.coverage((PIER, GATE), Span(at[0], at[6]))
    assert found == {
        PIER: (
            ReasonedSpan(at[1], at[3], "analysed"), ReasonedSpan(at[3], at[4], "shed"),
            ReasonedSpan(at[4], at[5], "analysed"), ReasonedSpan(at[5], None, "no_stream", "cable"),
        ),
        GATE: (),
    }  # fmt: skip
    inside = await store.coverage((PIER,), Span(at[2], at[2] + SECOND_US))
    assert inside[PIER] == (ReasonedSpan(at[2], at[2] + SECOND_US, "analysed"),)


async def test_after_a_restart_nothing_goes_on_unseen(store: EventStore) -> None:
    began, _ = pair(NOW_US, NOW_US)
    elsewhere, _ = pair(NOW_US, NOW_US, channel_id=GATE)
    await store.record(began)
    await store.record(elsewhere)
    await store.cover(covered(NOW_US + 5 * SECOND_US, "our_restart"))
    assert (await store.event(began.event.id)).ended_us == NOW_US + 5 * SECOND_US
    assert (await store.event(elsewhere.event.id)).is_going_on


async def test_forgetting_takes_pictures_and_old_coverage(
    store: EventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("civiscope.events.store._FORGET_ROWS", 100)
    said = [told(NOW_US + number, picture=b"p") for number in range(350)]
    await asyncio.gather(*(store.record(one) for one in said))
    for second, reason in ((0, "analysed"), (1, "shed"), (2, "analysed")):
        await store.cover(covered(NOW_US + second * SECOND_US, reason))
    assert await store.forget_before(NOW_US + 250) == 250
    assert len(await all_of(store, EventQuery(limit=1_000))) == 100
    assert await store.sealed_picture(said[0].event.id) is None
    assert await store.sealed_picture(said[-1].event.id) == b"p"
    await store.forget_before(NOW_US + 3 * SECOND_US)
    spans = (await store.coverage((PIER,), Span(NOW_US, NOW_US + 9 * SECOND_US)))[PIER]
    assert spans == (ReasonedSpan(NOW_US + 2 * SECOND_US, None, "analysed"),)


async def test_a_search_that_takes_too_long_is_stopped(tmp_path_factory: pytest.TempPathFactory) -> None:
    class Hurried(ManualClock):
        """Every look at it is a minute later."""

        def monotonic_us(self) -> int:
            self.advance(60 * SECOND_US)
            return super().monotonic_us()

    folder = tmp_path_factory.mktemp("slow")
    clock = ManualClock(NOW_US)
    with open_database(folder / "events.db", clock) as database:
        migrate_events(database)
        filled = EventStore(database, clock)
        await asyncio.gather(*(filled.record(told(NOW_US + number)) for number in range(400)))
        assert await database.read(count_events) == 400
    with open_database(folder / "events.db", Hurried(NOW_US)) as database:
        with pytest.raises(AppError) as stopped:
            await EventStore(database, clock).search(EventQuery(text="nowhere"))
        assert stopped.value.kind is ErrorKind.TIMEOUT


async def test_told_values_survive_whole() -> None:
    said = told(values=(("a", "1"), ("b", "2")))
    assert isinstance(said, EventTold)
    assert said.event.values == (("a", "1"), ("b", "2"))
