"""The destruction ledger: every wrap that was ordered destroyed, chained and signed, apart from the volumes.

One line of canonical JSON an order, one when it is done; each names the SHA-256 of the line before and
carries the node's signature. A restore replays it, so that no copy opens what was destroyed
(docs/design/keys.md).
"""

import json
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from uuid import UUID

from civiscope.base import Clock, NodeId, ProtocolError, SiteId, StreamId, get_log
from civiscope.recording.model import case_wrap_path, key_path
from civiscope.security import CaseId, KeyId, SegmentSealer
from civiscope.storage import DiskError, DiskFault, Files

LEDGER_NAME = "destroyed.jsonl"
LEDGER_START = sha256(b"civiscope destruction ledger 1\0").hexdigest()
"""What the first line names as the one before."""
_STATEMENT = b"civiscope/destruction/1\0"
_SITE = "site"
_log = get_log("civiscope.recording")


@dataclass(frozen=True, slots=True)
class DoomedWraps:
    """Wraps of one data key that are to go; what they sealed is unreadable unless `kept_for` names a case."""

    stream_id: StreamId
    key_id: KeyId
    hour: int | None
    """Whole hours of UTC since 1970; None when the wrap was torn."""
    site: bool
    cases: tuple[CaseId, ...] = ()
    kept_for: tuple[CaseId, ...] = ()
    """Cases whose wraps stay: their held spans stay readable."""
    spans: tuple[tuple[int, int], ...] = ()
    """What was deleted of the stream in that hour, in microseconds."""

    @property
    def paths(self) -> list[str]:
        """Their files in a volume."""
        site = [key_path(self.stream_id, self.key_id)] if self.site else []
        return site + [case_wrap_path(self.stream_id, self.key_id, one) for one in self.cases]

    def to_json(self) -> dict[str, object]:
        """As it stands in a line."""
        return {
            "stream": str(self.stream_id), "key": str(self.key_id), "hour": self.hour,
            "sealed_to": ([_SITE] if self.site else []) + [str(one) for one in self.cases],
            "kept_for": [str(one) for one in self.kept_for], "spans": [list(one) for one in self.spans],
        }  # fmt: skip

    @staticmethod
    def from_json(fields: Mapping[str, Any]) -> "DoomedWraps":
        """Whatever else it is raises LookupError, TypeError or ValueError."""
        sealed_to = list(fields["sealed_to"])
        return DoomedWraps(
            StreamId(UUID(fields["stream"])), KeyId(UUID(fields["key"])), fields["hour"], _SITE in sealed_to,
            tuple(CaseId(UUID(one)) for one in sealed_to if one != _SITE),
            tuple(CaseId(UUID(one)) for one in fields["kept_for"]),
            tuple((int(start), int(end)) for start, end in fields["spans"]),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class LedgerLine:
    """One line as it was read."""

    text: bytes
    """Without its line feed."""
    sequence: int
    at_us: int
    previous: str
    kind: str
    """`destroy` or `done`."""
    of: int
    """Of `done`: the order that it ends; else its own sequence."""
    fields: Mapping[str, Any]

    @property
    def head(self) -> str:
        """What the next line names as the one before."""
        return sha256(self.text).hexdigest()

    @property
    def wraps(self) -> tuple[DoomedWraps, ...]:
        """What is to go; empty of `done`."""
        return tuple(DoomedWraps.from_json(one) for one in self.fields.get("wraps", ()))

    @property
    def statement(self) -> bytes:
        """What the node signed."""
        return statement_of({name: value for name, value in self.fields.items() if name != "signature"})


def statement_of(fields: Mapping[str, Any]) -> bytes:
    """The bytes that a node signs for these fields."""
    return _STATEMENT + canonical(fields)


def canonical(fields: Mapping[str, Any]) -> bytes:
    """The one way to write it: keys sorted, no blanks, UTF-8."""
    return json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def read_line(text: bytes) -> LedgerLine:
    """ProtocolError whatever else the bytes are."""
    try:
        fields = json.loads(text)
        line = LedgerLine(
            text, int(fields["sequence"]), int(fields["at_us"]), str(fields["previous"]), str(fields["kind"]),
            int(fields.get("of", fields["sequence"])), fields,
        )  # fmt: skip
        if fields["version"] != 1 or line.kind not in ("destroy", "done"):
            raise ProtocolError("a line of the destruction ledger of another version: use a newer release")
        bytes.fromhex(fields["signature"]), bytes.fromhex(fields["certificate"])
        line.wraps  # noqa: B018  read, so that a line with others is refused here
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise ProtocolError(f"a line of the destruction ledger can not be read: {error}") from None
    return line


def read_lines(data: bytes) -> Iterator[LedgerLine]:
    """All lines in order; ProtocolError where one is damaged or does not follow. A torn last one is left out.

    Says nothing about signatures: `check_line`.
    """
    previous = LEDGER_START
    *whole, _ = data.split(b"\n")
    for sequence, text in enumerate(whole, 1):
        line = read_line(text)
        if line.previous != previous or line.sequence != sequence:
            raise ProtocolError(
                f"line {sequence} of the destruction ledger does not follow from the one before"
            )
        previous = line.head
        yield line


def replay(lines: Iterable[LedgerLine], files: Files) -> int:
    """Destroy again, in a volume, whatever was ordered destroyed; how many wraps were still there.

    No key is ever used again after its wraps were ordered destroyed, so doing it twice does no harm.
    """
    present = {name for folder in files.names("keys") for name in files.names(f"keys/{folder}")}
    found = 0
    for line in lines:
        for path in (path for one in line.wraps for path in one.paths):
            if path.rpartition("/")[2] in present:
                files.remove(path)
                found += 1
    if found:
        files.sync()
    return found


class DestructionLedger:
    """Appends to the ledger in `files`; one writer. Calls raise DiskError: then nothing may be destroyed.

    A damaged one is left as it is and takes no order, so that recording goes on and no wrap goes unrecorded.
    Thread-safe: the writers of all volumes share it.
    """

    def __init__(self, files: Files, sealer: SegmentSealer, node_id: NodeId, clock: Clock) -> None:
        """Takes back a torn last line; blocks."""
        self._files = files
        self._sealer = sealer
        self._node_id = node_id
        self._clock = clock
        self._lock = threading.RLock()
        self.unfinished: dict[int, LedgerLine] = {}
        """Orders that a cut may have left half done, by sequence."""
        self.damage = ""
        """What is wrong with it, in words; empty: nothing."""
        self._head, self._sequence = LEDGER_START, 0
        self._certificate = sha256(sealer.node_certificate).hexdigest()
        try:
            self._load()
        except ProtocolError as error:
            self._give_up(str(error))
        self._keep_certificate()

    @property
    def site_id(self) -> SiteId:
        """Whose it is."""
        return self._sealer.site_id

    def order(self, volume_id: UUID, wraps: Sequence[DoomedWraps], reason: str, policy: str) -> int:
        """Write down what is going to be destroyed, on the disk when this returns; the order's sequence."""
        fields = {
            "kind": "destroy", "volume": str(volume_id), "reason": reason, "policy": policy,
            "wraps": [one.to_json() for one in wraps],
        }  # fmt: skip
        with self._lock:
            line = self._append(fields)
            self.unfinished[line.sequence] = line
        return line.sequence

    def done(self, sequence: int) -> None:
        """All of that order is destroyed, and the disk has it."""
        with self._lock:
            self._append({"kind": "done", "of": sequence})
            self.unfinished.pop(sequence, None)

    def finish(self, files: Files, volume_id: UUID) -> int:
        """Carry out, in this volume, what a cut left half done; how many wraps were still there."""
        with self._lock:
            orders = list(self.unfinished.values())
        own = [one for one in orders if one.fields.get("volume") == str(volume_id)]
        if not own:
            return 0
        found = replay(own, files)
        for line in own:
            self.done(line.sequence)
        return found

    def _give_up(self, damage: str) -> None:
        self.damage = damage
        self.unfinished.clear()
        _log.error(
            "nothing is destroyed, because the destruction ledger is damaged: put back the copy that lies "
            "beside the newest backup, and start the recorder again",
            file=LEDGER_NAME,
            why=damage,
        )

    def _append(self, fields: Mapping[str, object]) -> LedgerLine:
        if self.damage:
            raise DiskError(DiskFault.FAILED, f"The destruction ledger is damaged: {self.damage}")
        body = {
            **fields, "version": 1, "sequence": self._sequence + 1, "at_us": self._clock.now_us(),
            "site": str(self._sealer.site_id), "node": str(self._node_id), "previous": self._head,
            "certificate": self._certificate,
        }  # fmt: skip
        signature = self._sealer.sign(statement_of(body)).hex()
        line = read_line(canonical({**body, "signature": signature}))
        size_bytes = self._files.append(LEDGER_NAME, line.text, b"\n")
        try:
            self._files.sync()
        except DiskError:
            self._files.truncate(LEDGER_NAME, size_bytes)
            raise
        self._head, self._sequence = line.head, line.sequence
        return line

    def _keep_certificate(self) -> None:
        """Who signs, beside what is signed."""
        name = f"node-{self._certificate}.der"
        if name in self._files.names("") and self._files.read(name) == self._sealer.node_certificate:
            return
        self._files.remove(name)
        self._files.append(name, self._sealer.node_certificate)
        self._files.release(name)

    def _load(self) -> None:
        try:
            data = self._files.read(LEDGER_NAME)
        except DiskError as error:
            if error.fault is not DiskFault.MISSING:
                raise
            return
        whole_bytes = data.rfind(b"\n") + 1
        if whole_bytes < len(data):
            _log.warning("a torn line of the destruction ledger is taken back", size_bytes=len(data))
            self._files.truncate(LEDGER_NAME, whole_bytes)
        for line in read_lines(data):
            self._head, self._sequence = line.head, line.sequence
            if line.kind == "destroy":
                self.unfinished[line.sequence] = line
            else:
                self.unfinished.pop(line.of, None)
