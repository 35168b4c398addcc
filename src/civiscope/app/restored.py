"""What opens a backup's keys, and what is done once a site is restored: its audit knows, old events go."""

import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from uuid import UUID

from civiscope.app.alarm_side import open_events
from civiscope.app.home import Home
from civiscope.app.keep_times import longest_us
from civiscope.app.restore import Restored
from civiscope.app.settings import load_settings
from civiscope.app.site import open_site
from civiscope.base import AppError, ErrorKind, SiteId
from civiscope.security import (
    AuditEntry,
    HolderKind,
    PassphraseHolder,
    Secret,
    SetRecords,
    join_shares,
    lock_kind,
    open_lock,
    read_share,
)

_HOUR_US = 3_600_000_000


def key_by_word(files: Mapping[str, bytes], word: str) -> bytes:
    """By the passphrase of the backup's vault; CONFLICT for a vault whose key a token holds."""
    if lock_kind(files) is not HolderKind.PASSPHRASE:
        raise AppError(
            ErrorKind.CONFLICT,
            "The key of this vault is held by a token, not by a passphrase. Restore with officers' shares.",
        )
    return open_lock(files, PassphraseHolder(Secret(word)))


def key_by_shares(files: Mapping[str, bytes], shares: Sequence[str]) -> bytes:
    """By officers' shares, checked against the backup's own record of sets."""
    try:
        site_id = SiteId(UUID(json.loads(files["site.json"])["site_id"]))
    except (LookupError, ValueError, TypeError):
        raise AppError(ErrorKind.LOST_DATA, "the backup's site.json can not be read") from None
    with tempfile.TemporaryDirectory() as folder:
        record = files.get("server/officers.json")
        if record is not None:
            path = Path(folder) / "officers.json"
            path.write_bytes(record)
            os.chmod(path, 0o600)
        return join_shares([read_share(one) for one in shares], site_id, SetRecords(Path(folder)))


async def note_restore(home: Home, done: Restored) -> None:
    """In the audit of the restored site; events whose time was over since the backup go."""
    settings = load_settings(home.root)
    async with open_site(home, settings) as site, open_events(site) as events:
        hours = settings.events.retention_hours
        keep_us = int(hours * _HOUR_US) if hours else await longest_us(site)
        await events.forget_before(site.clock.now_us() - keep_us)
        details = {
            "backup_at_us": done.at_us, "ledger_lines": done.ledger_lines, "lines_since": done.lines_since,
            "wraps_left_out": done.wraps_left_out, "wraps_destroyed": done.wraps_destroyed,
        }  # fmt: skip
        who = f"system user {os.getuid()}"
        await site.audit.append(
            AuditEntry(who, "site.restore", "site", from_where="command line", details=details)
        )
