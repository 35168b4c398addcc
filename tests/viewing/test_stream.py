"""One stream's truth, event by event, on a clock that stands still."""

import json
from dataclasses import replace

from civiscope.base import ManualClock, RunId, StreamId, new_id
from civiscope.ingest import FeedAway, FeedDropped, FeedEnded, FeedRun, FeedUnit
from civiscope.media import AccessUnit, Codec, TrackConfig, UnitFlags
from civiscope.viewing import ViewingSettings
from civiscope.viewing.live_queue import LiveQueue
from civiscope.viewing.live_stream import LiveStream

_SETS = (bytes.fromhex("6742c01fd9005005bb016a02020280000003008000001e478c1924"), bytes.fromhex("68cb8cb2"))
_TRACK = TrackConfig(1, Codec.H264, 90_000, parameter_sets=_SETS, width_px=1280, height_px=720)


class Scene:
    """A stream with one run, and what a viewer of it has waiting."""

    def __init__(self, settings: ViewingSettings | None = None) -> None:
        self.clock = ManualClock()
        self.stream = LiveStream(StreamId(new_id()), self.clock, settings or ViewingSettings())
        self.run_id = RunId(new_id())
        self.sequence = 0
        self.viewer = self.stream.join()

    def run(self, *tracks: TrackConfig) -> None:
        started_us = self.clock.now_us()
        self.stream.handle(FeedRun(self.stream.stream_id, self.run_id, started_us, tracks or (_TRACK,)))

    def unit(self, is_key: bool, track_id: int = 1, size: int = 100) -> None:
        self.clock.advance(66_666)
        unit = AccessUnit(
            track_id, self.sequence, self.sequence * 6000, self.sequence * 6000, self.clock.now_us(),
            self.clock.monotonic_us(), UnitFlags.KEY if is_key else UnitFlags.NONE, 0, bytes(size),
        )  # fmt: skip
        self.sequence += 1
        self.stream.handle(FeedUnit(self.stream.stream_id, self.run_id, unit))


def waiting(queue: LiveQueue) -> list[tuple[int, dict[str, object] | None]]:
    """Type of each waiting message, and what the JSON ones say; they are taken."""
    found = []
    for message, _ in queue._queue:
        is_text = message.data[0] in (3, 4)
        found.append((message.data[0], json.loads(message.data[9:]) if is_text else None))
    queue._queue.clear()
    queue._queued_bytes = 0
    return found


def kinds(queue: LiveQueue) -> list[int]:
    return [kind for kind, _ in waiting(queue)]


def test_units_the_feed_dropped_are_said_and_a_new_viewer_waits_for_a_key_unit() -> None:
    scene = Scene()
    scene.run()
    scene.unit(True)
    waiting(scene.viewer)
    scene.stream.handle(FeedDropped(scene.stream.stream_id, scene.run_id, 1, 7))
    assert waiting(scene.viewer) == [(4, {"count": 7})]
    late = scene.stream.join()
    assert kinds(late) == [3, 1]
    scene.unit(False)
    assert kinds(late) == []
    scene.unit(True)
    assert kinds(late) == [2]


def test_a_new_generation_brings_an_init_and_stays_live() -> None:
    scene = Scene()
    scene.run()
    scene.unit(True)
    waiting(scene.viewer)
    scene.run(replace(_TRACK, generation=1, width_px=640))
    (first, state), (second, _) = waiting(scene.viewer)
    assert (first, second) == (3, 1)
    assert state is not None
    assert (state["state"], state["generation"]) == ("live", 1)


def test_the_same_run_said_again_changes_nothing() -> None:
    scene = Scene()
    scene.run()
    scene.unit(True)
    waiting(scene.viewer)
    framer = scene.stream._framer
    assert framer is not None
    scene.stream.handle(framer.run)
    assert kinds(scene.viewer) == []
    assert kinds(scene.stream.join()) == [3, 1, 2]


def test_a_run_that_cannot_be_shown_is_lost_with_its_reason() -> None:
    scene = Scene()
    scene.run(TrackConfig(1, Codec.H264, 90_000))
    state = waiting(scene.viewer)[-1][1]
    assert state is not None
    assert (state["state"], state["reason"]) == ("lost", "unreadable")
    scene.unit(True)
    assert kinds(scene.viewer) == []


def test_units_of_another_run_or_track_are_passed_over() -> None:
    scene = Scene()
    scene.unit(True)
    scene.run()
    waiting(scene.viewer)
    scene.unit(True, track_id=9)
    scene.stream.handle(
        FeedUnit(
            scene.stream.stream_id, RunId(new_id()),
            AccessUnit(1, 0, 0, 0, 0, 0, UnitFlags.KEY, 0, b"x"),
        )
    )  # fmt: skip
    assert kinds(scene.viewer) == []


def test_a_loss_counts_from_its_beginning() -> None:
    scene = Scene()
    scene.run()
    scene.unit(True)
    scene.clock.advance(6_000_000)
    scene.stream.check()
    stalled = waiting(scene.viewer)[-1][1]
    scene.stream.handle(FeedEnded(scene.stream.stream_id, scene.run_id, 9, "stalled", "nothing comes"))
    scene.stream.handle(FeedAway(scene.stream.stream_id, 99))
    ended, away = (state for _, state in waiting(scene.viewer))
    assert stalled is not None
    assert ended is not None
    assert away is not None
    assert stalled["since_us"] == ended["since_us"] == away["since_us"]
    assert [stalled["reason"], ended["reason"], away["reason"]] == ["stalled", "stalled", "recorder_away"]


def test_a_camera_of_few_pictures_is_live_between_them() -> None:
    scene = Scene()
    scene.run()
    for _ in range(3):
        scene.clock.advance(4_000_000)
        scene.unit(True)
    scene.clock.advance(12_000_000)
    scene.stream.check()
    assert scene.stream.state.name == "live"
    scene.clock.advance(6_000_000)
    scene.stream.check()
    assert scene.stream.state.name == "lost"


def test_pictures_the_feed_kept_are_not_live() -> None:
    scene = Scene()
    scene.run()
    old = AccessUnit(1, 0, 0, 0, 5, scene.clock.monotonic_us() - 60_000_000, UnitFlags.KEY, 0, b"x" * 9)
    scene.stream.handle(FeedUnit(scene.stream.stream_id, scene.run_id, old))
    assert scene.stream.state.name == "connecting"


def test_a_gop_over_its_bound_is_not_kept() -> None:
    scene = Scene(ViewingSettings(gop_bytes=1000))
    scene.run()
    scene.unit(True)
    for _ in range(20):
        scene.unit(False)
    assert kinds(scene.stream.join()) == [3, 1]


def test_a_viewer_who_takes_nothing_is_given_up() -> None:
    scene = Scene()
    for _ in range(5000):
        scene.stream.handle(FeedEnded(scene.stream.stream_id, None, 5, "refused", ""))
    assert len(scene.viewer._queue) == 4096
    assert scene.viewer._error is not None
