"""What a device told of itself and what is wanted of it, groups of channels, places, notifications."""

from civiscope.storage import (
    BigInteger,
    Column,
    Float,
    ForeignKey,
    LargeBinary,
    String,
    Text,
    Uuid,
    op,
    text,
)

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Every camera of version 0001 is an RTSP device with one input, whose address is its stream's."""
    _widen_device()
    op.create_table(
        "channel_group",
        Column("id", Uuid, primary_key=True),
        Column("name", String(120), nullable=False),
        Column("parent_id", Uuid, ForeignKey("channel_group.id")),
    )
    op.create_index("group_name", "channel_group", [text("coalesce(parent_id, '')"), "name"], unique=True)
    for column in (
        Column("place", String(200), nullable=False, server_default=""),
        Column("latitude", Float),
        Column("longitude", Float),
        Column("purpose", String(64)),
    ):
        op.add_column("channel", column)
    op.execute("ALTER TABLE channel ADD COLUMN group_id CHAR(32) REFERENCES channel_group (id)")
    op.create_index(
        "binding_input_open",
        "binding",
        ["device_id", "input"],
        unique=True,
        sqlite_where=text("to_us IS NULL"),
    )
    op.add_column("stream", Column("token", String(255), nullable=False, server_default=""))
    op.create_index("stream_address", "stream", ["address"])
    _create_notification()


def _widen_device() -> None:
    for column in (
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
    ):
        op.add_column("device", column)
    for name in ("address", "transport"):
        op.execute(
            f"UPDATE device SET {name} = coalesce("  # noqa: S608  two names of our own
            f"(SELECT stream.{name} FROM stream WHERE stream.device_id = device.id), {name})"
        )


def _create_notification() -> None:
    op.create_table(
        "notification",
        Column("id", Uuid, primary_key=True),
        Column("device_id", Uuid, ForeignKey("device.id"), nullable=False),
        Column("at_us", BigInteger, nullable=False),
        Column("topic", String(255), nullable=False),
        Column("operation", String(32), nullable=False),
        Column("source", Text, nullable=False),
        Column("data", Text, nullable=False),
    )
    op.create_index("notification_of_device", "notification", ["device_id", "id"])
