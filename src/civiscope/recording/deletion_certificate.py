"""A certificate of deletion: one order of the destruction ledger and its end, and what proves who signed.

Layout: docs/design/keys.md.
"""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256

from civiscope.base import AppError, NodeId, ProtocolError
from civiscope.recording.destruction import LedgerLine, canonical, read_line, read_lines
from civiscope.security import IntegrityError

CERTIFICATE_FORMAT = "civiscope certificate of deletion"
CERTIFICATE_LIMIT_BYTES = 64 << 20
VerifyNode = Callable[[bytes, bytes, bytes, int], NodeId]
"""`SiteTrust.verify_node`: (node certificate, signature, message, at_us) → who signed; AppError if nobody."""


@dataclass(frozen=True, slots=True)
class Deletion:
    """One run of retention that destroyed wraps; `done` is None while it is not finished."""

    order: LedgerLine
    done: LedgerLine | None

    def to_json(self, node_certificate: bytes) -> bytes:
        """The certificate's file; ProtocolError while the deletion is not finished."""
        if self.done is None:
            raise ProtocolError("this deletion is ordered and not finished: it has no certificate yet")
        body = {
            "format": CERTIFICATE_FORMAT, "version": 1, "order": self.order.fields, "done": self.done.fields,
            "chain_head": self.done.head,
            "node_certificate": base64.b64encode(node_certificate).decode(),
        }  # fmt: skip
        return json.dumps(body, indent=1, ensure_ascii=False).encode() + b"\n"

    @staticmethod
    def read(data: bytes) -> "tuple[Deletion, bytes]":
        """(deletion, node certificate in DER); ProtocolError for any other bytes. Checks no signature."""
        try:
            body = json.loads(data)
            if body["format"] != CERTIFICATE_FORMAT or body["version"] != 1:
                raise ProtocolError("this is no certificate of deletion that this release can read")
            found = Deletion(read_line(canonical(body["order"])), read_line(canonical(body["done"])))
            head, der = body["chain_head"], base64.b64decode(body["node_certificate"], validate=True)
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
            raise ProtocolError(f"this is no certificate of deletion: {error}") from None
        if found.done is None or found.done.head != head:
            raise ProtocolError("the certificate names another head of the chain than its last line has")
        return found, der


def is_certificate(data: bytes) -> bool:
    """True if the bytes say that they are a certificate of deletion."""
    return CERTIFICATE_FORMAT.encode() in data[:200]


def deletions(data: bytes) -> list[Deletion]:
    """All of a ledger, in order; ProtocolError where it is damaged."""
    orders: dict[int, Deletion] = {}
    for line in read_lines(data):
        if line.kind == "destroy":
            orders[line.sequence] = Deletion(line, None)
        elif line.of in orders:
            orders[line.of] = Deletion(orders[line.of].order, line)
    return list(orders.values())


def check_certificate(data: bytes, verify_node: VerifyNode) -> Deletion:
    """The deletion that the file proves, signed by a node of the site.

    IntegrityError if one byte of what is signed is another; ProtocolError for other files.
    """
    found, der = Deletion.read(data)
    order, done = found.order, found.done
    assert done is not None
    if (order.kind, done.kind, done.of) != ("destroy", "done", order.sequence):
        raise IntegrityError("the certificate's two lines do not belong together")
    if done.sequence <= order.sequence or (
        done.sequence == order.sequence + 1 and done.previous != order.head
    ):
        raise IntegrityError("the end of the deletion does not follow its order")
    if any(order.fields[name] != done.fields[name] for name in ("site", "node", "certificate")):
        raise IntegrityError("order and end are of different nodes")
    check_line(order, der, verify_node)
    check_line(done, der, verify_node)
    return found


def check_line(line: LedgerLine, node_certificate: bytes, verify_node: VerifyNode) -> None:
    """One line's signature; IntegrityError if it does not hold."""
    if line.fields["certificate"] != sha256(node_certificate).hexdigest():
        raise IntegrityError(f"line {line.sequence} is signed with another certificate")
    signed_by = verify_node(
        node_certificate, bytes.fromhex(line.fields["signature"]), line.statement, line.at_us
    )
    if str(signed_by) != line.fields["node"]:
        raise IntegrityError(f"line {line.sequence} names node {line.fields['node']}, {signed_by} signed it")


def ledger_trouble(data: bytes, certificate_of: Callable[[str], bytes], verify_node: VerifyNode) -> str:
    """Why a ledger is not to be believed; empty when chain and signatures hold to its end."""
    try:
        for line in read_lines(data):
            check_line(line, certificate_of(line.fields["certificate"]), verify_node)
    except (AppError, LookupError) as error:
        return str(error)
    return ""
