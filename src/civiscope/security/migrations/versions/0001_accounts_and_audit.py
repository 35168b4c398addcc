"""Users, their sessions, the set-up code, and the audit chain with its sealed details."""

from civiscope.storage import (
    JSON,
    BigInteger,
    Column,
    ForeignKey,
    Integer,
    LargeBinary,
    String,
    Uuid,
    op,
)

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the five tables of the first version; audit entries can be added and read only."""
    op.create_table(
        "user_account",
        Column("id", Uuid, primary_key=True),
        Column("name", String(64), nullable=False),
        Column("name_key", String(256), nullable=False, unique=True),
        Column("password_hash", String(512), nullable=False),
        Column("roles", JSON, nullable=False),
        Column("created_us", BigInteger, nullable=False),
        Column("password_us", BigInteger, nullable=False),
        Column("disabled_us", BigInteger),
    )
    op.create_table(
        "user_session",
        Column("id", Uuid, primary_key=True),
        Column("user_id", Uuid, ForeignKey("user_account.id"), nullable=False),
        Column("token_hash", LargeBinary(32), nullable=False, unique=True),
        Column("created_us", BigInteger, nullable=False),
        Column("seen_us", BigInteger, nullable=False),
        Column("expires_us", BigInteger, nullable=False),
        Column("from_where", String(128), nullable=False),
    )
    op.create_index("session_of_user", "user_session", ["user_id"])
    op.create_table(
        "setup_code",
        Column("id", Integer, primary_key=True),
        Column("code_hash", LargeBinary(32), nullable=False),
        Column("issued_us", BigInteger, nullable=False),
        Column("expires_us", BigInteger, nullable=False),
    )
    _create_audit()


def _create_audit() -> None:
    op.create_table(
        "audit_entry",
        Column("sequence", Integer, primary_key=True),
        Column("at_us", BigInteger, nullable=False),
        Column("principal_id", String(36)),
        Column("who", String, nullable=False),
        Column("what", String, nullable=False),
        Column("object", String, nullable=False),
        Column("why", String, nullable=False),
        Column("outcome", String, nullable=False),
        Column("from_where", String, nullable=False),
        Column("commitment", LargeBinary(32), nullable=False),
        Column("chain", LargeBinary(32), nullable=False),
        Column("signature", LargeBinary(74), nullable=False),
    )
    op.create_table(
        "audit_detail",
        Column("sequence", Integer, ForeignKey("audit_entry.sequence"), primary_key=True),
        Column("sealed", LargeBinary, nullable=False),
    )
    for change in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER audit_entry_no_{change.lower()} BEFORE {change} ON audit_entry "
            "BEGIN SELECT RAISE(ABORT, 'audit entries are never changed or deleted'); END"
        )
