"""One stream's feed events as a derived stream's: units transcoded, sound as it came, losses said alike."""

from collections.abc import Callable
from dataclasses import replace
from typing import assert_never

from civiscope.base import RunId, StreamId, new_id
from civiscope.ingest.feed_client import FeedAway, FeedEvent
from civiscope.ingest.feed_server import FeedServer
from civiscope.ingest.feed_wire import FeedDropped, FeedEnded, FeedRun, FeedUnit
from civiscope.media import AccessUnit, Codec, TrackConfig, TrackKind, Transcoder

AS_SENT_REASON = "as_sent"


class DerivedRun:
    """`begin(event)`, its work on any thread, then `finish`: one event after the other."""

    def __init__(self, stream_id: StreamId, server: FeedServer) -> None:
        self._stream_id = stream_id
        self._server = server
        self._source: FeedRun | None = None
        self._transcoder: Transcoder | None = None
        self._run_id: RunId | None = None
        self._sequence = 0
        self._made: list[AccessUnit] = []
        self._failed_count = 0

    @property
    def failed_count(self) -> int:
        """Units that could not be decoded or coded."""
        return self._failed_count + (self._transcoder.failed_count if self._transcoder else 0)

    def begin(self, event: FeedEvent) -> Callable[[], None] | None:
        """Take an event; the decoding it asks for, to be called once and before `finish`, if any."""
        match event:
            case FeedUnit():
                return self._unit(event)
            case FeedRun():
                self._start(event)
            case FeedEnded():
                self._end(event.at_us, event.reason, event.detail)
            case FeedAway():
                self._end(event.at_us, "recorder_away", "The recorder does not answer; it is started again.")
            case FeedDropped():
                pass  # a key unit comes next
            case _:
                assert_never(event)
        return None

    def finish(self) -> None:
        """Tell what was made."""
        made, self._made = self._made, []
        for unit in made:
            if self._run_id is None and not self._begin_run():
                return
            assert self._run_id is not None
            self._server.unit(self._stream_id, self._run_id, replace(unit, sequence=self._sequence))
            self._sequence += 1

    def _start(self, run: FeedRun) -> None:
        """A run, or a new configuration within it: all is made anew."""
        if run == self._source:
            return
        self._forget()
        self._source = run
        pictures = next((track for track in run.tracks if track.kind is TrackKind.VIDEO), None)
        if pictures is None or pictures.codec is not Codec.H265:
            detail = "This camera does not send H.265 any more."
            self._server.stream_waiting(self._stream_id, run.started_us, AS_SENT_REASON, detail)
            return
        self._transcoder = Transcoder(pictures)

    def _unit(self, event: FeedUnit) -> Callable[[], None] | None:
        source, transcoder = self._source, self._transcoder
        if source is None or transcoder is None or source.run_id != event.run_id:
            return None
        unit = event.unit
        if unit.track_id != transcoder.source_track_id:
            if self._run_id is not None:
                self._made = [unit]
            return None

        def work() -> None:
            self._made = transcoder.transcode(unit)

        return work

    def _begin_run(self) -> bool:
        source, transcoder = self._source, self._transcoder
        if source is None or transcoder is None or transcoder.track is None:
            return False
        tracks = tuple(self._made_track(track, transcoder.track) for track in source.tracks)
        self._run_id = RunId(new_id())
        self._server.run_started(self._stream_id, self._run_id, tracks, source.started_us)
        return True

    @staticmethod
    def _made_track(track: TrackConfig, pictures: TrackConfig) -> TrackConfig:
        return pictures if track.track_id == pictures.track_id else replace(track, generation=0)

    def _end(self, at_us: int, reason: str, detail: str) -> None:
        run_id = self._forget()
        if run_id is None:
            self._server.stream_waiting(self._stream_id, at_us, reason, detail)
        else:
            self._server.run_ended(self._stream_id, run_id, at_us, reason, detail)

    def restart(self) -> None:
        """Something failed that should not: the same run is made anew, from its next key unit on."""
        source, self._made = self._source, []
        self._forget()
        if source is not None:
            self._start(source)

    def _forget(self) -> RunId | None:
        """No run is made; the id of the one that was."""
        self._failed_count = self.failed_count
        run_id = self._run_id
        self._source = self._transcoder = self._run_id = None
        self._sequence = 0
        return run_id
