"""Roles on parts of the site, invitations, second factors, passkeys, and tokens for programs."""

from civiscope.storage import (
    JSON,
    BigInteger,
    Column,
    ForeignKey,
    LargeBinary,
    String,
    Uuid,
    op,
)

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make six tables; users, sessions and the chain stay as they are."""
    op.create_table(
        "role_grant",
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
    )
    op.create_index("role_grant_of_user", "role_grant", ["user_id"])
    op.create_table(
        "user_invitation",
        Column("user_id", Uuid, ForeignKey("user_account.id"), primary_key=True),
        Column("code_hash", LargeBinary(32), nullable=False, unique=True),
        Column("issued_us", BigInteger, nullable=False),
        Column("expires_us", BigInteger, nullable=False),
    )
    _create_factors()
    op.create_table(
        "api_token",
        Column("id", Uuid, primary_key=True),
        Column("owner_id", Uuid, ForeignKey("user_account.id"), nullable=False),
        Column("name", String(64), nullable=False),
        Column("secret_hash", LargeBinary(32), nullable=False),
        Column("permissions", JSON, nullable=False),
        Column("channels", JSON),
        Column("created_us", BigInteger, nullable=False),
        Column("expires_us", BigInteger, nullable=False),
        Column("used_us", BigInteger),
    )
    op.create_index("api_token_of_owner", "api_token", ["owner_id"])


def _create_factors() -> None:
    op.create_table(
        "user_totp",
        Column("user_id", Uuid, ForeignKey("user_account.id"), primary_key=True),
        Column("sealed", LargeBinary, nullable=False),
        Column("begun_us", BigInteger, nullable=False),
        Column("confirmed_us", BigInteger),
        Column("last_step", BigInteger, nullable=False),
    )
    op.create_table(
        "recovery_code",
        Column("code_hash", LargeBinary(32), primary_key=True),
        Column("user_id", Uuid, ForeignKey("user_account.id"), nullable=False),
    )
    op.create_index("recovery_code_of_user", "recovery_code", ["user_id"])
    op.create_table(
        "passkey",
        Column("id", Uuid, primary_key=True),
        Column("user_id", Uuid, ForeignKey("user_account.id"), nullable=False),
        Column("credential_id", LargeBinary, nullable=False, unique=True),
        Column("public_key", LargeBinary, nullable=False),
        Column("sign_count", BigInteger, nullable=False),
        Column("relying_party", String(256), nullable=False),
        Column("name", String(64), nullable=False),
        Column("added_us", BigInteger, nullable=False),
        Column("used_us", BigInteger),
    )
    op.create_index("passkey_of_user", "passkey", ["user_id"])
