"""The tables of this room, as the newest migration leaves them."""

from pathlib import Path

from civiscope.storage import (
    BigInteger,
    Boolean,
    Column,
    Database,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Uuid,
    migrate,
    text,
)

ROOM = "devices"
_SCRIPTS = Path(__file__).parent / "migrations"

_metadata = MetaData()

device_table = Table(
    "device",
    _metadata,
    Column("id", Uuid, primary_key=True),
    Column("driver", String(32), nullable=False),
    Column("credentials_sealed", LargeBinary, nullable=False),
    Column("tls_fingerprint", String(64)),
    Column("added_us", BigInteger, nullable=False),
    Column("removed_us", BigInteger),
)

channel_table = Table(
    "channel",
    _metadata,
    Column("id", Uuid, primary_key=True),
    Column("name", String(120), nullable=False),
    Column("added_us", BigInteger, nullable=False),
    Column("removed_us", BigInteger),
)

binding_table = Table(
    "binding",
    _metadata,
    Column("id", Uuid, primary_key=True),
    Column("channel_id", Uuid, ForeignKey("channel.id"), nullable=False),
    Column("device_id", Uuid, ForeignKey("device.id"), nullable=False),
    Column("input", Integer, nullable=False),
    Column("from_us", BigInteger, nullable=False),
    Column("to_us", BigInteger),
    Index("binding_open", "channel_id", unique=True, sqlite_where=text("to_us IS NULL")),
)

stream_table = Table(
    "stream",
    _metadata,
    Column("id", Uuid, primary_key=True),
    Column("channel_id", Uuid, ForeignKey("channel.id"), nullable=False),
    Column("device_id", Uuid, ForeignKey("device.id"), nullable=False),
    Column("profile", String(16), nullable=False),
    Column("address", String, nullable=False),
    Column("url_sealed", LargeBinary),
    Column("transport", String(8), nullable=False),
    Column("audio", Boolean, nullable=False),
    Index("stream_of_channel", "channel_id"),
)


def migrate_devices(database: Database) -> None:
    """Bring this room's tables up to date; at start-up, blocking."""
    migrate(database, ROOM, _SCRIPTS)
