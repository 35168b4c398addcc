"""How all roles fare, as a small file that health reads: `processes.json` in the run folder."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from civiscope.cluster.identity import ProcessIdentity
from civiscope.cluster.model import ProcessState, ProcessStatus

SCHEMA_VERSION = 1
_SIZE_LIMIT_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class ProcessesSnapshot:
    """What the supervisor knew at `at_us`; written at every change and every few seconds."""

    at_us: int
    supervisor: ProcessIdentity
    processes: tuple[ProcessStatus, ...]

    @property
    def is_supervised(self) -> bool:
        """False when the supervisor is gone; then the states are old, though the roles may well go on."""
        return self.supervisor.is_alive


def write_snapshot(run_folder: Path, snapshot: ProcessesSnapshot) -> None:
    """Replace the file whole, so that no reader sees half of it. Blocks; OSError when the disk fails."""
    path = run_folder / "processes.json"
    fresh = path.with_suffix(f".{os.getpid()}.new")
    fresh.write_text(json.dumps({"schema_version": SCHEMA_VERSION, **asdict(snapshot)}), encoding="utf-8")
    fresh.chmod(0o600)
    fresh.replace(path)


def read_snapshot(run_folder: Path) -> ProcessesSnapshot | None:
    """None if no supervisor has written one, or one of another schema version has."""
    try:
        with (run_folder / "processes.json").open("rb") as file:
            values = json.loads(file.read(_SIZE_LIMIT_BYTES))
        if values["schema_version"] != SCHEMA_VERSION:
            return None
        return ProcessesSnapshot(
            int(values["at_us"]),
            ProcessIdentity(**values["supervisor"]),
            tuple(_status(process) for process in values["processes"]),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ArithmeticError, RecursionError):
        return None


def _status(values: dict[str, object]) -> ProcessStatus:
    state = ProcessState(str(values.pop("state")))
    return ProcessStatus(state=state, **values)  # type: ignore[arg-type]  # wrong names raise TypeError: None
