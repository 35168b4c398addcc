"""Rows of purposes and permits. Every function works within the caller's transaction."""

from uuid import UUID

from civiscope.base import AppError, ChannelId, ErrorKind, PrincipalId
from civiscope.privacy.model import Function, Permit, PermitId, Purpose
from civiscope.privacy.tables import permit_table, purpose_table
from civiscope.security import Role
from civiscope.storage import Connection, Row, insert, select, update, upsert


def find_purpose(connection: Connection, purpose_id: str) -> Purpose | None:
    """The purpose with this id."""
    row = connection.execute(select(purpose_table).where(purpose_table.c.id == purpose_id)).first()
    return None if row is None else _purpose(row)


def purpose_of(connection: Connection, purpose_id: str) -> Purpose:
    """The purpose with this id; AppError(MISSING)."""
    purpose = find_purpose(connection, purpose_id)
    if purpose is None:
        raise AppError(
            ErrorKind.MISSING, "There is no such purpose in this site's register. Declare it first."
        )
    return purpose


def list_purposes(connection: Connection) -> list[Purpose]:
    """All purposes, in the order they were declared."""
    query = select(purpose_table).order_by(purpose_table.c.declared_us, purpose_table.c.id)
    return [_purpose(row) for row in connection.execute(query)]


def list_permits(connection: Connection, purpose_id: str | None = None) -> list[Permit]:
    """All permits (of a purpose), ended ones too, in the order they were granted."""
    query = select(permit_table).order_by(permit_table.c.id)
    if purpose_id is not None:
        query = query.where(permit_table.c.purpose_id == purpose_id)
    return [_permit(row) for row in connection.execute(query)]


def permit_of(connection: Connection, permit_id: PermitId) -> Permit:
    """The permit with this id; AppError(MISSING)."""
    row = connection.execute(select(permit_table).where(permit_table.c.id == permit_id)).first()
    if row is None:
        raise AppError(ErrorKind.MISSING, f"There is no permit {permit_id}: load the register again.")
    return _permit(row)


def write_purpose(connection: Connection, purpose: Purpose, now_us: int) -> None:
    """Add a purpose, or change its words and functions."""
    values = {
        "title": purpose.title,
        "legal_basis": purpose.legal_basis,
        "functions": sorted(purpose.functions),
    }
    connection.execute(
        upsert(purpose_table)
        .values(id=purpose.id, declared_us=now_us, **values)
        .on_conflict_do_update(index_elements=[purpose_table.c.id], set_=values)
    )


def insert_permit(connection: Connection, permit: Permit) -> None:
    """Add a permit."""
    channels = None if permit.channels is None else sorted(str(channel) for channel in permit.channels)
    connection.execute(
        insert(permit_table).values(
            id=permit.id,
            purpose_id=permit.purpose_id,
            role=permit.role,
            principal_id=permit.principal_id,
            channels=channels,
            functions=sorted(permit.functions),
            from_us=permit.from_us,
            until_us=permit.until_us,
            revoked_us=permit.revoked_us,
        )
    )


def revoke_permit(connection: Connection, permit_id: PermitId, now_us: int) -> None:
    """End a permit for good."""
    connection.execute(update(permit_table).where(permit_table.c.id == permit_id).values(revoked_us=now_us))


def _purpose(row: Row[tuple[object, ...]]) -> Purpose:
    return Purpose(row.id, row.title, row.legal_basis, frozenset(Function(name) for name in row.functions))


def _permit(row: Row[tuple[object, ...]]) -> Permit:
    return Permit(
        id=PermitId(row.id),
        purpose_id=row.purpose_id,
        role=None if row.role is None else Role(row.role),
        principal_id=None if row.principal_id is None else PrincipalId(row.principal_id),
        channels=None if row.channels is None else frozenset(ChannelId(UUID(text)) for text in row.channels),
        functions=frozenset(Function(name) for name in row.functions),
        from_us=row.from_us,
        until_us=row.until_us,
        revoked_us=row.revoked_us,
    )
