"""Cases with their keys; a hold is made for one."""

from civiscope.storage import BigInteger, Column, LargeBinary, String, Uuid, op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the table; holds of the first version are of no case, and the site's wraps keep what they hold."""
    op.create_table(
        "evidence_case",
        Column("id", Uuid, primary_key=True),
        Column("name", String(200), nullable=False),
        Column("reference", String(200), nullable=False),
        Column("opened_by", String(200), nullable=False),
        Column("opened_us", BigInteger, nullable=False),
        Column("sealed_key", LargeBinary),
    )
    op.add_column("hold", Column("case_id", Uuid))
