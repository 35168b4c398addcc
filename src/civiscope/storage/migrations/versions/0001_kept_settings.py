"""Settings that people change on the page, one row per page of settings."""

from civiscope.storage import JSON, BigInteger, Column, Integer, String, op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the table of the first version."""
    op.create_table(
        "kept_setting",
        Column("name", String(64), primary_key=True),
        Column("schema_version", Integer, nullable=False),
        Column("value", JSON, nullable=False),
        Column("changed_us", BigInteger, nullable=False),
        Column("changed_by", String(128), nullable=False),
    )
