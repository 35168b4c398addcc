"""The gate: exactly the units of windows and of what they need are recorded, all else is a gap."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.recording.footage import EVERYTHING, FRAME_US, Camera, Room, make_site, recorded

from civiscope.base import AppError
from civiscope.devices import RecordingPolicy, RecordMode
from civiscope.media import AccessUnit
from civiscope.recording import ModeBook, ModeGate, RecordingModes, StreamMode, Window
from civiscope.recording import mode_gate as gate_module
from civiscope.recording.modes import WeekClock
from civiscope.recording.recorder import Recorder
from civiscope.security import TimeProfile, WeeklySpan

SECOND_US = 1_000_000
ON_EVENT = RecordingPolicy(RecordMode.ON_EVENT, None, 2.0, 3.0)
NIGHT = TimeProfile("night", (WeeklySpan(6, 1 * 60 + 30, 3 * 60),))
SOFIA = ZoneInfo("Europe/Sofia")


@dataclass
class Post:
    """One camera, its gate and recorder; `server` says whether somebody is heard."""

    room: Room
    policy: RecordingPolicy = ON_EVENT
    server: bool = True
    zone: str = "UTC"
    camera: Camera = field(init=False)
    recorder: Recorder = field(init=False)
    gate: ModeGate = field(init=False)

    def __post_init__(self) -> None:
        self.camera = Camera(self.room.clock, gop=15)
        self.open()

    def modes(self) -> RecordingModes:
        return RecordingModes(self.zone, (StreamMode(self.camera.stream_id, self.policy),))

    def open(self) -> None:
        """A start of the process."""
        self.recorder = self.room.recorder()
        self.gate = ModeGate(self.recorder, self.room.clock)
        self.gate.set_modes(self.modes())
        self.camera.start(self.gate)  # type: ignore[arg-type]  # a sink is a sink

    def close(self) -> None:
        self.gate.drain()
        self.recorder.close()

    def play(self, frames: int) -> None:
        for _ in range(frames):
            if self.server:
                self.gate.heard()
            self.camera.frame(self.gate)  # type: ignore[arg-type]  # a sink is a sink
            self.room.clock.advance(FRAME_US)
            self.gate.tick()
            self.recorder.tick()

    def trigger(self, before_s: float = 2.0, after_s: float = 3.0) -> Window:
        now_us = self.room.clock.now_us()
        window = Window(
            self.camera.stream_id, now_us - round(before_s * SECOND_US), now_us + round(after_s * SECOND_US)
        )
        self.gate.record((window,))
        return window

    def kept(self) -> list[AccessUnit]:
        return list(recorded(self.room.archive(), self.camera.stream_id))

    def gaps(self) -> list[tuple[int, int | None, str]]:
        timeline = self.room.archive().timeline(self.camera.stream_id, EVERYTHING)
        return [(one.start_us, one.end_us, one.reason) for one in timeline.gaps]


@pytest.fixture
def post(room: Room) -> Post:
    return Post(room)


def expected(units: list[AccessUnit], windows: list[tuple[int, int]]) -> list[AccessUnit]:
    """Per window all units from the last key unit at or before its start to its end, each once."""
    wanted: set[int] = set()
    for from_us, until_us in windows:
        keys = [one.sequence for one in units if one.is_key and one.arrival_us <= from_us]
        first = max(keys, default=0)
        wanted |= {one.sequence for one in units if one.sequence >= first and one.arrival_us <= until_us}
    return [one for one in units if one.sequence in wanted]


def test_nothing_is_on_the_disk_before_an_event(post: Post) -> None:
    post.play(60)
    post.recorder.cut()
    assert post.recorder.wait_written()
    assert post.kept() == []
    assert post.gate.held_bytes > 0
    assert not list((post.room.folder / "segments").rglob("*.cvs"))
    post.close()
    reasons = [reason for _, _, reason in post.gaps()]
    assert reasons == ["no_event", "our_restart"]


def test_pre_roll_joins_what_follows_and_the_gaps_are_exact(post: Post) -> None:
    post.play(100)
    window = post.trigger()
    post.play(200)
    post.close()
    kept, sent = post.kept(), [unit for _, unit in post.camera.sent]
    assert kept == expected(sent, [(window.from_us, window.until_us)])
    assert kept[0].is_key
    assert 0 < len(kept) < len(sent)
    (before, after, _) = post.gaps()
    assert before[2] == after[2] == "no_event"
    (there,) = post.room.archive().timeline(post.camera.stream_id, EVERYTHING).recorded
    assert (before[1], after[0]) == (there.span.start_us, there.span.end_us)
    assert there.span.start_us == kept[0].arrival_us
    assert abs(there.span.end_us - kept[-1].arrival_us - FRAME_US) < 1_000


def test_a_trigger_within_the_post_roll_extends_it_and_twice_is_once(post: Post) -> None:
    post.play(60)
    first = post.trigger()
    post.gate.record((first,))
    post.play(30)
    second = post.trigger()
    post.play(120)
    post.close()
    sent = [unit for _, unit in post.camera.sent]
    assert post.kept() == expected(sent, [(first.from_us, second.until_us)])


def test_without_a_server_it_is_recorded_from_before_it_was_last_heard(post: Post) -> None:
    post.play(90)
    heard_us = post.room.clock.now_us() - FRAME_US
    post.server = False
    post.play(150)
    was_unheard = post.gate.is_unheard
    post.server = True
    post.play(90)
    assert (was_unheard, post.gate.is_unheard) == (True, False)
    post.close()
    kept, sent = post.kept(), [unit for _, unit in post.camera.sent]
    assert kept[0].arrival_us <= heard_us - 2 * SECOND_US < kept[15].arrival_us
    assert kept == sent[kept[0].sequence : kept[-1].sequence + 1]
    assert kept[-1].arrival_us < sent[-1].arrival_us


def test_a_camera_that_goes_while_nothing_happens_says_why(post: Post) -> None:
    post.play(30)
    post.camera.end(post.gate)  # type: ignore[arg-type]  # a sink is a sink
    assert post.gate.held_bytes == 0
    post.room.clock.advance(SECOND_US)
    post.camera.start(post.gate)  # type: ignore[arg-type]  # a sink is a sink
    post.play(15)
    post.close()
    assert [reason for _, _, reason in post.gaps()] == ["no_event", "closed", "no_event", "our_restart"]


def test_always_again_goes_on_from_the_last_key_unit(post: Post) -> None:
    post.play(50)
    post.gate.set_modes(RecordingModes())
    post.play(20)
    post.close()
    sent = [unit for _, unit in post.camera.sent]
    assert post.kept() == sent[45:]


def test_memory_is_bounded_by_whole_groups(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    post.camera.mean_bytes = 4_000
    monkeypatch.setattr(gate_module, "HELD_STREAM_BYTES", 100_000)
    post.play(300)
    assert 0 < post.gate.held_bytes <= 100_000
    window = post.trigger(60.0)
    post.play(10)
    post.close()
    kept = post.kept()
    assert kept[0].is_key
    assert kept[0].arrival_us > window.from_us
    assert kept == [unit for _, unit in post.camera.sent][kept[0].sequence :]


def test_many_at_once_wait_for_the_writer_and_lose_nothing(room: Room) -> None:
    room.settings = replace(room.settings, queue_bytes=150_000)
    post = Post(room)
    post.camera.mean_bytes = 2_000
    post.play(150)
    post.trigger(6.0, 2.0)
    post.play(10)
    post.close()
    kept = post.kept()
    assert kept == [unit for _, unit in post.camera.sent][kept[0].sequence : kept[-1].sequence + 1]
    assert "disk_slow" not in [reason for _, _, reason in post.gaps()]


@pytest.mark.parametrize(
    ("day", "minutes"),
    [((2026, 3, 29), 90 - 60), ((2026, 10, 25), 90)],
    ids=["an hour that is skipped", "an hour that comes once before the clocks go back"],
)
def test_hours_follow_the_clock_on_the_wall(day: tuple[int, int, int], minutes: int) -> None:
    """Sofia skips 03:00 to 04:00 in March, and has 03:00 to 04:00 twice in October."""
    start = datetime(*day, tzinfo=SOFIA).astimezone(UTC)
    week = WeekClock(TimeProfile("x", (WeeklySpan(6, 150, 240),)), "Europe/Sofia")
    at_us = int(start.timestamp()) * SECOND_US
    held = sum(week.holds(at_us + one * 60 * SECOND_US) for one in range(25 * 60))
    assert held == minutes + (60 if day[1] == 10 else 0)


def test_a_schedule_opens_at_a_key_unit_and_closes_at_the_minute(room: Room) -> None:
    start_us = int(datetime(2026, 11, 22, 1, 29, 50, tzinfo=UTC).timestamp()) * SECOND_US
    room.clock.advance(start_us - room.clock.now_us())
    hours = TimeProfile("x", (WeeklySpan(6, 90, 91),))
    post = Post(room, RecordingPolicy(RecordMode.SCHEDULE, hours))
    post.play(1_200)
    post.close()
    kept, sent = post.kept(), [unit for _, unit in post.camera.sent]
    border_us = start_us + 10 * SECOND_US
    assert kept == expected(sent, [(border_us, border_us + 60 * SECOND_US - 1)])
    assert [reason for _, _, reason in post.gaps()] == ["schedule", "schedule", "our_restart"]


def test_modes_are_kept_and_damaged_ones_record_everything(tmp_path: Path) -> None:
    modes = RecordingModes("Europe/Sofia", ())
    told: list[RecordingModes] = []
    book = ModeBook(tmp_path / "modes.json", told.append)
    book.apply(modes)
    assert book.digest == ""
    book.keep(modes)
    assert ModeBook(tmp_path / "modes.json", told.append).digest == modes.digest()
    assert told == [modes, modes]
    (tmp_path / "modes.json").write_text('{"version": 1, "time_zone": "Nowhere/At_all", "streams": []}')
    assert ModeBook(tmp_path / "modes.json", told.append).digest == ""
    assert told == [modes, modes]
    with pytest.raises(AppError):
        book.apply(RecordingModes("Nowhere/At_all"))


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("play"), st.integers(1, 80)),
        st.tuples(st.just("trigger"), st.integers(0, 4)),
        st.tuples(st.just("again"), st.just(0)),
        st.tuples(st.just("restart"), st.just(0)),
    ),
    min_size=1,
    max_size=14,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_recorded_is_the_union_of_the_windows(
    steps: list[tuple[str, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Random units, triggers and starts anew: of each run exactly its windows, each unit once, in order."""
    folder = tmp_path_factory.mktemp("gate")
    room = Room(make_site(folder / "keys"), folder / "volume")
    post = Post(room)
    windows: list[Window] = []
    runs: list[tuple[list[AccessUnit], list[Window]]] = []
    for what, number in steps:
        if what == "play":
            post.play(number)
        elif what == "trigger":
            windows.append(post.trigger(number / 2, number))
        elif what == "again":
            post.gate.record(tuple(windows[-1:]))
        else:
            post.close()
            runs.append(([unit for _, unit in post.camera.sent], windows))
            post.camera.sent, windows = [], []
            post.open()
    post.close()
    runs.append(([unit for _, unit in post.camera.sent], windows))
    wanted = [
        one for units, told in runs for one in expected(units, [(win.from_us, win.until_us) for win in told])
    ]
    assert post.kept() == wanted
    assert {reason for _, _, reason in post.gaps()} <= {"no_event", "our_restart"}
