"""One signed value over the heads of all audit chains of a node: what a second party keeps.

Who holds the audit key can rewrite a chain and everything beside it; he cannot rewrite what lies elsewhere.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from civiscope.base import AppError, NodeId, ProtocolError, SiteId, get_log
from civiscope.security.chain import AuditHead
from civiscope.security.keyfile import write_private
from civiscope.security.signature import SignatureChecker, Signer

NODE_HEAD_DOMAIN = b"civiscope audit node head"
HEAD_LIMIT_BYTES = 16 * 1024
_VERSION = 1
_CHAINS_MOST = 16
_log = get_log("civiscope.security")


@dataclass(frozen=True, slots=True)
class ChainHead:
    """The head of one process's chain."""

    process: str
    at_us: int
    """When its newest entry was made."""
    head: AuditHead


@dataclass(frozen=True, slots=True)
class NodeHead:
    """The heads of a node's chains at one moment, signed by its audit key."""

    site_id: SiteId
    node_id: NodeId
    at_us: int
    chains: tuple[ChainHead, ...]
    public_key: bytes
    """Ed25519, raw: whoever receives heads holds the node to the first one's key."""
    signature: bytes

    def to_json(self) -> bytes:
        """One line."""
        body = _body(self.site_id, self.node_id, self.at_us, self.chains, self.public_key)
        return _canonical({**body, "signature": self.signature.hex()})

    @classmethod
    def from_json(cls, data: bytes) -> "NodeHead":
        """ProtocolError for other bytes; its signature is not looked at."""
        if len(data) > HEAD_LIMIT_BYTES:
            raise ProtocolError("these bytes are too many for the head of a node's audit")
        try:
            return _parse(json.loads(data))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError):
            raise ProtocolError("these bytes are not the head of a node's audit") from None

    def check(self) -> None:
        """IntegrityError if it was not signed by the key it names."""
        key = Ed25519PublicKey.from_public_bytes(self.public_key)
        body = _body(self.site_id, self.node_id, self.at_us, self.chains, self.public_key)
        SignatureChecker(key, NODE_HEAD_DOMAIN).check(self.signature, _canonical(body))

    @property
    def holds(self) -> bool:
        """True if it was signed by the key it names."""
        try:
            self.check()
        except (AppError, ValueError):
            return False
        return True


def sign_node_head(
    key: Ed25519PrivateKey, site_id: SiteId, node_id: NodeId, at_us: int, chains: Sequence[ChainHead]
) -> NodeHead:
    """The heads as one signed value."""
    public = key.public_key().public_bytes_raw()
    body = _body(site_id, node_id, at_us, chains, public)
    signature = Signer(key, NODE_HEAD_DOMAIN).sign(_canonical(body))
    return NodeHead(site_id, node_id, at_us, tuple(chains), public, signature)


def _body(
    site_id: SiteId, node_id: NodeId, at_us: int, chains: Sequence[ChainHead], public_key: bytes
) -> dict[str, object]:
    return {
        "version": _VERSION,
        "site_id": str(site_id),
        "node_id": str(node_id),
        "at_us": at_us,
        "key": public_key.hex(),
        "chains": [
            {
                "process": one.process, "at_us": one.at_us, "sequence": one.head.sequence,
                "link": one.head.chain.hex(), "signature": one.head.signature.hex(),
            }
            for one in chains
        ],
    }  # fmt: skip


def _canonical(body: dict[str, object]) -> bytes:
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def _parse(fields: dict[str, object]) -> NodeHead:
    chains = fields["chains"]
    if fields["version"] != _VERSION or not isinstance(chains, list) or len(chains) > _CHAINS_MOST:
        raise ValueError("version or chains")
    heads = tuple(_parse_chain(one) for one in chains)
    if len({one.process for one in heads}) != len(heads):
        raise ValueError("a chain twice")
    return NodeHead(
        SiteId(UUID(str(fields["site_id"]))),
        NodeId(UUID(str(fields["node_id"]))),
        _number(fields["at_us"]),
        heads,
        _bytes(fields["key"], 32),
        _bytes(fields["signature"], 74),
    )


def _parse_chain(fields: dict[str, object]) -> ChainHead:
    process = fields["process"]
    if not isinstance(process, str) or not process.isidentifier() or len(process) > 32:
        raise ValueError("process")
    head = AuditHead(_number(fields["sequence"]), _bytes(fields["link"], 32), _bytes(fields["signature"], 74))
    return ChainHead(process, _number(fields["at_us"]), head)


def _number(value: object) -> int:
    if type(value) is not int or not 0 <= value < 1 << 63:
        raise ValueError("number")
    return value


def _bytes(value: object, length: int) -> bytes:
    found = bytes.fromhex(str(value))
    if len(found) != length:
        raise ValueError("length")
    return found


def keep_node_head(path: Path, head: NodeHead) -> None:
    """Write it beside the chain; a full disk is logged, the kept head is then older."""
    try:
        write_private(path, head.to_json())
    except OSError as error:
        _log.error("cannot keep the node's audit head", path=path, reason=error.strerror)
