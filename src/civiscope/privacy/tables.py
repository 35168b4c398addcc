"""The tables of this room, as the newest migration leaves them."""

from pathlib import Path

from civiscope.storage import (
    JSON,
    BigInteger,
    CheckConstraint,
    Column,
    Database,
    ForeignKey,
    Index,
    MetaData,
    String,
    Table,
    Uuid,
    migrate,
)

ROOM = "privacy"
_SCRIPTS = Path(__file__).parent / "migrations"

_metadata = MetaData()

purpose_table = Table(
    "purpose",
    _metadata,
    Column("id", String(64), primary_key=True),
    Column("title", String(200), nullable=False),
    Column("legal_basis", String(2000), nullable=False),
    Column("functions", JSON, nullable=False),
    Column("declared_us", BigInteger, nullable=False),
)

permit_table = Table(
    "permit",
    _metadata,
    Column("id", Uuid, primary_key=True),
    Column("purpose_id", String(64), ForeignKey("purpose.id"), nullable=False),
    Column("role", String(64)),
    Column("principal_id", Uuid),
    Column("channels", JSON(none_as_null=True)),
    Column("functions", JSON, nullable=False),
    Column("from_us", BigInteger, nullable=False),
    Column("until_us", BigInteger),
    Column("revoked_us", BigInteger),
    CheckConstraint("(role IS NULL) <> (principal_id IS NULL)", name="permit_holder"),
    Index("permit_of_purpose", "purpose_id"),
)


def migrate_privacy(database: Database) -> None:
    """Bring this room's tables up to date; at start-up, blocking."""
    migrate(database, ROOM, _SCRIPTS)
