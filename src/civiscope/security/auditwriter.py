"""Rows of the audit chain: appending in a transaction, reading them back as values."""

from dataclasses import dataclass
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from civiscope.base import PrincipalId
from civiscope.security.chain import (
    AUDIT_SIGNATURE_DOMAIN,
    AuditEntry,
    AuditHead,
    Outcome,
    RecordedEntry,
    commitment,
    genesis,
    head_message,
    link,
    pack_details,
    tidy_text,
)
from civiscope.security.detailsbox import DetailsBox
from civiscope.security.model import Principal
from civiscope.security.signature import IntegrityError, SignatureChecker, Signer, key_fingerprint
from civiscope.security.tables import audit_detail_table, audit_table
from civiscope.storage import Connection, Row, insert, select


@dataclass(frozen=True, slots=True)
class AuditKeys:
    """The key that signs heads, and the box that seals details. `VaultDoor.audit_keys`."""

    signing: Ed25519PrivateKey
    details: DetailsBox

    def signer(self) -> Signer:
        """Signs heads."""
        return Signer(self.signing, AUDIT_SIGNATURE_DOMAIN)

    def checker(self) -> SignatureChecker:
        """Checks heads."""
        return SignatureChecker(self.signing.public_key(), AUDIT_SIGNATURE_DOMAIN)

    def first_link(self) -> bytes:
        """The link before the first entry."""
        return genesis(key_fingerprint(self.signing.public_key()))

    def open_details(self, sequence: int, sealed: bytes, committed: bytes) -> bytes:
        """Salt and JSON; IntegrityError if not what the entry was made with, UNAVAILABLE while locked."""
        packed = self.details.open(sealed, _details_context(sequence))
        if commitment(packed) != committed:
            raise IntegrityError(f"the details of audit entry {sequence} are not those it was made with")
        return packed


class AuditWriter:
    """Appends within one transaction: what is changed and its entry are written together or not at all."""

    def __init__(self, connection: Connection, keys: AuditKeys, signer: Signer, at_us: int) -> None:
        self._connection = connection
        self._keys = keys
        self._signer = signer
        self._at_us = at_us
        self.head: AuditHead | None = None
        """The newest link after the last append."""

    def append(self, entry: AuditEntry) -> int:
        """Add one entry; its sequence."""
        last = self._connection.execute(
            select(audit_table.c.sequence, audit_table.c.chain, audit_table.c.signature)
            .order_by(audit_table.c.sequence.desc())
            .limit(1)
        ).first()
        sequence, chain, signature = (0, self._keys.first_link(), b"") if last is None else last
        packed = pack_details(entry.details)
        recorded = _record(entry, sequence + 1, self._at_us, commitment(packed))
        chain = link(chain, signature, recorded)
        signature = self._signer.sign(head_message(recorded.sequence, chain))
        self._connection.execute(
            insert(audit_table).values(**_columns(recorded), chain=chain, signature=signature)
        )
        if entry.details:
            sealed = self._keys.details.seal(packed, _details_context(recorded.sequence))
            self._connection.execute(
                insert(audit_detail_table).values(sequence=recorded.sequence, sealed=sealed)
            )
        self.head = AuditHead(recorded.sequence, chain, signature)
        return recorded.sequence


def recorded_of(row: Row[tuple[object, ...]]) -> RecordedEntry:
    """A row of `audit_table` as a value; IntegrityError if no program of ours wrote it so."""
    try:
        return _recorded(row)
    except (ValueError, TypeError, AttributeError):
        raise IntegrityError(f"audit entry {row.sequence} holds what no entry holds") from None


def _recorded(row: Row[tuple[object, ...]]) -> RecordedEntry:
    return RecordedEntry(
        sequence=row.sequence,
        at_us=row.at_us,
        principal_id=None if row.principal_id is None else PrincipalId(UUID(row.principal_id)),
        who=row.who,
        what=row.what,
        object=row.object,
        why=row.why,
        outcome=Outcome(row.outcome),
        from_where=row.from_where,
        commitment=row.commitment,
    )


def _record(entry: AuditEntry, sequence: int, at_us: int, committed: bytes) -> RecordedEntry:
    principal = entry.who if isinstance(entry.who, Principal) else None
    return RecordedEntry(
        sequence=sequence,
        at_us=at_us,
        principal_id=None if principal is None else principal.id,
        who=tidy_text(entry.who.name if isinstance(entry.who, Principal) else entry.who),
        what=tidy_text(entry.what),
        object=tidy_text(entry.object),
        why=tidy_text(entry.why),
        outcome=entry.outcome,
        from_where=tidy_text(entry.from_where),
        commitment=committed,
    )


def _columns(recorded: RecordedEntry) -> dict[str, object]:
    return {
        "sequence": recorded.sequence,
        "at_us": recorded.at_us,
        "principal_id": None if recorded.principal_id is None else str(recorded.principal_id),
        "who": recorded.who,
        "what": recorded.what,
        "object": recorded.object,
        "why": recorded.why,
        "outcome": recorded.outcome.value,
        "from_where": recorded.from_where,
        "commitment": recorded.commitment,
    }


def _details_context(sequence: int) -> bytes:
    return b"audit entry %d" % sequence
