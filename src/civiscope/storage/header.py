"""The first rows of every database file: whose it is. A file of another site is refused, not used."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import BigInteger, Column, Connection, MetaData, String, Table, Uuid, insert, inspect, select

from civiscope.base import AppError, ErrorKind, OrganisationId, SiteId
from civiscope.storage.database import Database

_HEADER = Table(
    "database_header",
    MetaData(),
    Column("organisation_id", Uuid, nullable=False),
    Column("site_id", Uuid, nullable=False),
    Column("role", String, nullable=False),
    Column("created_us", BigInteger, nullable=False),
)


@dataclass(frozen=True, slots=True)
class DatabaseHeader:
    """Whose database this is: organisation, site, process role, and when it was made."""

    organisation_id: OrganisationId
    site_id: SiteId
    role: str
    created_us: int


def stamp_header(database: Database, header: DatabaseHeader) -> DatabaseHeader:
    """Write the header into a fresh file; in a known one compare, and refuse another's file (`CONFLICT`).

    Returns the header that stands in the file (its `created_us` is the first stamp's). Blocks; at start-up.
    """
    return database.write_sync(lambda connection: _stamp(connection, header, str(database.path)))


def read_header(database: Database) -> DatabaseHeader | None:
    """The header of the file, or None if it has none yet. Blocks."""
    return database.read_sync(_read)


def _stamp(connection: Connection, header: DatabaseHeader, path: str) -> DatabaseHeader:
    known = _read(connection)
    if known is None:
        _HEADER.create(connection, checkfirst=True)
        connection.execute(
            insert(_HEADER).values(
                organisation_id=header.organisation_id,
                site_id=header.site_id,
                role=header.role,
                created_us=header.created_us,
            )
        )
        return header
    if (known.organisation_id, known.site_id, known.role) != (
        header.organisation_id,
        header.site_id,
        header.role,
    ):
        raise AppError(
            ErrorKind.CONFLICT,
            f"The database {path} belongs to site {known.site_id}, role {known.role}, and not to site "
            f"{header.site_id}, role {header.role}: put back the right file or move this one away.",
        )
    return known


def _read(connection: Connection) -> DatabaseHeader | None:
    if not inspect(connection).has_table(_HEADER.name):
        return None
    row = connection.execute(select(_HEADER)).first()
    if row is None:
        return None
    organisation: UUID = row.organisation_id
    site: UUID = row.site_id
    return DatabaseHeader(OrganisationId(organisation), SiteId(site), str(row.role), int(row.created_us))
