"""Processes of a supervisor that was killed: they went on with their work, and end before new ones start."""

import signal
from pathlib import Path

from civiscope.base import get_log
from civiscope.cluster.identity import ProcessIdentity, marked_processes, read_identity
from civiscope.cluster.keeper import pid_file
from civiscope.cluster.model import RoleSpec
from civiscope.cluster.ready import mark_of

_log = get_log("civiscope.cluster")
_KILL_WAIT_S = 1.0


def orphans_of(run_folder: Path, role: str) -> list[ProcessIdentity]:
    """Living processes of this data folder and role: by pid file, and by the mark in their environment."""
    found = marked_processes(mark_of(str(run_folder), role))
    written = read_identity(pid_file(run_folder, role))
    if written is not None and written.is_alive and written not in found:
        found.append(written)
    return found


def stop_orphans(run_folder: Path, spec: RoleSpec) -> int:
    """SIGTERM to all of a role, SIGKILL to those still there after `stop_s`; how many there were. Blocks."""
    orphans = orphans_of(run_folder, spec.role)
    for orphan in orphans:
        _log.warning("a process of an earlier supervisor is stopped", role=spec.role, pid=orphan.pid)
        orphan.send(signal.SIGTERM)
    for orphan in orphans:
        if not orphan.wait_end(spec.stop_s):
            orphan.send(signal.SIGKILL)
            orphan.wait_end(_KILL_WAIT_S)
    pid_file(run_folder, spec.role).unlink(missing_ok=True)
    return len(orphans)
