"""Purposes, and the permits that grant them."""

from civiscope.storage import (
    JSON,
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    String,
    Uuid,
    op,
)

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the two tables of the first version."""
    op.create_table(
        "purpose",
        Column("id", String(64), primary_key=True),
        Column("title", String(200), nullable=False),
        Column("legal_basis", String(2000), nullable=False),
        Column("functions", JSON, nullable=False),
        Column("declared_us", BigInteger, nullable=False),
    )
    op.create_table(
        "permit",
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
    )
    op.create_index("permit_of_purpose", "permit", ["purpose_id"])
