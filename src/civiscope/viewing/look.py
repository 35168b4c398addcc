"""One permitted look: what its holder may ask for, until it ends."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

from civiscope.base import (
    AppError,
    ChannelId,
    Clock,
    ErrorKind,
    ReasonedSpan,
    Span,
    StreamId,
    merge_spans,
    new_id,
)
from civiscope.privacy import Function
from civiscope.viewing.live_hub import LiveHub
from civiscope.viewing.live_queue import LiveQueue
from civiscope.viewing.model import MediaAnswer, Wish
from civiscope.viewing.playback import BuiltMedia, MediaBuilder, build_media
from civiscope.viewing.ports import Pictures, Recordings
from civiscope.viewing.reader_pool import ReaderPool
from civiscope.viewing.settings import ViewingSettings

_EPOCH_LEAD_US = 600_000_000
"""Media time 0 lies this long before the span, so that the key unit before its start has a time too."""
_SEEN_LIMIT = 200
_JOIN_SEEN_US = 2_000_000
_REORDER_US = 1_000_000
"""Pictures that show before the end are decoded at most this long after it."""
_NEAR_END_US = 500_000
"""An answer that ends this near to the end of what is recorded has reached it."""


@dataclass(frozen=True, slots=True)
class LookFaces:
    """What all looks stand on."""

    hub: LiveHub
    pool: ReaderPool
    recordings: Recordings
    clock: Clock
    settings: ViewingSettings
    ended: Callable[["Look", str], Awaitable[None]]
    """Called once when a look ends, with the reason: writes the audit entry."""
    pictures: Pictures | None = None


class Look:
    """Pictures of one channel for one stated purpose; every method raises once the look has ended.

    Made by `Viewing.open` only.
    """

    def __init__(self, wish: Wish, stream_id: StreamId, expires_us: int, faces: LookFaces) -> None:
        self.id: UUID = new_id()
        self.wish = wish
        self.expires_us = expires_us
        self.opened_us = self.used_us = faces.clock.now_us()
        self._stream_id = stream_id
        self._faces = faces
        self._queue: LiveQueue | None = None
        self._ending: AppError | None = None
        self._seen: list[Span] = []
        self._sent_bytes = 0

    @property
    def channel_id(self) -> ChannelId:
        """The channel that is looked at."""
        return self.wish.channel_id

    @property
    def function(self) -> Function:
        """Live, playback or export."""
        return self.wish.function

    @property
    def epoch_us(self) -> int:
        """UTC of media time 0 of what `media` gives; looks of one span share it, so they play in step."""
        return max(0, self.wish.span.start_us - _EPOCH_LEAD_US) if self.wish.span else 0

    @property
    def mse_type(self) -> str | None:
        """Of a live stream that somebody watches already; else the first state or answer says it."""
        return self._faces.hub.mse_type(self._stream_id) if self.function is Function.LIVE else None

    @property
    def is_watched(self) -> bool:
        """Live pictures go out right now."""
        return self._queue is not None

    @property
    def seen(self) -> tuple[Span, ...]:
        """What was given out, joined where it touches."""
        return tuple(merge_spans(self._seen, _JOIN_SEEN_US))

    @property
    def sent_bytes(self) -> int:
        """How much was given out."""
        return self._sent_bytes + (self._queue.sent_bytes if self._queue else 0)

    async def live(self) -> AsyncIterator[bytes]:
        """Framed messages (docs/design/api.md) until the look ends; a second caller ends the first.

        Raises DENIED, UNAUTHENTICATED or another AppError when the look ends while it is watched.
        """
        self._use(Function.LIVE)
        if self._queue is not None:
            self._queue.end(AppError(ErrorKind.CONFLICT, "This look was opened again elsewhere."))
        hub = self._faces.hub
        self._queue = queue = hub.join(self._stream_id)
        since_us = self._faces.clock.now_us()
        try:
            async for message in queue.messages():
                yield message
        finally:
            hub.leave(self._stream_id, queue)
            self._sent_bytes += queue.sent_bytes
            if self._queue is queue:
                self._queue = None
            self.used_us = now_us = self._faces.clock.now_us()
            self._note(Span(since_us, max(since_us, now_us)))

    async def media(self, at_us: int, duration_us: int) -> MediaAnswer:
        """Recorded media from the key unit at or before `at_us`, at most `duration_us` from there on.

        Only within the look's span (the key unit may lie before it). Without a recording at `at_us` there is
        no content, only where recording goes on.
        """
        self._use(Function.PLAYBACK, Function.EXPORT)
        settings, span = self._faces.settings, self._span()
        if not span.contains(at_us):
            raise AppError(ErrorKind.INVALID, "This moment lies outside the span this look was opened for.")
        end_us = min(at_us + max(1, min(duration_us, settings.media_limit_us)), span.end_us)
        answer = await self._faces.pool.run(
            lambda cancelled: self._read(Span(at_us, end_us), cancelled), settings.media_wait_s
        )
        self._require_open()
        if answer.span is not None:
            self._note(answer.span)
            self._sent_bytes += len(answer.content)
        return answer

    def _read(self, wanted: Span, cancelled: Callable[[], bool]) -> MediaAnswer:
        """In a reader's thread."""
        recordings = self._faces.recordings
        timeline = recordings.timeline(self._stream_id, Span(wanted.start_us, self._span().end_us))
        recorded = sorted(item.span for item in timeline.recorded)
        here = [span for span in recorded if span.contains(wanted.start_us)]
        built = BuiltMedia(None, None)
        over_us = wanted.start_us
        if here:
            builder = MediaBuilder(self.epoch_us, wanted.end_us, self._faces.settings.media_limit_bytes)
            ahead = Span(wanted.start_us, wanted.end_us + _REORDER_US)
            built = build_media(recordings.read(self._stream_id, ahead), builder, cancelled)
            over_us = here[-1].end_us - 1
        next_us = min((span.start_us for span in recorded if span.start_us > over_us), default=None)
        if built.span is not None and built.span.end_us + _NEAR_END_US < over_us:
            next_us = None
        return MediaAnswer(built.span, next_us, built.mse_type, built.content)

    async def download(self) -> AsyncIterator[bytes]:
        """A plain MP4 of the look's span, frame-exact, piece by piece."""
        self._use(Function.EXPORT)
        faces, span = self._faces, self._span()
        pieces = faces.pool.iterate(
            lambda: faces.recordings.export_mp4(self._stream_id, span), faces.settings.export_step_s
        )
        try:
            async for piece in pieces:
                self._use(Function.EXPORT)
                self._sent_bytes += len(piece)
                yield piece
        finally:
            await pieces.aclose()
            if self._sent_bytes:
                self._note(span)

    async def picture(self, event_id: UUID) -> bytes:
        """The JPEG of an event of this channel that began within the span; MISSING for any other."""
        self._use(Function.PLAYBACK)
        pictures = self._faces.pictures
        if pictures is None:
            raise _no_picture()
        try:
            event = await pictures.event(event_id)
        except AppError as error:
            raise (_no_picture() if error.kind is ErrorKind.MISSING else error) from None
        if event.channel_id != self.channel_id or not self._span().contains(event.began_us):
            raise _no_picture()
        sealed = await pictures.sealed_picture(event_id)
        if sealed is None:
            raise _no_picture()
        opened = await self._faces.pool.run(
            lambda _: pictures.open_picture(event_id, sealed), self._faces.settings.media_wait_s
        )
        self._require_open()
        self._note(Span(event.began_us, event.began_us + 1))
        self._sent_bytes += len(opened)
        return opened

    async def missing(self) -> tuple[ReasonedSpan, ...]:
        """What the look's span lacks, and why; a download shows holes over 10 s as 1 s."""
        self._use(Function.PLAYBACK, Function.EXPORT)
        span, recordings = self._span(), self._faces.recordings
        return await self._faces.pool.run(
            lambda _: recordings.timeline(self._stream_id, span).gaps, self._faces.settings.media_wait_s
        )

    async def close(self) -> None:
        """The holder looks no longer."""
        await self.end(AppError(ErrorKind.MISSING, "This look has ended. Open a new one."), "closed")

    async def end(self, error: AppError, reason: str) -> None:
        """From now on every call raises `error`; live viewers are told. Twice is once."""
        if self._ending is not None:
            return
        self._ending = error
        if self._queue is not None:
            self._queue.end(error)
            await asyncio.sleep(0)
        await self._faces.ended(self, reason)

    def _require_open(self) -> None:
        if self._ending is not None:
            raise self._ending
        if self._faces.clock.now_us() >= self.expires_us:
            raise AppError(ErrorKind.DENIED, "The time of this look is over. Open a new one.")

    def _use(self, *functions: Function) -> None:
        self._require_open()
        if self.function not in functions:
            raise AppError(
                ErrorKind.DENIED,
                f"This look was opened for {self.function}, not for {functions[0]}. Open another.",
            )
        self.used_us = self._faces.clock.now_us()

    def _span(self) -> Span:
        assert self.wish.span is not None, "Viewing.open lets no playback without a span through"
        return self.wish.span

    def _note(self, span: Span) -> None:
        self._seen.append(span)
        if len(self._seen) > _SEEN_LIMIT:
            self._seen = merge_spans(self._seen, _JOIN_SEEN_US)
        if len(self._seen) > _SEEN_LIMIT:
            self._seen = [Span(self._seen[0].start_us, max(item.end_us for item in self._seen))]


def _no_picture() -> AppError:
    """One and the same for what is not there and for what this look does not hold."""
    return AppError(ErrorKind.MISSING, "This look holds no picture of that event.")
