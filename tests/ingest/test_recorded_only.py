"""Only streams that are recorded reach the recorder, and a begun run reaches its end."""

from dataclasses import replace

from civiscope.base import ChannelId, RunId, StreamId, new_id
from civiscope.ingest import LossReason, RecordedOnly, StreamSink, StreamSource
from civiscope.media import AccessUnit, SenderClock, TrackConfig, UnitFlags

UNIT = AccessUnit(1, 0, 0, 0, 0, 0, UnitFlags.KEY, 0, b"x")


class Heard(StreamSink):
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.said: list[tuple[str, StreamId]] = []

    def run_started(
        self, stream_id: StreamId, run_id: RunId, tracks: tuple[TrackConfig, ...], at_us: int
    ) -> None:
        self.said.append(("started", stream_id))

    def tracks_changed(
        self, stream_id: StreamId, run_id: RunId, tracks: tuple[TrackConfig, ...], at_us: int
    ) -> None:
        self.said.append(("changed", stream_id))

    def unit(self, stream_id: StreamId, run_id: RunId, unit: AccessUnit) -> None:
        self.said.append(("unit", stream_id))

    def sender_clock(self, stream_id: StreamId, run_id: RunId, report: SenderClock) -> None:
        self.said.append(("clock", stream_id))

    def run_ended(
        self, stream_id: StreamId, run_id: RunId, at_us: int, reason: LossReason, detail: str
    ) -> None:
        self.said.append(("ended", stream_id))

    def stream_waiting(self, stream_id: StreamId, at_us: int, reason: LossReason, detail: str) -> None:
        self.said.append(("waiting", stream_id))


def tell_all(sink: StreamSink, stream_id: StreamId, run_id: RunId) -> None:
    sink.stream_waiting(stream_id, 0, LossReason.UNREACHABLE, "")
    sink.run_started(stream_id, run_id, (), 1)
    sink.tracks_changed(stream_id, run_id, (), 1)
    sink.unit(stream_id, run_id, UNIT)
    sink.sender_clock(stream_id, run_id, SenderClock(1, 0, 0, 0))
    sink.run_ended(stream_id, run_id, 2, LossReason.CLOSED, "")


def test_a_stream_for_the_feed_alone_is_not_heard() -> None:
    main = StreamSource(StreamId(new_id()), ChannelId(new_id()), "rtsp://192.168.1.2/main")
    sub = replace(main, stream_id=StreamId(new_id()), recorded=False)
    heard = Heard()
    sink = RecordedOnly(heard)
    sink.set_sources([main, sub])
    tell_all(sink, sub.stream_id, RunId(new_id()))
    assert heard.said == []
    tell_all(sink, main.stream_id, RunId(new_id()))
    assert [what for what, _ in heard.said] == ["waiting", "started", "changed", "unit", "clock", "ended"]


def test_a_begun_run_ends_though_it_is_recorded_no_longer() -> None:
    source = StreamSource(StreamId(new_id()), ChannelId(new_id()), "rtsp://192.168.1.2/main")
    heard, run_id = Heard(), RunId(new_id())
    sink = RecordedOnly(heard)
    sink.set_sources([source])
    sink.run_started(source.stream_id, run_id, (), 1)
    sink.set_sources([replace(source, recorded=False)])
    sink.unit(source.stream_id, run_id, UNIT)
    sink.run_ended(source.stream_id, run_id, 2, LossReason.CHANGED, "")
    sink.run_started(source.stream_id, RunId(new_id()), (), 3)
    assert [what for what, _ in heard.said] == ["started", "unit", "ended"]
