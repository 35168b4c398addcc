"""The tables of this room, as the newest migration leaves them."""

from pathlib import Path

from civiscope.storage import (
    JSON,
    BigInteger,
    Column,
    Database,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Uuid,
    migrate,
)

ROOM = "security"
_SCRIPTS = Path(__file__).parent / "migrations"

_metadata = MetaData()

user_table = Table(
    "user_account",
    _metadata,
    Column("id", Uuid, primary_key=True),
    Column("name", String(64), nullable=False),
    Column("name_key", String(256), nullable=False, unique=True),
    Column("password_hash", String(512), nullable=False),
    Column("roles", JSON, nullable=False),
    Column("created_us", BigInteger, nullable=False),
    Column("password_us", BigInteger, nullable=False),
    Column("disabled_us", BigInteger),
)

session_table = Table(
    "user_session",
    _metadata,
    Column("id", Uuid, primary_key=True),
    Column("user_id", Uuid, ForeignKey("user_account.id"), nullable=False),
    Column("token_hash", LargeBinary(32), nullable=False, unique=True),
    Column("created_us", BigInteger, nullable=False),
    Column("seen_us", BigInteger, nullable=False),
    Column("expires_us", BigInteger, nullable=False),
    Column("from_where", String(128), nullable=False),
    Index("session_of_user", "user_id"),
)

setup_code_table = Table(
    "setup_code",
    _metadata,
    Column("id", Integer, primary_key=True),
    Column("code_hash", LargeBinary(32), nullable=False),
    Column("issued_us", BigInteger, nullable=False),
    Column("expires_us", BigInteger, nullable=False),
)

role_grant_table = Table(
    "role_grant",
    _metadata,
    Column("id", Uuid, primary_key=True),
    Column("user_id", Uuid, ForeignKey("user_account.id"), nullable=False),
    Column("role", String(64), nullable=False),
    Column("channel_id", Uuid),
    Column("group_id", Uuid),
    Column("profile", JSON),
    Column("from_us", BigInteger, nullable=False),
    Column("until_us", BigInteger),
    Column("granted_us", BigInteger, nullable=False),
    Column("granted_by", String(128), nullable=False),
    Index("role_grant_of_user", "user_id"),
)

invitation_table = Table(
    "user_invitation",
    _metadata,
    Column("user_id", Uuid, ForeignKey("user_account.id"), primary_key=True),
    Column("code_hash", LargeBinary(32), nullable=False, unique=True),
    Column("issued_us", BigInteger, nullable=False),
    Column("expires_us", BigInteger, nullable=False),
)

totp_table = Table(
    "user_totp",
    _metadata,
    Column("user_id", Uuid, ForeignKey("user_account.id"), primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("begun_us", BigInteger, nullable=False),
    Column("confirmed_us", BigInteger),
    Column("last_step", BigInteger, nullable=False),
)

recovery_code_table = Table(
    "recovery_code",
    _metadata,
    Column("code_hash", LargeBinary(32), primary_key=True),
    Column("user_id", Uuid, ForeignKey("user_account.id"), nullable=False),
    Index("recovery_code_of_user", "user_id"),
)

passkey_table = Table(
    "passkey",
    _metadata,
    Column("id", Uuid, primary_key=True),
    Column("user_id", Uuid, ForeignKey("user_account.id"), nullable=False),
    Column("credential_id", LargeBinary, nullable=False, unique=True),
    Column("public_key", LargeBinary, nullable=False),
    Column("sign_count", BigInteger, nullable=False),
    Column("relying_party", String(256), nullable=False),
    Column("name", String(64), nullable=False),
    Column("added_us", BigInteger, nullable=False),
    Column("used_us", BigInteger),
    Index("passkey_of_user", "user_id"),
)

api_token_table = Table(
    "api_token",
    _metadata,
    Column("id", Uuid, primary_key=True),
    Column("owner_id", Uuid, ForeignKey("user_account.id"), nullable=False),
    Column("name", String(64), nullable=False),
    Column("secret_hash", LargeBinary(32), nullable=False),
    Column("permissions", JSON, nullable=False),
    Column("channels", JSON),
    Column("created_us", BigInteger, nullable=False),
    Column("expires_us", BigInteger, nullable=False),
    Column("used_us", BigInteger),
    Index("api_token_of_owner", "owner_id"),
)

audit_table = Table(
    "audit_entry",
    _metadata,
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

audit_detail_table = Table(
    "audit_detail",
    _metadata,
    Column("sequence", Integer, ForeignKey("audit_entry.sequence"), primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
)


def migrate_security(database: Database) -> None:
    """Bring this room's tables up to date; at start-up, blocking."""
    migrate(database, ROOM, _SCRIPTS)
