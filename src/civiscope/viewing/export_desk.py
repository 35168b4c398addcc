"""Exports: asked for with a purpose and a reason, made one after the other, fetched by the asker alone.

Permission and purpose are asked for each camera when an export is asked for, again when it is made, and again
when, and while, it is fetched. The making goes through looks as every other picture does.
"""

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from civiscope.base import AppError, ErrorKind, get_log
from civiscope.evidence import (
    ExportId,
    ExportJob,
    ExportOrder,
    ExportState,
    ZipEntry,
    close_package,
    custody_json,
    missing_export,
    zip_pieces,
    zip_size,
)
from civiscope.privacy import Function, Presentation
from civiscope.security import Principal
from civiscope.viewing.export_making import ExportFaces, ExportMaking, channels_of, files_of, folder_of
from civiscope.viewing.model import Wish
from civiscope.viewing.reader_pool import ReaderPool

_log = get_log("civiscope.viewing")
_LATER = frozenset({ErrorKind.UNAVAILABLE, ErrorKind.TIMEOUT})
"""Not possible at the moment: the export waits and is tried again."""
_FAULT_WORDS = "This export failed for a fault of ours; the server's log says more."
_STEP_S = 60.0
_THREADS, _QUEUE = 2, 32


@dataclass(frozen=True, slots=True)
class ExportStatus:
    """An export as its asker sees it."""

    job: ExportJob
    done_permille: int


@dataclass(frozen=True, slots=True)
class FetchedExport:
    """An export on its way out."""

    name: str
    media_type: str
    size_bytes: int
    pieces: AsyncIterator[bytes]


class ExportDesk:
    """For one event loop; `run` must run beside it."""

    def __init__(self, faces: ExportFaces) -> None:
        self._faces = faces
        self._book = faces.book
        self._pool = ReaderPool(_THREADS, _QUEUE)
        self._wake = asyncio.Event()
        self._current: ExportId | None = None
        self._making: asyncio.Task[None] | None = None
        self._done_permille = 0

    async def ask(self, order: ExportOrder, by: Principal, where: str) -> ExportStatus:
        """A new export, if every camera of it may be exported by this principal for this purpose.

        Errors as `Viewing.open`; a refusal is in the audit, and nothing is made of the rest.
        """
        wanted = order.checked()
        for wish in _wishes(wanted, by, where):
            await self._faces.viewing.check(wish)
        job = await self._book.add(wanted, by, where)
        self._wake.set()
        return ExportStatus(job, 0)

    async def mine(self, principal: Principal) -> list[ExportStatus]:
        """One's own, newest first."""
        return [self._status(job) for job in await self._book.of_asker(principal.id)]

    async def remove(self, export_id: UUID, by: Principal, where: str) -> None:
        """Cancel or forget one's own; its files go. MISSING for anyone else's too."""
        job = await self._own(export_id, by)
        await self._book.remove(job, by, where)
        if self._current == job.id and self._making is not None:
            self._making.cancel()
        else:
            await self._forget_files(job.id)

    async def fetch(self, export_id: UUID, by: Principal, where: str) -> FetchedExport:
        """One's own finished export, if each of its cameras may still be exported for its purpose."""
        job = await self._own(export_id, by)
        wishes = _wishes(job.order, by, where)
        for wish in wishes:
            await self._faces.viewing.check(wish)
        if job.state is not ExportState.DONE:
            raise AppError(
                ErrorKind.CONFLICT, f"This export is {job.state.value}: there is nothing to fetch."
            )
        if job.expires_us is not None and job.expires_us <= self._faces.clock.now_us():
            raise AppError(ErrorKind.CONFLICT, "The time of this export is over. Ask for it anew.")
        entries, manifest_sha256 = await self._entries(job, by, where)
        at_us = job.finished_us or job.made_us
        size_bytes = zip_size(entries, at_us)
        await self._book.fetched(job, by, where, manifest_sha256)
        pieces = self._watched(zip_pieces(entries, at_us), wishes)
        return FetchedExport(f"civiscope-{job.id}.zip", "application/zip", size_bytes, pieces)

    async def run(self) -> None:
        """Make what waits, destroy what is over time; until cancelled."""
        await self._tidy()
        try:
            while True:
                self._wake.clear()
                jobs = await self._book.all()
                await self._expire(jobs)
                worked = [await self._make(job) for job in jobs if not job.state.is_over]
                if not any(worked):
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(self._wake.wait(), self._faces.settings.retry_s)
        finally:
            self._pool.close()

    async def _make(self, job: ExportJob) -> bool:
        """True if it is over, one way or another; False: it waits."""
        self._current, self._done_permille = job.id, 0
        self._making = asyncio.create_task(self._made(job))
        try:
            await asyncio.wait({self._making})
            if self._making.cancelled():
                await self._forget_files(job.id)
                return True
            self._making.result()
        except AppError as error:
            return await self._unmade(job, error)
        except Exception as error:
            _log.error("an export failed for a fault of ours", export=job.id, cause=repr(error))
            return await self._unmade(job, AppError(ErrorKind.INVALID, _FAULT_WORDS))
        finally:
            self._making.cancel()
            await asyncio.gather(self._making, return_exceptions=True)
            self._current = self._making = None
        return True

    async def _made(self, job: ExportJob) -> None:
        self._faces.site()
        key = await self._book.key(job.id)
        await self._book.begin(job)
        fresh = await self._book.job(job.id)
        making = ExportMaking(self._faces, fresh, key, self._pool, self._note)
        others = [one for one in await self._book.all() if one.id != job.id]
        items = await making.make(sum(one.size_bytes for one in others))
        size_bytes = sum(one.file.size_bytes for one in files_of(items))
        expires_us = self._faces.clock.now_us() + self._faces.settings.keep_us
        await self._book.finish(fresh, size_bytes, expires_us)

    async def _unmade(self, job: ExportJob, error: AppError) -> bool:
        """It waits for what is not there at the moment; or it has failed, and says why."""
        try:
            if error.kind in _LATER:
                await self._book.wait(job.id, error.message)
                return False
            await self._forget_files(job.id)
            expires_us = self._faces.clock.now_us() + self._faces.settings.keep_us
            await self._book.fail(job, error.message, expires_us)
        except AppError as other:
            if other.kind is not ErrorKind.MISSING:  # removed meanwhile: nothing is left to say
                _log.error("an export could not be noted", export=job.id, cause=other.message)
                return False
        return True

    async def _entries(self, job: ExportJob, by: Principal, where: str) -> tuple[list[ZipEntry], str]:
        """All files of the package, the closing ones made for who takes it."""
        site, key = self._faces.site(), await self._book.key(job.id)
        folder = folder_of(self._faces.settings, job, key)
        made = files_of(job.items)
        taker = {"by": by.name, "from": where, "at_us": self._faces.clock.now_us(), "fetch": job.fetches + 1}
        custody = custody_json(job, await self._book.custody(job.id), taker)
        files = [one.file for one in made]
        closed = close_package(site, job, channels_of(job.items, job), files, custody)
        entries = [*(folder.entry(one) for one in made), *(one.entry() for one in closed.files)]
        return entries, closed.manifest_sha256

    async def _watched(self, pieces: Iterator[bytes], wishes: Sequence[Wish]) -> AsyncIterator[bytes]:
        """The pieces, as long as who takes them may have them."""
        clock, recheck_us = self._faces.clock, self._faces.settings.recheck_us
        checked_us = clock.monotonic_us()
        async with contextlib.aclosing(self._pool.iterate(lambda: pieces, _STEP_S)) as found:
            async for piece in found:
                if clock.monotonic_us() - checked_us > recheck_us:
                    for wish in wishes:
                        await self._faces.viewing.check_again(wish)
                    checked_us = clock.monotonic_us()
                yield piece

    async def _own(self, export_id: UUID, principal: Principal) -> ExportJob:
        """MISSING in the same words for what is not there and for anyone else's."""
        job = await self._book.job(ExportId(export_id))
        if job.asker.id != principal.id:
            raise missing_export()
        return job

    async def _expire(self, jobs: Sequence[ExportJob]) -> None:
        now_us = self._faces.clock.now_us()
        for job in jobs:
            if job.state.is_over and job.expires_us is not None and job.expires_us <= now_us:
                await self._book.expire(job)
                await self._forget_files(job.id)

    async def _tidy(self) -> None:
        """Folders of exports that the book does not know any more go."""
        known = {str(job.id) for job in await self._book.all()}
        folder = self._faces.settings.folder

        def work() -> None:
            for path in folder.glob("*") if folder.is_dir() else ():
                if path.name not in known:
                    shutil.rmtree(path, ignore_errors=True)

        await self._pool.run(lambda _: work(), _STEP_S)

    async def _forget_files(self, export_id: ExportId) -> None:
        path = self._faces.settings.folder / str(export_id)
        await self._pool.run(lambda _: shutil.rmtree(path, ignore_errors=True), _STEP_S)

    def _note(self, done_permille: int) -> None:
        self._done_permille = done_permille

    def _status(self, job: ExportJob) -> ExportStatus:
        if job.state is ExportState.DONE:
            return ExportStatus(job, 1000)
        return ExportStatus(job, self._done_permille if job.id == self._current else 0)


def _wishes(order: ExportOrder, by: Principal, where: str) -> list[Wish]:
    """One for each camera."""
    return [
        Wish(by, order.purpose, Function.EXPORT, channel_id, order.span, Presentation.RAW, where)
        for channel_id in order.channels
    ]
