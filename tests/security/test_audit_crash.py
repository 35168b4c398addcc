"""The audit chain under `kill -9`: what `append` returned is there, and the chain is whole."""

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

from civiscope.base import SystemClock
from civiscope.security import AuditEntry, AuditLog, SiteKeys, migrate_security
from civiscope.storage import Database

APPEND_FOR_EVER = """
import asyncio, sys
from pathlib import Path
from civiscope.base import SystemClock
from civiscope.security import AuditEntry, AuditLog, SiteKeys
from civiscope.storage import Database

async def main(folder, keys):
    with Database(folder / "server.db") as database:
        audit = AuditLog(database, SiteKeys.load(keys).audit_keys(), folder, SystemClock())
        while True:
            entry = AuditEntry("crash", "test", details={"filling": "x" * 500})
            for sequence in await asyncio.gather(*(audit.append(entry) for _ in range(3))):
                print(sequence, flush=True)

asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2])))
"""


def append_until_killed(folder: Path, keys: SiteKeys, entries: int) -> int:
    """The highest sequence that `append` had returned when the process was killed."""
    command = [sys.executable, "-c", APPEND_FOR_EVER, str(folder), str(keys.folder)]
    highest = 0
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        for line in process.stdout:
            highest = max(highest, int(line))
            if highest >= entries:
                process.send_signal(signal.SIGKILL)
                break
        return max([highest, *(int(line) for line in process.stdout if line.endswith("\n"))])


async def test_killed_at_random_nothing_returned_is_lost(made_keys: SiteKeys, tmp_path: Path) -> None:
    rng = random.Random(7)
    with Database(tmp_path / "server.db") as database:
        migrate_security(database)
    returned = 0
    for _ in range(4):
        returned = append_until_killed(tmp_path, made_keys, returned + rng.randint(3, 60))
        with Database(tmp_path / "server.db") as database:
            audit = AuditLog(database, made_keys.audit_keys(), tmp_path, SystemClock())
            report = await audit.verify()
            assert report.intact, report
            assert report.entries >= returned
            returned = await audit.append(AuditEntry("parent", "look"))
            assert (await audit.verify()).intact
    assert not list(tmp_path.glob("audit.head.lost-*"))
