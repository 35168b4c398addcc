"""Which analytics each channel has."""

from civiscope.storage import JSON, BigInteger, Boolean, Column, String, Uuid, op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the table of the first version."""
    op.create_table(
        "analytic",
        Column("id", Uuid, primary_key=True),
        Column("channel_id", Uuid, nullable=False),
        Column("plugin", String(64), nullable=False),
        Column("name", String(120), nullable=False),
        Column("settings", JSON, nullable=False),
        Column("schedule", JSON(none_as_null=True)),
        Column("is_on", Boolean, nullable=False),
        Column("changed_us", BigInteger, nullable=False),
        Column("changed_by", String(120), nullable=False),
    )
    op.create_index("analytic_of_channel", "analytic", ["channel_id"])
