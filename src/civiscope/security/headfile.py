"""The newest signed head of an audit chain, kept in a file beside the database."""

import threading
from dataclasses import dataclass
from pathlib import Path

from civiscope.base import ProtocolError, get_log
from civiscope.security.chain import AuditHead
from civiscope.security.keyfile import write_private

_READ_LIMIT_BYTES = 4096
_log = get_log("civiscope.security")


@dataclass(frozen=True, slots=True)
class KeptHead:
    """A head file and what is in it; None if that cannot be read."""

    path: Path
    head: AuditHead | None


class HeadFile:
    """One path. A head that the database does not bear out is set aside as `<name>.lost-<sequence>`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._newest = 0

    def keep(self, head: AuditHead) -> None:
        """Write the head unless a newer one is kept. A full disk is logged: the kept head is then older."""
        with self._lock:
            if head.sequence <= self._newest:
                return
            try:
                write_private(self.path, head.to_json())
            except OSError as error:
                _log.error("cannot keep the audit head", path=self.path, reason=error.strerror)
                return
            self._newest = head.sequence

    def set_aside(self, kept: KeptHead) -> None:
        """Move a head that is not borne out away, so that it stays as evidence."""
        sequence = "unreadable" if kept.head is None else str(kept.head.sequence)
        try:
            self.path.replace(self.path.with_name(f"{self.path.name}.lost-{sequence}"))
        except OSError as error:
            _log.error("cannot set the lost audit head aside", path=self.path, reason=error.strerror)

    def read(self) -> KeptHead | None:
        """What is kept; None if nothing is."""
        return _read(self.path)

    def read_all(self) -> list[KeptHead]:
        """The kept head and those set aside."""
        aside = sorted(self.path.parent.glob(f"{self.path.name}.lost-*"))
        return [kept for kept in map(_read, [self.path, *aside]) if kept is not None]


def _read(path: Path) -> KeptHead | None:
    try:
        with path.open("rb") as file:
            data = file.read(_READ_LIMIT_BYTES)
    except FileNotFoundError:
        return None
    try:
        return KeptHead(path, AuditHead.from_json(data))
    except ProtocolError:
        return KeptHead(path, None)
