"""Deletions on record, as the server, the command line and a restore read them; the recorder writes them."""

import asyncio
from pathlib import Path

from civiscope.base import AppError, ErrorKind, ProtocolError
from civiscope.recording import LEDGER_NAME, Deletion, check_certificate, deletions, ledger_trouble
from civiscope.security import SiteTrust


class DeletionDesk:
    """Reads `HOME/recorder/destroyed`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def page(self, limit: int, before: int | None = None) -> list[Deletion]:
        """The newest first, of those ordered before that sequence."""
        found = await asyncio.to_thread(self._all)
        wanted = [one for one in reversed(found) if before is None or one.order.sequence < before]
        return wanted[:limit]

    async def certificate(self, sequence: int) -> bytes:
        """The certificate of one; MISSING, CONFLICT while it is not finished."""
        return await asyncio.to_thread(self._certificate, sequence)

    def _certificate(self, sequence: int) -> bytes:
        found = next((one for one in self._all() if one.order.sequence == sequence), None)
        if found is None:
            raise AppError(ErrorKind.MISSING, f"There is no deletion {sequence} on record. Reload the list.")
        if found.done is None:
            raise AppError(
                ErrorKind.CONFLICT, "This deletion is ordered and not finished. Ask again in a minute."
            )
        return found.to_json(node_certificate(self._folder, found.order.fields["certificate"]))

    def _all(self) -> list[Deletion]:
        return deletions(read_ledger(self._folder))


def read_ledger(folder: Path) -> bytes:
    """The ledger's bytes; none where nothing was destroyed yet."""
    try:
        return (folder / LEDGER_NAME).read_bytes()
    except FileNotFoundError:
        return b""


def node_certificate(folder: Path, digest: str) -> bytes:
    """The certificate (DER) that a line of the ledger in this folder names; MISSING."""
    try:
        return (folder / f"node-{bytes.fromhex(digest).hex()}.der").read_bytes()
    except (OSError, ValueError):
        raise AppError(
            ErrorKind.MISSING, f"the certificate {digest} of the node that signed is not beside the ledger"
        ) from None


def ledger_in_words(folder: Path, trust: SiteTrust) -> tuple[str, bool]:
    """How the ledger in this folder stands, and whether it is to be believed."""
    data = read_ledger(folder)
    trouble = ledger_trouble(data, lambda digest: node_certificate(folder, digest), trust.verify_node)
    if trouble:
        return f"the destruction ledger is NOT whole: {trouble}", False
    count = data.count(b"\n")
    return f"the destruction ledger is whole: {count} lines, chained and signed", True


def certificate_in_words(data: bytes, trust: SiteTrust) -> list[str]:
    """What a certificate of deletion proves, for a person; AppError when it proves nothing."""
    found = check_certificate(data, trust.verify_node)
    if found.done is None:
        raise ProtocolError("the certificate has no end")
    order = found.order
    streams = {one.stream_id for one in order.wraps}
    kept = sum(1 for one in order.wraps if one.kept_for)
    lines = [
        f"certificate of deletion {order.sequence}: genuine, signed by node {order.fields['node']}",
        f"ordered at {order.at_us} us, done at {found.done.at_us} us UTC; reason: {order.fields['reason']} "
        f"({order.fields['policy']})",
        f"{len(order.wraps)} data keys of {len(streams)} streams destroyed",
    ]
    if kept:
        lines.append(f"{kept} of them still open held spans by the key of a case")
    return lines
