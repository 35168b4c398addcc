"""Devices, channels, what was bound to what and when, and their streams."""

from civiscope.storage import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Integer,
    LargeBinary,
    String,
    Uuid,
    op,
    text,
)

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the four tables of the first version."""
    op.create_table(
        "device",
        Column("id", Uuid, primary_key=True),
        Column("driver", String(32), nullable=False),
        Column("credentials_sealed", LargeBinary, nullable=False),
        Column("tls_fingerprint", String(64)),
        Column("added_us", BigInteger, nullable=False),
        Column("removed_us", BigInteger),
    )
    op.create_table(
        "channel",
        Column("id", Uuid, primary_key=True),
        Column("name", String(120), nullable=False),
        Column("added_us", BigInteger, nullable=False),
        Column("removed_us", BigInteger),
    )
    _create_joins()


def _create_joins() -> None:
    op.create_table(
        "binding",
        Column("id", Uuid, primary_key=True),
        Column("channel_id", Uuid, ForeignKey("channel.id"), nullable=False),
        Column("device_id", Uuid, ForeignKey("device.id"), nullable=False),
        Column("input", Integer, nullable=False),
        Column("from_us", BigInteger, nullable=False),
        Column("to_us", BigInteger),
    )
    op.create_index(
        "binding_open", "binding", ["channel_id"], unique=True, sqlite_where=text("to_us IS NULL")
    )
    op.create_table(
        "stream",
        Column("id", Uuid, primary_key=True),
        Column("channel_id", Uuid, ForeignKey("channel.id"), nullable=False),
        Column("device_id", Uuid, ForeignKey("device.id"), nullable=False),
        Column("profile", String(16), nullable=False),
        Column("address", String, nullable=False),
        Column("url_sealed", LargeBinary),
        Column("transport", String(8), nullable=False),
        Column("audio", Boolean, nullable=False),
    )
    op.create_index("stream_of_channel", "stream", ["channel_id"])
