"""One permitted look: what its holder may ask for, until it ends."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar
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
from civiscope.recording import ExportPiece, RecordedUnit
from civiscope.viewing.h264_playback import ReadUnits, read_units, transcoded_units
from civiscope.viewing.live_queue import LiveQueue
from civiscope.viewing.live_watch import LiveSources, LiveWatch
from civiscope.viewing.model import Made, MediaAnswer, SentPicture, WhepAnswer, Wish
from civiscope.viewing.playback import BuiltMedia, MediaBuilder, build_media
from civiscope.viewing.ports import PictureMaker, Pictures, Recordings
from civiscope.viewing.reader_pool import ReaderPool
from civiscope.viewing.settings import ViewingSettings
from civiscope.viewing.thumbnails import Thumbnails, key_unit
from civiscope.viewing.whep_desk import WhepDesk

T = TypeVar("T")
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

    sources: LiveSources
    whep: WhepDesk
    maker: PictureMaker | None
    making: asyncio.Semaphore
    """Bounds what is transcoded at once."""
    pool: ReaderPool
    recordings: Recordings
    clock: Clock
    settings: ViewingSettings
    ended: Callable[["Look", str], Awaitable[None]]
    """Called once when a look ends, with the reason: writes the audit entry."""
    thumbnails: Thumbnails
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
        self._watched_since_us = 0
        self._peer_id: UUID | None = None
        self._ending: AppError | None = None
        self._seen: list[Span] = []
        self._sent_bytes = 0

    @property
    def channel_id(self) -> ChannelId:
        """The channel that is looked at."""
        return self.wish.channel_id

    @property
    def stream_id(self) -> StreamId:
        """The stream that is looked at."""
        return self._stream_id

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
        return self._faces.sources.hub.mse_type(self._stream_id) if self.function is Function.LIVE else None

    @property
    def is_watched(self) -> bool:
        """Live pictures go out right now."""
        return self._queue is not None

    @property
    def seen(self) -> tuple[Span, ...]:
        """What was given out, joined where it touches; what is watched now ends now."""
        now = [self._watched_span()] if self._queue is not None else []
        return tuple(merge_spans([*self._seen, *now], _JOIN_SEEN_US))

    @property
    def sent_bytes(self) -> int:
        """How much was given out."""
        return self._sent_bytes + (self._queue.sent_bytes if self._queue else 0)

    async def live(self) -> AsyncIterator[bytes]:
        """Framed messages (docs/design/api.md) until the look ends; a second viewer ends the first.

        Raises DENIED, UNAUTHENTICATED or another AppError when the look ends while it is watched.
        """
        self._use(Function.LIVE)
        with self._watching(None) as watch:
            messages = watch.h264_messages() if self.wish.needs_h264 else watch.queue.messages()
            async for message in messages:
                yield message

    async def whep(self, offer: str, address: str) -> WhepAnswer:
        """Live pictures over WebRTC, for who offers to receive H.264; a second viewer ends the first.

        `address` is the one of this machine that he has reached; he is sent to from there. INVALID for an
        offer or a stream without H.264; EXHAUSTED; UNAVAILABLE while no picture comes.
        """
        self._use(Function.LIVE)
        peer_id = new_id()
        return WhepAnswer(
            peer_id, await self._faces.whep.open(offer, address, lambda: self._watching_peer(peer_id))
        )

    def whep_sent(self, peer_id: UUID) -> SentPicture:
        """What this viewer over WebRTC was sent last; MISSING if he does not watch, UNAVAILABLE before it."""
        sent = self._faces.whep.last_sent(self._peer_queue(peer_id))
        if sent is None:
            raise AppError(ErrorKind.UNAVAILABLE, "No picture has been sent yet. Ask again.")
        return sent

    def end_whep(self, peer_id: UUID) -> None:
        """This viewer over WebRTC goes; MISSING if he does not watch."""
        self._peer_queue(peer_id).end()

    def _peer_queue(self, peer_id: UUID) -> LiveQueue:
        self._use(Function.LIVE)
        if self._queue is None or self._peer_id != peer_id:
            raise AppError(ErrorKind.MISSING, "There is no such WebRTC viewer of this look. It has ended.")
        return self._queue

    @contextlib.contextmanager
    def _watching_peer(self, peer_id: UUID) -> Iterator[LiveQueue]:
        self._use(Function.LIVE)
        with self._watching(peer_id) as watch:
            yield watch.queue

    @contextlib.contextmanager
    def _watching(self, peer_id: UUID | None) -> Iterator[LiveWatch]:
        """Live pictures for one viewer; who watched before is told and ends."""
        if self._queue is not None:
            self._queue.end(AppError(ErrorKind.CONFLICT, "This look was opened again elsewhere."))
            self._note_watched(self._queue)
        watch = LiveWatch(self._faces.sources, self.channel_id, self._stream_id)
        self._queue, self._peer_id = watch.queue, peer_id
        self._watched_since_us = self._faces.clock.now_us()
        try:
            yield watch
        finally:
            watch.leave()
            if self._queue is watch.queue:
                self._note_watched(watch.queue)
                self._queue = self._peer_id = None

    def _note_watched(self, queue: LiveQueue) -> None:
        self._sent_bytes += queue.sent_bytes
        self.used_us = self._faces.clock.now_us()
        self._note(self._watched_span())

    def _watched_span(self) -> Span:
        since_us = self._watched_since_us
        return Span(since_us, max(since_us, self._faces.clock.now_us()))

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
        answer = await self._answer(Span(at_us, end_us))
        self._require_open()
        if answer.span is not None:
            self._note(answer.span)
            self._sent_bytes += len(answer.content)
        return answer

    async def _answer(self, wanted: Span) -> MediaAnswer:
        faces, wait_s = self._faces, self._faces.settings.media_wait_s
        maker = faces.maker
        if maker is None or not self.wish.needs_h264 or self.function is not Function.PLAYBACK:
            return await faces.pool.run(lambda cancelled: self._read(wanted, cancelled), wait_s)
        limit_us = faces.settings.transcoded_limit_us
        wanted = Span(wanted.start_us, min(wanted.end_us, wanted.start_us + limit_us))
        read = await faces.pool.run(lambda cancelled: self._read_units(wanted, cancelled), wait_s)
        if read.h265 is None:
            return await faces.pool.run(lambda cancelled: self._read(wanted, cancelled), wait_s)
        async with faces.making:
            made = await transcoded_units(read, maker)
        built = await faces.pool.run(lambda cancelled: self._read(wanted, cancelled, made), wait_s)
        return replace(built, made=Made.TRANSCODED)

    def _read_units(self, wanted: Span, cancelled: Callable[[], bool]) -> ReadUnits:
        """In a reader's thread; nothing when nothing is recorded at the moment itself."""
        recordings, end_us = self._faces.recordings, wanted.end_us + _REORDER_US
        timeline = recordings.timeline(self._stream_id, wanted)
        if not any(item.span.contains(wanted.start_us) for item in timeline.recorded):
            return ReadUnits((), None)
        units = recordings.read(self._stream_id, Span(wanted.start_us, end_us))
        return read_units(units, end_us, self._faces.settings.media_limit_bytes, cancelled)

    def _read(
        self, wanted: Span, cancelled: Callable[[], bool], made: Sequence[RecordedUnit] | None = None
    ) -> MediaAnswer:
        """In a reader's thread; `made` instead of what is recorded, if there is any."""
        recordings = self._faces.recordings
        timeline = recordings.timeline(self._stream_id, Span(wanted.start_us, self._span().end_us))
        recorded = sorted(item.span for item in timeline.recorded)
        here = [span for span in recorded if span.contains(wanted.start_us)]
        built = BuiltMedia(None, None)
        over_us = wanted.start_us
        if here:
            builder = MediaBuilder(self.epoch_us, wanted.end_us, self._faces.settings.media_limit_bytes)
            ahead = Span(wanted.start_us, wanted.end_us + _REORDER_US)
            units = recordings.read(self._stream_id, ahead) if made is None else made
            built = build_media(units, builder, cancelled)
            over_us = here[-1].end_us - 1
        next_us = min((span.start_us for span in recorded if span.start_us > over_us), default=None)
        if built.span is not None and built.span.end_us + _NEAR_END_US < over_us:
            next_us = None
        return MediaAnswer(built.span, next_us, built.mse_type, content=built.content)

    async def download(self) -> AsyncIterator[bytes]:
        """A plain MP4 of the look's span, frame-exact, piece by piece."""
        recordings, span = self._faces.recordings, self._span()
        pieces = self._exported(lambda: recordings.export_mp4(self._stream_id, span), len)
        async with contextlib.aclosing(pieces):
            async for piece in pieces:
                yield piece

    async def proved(self, media_path: str) -> AsyncGenerator[ExportPiece, None]:
        """The same file with its proof; `media_path` is what the proof calls the file."""
        recordings, span = self._faces.recordings, self._span()
        pieces = self._exported(
            lambda: recordings.export_proved(self._stream_id, span, media_path), lambda one: len(one.media)
        )
        async with contextlib.aclosing(pieces):
            async for piece in pieces:
                yield piece

    async def _exported(
        self, make: Callable[[], Iterator[T]], size_of: Callable[[T], int]
    ) -> AsyncGenerator[T, None]:
        self._use(Function.EXPORT)
        faces = self._faces
        pieces = faces.pool.iterate(make, faces.settings.export_step_s)
        try:
            async for piece in pieces:
                self._use(Function.EXPORT)
                self._sent_bytes += size_of(piece)
                yield piece
        finally:
            await pieces.aclose()
            if self._sent_bytes:
                self._note(self._span())

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

    async def thumbnail(self, at_us: int) -> bytes:
        """A small JPEG of the key unit behind this moment; MISSING where nothing is recorded."""
        self._use(Function.PLAYBACK)
        if not self._span().contains(at_us):
            raise AppError(ErrorKind.INVALID, "This moment lies outside the span this look was opened for.")
        faces = self._faces
        key = await faces.pool.run(
            lambda _: key_unit(faces.recordings, self._stream_id, at_us), faces.settings.media_wait_s
        )
        if key is None:
            raise AppError(ErrorKind.MISSING, "There is no picture at this moment.")
        made = await faces.thumbnails.picture(self._stream_id, key)
        self._require_open()
        self._note(Span(key.wall_us, key.wall_us + 1))
        self._sent_bytes += len(made)
        return made

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
