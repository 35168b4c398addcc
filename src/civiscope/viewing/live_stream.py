"""One stream as many see it: framed once, kept from its newest key unit on, its state never wrong."""

from collections.abc import Iterable

from civiscope.base import Clock, ProtocolError, StreamId, get_log
from civiscope.ingest import FeedAway, FeedDropped, FeedEnded, FeedEvent, FeedRun, FeedUnit
from civiscope.viewing.live_frame import LiveFramer, state_message
from civiscope.viewing.live_queue import LiveQueue
from civiscope.viewing.model import LiveMessage, LiveState, LiveStateName, Made
from civiscope.viewing.settings import ViewingSettings

_log = get_log("civiscope.viewing")
_AWAY = (
    ("recorder_away", "The recorder does not answer; it is started again."),
    ("worker_away", "The worker, which makes these pictures, does not answer; it is started again."),
)
"""Of a feed that is away: the recorder's, the worker's."""
AWAY_REASONS = frozenset(reason for reason, _ in _AWAY)
"""A process of ours is away, which is started again within seconds."""


class LiveStream:
    """Takes a stream's feed and gives it to its viewers. All calls from the event loop; none waits."""

    def __init__(
        self, stream_id: StreamId, clock: Clock, settings: ViewingSettings, made: Made = Made.AS_SENT
    ) -> None:
        self.stream_id = stream_id
        self._made = made
        self._clock = clock
        self._settings = settings
        self._framer: LiveFramer | None = None
        self._gop: list[LiveMessage] = []
        self._gop_bytes = 0
        self._newest_us = 0
        self._distance_us = 0
        self.viewers: set[LiveQueue] = set()
        self.state = LiveState(LiveStateName.CONNECTING, clock.now_us())
        self.empty_since_us = clock.monotonic_us()
        """Monotonic time since which nobody watches."""

    @property
    def mse_type(self) -> str | None:
        """Of the present run; None while there is none."""
        return self._framer.mse_type if self._framer else None

    def join(self, queue: LiveQueue | None = None) -> LiveQueue:
        """A viewer, new or from another stream: the state, and when it is live a picture at once."""
        queue = queue or LiveQueue(self._settings.viewer_bytes, self._settings.viewer_wait_us)
        is_live = self.state.name is LiveStateName.LIVE
        begin = [state_message(self.state, self._framer, self._made, self._clock.now_us())]
        if self._framer is not None:
            begin.append(self._framer.init)
        if is_live:
            begin += self._gop
        queue.begin(begin, not (is_live and self._gop), self._clock.monotonic_us())
        self.viewers.add(queue)
        return queue

    def leave(self, queue: LiveQueue) -> None:
        """A viewer went away."""
        self.viewers.discard(queue)
        if not self.viewers:
            self.empty_since_us = self._clock.monotonic_us()

    def handle(self, event: FeedEvent) -> None:
        """What the feed says of this stream."""
        match event:
            case FeedUnit():
                self._unit(event)
            case FeedRun():
                self._run(event)
            case FeedDropped():
                self._forget_gop()
                now_us, monotonic_us = self._clock.now_us(), self._clock.monotonic_us()
                for viewer in self.viewers:
                    viewer.lose(event.count, now_us, monotonic_us)
            case FeedEnded():
                self._lose(event.at_us, event.reason, event.detail)
            case FeedAway():
                self._lose(event.at_us, *_AWAY[self._made is Made.TRANSCODED])

    def check(self) -> None:
        """Called every half second: a stream from which nothing comes is not live."""
        limit_us = max(self._settings.stale_us, 4 * self._distance_us)
        silent_us = self._clock.monotonic_us() - self._newest_us
        if self.state.name is LiveStateName.LIVE and silent_us > limit_us:
            since_us = self._clock.now_us() - silent_us
            detail = f"No picture has come for {limit_us // 1_000_000} seconds."
            self._turn(LiveState(LiveStateName.LOST, since_us, "stalled", detail))

    def _run(self, run: FeedRun) -> None:
        if self._framer is not None and self._framer.run == run:
            return  # said again after the feed connected anew: an init segment would break the picture
        try:
            framer = LiveFramer(run)
        except ProtocolError as error:
            _log.warning("a run cannot be shown", stream=self.stream_id, cause=error.message)
            self._lose(run.started_us, "unreadable", error.message)
            return
        is_same = self._framer is not None and self._framer.run.run_id == run.run_id
        self._framer = framer
        self._forget_gop()
        if is_same:
            self._tell(state_message(self.state, framer, self._made, self._clock.now_us()))
        else:
            self._turn(LiveState(LiveStateName.CONNECTING, self._clock.now_us()))
        self._tell(framer.init)

    def _unit(self, event: FeedUnit) -> None:
        framer = self._framer
        if framer is None or framer.run.run_id != event.run_id:
            return
        unit = event.unit
        try:
            message = framer.frame(unit)
        except ProtocolError as error:
            _log.warning("a unit cannot be shown", stream=self.stream_id, cause=error.message)
            return
        if message is None:
            return
        if framer.is_picture(unit):
            self._freshen(unit.arrival_monotonic_us, unit.arrival_us)
        self._keep(message)
        now_us, monotonic_us = self._clock.now_us(), self._clock.monotonic_us()
        for viewer in self.viewers:
            viewer.offer(message, now_us, monotonic_us)

    def _freshen(self, arrival_monotonic_us: int, arrival_us: int) -> None:
        """A picture came: live, if it is a fresh one and not only kept by the feed."""
        distance_us = arrival_monotonic_us - self._newest_us if self._newest_us else 0
        self._distance_us = max(min(distance_us, 60_000_000), self._distance_us * 9 // 10)
        self._newest_us = arrival_monotonic_us
        is_fresh = self._clock.monotonic_us() - arrival_monotonic_us <= self._settings.stale_us
        if self.state.name is not LiveStateName.LIVE and is_fresh:
            self._turn(LiveState(LiveStateName.LIVE, arrival_us))

    def _keep(self, message: LiveMessage) -> None:
        if message.is_start:
            self._forget_gop()
        elif not self._gop:
            return
        self._gop.append(message)
        self._gop_bytes += len(message.data)
        if self._gop_bytes > self._settings.gop_bytes:
            self._forget_gop()

    def _forget_gop(self) -> None:
        self._gop.clear()
        self._gop_bytes = 0

    def _lose(self, at_us: int, reason: str, detail: str) -> None:
        """Nothing is shown as live any more; the loss counts from its beginning."""
        self._framer = None
        self._forget_gop()
        self._newest_us = self._distance_us = 0
        since_us = self.state.since_us if self.state.name is LiveStateName.LOST else at_us
        self._turn(LiveState(LiveStateName.LOST, since_us, reason, detail))

    def _turn(self, state: LiveState) -> None:
        self.state = state
        self._tell(state_message(state, self._framer, self._made, self._clock.now_us()))

    def _tell(self, message: LiveMessage) -> None:
        now_us, monotonic_us = self._clock.now_us(), self._clock.monotonic_us()
        for viewer in self.viewers:
            viewer.offer(message, now_us, monotonic_us)

    def end(self) -> Iterable[LiveQueue]:
        """The viewers who are left, when all stops."""
        return list(self.viewers)
