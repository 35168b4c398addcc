"""Checking a chain against heads that a second party kept: what a holder of the audit key cannot rewrite."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from civiscope.base import NodeId
from civiscope.security.nodehead import NodeHead
from civiscope.security.tables import audit_table
from civiscope.storage import Connection, Database, select


@dataclass(frozen=True, slots=True)
class HeadReport:
    """What the comparison found."""

    intact: bool
    compared: int
    """Heads of this node."""
    newest_sequence: int
    """Up to here the chain is what the second party knows; 0: nothing is proved."""
    what: str


async def check_against(
    database: Database, process: str, node_id: NodeId, public_key: bytes, heads: Sequence[NodeHead]
) -> HeadReport:
    """Compare the chain of `process` with heads from elsewhere; those of other nodes are left aside."""
    ours = [head for head in heads if head.node_id == node_id]
    newest = 0
    for head in sorted(ours, key=lambda one: one.at_us):
        trouble = await _trouble(database, process, public_key, head)
        if trouble:
            return HeadReport(False, len(ours), newest, trouble)
        newest = max([newest, *(one.head.sequence for one in head.chains if one.process == process)])
    if not newest:
        return HeadReport(
            False, len(ours), 0, "there is no head of this node's chain in it: it proves nothing"
        )
    words = f"the chain up to entry {newest} is what the second party knows ({len(ours)} heads)"
    return HeadReport(True, len(ours), newest, words)


async def _trouble(database: Database, process: str, public_key: bytes, head: NodeHead) -> str:
    if not head.holds:
        return f"a head (at_us {head.at_us}) was changed where it was kept: its signature does not hold"
    if head.public_key != public_key:
        return (
            f"a head (at_us {head.at_us}) was signed by another audit key than this site has now: the key "
            "was replaced, and the chain with it"
        )
    for one in head.chains:
        if one.process != process:
            continue
        sequence = one.head.sequence
        link = await database.read(partial(_link, sequence=sequence))
        if link is None:
            return f"entry {sequence} is missing: the second party knows it, the chain ends before it"
        if link != one.head.chain:
            return f"the chain up to entry {sequence} was REWRITTEN: the second party knows another one"
    return ""


def _link(connection: Connection, sequence: int) -> bytes | None:
    found: bytes | None = connection.execute(
        select(audit_table.c.chain).where(audit_table.c.sequence == sequence)
    ).scalar()
    return found
