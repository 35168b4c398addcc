"""Making one export: a look per camera, its bytes sealed into the export's folder as they come.

What is whole is kept in the book; a making that is broken off goes on behind it.
"""

import re
import shutil
import unicodedata
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import ExitStack, aclosing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar
from uuid import UUID

from civiscope.base import AppError, ChannelId, Clock, ErrorKind, PrincipalId, ReasonedSpan, Span, StreamId
from civiscope.evidence import (
    ExportBook,
    ExportedChannel,
    ExportJob,
    FileRole,
    MadeFile,
    PackageFileWriter,
    PackageFolder,
    PackageSite,
)
from civiscope.privacy import Function, Presentation
from civiscope.recording import ExportPiece, certificate_name
from civiscope.security import Principal, PrincipalKind
from civiscope.viewing.look import Look
from civiscope.viewing.model import Wish
from civiscope.viewing.reader_pool import ReaderPool
from civiscope.viewing.viewing import Viewing

T = TypeVar("T")
Item = Mapping[str, object]
_STEP_S = 60.0
_ROOM_STEP_BYTES = 64 << 20
_GAPS_KEPT = 10_000
_SLUG_CHARS = 40


@dataclass(frozen=True, slots=True)
class ExportSettings:
    """Where exports wait, and how much of the disk they may take."""

    folder: Path
    keep_us: int = 7 * 24 * 3_600_000_000
    """A finished export is destroyed after this."""
    limit_bytes: int = 200 << 30
    """All exports together; over it, none is made until some are removed or expire."""
    min_free_bytes: int = 1 << 30
    """So much of the disk is left to others."""
    retry_s: float = 30.0
    """How long an export waits that could not be made at the moment."""
    recheck_us: int = 5_000_000
    """How often the rights of who fetches are asked again."""


@dataclass(frozen=True, slots=True)
class ExportFaces:
    """What exports ask others for."""

    viewing: Viewing
    book: ExportBook
    rights_now: Callable[[PrincipalId, PrincipalKind], Awaitable[Principal | None]]
    """Somebody with the rights of this moment, whether signed in or not; None: nobody any more."""
    name_of: Callable[[ChannelId], Awaitable[str]]
    site: Callable[[], PackageSite]
    """MISSING while there is no key that signs manifests."""
    clock: Clock
    settings: ExportSettings


def folder_of(settings: ExportSettings, job: ExportJob, key: bytes) -> PackageFolder:
    """Where the sealed files of a job lie."""
    return PackageFolder(settings.folder / str(job.id), key)


def files_of(items: Iterable[Item]) -> list[MadeFile]:
    """The files that are whole, each once."""
    found: dict[str, MadeFile] = {}
    for item in items:
        files = item["files"]
        assert isinstance(files, list)
        for one in files:
            made = MadeFile.from_json(one)
            found.setdefault(made.file.path, made)
    return list(found.values())


def channels_of(items: Iterable[Item], job: ExportJob) -> list[ExportedChannel]:
    """What the manifest says of each camera, in the order that was asked for."""
    by_channel = {str(item["channel"]): item for item in items}
    return [_channel(by_channel[str(one)], job) for one in job.order.channels]


class ExportMaking:
    """Makes one job; `note` hears how far it is, in thousandths."""

    def __init__(
        self, faces: ExportFaces, job: ExportJob, key: bytes, pool: ReaderPool, note: Callable[[int], None]
    ) -> None:
        self._faces = faces
        self._job = job
        self._pool = pool
        self._note = note
        self._folder = folder_of(faces.settings, job, key)
        self._items: list[Item] = list(job.items)
        self._taken_bytes = 0
        """What other exports take of the room."""

    async def make(self, taken_bytes: int) -> list[Item]:
        """All items; AppError when a camera cannot be exported, or the room for exports is full."""
        self._taken_bytes = taken_bytes
        known = files_of(self._items)
        await self._run(lambda: self._folder.keep_only(known))
        done = {str(item["channel"]) for item in self._items}
        for number, channel_id in enumerate(self._job.order.channels):
            if str(channel_id) not in done:
                item = await self._one_camera(number, channel_id)
                await self._faces.book.keep_item(self._job.id, item)
                self._items.append(item)
            self._note(1000 * (number + 1) // len(self._job.order.channels))
        if not any(item["media"] for item in self._items):
            raise AppError(ErrorKind.MISSING, "Nothing is recorded of these cameras in this span.")
        return self._items

    async def _one_camera(self, number: int, channel_id: ChannelId) -> Item:
        name = await self._faces.name_of(channel_id)
        stem = f"{number + 1:02d}-{_slug(name)}"
        look = await self._open(channel_id)
        try:
            made = await self._written(look, number, stem)
            gaps = await look.missing()
        finally:
            await look.close()
        return {
            "channel": str(channel_id), "name": name, "stream": str(look.stream_id), "look": str(look.id),
            "media": f"video/{stem}.mp4" if made else None, "proof": f"proof/{stem}.jsonl" if made else None,
            "gaps": [_gap_json(one, self._job.order.span) for one in gaps[:_GAPS_KEPT]],
            "files": [one.to_json() for one in made],
        }  # fmt: skip

    async def _open(self, channel_id: ChannelId) -> Look:
        asker, order = self._job.asker, self._job.order
        principal = await self._faces.rights_now(asker.id, asker.kind)
        if principal is None:
            raise AppError(ErrorKind.DENIED, "Who asked for this export has no account here any more.")
        return await self._faces.viewing.open(
            Wish(
                principal, order.purpose, Function.EXPORT, channel_id, order.span, Presentation.RAW,
                asker.from_where,
            )
        )  # fmt: skip

    async def _written(self, look: Look, number: int, stem: str) -> list[MadeFile]:
        """Media, proof and certificates; nothing when nothing is recorded."""
        pieces = look.proved(f"video/{stem}.mp4")
        with ExitStack() as files:
            async with aclosing(pieces):
                try:
                    first = await anext(pieces)
                except AppError as error:
                    if error.kind is ErrorKind.MISSING:
                        return []
                    raise
                media = self._writer(files, f"video/{stem}.mp4", "video/mp4", FileRole.MEDIA)
                proof = self._writer(files, f"proof/{stem}.jsonl", "application/x-ndjson", FileRole.PROOF)
                certificates = await self._copy(first, pieces, (media, proof), number)
            made = [await self._run(one.finish) for one in (media, proof)]
        return [*made, *[await self._run(partial(self._certificate, der)) for der in certificates]]

    async def _copy(
        self,
        first: ExportPiece,
        pieces: AsyncIterator[ExportPiece],
        files: tuple[PackageFileWriter, PackageFileWriter],
        number: int,
    ) -> list[bytes]:
        media, proof = files
        certificates: dict[bytes, None] = {}
        checked_bytes = 0
        await self._run(partial(_write, first, files))
        async for piece in pieces:
            if piece.certificate is not None:
                certificates[piece.certificate] = None
            if media.size_bytes >= checked_bytes:
                self._check_room(media.size_bytes + proof.size_bytes)
                checked_bytes = media.size_bytes + _ROOM_STEP_BYTES
            await self._run(partial(_write, piece, files))
            share = min(1.0, media.size_bytes / max(1, first.total_bytes))
            self._note(int(1000 * (number + share)) // len(self._job.order.channels))
        return list(certificates)

    def _check_room(self, written_bytes: int) -> None:
        settings = self._faces.settings
        mine = sum(one.file.size_bytes for one in files_of(self._items)) + written_bytes
        if self._taken_bytes + mine > settings.limit_bytes:
            raise AppError(
                ErrorKind.EXHAUSTED, "The room for exports is full. Remove finished ones, then ask again."
            )
        if shutil.disk_usage(self._folder.path).free < settings.min_free_bytes:
            raise AppError(
                ErrorKind.EXHAUSTED, "The server's disk is almost full: no export is made. Free some of it."
            )

    def _writer(self, files: ExitStack, path: str, media_type: str, role: FileRole) -> PackageFileWriter:
        return files.enter_context(self._folder.writer(path, media_type, role))

    def _certificate(self, der: bytes) -> MadeFile:
        with self._folder.writer(
            certificate_name(der), "application/pkix-cert", FileRole.CERTIFICATE
        ) as file:
            file.write(der)
            return file.finish()

    async def _run(self, work: Callable[[], T]) -> T:
        return await self._pool.run(lambda _: work(), _STEP_S)


def _write(piece: ExportPiece, files: tuple[PackageFileWriter, PackageFileWriter]) -> None:
    media, proof = files
    if piece.media:
        media.write(piece.media)
    if piece.proof:
        proof.write(piece.proof)


def _slug(name: str) -> str:
    """A name as part of a file's name: small ASCII letters, digits and hyphens."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:_SLUG_CHARS].strip("-") or "camera"


def _gap_json(gap: ReasonedSpan, span: Span) -> dict[str, object]:
    end_us = span.end_us if gap.end_us is None else gap.end_us
    return {"start_us": gap.start_us, "end_us": end_us, "reason": str(gap.reason), "detail": gap.detail}


def _channel(item: Item, job: ExportJob) -> ExportedChannel:
    gaps = item["gaps"]
    assert isinstance(gaps, list)
    media, proof = item["media"], item["proof"]
    return ExportedChannel(
        next(one for one in job.order.channels if str(one) == item["channel"]),
        str(item["name"]),
        job.order.span,
        StreamId(UUID(str(item["stream"]))),
        None if media is None else str(media),
        None if proof is None else str(proof),
        False,
        tuple(ReasonedSpan(one["start_us"], one["end_us"], one["reason"], one["detail"]) for one in gaps),
    )
