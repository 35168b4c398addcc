"""Comparing the audit with heads from elsewhere, on the command line."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol

from civiscope.app.console import console_of
from civiscope.app.desk import AuditVerdict
from civiscope.app.head_desk import PROCESS
from civiscope.app.home import Home
from civiscope.app.settings import Settings
from civiscope.app.site import Site, open_site
from civiscope.base import AppError, ErrorKind, ProtocolError
from civiscope.security import NodeHead

_HEADS_MOST = 4_000
_FILE_LIMIT_BYTES = 16 * 1024 * 1024


class AuditFace(Protocol):
    """Served by the server to the owner of the data folder."""

    async def compare_audit(self, heads: tuple[bytes, ...]) -> AuditVerdict:
        """Whether the chain agrees with these node heads."""
        ...


class LocalAuditFace:
    """The face on the chain itself."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def compare_audit(self, heads: tuple[bytes, ...]) -> AuditVerdict:
        """Whether the chain agrees with these node heads."""
        known = [NodeHead.from_json(head) for head in heads]
        report = await self._site.audit.check_against(PROCESS, self._site.identity.node_id, known)
        return AuditVerdict(report.intact, report.what)


def read_heads(path: Path) -> tuple[bytes, ...]:
    """Heads from a courier's file, a mail's attachment, or a receiving node's saved `GET /audit/heads`."""
    try:
        text = path.read_bytes()[:_FILE_LIMIT_BYTES].decode()
    except (OSError, UnicodeDecodeError) as error:
        raise AppError(ErrorKind.INVALID, f"{path} cannot be read as a file of heads: {error}") from None
    found = _heads_in(text)
    if not found:
        raise AppError(
            ErrorKind.INVALID, f"there is no head in {path}: give the file that the second party kept"
        )
    return tuple(head.to_json() for head in found[-_HEADS_MOST:])


@asynccontextmanager
async def audit_of(home: Home, settings: Settings) -> AsyncIterator[AuditFace]:
    """The running server's audit, or the audit in the files while no server runs."""
    async with console_of(home, AuditFace) as remote:
        if remote is not None:
            yield remote
            return
        async with open_site(home, settings) as site:
            yield LocalAuditFace(site)


def _heads_in(text: str) -> list[NodeHead]:
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError):
        whole = None
    if isinstance(whole, dict) and isinstance(whole.get("received"), list):
        values = [json.dumps(one.get("head")) for one in whole["received"] if isinstance(one, dict)]
    else:
        values = [line for line in text.splitlines() if line.strip()]
    return [_head(value) for value in values]


def _head(value: str) -> NodeHead:
    try:
        return NodeHead.from_json(value.encode())
    except ProtocolError:
        raise AppError(
            ErrorKind.LOST_DATA, "one line of the file is no head any more: it was changed where it was kept"
        ) from None
