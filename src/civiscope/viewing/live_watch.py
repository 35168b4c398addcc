"""One viewer before a channel's live pictures: on its main stream, or on what stands in for it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from civiscope.base import ChannelId, StreamId
from civiscope.media import Codec, TrackConfig
from civiscope.viewing.live_hub import LiveHub
from civiscope.viewing.live_queue import LiveQueue
from civiscope.viewing.model import LiveMessage, LiveState, LiveStateName, Made
from civiscope.viewing.ports import SubStreams

AS_SENT_REASON = "as_sent"
"""The worker ends a stream with this when there is nothing to transcode: the camera sends H.264 by now."""


@dataclass(frozen=True, slots=True)
class LiveSources:
    """Where live pictures come from: the recorder, and the worker that makes H.264 of H.265."""

    hub: LiveHub
    derived: LiveHub | None = None
    """Of the worker's feed, by the main stream's id; None where no worker transcodes."""
    sub_streams: SubStreams | None = None


class LiveWatch:
    """Hangs a viewer's queue on one stream at a time; `leave` must follow. All calls from the event loop."""

    def __init__(self, sources: LiveSources, channel_id: ChannelId, stream_id: StreamId) -> None:
        self._sources = sources
        self._channel_id = channel_id
        self._main_id = stream_id
        self._hub, self._stream_id, self._made = sources.hub, stream_id, Made.AS_SENT
        self.queue: LiveQueue = self._hub.join(stream_id)

    def leave(self) -> None:
        """The viewer goes."""
        self._hub.leave(self._stream_id, self.queue)

    async def h264_messages(self) -> AsyncIterator[bytes]:
        """The bytes to send to a screen that cannot play H.265, in order, until the end."""
        queue = self.queue
        while (message := await queue.take()) is not None:
            if await self._moved(message):
                continue
            queue.sent_bytes += len(message.data)
            yield message.data

    async def _moved(self, message: LiveMessage) -> bool:
        """Go to another stream if this one cannot be shown, and pass its message over."""
        content = message.content
        if isinstance(content, tuple) and _has_h265(content):
            return await self._leave_h265()
        if not isinstance(content, LiveState) or content.name is not LiveStateName.LOST:
            return False
        if self._made is Made.SECOND_STREAM:
            return self._transcode()
        if self._made is Made.TRANSCODED and content.reason == AS_SENT_REASON:
            self._hang(self._sources.hub, self._main_id, Made.AS_SENT)
            return True
        return False

    async def _leave_h265(self) -> bool:
        sub_streams = self._sources.sub_streams
        if self._made is Made.AS_SENT and sub_streams is not None:
            sub_id = await sub_streams.sub_stream_of(self._channel_id)
            if sub_id is not None and sub_id != self._main_id:
                self._hang(self._sources.hub, sub_id, Made.SECOND_STREAM)
                return True
        return self._transcode()

    def _transcode(self) -> bool:
        if self._sources.derived is None:
            return False
        self._hang(self._sources.derived, self._main_id, Made.TRANSCODED)
        return True

    def _hang(self, hub: LiveHub, stream_id: StreamId, made: Made) -> None:
        self.leave()
        self._hub, self._stream_id, self._made = hub, stream_id, made
        hub.join(stream_id, made, self.queue)


def _has_h265(tracks: tuple[TrackConfig, ...]) -> bool:
    return any(track.codec is Codec.H265 for track in tracks)
