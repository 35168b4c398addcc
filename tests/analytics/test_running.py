"""The guard and the shelf: whatever a stranger's analytic does, it harms itself alone, and words say why."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import EntryPoint
from typing import Any
from uuid import UUID, uuid4

import pytest
from pydantic import BaseModel

from civiscope.analytics import (
    AiUseClass,
    AnalyticOrder,
    AnalyticPlugin,
    Box,
    DetectorNeeds,
    Observation,
    Phase,
    PluginShelf,
    RunningAnalytic,
    SeenFrame,
    start_analytic,
)
from civiscope.base import AppError, ErrorKind, ManualClock

AT_US = 1_760_000_000_000_000
"""A Thursday, 08:53:20 UTC."""


class Nothing(BaseModel):
    """No settings."""


@dataclass
class Stranger:
    """Does at each frame what a test wants."""

    do: Callable[[SeenFrame], Any]
    at_end: Callable[[int], Any] = lambda at_us: ()

    def look(self, frame: SeenFrame) -> Sequence[Observation]:
        said: Sequence[Observation] = self.do(frame)
        return said

    def end(self, at_us: int) -> Sequence[Observation]:
        said: Sequence[Observation] = self.at_end(at_us)
        return said


def plugin_of(make: Callable[[Any], Any], **more: Any) -> AnalyticPlugin:
    given: dict[str, Any] = {
        "name": "mine", "title": "Mine", "infers": "Nothing.", "ai_class": AiUseClass.NONE,
        "kinds": ("mine.seen",), "settings": Nothing, "needs": DetectorNeeds(frozenset()), "make": make,
    }  # fmt: skip
    return AnalyticPlugin(**(given | more))


def running(do: Callable[[SeenFrame], Any], clock: ManualClock | None = None, **more: Any) -> RunningAnalytic:
    at_end = more.pop("at_end", lambda at_us: ())
    plugin = plugin_of(lambda settings: Stranger(do, at_end), **more)
    return RunningAnalytic(UUID(int=1), plugin, Nothing(), clock or ManualClock())


def frame(index: int = 0) -> SeenFrame:
    return SeenFrame(index, AT_US + index * 200_000, ())


def seen(phase: Any = Phase.OCCURRED, event_id: Any = None, **more: Any) -> Observation:
    """With the mistakes that a test wants."""
    return replace(Observation(event_id or UUID(int=9), "mine.seen", phase, 0, 0), **more)


def boom(_: object) -> Any:
    raise RuntimeError("boom")


@pytest.mark.parametrize(
    ("do", "words"),
    [
        (boom, "failed: RuntimeError: boom"),
        (lambda frame: (number for number in range(3)), "gave a generator"),
        (lambda frame: exit_now(), "failed: SystemExit"),
        (lambda frame: None, "gave a NoneType"),
        (lambda frame: "zone.entered", "gave a str"),
        (lambda frame: [1], "gave a int as an observation"),
        (lambda frame: [seen()] * 300, "said 300 things"),
        (lambda frame: [seen(kind="zone.entered")], "spoke of 'zone.entered'"),
        (lambda frame: [seen(kind=["mine.seen"])], "spoke of"),
        (lambda frame: [seen(event_id=7)], "without an id"),
        (lambda frame: [seen(phase="occurred")], "without an id or a phase"),
        (lambda frame: [seen(object_class="person")], "class that there is not"),
        (lambda frame: [seen(track_id="1")], "track that is no number"),
        (lambda frame: [seen(track_id=-1)], "track that is no number"),
        (lambda frame: [seen(box=(0, 0, 1, 1))], "box or place"),
        (lambda frame: [seen(box=Box(0, 0, 1, 1.5))], "box or place"),
        (lambda frame: [seen(box=Box(0.5, 0, 0.2, 1))], "box or place"),
        (lambda frame: [seen(place_n=(float("nan"), 0.0))], "box or place"),
        (lambda frame: [seen(score=float("inf"))], "score"),
        (lambda frame: [seen(score="1")], "score"),
        (lambda frame: [seen(zone="x" * 5000)], "too long"),
        (lambda frame: [seen(zone=None)], "texts that are none"),
        (lambda frame: [seen(values=(("a", 1),))], "pairs of short texts"),
        (lambda frame: [seen(values={"a": "b"})], "pairs of short texts"),
        (lambda frame: [seen(Phase.ENDED)], "had not begun"),
        (lambda frame: [seen(Phase.BEGAN), seen(Phase.BEGAN)], "began the same event twice"),
        (lambda frame: [seen(Phase.BEGAN, uuid4()) for _ in range(200)], "more than 1024"),
    ],
)
def test_what_it_may_not_do_switches_it_off_with_words(do: Callable[[SeenFrame], Any], words: str) -> None:
    analytic = running(do)
    for index in range(8):
        analytic.look(frame(index))
    assert words in analytic.trouble
    assert "It is off until" in analytic.trouble
    assert not analytic.is_on
    assert analytic.look(frame(9)) == ()


def exit_now() -> Any:
    raise SystemExit(1)


def test_what_it_cannot_make_is_told() -> None:
    analytic = RunningAnalytic(UUID(int=1), plugin_of(boom), Nothing(), ManualClock())
    assert "cannot be started: RuntimeError: boom" in analytic.trouble
    assert analytic.end(AT_US) == ()


def test_what_lasted_ends_when_it_fails() -> None:
    analytic = running(lambda one: [seen(Phase.BEGAN)] if one.index == 0 else boom(one))
    (began,) = analytic.look(frame(0))
    (ended,) = analytic.look(frame(1))
    assert ended.observation.phase is Phase.ENDED
    assert ended.observation.event_id == began.observation.event_id
    assert ended.observation.at_us == frame(1).at_us


def test_what_it_forgets_to_end_is_ended() -> None:
    analytic = running(lambda one: [seen(Phase.BEGAN, uuid4())])
    began = [said.observation.event_id for index in range(3) for said in analytic.look(frame(index))]
    assert [said.observation.event_id for said in analytic.end(AT_US)] == began


def test_no_analytic_speaks_in_the_name_of_another() -> None:
    one = RunningAnalytic(
        UUID(int=1), plugin_of(lambda _: Stranger(lambda frame: [seen()])), Nothing(), ManualClock()
    )
    two = RunningAnalytic(
        UUID(int=2), plugin_of(lambda _: Stranger(lambda frame: [seen()])), Nothing(), ManualClock()
    )
    ids = {analytic.look(frame())[0].observation.event_id for analytic in (one, two)}
    assert len(ids) == 2
    assert UUID(int=9) not in ids


def test_time_is_that_of_the_frame() -> None:
    (said,) = running(lambda one: [seen(at_us=1, frame_index=77)]).look(frame(3))
    assert (said.observation.at_us, said.observation.frame_index) == (frame(3).at_us, 3)


def test_late_three_times_in_a_hundred_is_off() -> None:
    clock = ManualClock()
    late = {5, 50, 99}

    def do(one: SeenFrame) -> Any:
        clock.advance(300_000 if one.index in late else 1_000)
        return ()

    analytic = running(do, clock)
    for index in range(99):
        analytic.look(frame(index))
    assert analytic.is_on
    analytic.look(frame(99))
    assert "longer than its 0.2 s 3 times, 0.30 s" in analytic.trouble

    def dawdle(one: SeenFrame) -> Any:
        clock.advance(300_000 * (one.index % 60 == 0))
        return ()

    seldom = running(dawdle, clock)
    for index in range(300):
        seldom.look(frame(index))
    assert seldom.is_on


def order(plugin: str = "zone", **more: str) -> AnalyticOrder:
    settings = {"zone": [[0, 0], [1, 0], [1, 1]], "name": "All"}
    return AnalyticOrder(uuid4(), plugin, more.pop("settings_json", json.dumps(settings)), **more)


def test_a_schedule_says_when() -> None:
    spans = [{"weekday": 3, "from_minute": 8 * 60, "to_minute": 9 * 60}]
    schedule = json.dumps({"name": "Mornings", "spans": spans})
    analytic = start_analytic(order(schedule_json=schedule), PluginShelf(), ManualClock())
    assert analytic.is_on
    began = running(lambda one: [seen(Phase.BEGAN, uuid4())])
    began._is_due = analytic._is_due
    assert began.look(frame(0))[0].observation.phase is Phase.BEGAN
    night = SeenFrame(1, AT_US + 7 * 60_000_000, ())
    assert [said.observation.phase for said in began.look(night)] == [Phase.ENDED]
    assert began.look(night) == ()


@pytest.mark.parametrize(
    ("wanted", "kind", "words"),
    [
        (order("nobody"), ErrorKind.MISSING, "no analytic 'nobody'"),
        (order(settings_json='{"zone": []}'), ErrorKind.INVALID, "name: Field required"),
        (order(settings_json="["), ErrorKind.INVALID, "Settings of Zone"),
        (order(schedule_json='{"name": 1}'), ErrorKind.INVALID, "schedule cannot be read"),
    ],
)
def test_an_order_that_cannot_be_followed_is_told(wanted: AnalyticOrder, kind: ErrorKind, words: str) -> None:
    with pytest.raises(AppError, match=words) as told:
        start_analytic(wanted, PluginShelf(), ManualClock())
    assert told.value.kind is kind


GOOD = plugin_of(lambda settings: Stranger(lambda frame: ()))
NO_PLUGIN = 7
WRONG_NAME = replace(GOOD, name="other")
NO_WORDS = replace(GOOD, infers="")
NO_CLASS: Any = replace(GOOD, ai_class="minimal")  # type: ignore[arg-type]  # a stranger's mistake
NO_KINDS = replace(GOOD, kinds=())
ODD_KIND = replace(GOOD, kinds=("Zone Entered",))
NO_NEEDS: Any = replace(GOOD, needs=None)  # type: ignore[arg-type]  # as above
NO_MAKE: Any = replace(GOOD, make=7)  # type: ignore[arg-type]  # as above
SLOW = replace(GOOD, deadline_s=60)
NO_SETTINGS: Any = replace(GOOD, settings=dict)  # type: ignore[arg-type]  # as above


def point(value: str, name: str = "mine") -> EntryPoint:
    return EntryPoint(name, value, "civiscope.analytics.v1")


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("NO_PLUGIN", "names a int"),
        ("WRONG_NAME", "calls itself otherwise"),
        ("NO_WORDS", "what it infers"),
        ("NO_CLASS", "no class of AI use"),
        ("NO_KINDS", "names no kinds"),
        ("ODD_KIND", "names no kinds"),
        ("NO_NEEDS", "what it needs"),
        ("NO_MAKE", "cannot be called"),
        ("SLOW", "deadline"),
        ("NO_SETTINGS", "no pydantic model"),
        ("NOT_THERE", "AttributeError"),
    ],
)
def test_a_broken_plugin_breaks_itself_alone(value: str, words: str) -> None:
    shelf = PluginShelf(
        ["mine", "good"], [point(f"{__name__}:{value}"), point(f"{__name__}:GOOD_TOO", "good")]
    )
    with pytest.raises(AppError, match="is broken") as told:
        shelf.load("mine")
    assert words in told.value.message
    assert shelf.load("good").name == "good"
    assert [info.state for info in shelf.infos()] == ["broken", "loaded"]


GOOD_TOO = replace(GOOD, name="good")


def test_what_the_list_does_not_name_is_not_imported() -> None:
    shelf = PluginShelf([], [point("module_that_is_not:THERE")])
    with pytest.raises(AppError, match="not allowed") as told:
        shelf.load("mine")
    assert told.value.kind is ErrorKind.DENIED
    assert [info.state for info in shelf.infos()] == ["not_allowed"]


def test_two_packages_of_one_name_are_neither() -> None:
    shelf = PluginShelf(["mine"], [point(f"{__name__}:GOOD")] * 2)
    with pytest.raises(AppError, match="Several packages"):
        shelf.load("mine")


def test_the_shipped_ones_load() -> None:
    infos = PluginShelf().infos()
    assert [(info.name, info.state) for info in infos] == [("zone", "loaded"), ("line", "loaded")]
    assert all(json.loads(info.settings_schema)["properties"] for info in infos)
