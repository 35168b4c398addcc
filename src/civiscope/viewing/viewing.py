"""The only way out for pictures: who, why, what, and a record of it, before anything is shown."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from uuid import UUID

from civiscope.base import AppError, ChannelId, Clock, ErrorKind, PrincipalId, StreamId, get_log
from civiscope.ingest import FeedClient
from civiscope.privacy import Function, Permit, Presentation, PurposeRegister
from civiscope.security import AuditEntry, AuditLog, Outcome, Principal, authorise_on
from civiscope.viewing.live_hub import LiveHub
from civiscope.viewing.live_watch import LiveSources
from civiscope.viewing.look import Look, LookFaces
from civiscope.viewing.model import Wish
from civiscope.viewing.ports import PictureMaker, Pictures, Recordings, SubStreams
from civiscope.viewing.reader_pool import ReaderPool
from civiscope.viewing.settings import ViewingSettings
from civiscope.viewing.thumbnails import Thumbnails
from civiscope.viewing.whep_desk import WhepDesk

_log = get_log("civiscope.viewing")
_UNKNOWN_CHECKS = 6
"""So many checks in a row that cannot be made end a look: what cannot be permitted is refused."""
_ENDED_NOTE = 50


@dataclass(frozen=True, slots=True)
class ViewingFaces:
    """What this room asks others for."""

    feed: FeedClient
    recordings: Recordings
    audit: AuditLog
    purposes: PurposeRegister
    stream_of: Callable[[ChannelId], Awaitable[StreamId]]
    """The channel's main stream; MISSING when there is no such channel."""
    principal_now: Callable[[Principal], Awaitable[Principal | None]]
    """The same principal with the roles of this moment; None once the session has ended."""
    clock: Clock
    derived_feed: FeedClient | None = None
    """The worker's feed: H.264 made of H.265, by the main stream's id."""
    sub_streams: SubStreams | None = None
    maker: PictureMaker | None = None
    """Makes H.264 of recorded H.265; None: recordings are shown as they were sent."""
    pictures: Pictures | None = None
    """None: this node keeps no events."""


class Viewing:
    """Opens looks, watches over them, and writes both into the audit. `run()` must run beside it."""

    def __init__(self, faces: ViewingFaces, settings: ViewingSettings | None = None) -> None:
        self._faces = faces
        self._settings = settings or ViewingSettings()
        self._pool = ReaderPool(self._settings.reader_threads, self._settings.reader_queue)
        self._feeds = [feed for feed in (faces.feed, faces.derived_feed) if feed is not None]
        self._hubs = [LiveHub(feed, faces.clock, self._settings) for feed in self._feeds]
        sources = LiveSources(self._hubs[0], self._hubs[1] if faces.derived_feed else None, faces.sub_streams)
        self._whep = WhepDesk(faces.clock, self._settings)
        self._looks: dict[UUID, Look] = {}
        self._unknown_checks: Counter[UUID] = Counter()
        self._look_faces = LookFaces(
            sources=sources,
            whep=self._whep,
            maker=faces.maker,
            making=asyncio.Semaphore(self._settings.transcoded_at_once),
            pool=self._pool,
            recordings=faces.recordings,
            clock=faces.clock,
            settings=self._settings,
            ended=self._ended,
            thumbnails=Thumbnails(faces.maker),
            pictures=faces.pictures,
        )

    async def run(self) -> None:
        """Keep the feed and the rules until cancelled; then all looks end and are recorded as ended."""
        try:
            async with asyncio.TaskGroup() as group:
                for feed in self._feeds:
                    group.create_task(feed.run())
                for hub in self._hubs:
                    group.create_task(hub.run())
                group.create_task(self._whep.run())
                group.create_task(self._watch_over())
        finally:
            stopping = AppError(ErrorKind.UNAVAILABLE, "The server is stopping. Connect again in a moment.")
            for look in list(self._looks.values()):
                await look.end(stopping, "server stopping")
            self._pool.close()

    async def open(self, wish: Wish) -> Look:
        """A look, if permission, purpose and presentation allow it; the audit has it either way.

        DENIED or UNAUTHENTICATED in plain words; UNAVAILABLE for COVERED while nothing can cover; INVALID,
        MISSING, EXHAUSTED. If the audit cannot be written there is no look.
        """
        try:
            permit = await self._permit(wish)
            self._check_span(wish)
            await self._make_room(wish.principal.id)
            stream_id = await self._faces.stream_of(wish.channel_id)
        except AppError as error:
            await self._record(wish, Outcome.REFUSED, {"kind": error.kind.value, "message": error.message})
            raise
        look = Look(wish, stream_id, self._expires_us(wish.function, permit), self._look_faces)
        self._looks[look.id] = look
        try:
            await self._record(wish, Outcome.DONE, {"look": str(look.id), "expires_us": look.expires_us})
        except BaseException:
            del self._looks[look.id]
            raise
        return look

    async def check(self, wish: Wish) -> None:
        """Returns if such a look would be opened now; errors as `open`, and a refusal is in the audit too."""
        try:
            await self._permit(wish)
            self._check_span(wish)
            await self._faces.stream_of(wish.channel_id)
        except AppError as error:
            await self._record(wish, Outcome.REFUSED, {"kind": error.kind.value, "message": error.message})
            raise

    async def check_again(self, wish: Wish) -> None:
        """Returns if session, permission and purpose of this wish hold at this moment."""
        now = await self._faces.principal_now(wish.principal)
        if now is None:
            raise AppError(ErrorKind.UNAUTHENTICATED, "Your session has ended. Sign in again.")
        await self._permit(replace(wish, principal=now))

    def looks(self, principal_id: PrincipalId | None = None) -> list[Look]:
        """Open looks, of one principal or all, oldest first."""
        return [
            look
            for look in self._looks.values()
            if principal_id is None or look.wish.principal.id == principal_id
        ]

    def look(self, look_id: UUID, principal: Principal) -> Look:
        """An open look of this principal; MISSING for anyone else's too."""
        look = self._looks.get(look_id)
        if look is None or look.wish.principal.id != principal.id:
            raise AppError(ErrorKind.MISSING, "There is no such look. It may have ended. Open a new one.")
        return look

    async def end_session(self, principal: Principal) -> None:
        """End at once what was opened in this session: its holder has signed out."""
        ended = AppError(ErrorKind.UNAUTHENTICATED, "Your session has ended. Sign in again.")
        for look in self.looks(principal.id):
            if look.wish.principal.session_id == principal.session_id:
                await look.end(ended, "signed out")

    async def _permit(self, wish: Wish) -> Permit:
        authorise_on(wish.principal, f"video.{wish.function.value}", wish.channel_id)
        now_us = self._faces.clock.now_us()
        permit = await self._faces.purposes.check(
            wish.principal, wish.purpose, wish.function, wish.channel_id, now_us
        )
        if wish.presentation is not Presentation.RAW:
            raise AppError(
                ErrorKind.UNAVAILABLE,
                "Covered pictures are not available: this version has nothing that covers people and plates. "
                "Nothing is shown instead.",
            )
        return permit

    def _check_span(self, wish: Wish) -> None:
        if wish.function is Function.LIVE:
            if wish.span is not None:
                raise AppError(ErrorKind.INVALID, "A live look has no span. Leave from and to away.")
            return
        if wish.span is None or wish.span.duration_us <= 0:
            raise AppError(ErrorKind.INVALID, "Say from when to when: this look needs a span of time.")
        if wish.function is Function.EXPORT and wish.span.duration_us > self._settings.export_span_us:
            raise AppError(ErrorKind.INVALID, "A download covers at most 24 hours. Choose a shorter span.")

    async def _make_room(self, principal_id: PrincipalId) -> None:
        """End the longest unused look of who has too many: a reloaded page closes none of its own.

        A look that is watched live is never ended for another one.
        """
        settings = self._settings
        mine = self.looks(principal_id)
        if len(mine) >= settings.looks_per_principal:
            idle = min(
                (look for look in mine if not look.is_watched), key=lambda look: look.used_us, default=None
            )
            if idle is None:
                raise AppError(
                    ErrorKind.EXHAUSTED,
                    f"You watch {settings.looks_per_principal} pictures, and may watch no more. Close some.",
                )
            await idle.end(
                AppError(ErrorKind.MISSING, "This look made room for a newer one of yours. Open it again."),
                "made room",
            )
        if len(self._looks) >= settings.looks_in_all:
            raise AppError(ErrorKind.EXHAUSTED, "Too many looks are open on this server. Try again later.")

    def _expires_us(self, function: Function, permit: Permit) -> int:
        settings = self._settings
        limit_us = {
            Function.LIVE: settings.live_limit_us,
            Function.PLAYBACK: settings.playback_limit_us,
            Function.EXPORT: settings.export_limit_us,
        }[function]
        expires_us = self._faces.clock.now_us() + limit_us
        return expires_us if permit.until_us is None else min(expires_us, permit.until_us)

    async def _record(self, wish: Wish, outcome: Outcome, details: dict[str, object]) -> None:
        asked: dict[str, object] = {"presentation": wish.presentation.value}
        if wish.span is not None:
            asked |= {"from_us": wish.span.start_us, "to_us": wish.span.end_us}
        entry = AuditEntry(
            who=wish.principal, what=f"look.{wish.function.value}", object=f"channel {wish.channel_id}",
            why=wish.purpose, outcome=outcome, from_where=wish.from_where, details=asked | details,
        )  # fmt: skip
        await self._faces.audit.append(entry)

    async def _ended(self, look: Look, reason: str) -> None:
        """Say in the audit what was seen; a look is over even if that cannot be written."""
        self._looks.pop(look.id, None)
        self._unknown_checks.pop(look.id, None)
        wish = look.wish
        seen = [[span.start_us, span.end_us] for span in look.seen]
        details: dict[str, object] = {
            "look": str(look.id), "function": wish.function.value, "reason": reason,
            "opened_us": look.opened_us, "seen": seen[:_ENDED_NOTE], "seen_spans": len(seen),
            "sent_bytes": look.sent_bytes,
        }  # fmt: skip
        entry = AuditEntry(
            who=wish.principal, what="look.end", object=f"channel {wish.channel_id}", why=wish.purpose,
            from_where=wish.from_where, details=details,
        )  # fmt: skip
        try:
            await self._faces.audit.append(entry)
        except AppError as error:
            _log.error("the end of a look is not in the audit", look=look.id, cause=error.message)

    async def _watch_over(self) -> None:
        while True:
            await asyncio.sleep(self._settings.recheck_s)
            await self.recheck()

    async def recheck(self) -> None:
        """Ask again whether each open look is still allowed, and end those which are not."""
        for look in list(self._looks.values()):
            ending = await self._why_over(look)
            if ending is not None:
                await look.end(*ending)

    async def _why_over(self, look: Look) -> tuple[AppError, str] | None:
        now_us = self._faces.clock.now_us()
        if now_us >= look.expires_us:
            return AppError(ErrorKind.DENIED, "The time of this look is over. Open a new one."), "time over"
        if not look.is_watched and now_us - look.used_us > self._settings.unused_limit_us:
            return AppError(
                ErrorKind.MISSING, "This look was not used and has ended. Open a new one."
            ), "unused"
        try:
            await self.check_again(look.wish)
        except AppError as error:
            return self._refused(look, error)
        self._unknown_checks.pop(look.id, None)
        return None

    def _refused(self, look: Look, error: AppError) -> tuple[AppError, str] | None:
        """A clear no ends the look at once; a question nobody answers ends it after a few rounds."""
        if error.kind in {ErrorKind.DENIED, ErrorKind.UNAUTHENTICATED, ErrorKind.MISSING}:
            return error, error.kind.value
        self._unknown_checks[look.id] += 1
        if self._unknown_checks[look.id] >= _UNKNOWN_CHECKS:
            return error, "permission could not be checked"
        return None
