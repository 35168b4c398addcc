"""What docs/design/security.md says is what the code does: the chain is computed from that page alone."""

import hashlib
from pathlib import Path

from civiscope.security import (
    SIGNATURE_BYTES,
    WRAPPED_BYTES,
    AuditEntry,
    AuditLog,
    Permission,
    Principal,
    SiteKeys,
)
from civiscope.security.signature import key_fingerprint
from civiscope.security.tables import audit_table
from civiscope.storage import Database, select

PAGE = (Path(__file__).parents[2] / "docs" / "design" / "security.md").read_text(encoding="utf-8")


def test_every_permission_and_key_file_is_on_the_page(made_keys: SiteKeys) -> None:
    for permission in Permission:
        assert f"`{permission}`" in PAGE, permission
    for path in made_keys.folder.rglob("*"):
        assert path.is_dir() or path.parent.name == "sealing" or path.name in PAGE, path
    assert f"version 1 ({WRAPPED_BYTES} bytes" in PAGE
    assert f"version 1 ({SIGNATURE_BYTES} bytes" in PAGE


async def test_the_audit_chain_is_as_written_there(
    audit: AuditLog, database: Database, made_keys: SiteKeys, terminal: Principal
) -> None:
    await audit.append(AuditEntry(terminal, "look.open", "channel 1", "public_safety", from_where="::1"))
    await audit.append(AuditEntry("civiscope", "audit.test", details={"n": 1}))
    fingerprint = key_fingerprint(made_keys.audit_keys().signing.public_key())
    link = hashlib.sha256(b"civiscope audit genesis v1\0" + fingerprint).digest()
    signature = b""
    rows = await database.read(
        lambda c: c.execute(select(audit_table).order_by(audit_table.c.sequence)).all()
    )
    assert len(rows) == 2
    for row in rows:
        principal = bytes.fromhex(row.principal_id.replace("-", "")) if row.principal_id else b""
        texts = (row.who, row.what, row.object, row.why, row.outcome, row.from_where)
        fields = [
            link, signature, row.sequence.to_bytes(8, "big"), row.at_us.to_bytes(8, "big"), principal,
            *(text.encode() for text in texts), row.commitment,
        ]  # fmt: skip
        framed = b"".join(len(field).to_bytes(4, "big") + field for field in fields)
        link, signature = hashlib.sha256(b"civiscope audit entry v1\0" + framed).digest(), row.signature
        assert row.chain == link
        message = b"civiscope audit head\0" + signature[:10] + row.sequence.to_bytes(8, "big") + link
        made_keys.audit_keys().signing.public_key().verify(signature[10:], message)
