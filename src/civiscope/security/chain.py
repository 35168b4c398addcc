"""The audit chain as pure values: what is hashed into what, and what a signed head says.

Entry n's link is SHA-256 over a domain tag, the link and the signature of entry n-1, and every field of entry
n. So a changed, removed, added or reordered entry breaks the chain there, and the signature over the newest
link stands for everything before it. Layout: docs/design/security.md.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from civiscope.base import PrincipalId, ProtocolError
from civiscope.security.model import Principal

AUDIT_SIGNATURE_DOMAIN = b"civiscope audit head"
TEXT_LIMIT = 400
"""Characters kept of each text of an entry; longer ones are cut and end in `…`."""
DETAILS_LIMIT_BYTES = 16 * 1024
SALT_BYTES = 32
_ENTRY_TAG = b"civiscope audit entry v1\0"
_GENESIS_TAG = b"civiscope audit genesis v1\0"
_DETAILS_TAG = b"civiscope audit details v1\0"


Details = Mapping[str, object]
"""Names and JSON values."""


class Outcome(StrEnum):
    """What became of it."""

    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Something somebody did, or was refused. Texts hold no secret, and no name of a person in a picture."""

    who: Principal | str
    """A principal, or words for somebody without one (`"somebody not signed in"`)."""
    what: str
    """A verb with its room: `session.open`, `look.open`, `camera.add`."""
    object: str = ""
    """Kind and id of what it was done to: `channel 0190…`."""
    why: str = ""
    """The purpose's id, where there is one."""
    outcome: Outcome = Outcome.DONE
    from_where: str = ""
    """The address the request came from."""
    details: Details | None = None
    """More, as JSON values: sealed apart from the chain, with a retention of its own."""


@dataclass(frozen=True, slots=True)
class RecordedEntry:
    """An entry as it stands in the chain."""

    sequence: int
    at_us: int
    principal_id: PrincipalId | None
    who: str
    what: str
    object: str
    why: str
    outcome: Outcome
    from_where: str
    commitment: bytes
    """SHA-256 over the salted details: proves them while they are kept, says nothing once they are gone."""


@dataclass(frozen=True, slots=True)
class AuditHead:
    """The newest link with its signature: whoever keeps one notices when entries up to it are cut off."""

    sequence: int
    chain: bytes
    signature: bytes

    def to_json(self) -> bytes:
        """As it is kept beside the database."""
        fields = {
            "version": 1,
            "sequence": self.sequence,
            "chain": self.chain.hex(),
            "signature": self.signature.hex(),
        }
        return json.dumps(fields).encode()

    @classmethod
    def from_json(cls, data: bytes) -> "AuditHead":
        """ProtocolError if the bytes are no head."""
        try:
            fields = json.loads(data)
            if fields["version"] != 1:
                raise ValueError(f"version {fields['version']}")
            sequence, chain, signature = fields["sequence"], fields["chain"], fields["signature"]
            if not isinstance(sequence, int):
                raise TypeError("sequence")
            return cls(sequence, bytes.fromhex(chain), bytes.fromhex(signature))
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise ProtocolError(f"the kept head of the audit chain cannot be read ({error})") from None


def genesis(public_key_fingerprint: bytes) -> bytes:
    """The link before the first entry; binds the chain to its key."""
    return hashlib.sha256(_GENESIS_TAG + public_key_fingerprint).digest()


def link(previous_chain: bytes, previous_signature: bytes, entry: RecordedEntry) -> bytes:
    """The link of `entry` (32 bytes)."""
    principal = b"" if entry.principal_id is None else entry.principal_id.bytes
    fields = (
        previous_chain,
        previous_signature,
        entry.sequence.to_bytes(8, "big"),
        entry.at_us.to_bytes(8, "big", signed=True),
        principal,
        *(text.encode("utf-8") for text in (entry.who, entry.what, entry.object, entry.why)),
        entry.outcome.value.encode(),
        entry.from_where.encode("utf-8"),
        entry.commitment,
    )
    digest = hashlib.sha256(_ENTRY_TAG)
    for field in fields:
        digest.update(len(field).to_bytes(4, "big"))
        digest.update(field)
    return digest.digest()


def head_message(sequence: int, chain: bytes) -> bytes:
    """What a head's signature is over."""
    return sequence.to_bytes(8, "big") + chain


def pack_details(details: Mapping[str, object] | None) -> bytes:
    """Salt and JSON of the details; too large ones are replaced by their size and hash, never refused."""
    text = json.dumps(details or {}, default=str, ensure_ascii=True).encode()
    if len(text) > DETAILS_LIMIT_BYTES:
        cut = {"cut": True, "size_bytes": len(text), "sha256": hashlib.sha256(text).hexdigest()}
        text = json.dumps(cut).encode()
    return os.urandom(SALT_BYTES) + text


def unpack_details(packed: bytes) -> dict[str, object]:
    """The details without their salt."""
    details: dict[str, object] = json.loads(packed[SALT_BYTES:])
    return details


def commitment(packed_details: bytes) -> bytes:
    """What the chain holds of the details."""
    return hashlib.sha256(_DETAILS_TAG + packed_details).digest()


def tidy_text(text: str) -> str:
    """A text as the chain keeps it: bounded, one line, valid UTF-8."""
    cut = text if len(text) <= TEXT_LIMIT else text[: TEXT_LIMIT - 1] + "…"
    visible = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in cut)
    return visible.encode("utf-8", "replace").decode("utf-8")
