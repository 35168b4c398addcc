"""The tables of this room, as the newest migration leaves them."""

from pathlib import Path

from civiscope.storage import (
    BigInteger,
    Boolean,
    Column,
    Database,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
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
    Column("address", String, nullable=False, server_default=""),
    Column("address_sealed", LargeBinary),
    Column("transport", String(8), nullable=False, server_default="auto"),
    Column("identity", Text, nullable=False, server_default="{}"),
    Column("abilities", Text, nullable=False, server_default="[]"),
    Column("inputs", Text, nullable=False, server_default="[]"),
    Column("desired", Text),
    Column("drift", Text, nullable=False, server_default="[]"),
    Column("checked_us", BigInteger),
    Column("clock_offset_ms", BigInteger),
    Column("trouble", Text),
)

group_table = Table(
    "channel_group",
    _metadata,
    Column("id", Uuid, primary_key=True),
    Column("name", String(120), nullable=False),
    Column("parent_id", Uuid, ForeignKey("channel_group.id")),
    Index("group_name", text("coalesce(parent_id, '')"), "name", unique=True),
)

channel_table = Table(
    "channel",
    _metadata,
    Column("id", Uuid, primary_key=True),
    Column("name", String(120), nullable=False),
    Column("added_us", BigInteger, nullable=False),
    Column("removed_us", BigInteger),
    Column("place", String(200), nullable=False, server_default=""),
    Column("latitude", Float),
    Column("longitude", Float),
    Column("purpose", String(64)),
    Column("group_id", Uuid, ForeignKey("channel_group.id")),
    Column("keep_hours", Float),
    Column("recording", Text),
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
    Index("binding_input_open", "device_id", "input", unique=True, sqlite_where=text("to_us IS NULL")),
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
    Column("token", String(255), nullable=False, server_default=""),
    Index("stream_of_channel", "channel_id"),
    Index("stream_address", "address"),
)

notification_table = Table(
    "notification",
    _metadata,
    Column("id", Uuid, primary_key=True),
    Column("device_id", Uuid, ForeignKey("device.id"), nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("topic", String(255), nullable=False),
    Column("operation", String(32), nullable=False),
    Column("source", Text, nullable=False),
    Column("data", Text, nullable=False),
    Index("notification_of_device", "device_id", "id"),
)


def migrate_devices(database: Database) -> None:
    """Bring this room's tables up to date; at start-up, blocking."""
    migrate(database, ROOM, _SCRIPTS)
