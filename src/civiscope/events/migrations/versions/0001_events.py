"""Events clustered by channel and moment, their sealed pictures, and what was looked at when."""

from civiscope.storage import (
    BigInteger,
    Boolean,
    Column,
    Float,
    LargeBinary,
    PrimaryKeyConstraint,
    String,
    Text,
    op,
    text,
)

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the three tables of the first version."""
    op.create_table(
        "event",
        Column("channel", LargeBinary(16), nullable=False),
        Column("began_us", BigInteger, nullable=False),
        Column("id", LargeBinary(16), nullable=False),
        Column("source", String(16), nullable=False),
        Column("source_id", LargeBinary(16)),
        Column("plugin", String(64), nullable=False),
        Column("kind", String(64), nullable=False),
        Column("ended_us", BigInteger),
        Column("lasts", Boolean, nullable=False),
        Column("has_begun", Boolean, nullable=False),
        Column("object_class", String(32)),
        Column("track_id", BigInteger),
        Column("box_n", String),
        Column("place_n", String),
        Column("zone", String(120), nullable=False),
        Column("direction", String(32), nullable=False),
        Column("score", Float),
        Column("more", Text, nullable=False),
        Column("detector", String(64), nullable=False),
        Column("has_picture", Boolean, nullable=False),
        PrimaryKeyConstraint("channel", "began_us", "id"),
        sqlite_with_rowid=False,
    )
    op.create_index("event_by_id", "event", ["id"], unique=True)
    op.create_index("event_by_time", "event", ["began_us", "id"])
    op.create_index("event_going_on", "event", ["began_us"], sqlite_where=text("lasts AND ended_us IS NULL"))
    op.create_table(
        "event_picture",
        Column("event_id", LargeBinary(16), primary_key=True),
        Column("sealed", LargeBinary, nullable=False),
    )
    op.create_table(
        "coverage",
        Column("channel", LargeBinary(16), nullable=False),
        Column("from_us", BigInteger, nullable=False),
        Column("reason", String(32), nullable=False),
        Column("detail", String(300), nullable=False),
        PrimaryKeyConstraint("channel", "from_us"),
        sqlite_with_rowid=False,
    )
