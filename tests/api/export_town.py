"""The desk of exports for tests: real looks, accounts and book; recordings as given."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from civiscope.app.export_side import principal_now, rights_now
from civiscope.base import ChannelId, Clock, Span, StreamId
from civiscope.devices import Devices
from civiscope.evidence import ExportBook, PackageSite
from civiscope.ingest import FeedClient
from civiscope.privacy import PurposeRegister
from civiscope.recording import ExportPiece, RecordedUnit, Timeline
from civiscope.security import (
    Accounts,
    AuditLog,
    SiteKeys,
    VaultDoor,
    load_manifest_signer,
    provide_export_key,
)
from civiscope.storage import Database
from civiscope.viewing import ExportDesk, ExportFaces, ExportSettings, Recordings, Viewing, ViewingFaces


class NoRecordings:
    """Nothing was recorded."""

    def timeline(self, stream_id: StreamId, span: Span) -> Timeline:
        return Timeline((), ())

    def read(self, stream_id: StreamId, span: Span) -> Iterator[RecordedUnit]:
        return iter(())

    def export_mp4(self, stream_id: StreamId, span: Span) -> Iterator[bytes]:
        return iter((b"ftyp",))

    def export_proved(self, stream_id: StreamId, span: Span, media_path: str) -> Iterator[ExportPiece]:
        return iter((ExportPiece(b"ftyp", b"{}\n", total_bytes=4),))


def make_exports(
    folder: Path,
    keys: SiteKeys,
    ground: tuple[Database, AuditLog, VaultDoor, Clock],
    people: tuple[Accounts, PurposeRegister, Devices],
    recordings: Recordings | None = None,
) -> ExportDesk:
    """A desk whose files lie in the folder; its looks are its own."""
    (database, audit, door, clock), (accounts, purposes, devices) = ground, people
    provide_export_key(keys.folder, keys.identity.node_id, clock)

    async def stream_of(channel_id: ChannelId) -> StreamId:
        return (await devices.camera(channel_id)).main.id

    async def name_of(channel_id: ChannelId) -> str:
        return (await devices.camera(channel_id)).name

    viewing = Viewing(
        ViewingFaces(
            feed=FeedClient(folder / "feed.sock", "server", clock),
            recordings=recordings or NoRecordings(),
            audit=audit,
            purposes=purposes,
            stream_of=stream_of,
            principal_now=partial(principal_now, accounts),
            clock=clock,
        )
    )
    identity = keys.identity
    return ExportDesk(
        ExportFaces(
            viewing=viewing,
            book=ExportBook(database, audit, door.vault, clock),
            rights_now=partial(rights_now, accounts),
            name_of=name_of,
            site=lambda: PackageSite(
                identity.site_id,
                "Harbour town",
                identity.organisation_id,
                "civiscope test",
                load_manifest_signer(keys.server_folder),
            ),
            clock=clock,
            settings=ExportSettings(folder / "exports", min_free_bytes=0, retry_s=0.2),
        )
    )
