"""Bookmarks, and holds."""

from civiscope.storage import JSON, BigInteger, Column, String, Uuid, op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the two tables of the first version."""
    op.create_table(
        "bookmark",
        Column("id", Uuid, primary_key=True),
        Column("channel_id", Uuid, nullable=False),
        Column("at_us", BigInteger, nullable=False),
        Column("text", String(500), nullable=False),
        Column("made_by", String(200), nullable=False),
        Column("made_us", BigInteger, nullable=False),
        Column("event_id", Uuid),
    )
    op.create_index("bookmark_of_channel", "bookmark", ["channel_id", "at_us"])
    op.create_table(
        "hold",
        Column("id", Uuid, primary_key=True),
        Column("channel_id", Uuid, nullable=False),
        Column("from_us", BigInteger, nullable=False),
        Column("to_us", BigInteger, nullable=False),
        Column("reason", String(500), nullable=False),
        Column("until_us", BigInteger),
        Column("streams", JSON, nullable=False),
        Column("made_by", String(200), nullable=False),
        Column("made_us", BigInteger, nullable=False),
        Column("ended_us", BigInteger),
    )
    op.create_index("hold_of_channel", "hold", ["channel_id", "from_us"])
