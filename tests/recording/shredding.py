"""What the tests of cases and of destruction stand on: a vault, a case, a ledger, a hold over an old hour."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.recording.footage import EPOCH_US, Camera, Room, play

from civiscope.base import Span, new_id
from civiscope.recording import DestructionLedger, HeldSpan, HoldBook
from civiscope.security import CaseId, CaseKey, Vault, new_case_key, open_case_key
from civiscope.storage import DirectoryFiles, Files

SECOND_US = 1_000_000
HOUR_US = 3_600 * SECOND_US
HELD = Span(EPOCH_US + 5 * SECOND_US, EPOCH_US + 7 * SECOND_US)
VAULT = Vault(Vault.new_key())


def new_case() -> CaseKey:
    """A case with its key, as the server has it in memory."""
    case_id = CaseId(new_id())
    return open_case_key(VAULT, case_id, new_case_key(VAULT, case_id))


@dataclass
class Shredding:
    """A room whose recorder has holds with cases and a ledger; the server's side beside it."""

    room: Room
    folder: Path
    camera: Camera
    cases: list[CaseKey] = field(default_factory=list)
    holds: list[HeldSpan] = field(default_factory=list)

    def film(self, seconds: int = 12) -> None:
        """Footage of one hour, in segments of about a second."""
        self.room.settings = replace(self.room.settings, segment_us=SECOND_US)
        recorder = self.room.recorder()
        self.camera.start(recorder)
        for _ in range(seconds):
            play(recorder, [self.camera], 15)
            recorder.wait_written()
        recorder.close()

    def hold(self, case: CaseKey | None, span: Span = HELD) -> HeldSpan:
        """A hold that the recorder keeps too."""
        held = HeldSpan(
            self.camera.stream_id, span.start_us, span.end_us, None if case is None else case.case_id
        )
        self.holds.append(held)
        if case is not None and case not in self.cases:
            self.cases.append(case)
        self.apply()
        return held

    def end(self, held: HeldSpan) -> None:
        """That hold is over."""
        self.holds.remove(held)
        self.apply()

    def apply(self) -> None:
        """The server's holds are the recorder's; three seconds before a span are kept too."""
        self.book().apply(tuple(self.holds))

    def book(self) -> HoldBook:
        """As after a start of the recorder."""
        return HoldBook(self.folder / "holds.json", lead_us=3 * SECOND_US)

    def wraps(self) -> tuple[bytes, ...]:
        """What the server would send now."""
        archive = self.room.archive()
        self.room.site.keyring.unlock_cases(self.cases)
        return archive.case_wraps_wanting(self.holds, {one.case_id: one for one in self.cases})

    def run(self, wraps: tuple[bytes, ...] = (), make: Callable[[Path], Files] = DirectoryFiles) -> None:
        """A start of the recorder, `wraps` kept, a look at retention, and its end."""
        book = self.book()
        self.room.protected, self.room.cases_of = book.protects, book.cases_of
        files = make(self.folder / "destroyed")
        site = self.room.site
        self.room.ledger = DestructionLedger(files, site.sealer, site.identity.node_id, self.room.clock)
        recorder = self.room.recorder()
        recorder.keep_case_wraps(wraps)
        for _ in range(3):
            recorder.cut()
            recorder.wait_written()
        recorder.close()
        files.close()

    def grow_old(self, hours: int = 5) -> None:
        """The clock goes on; one hour is kept."""
        self.room.clock.advance(hours * HOUR_US)
        self.room.settings = replace(self.room.settings, keep_us=HOUR_US)

    def names(self) -> list[str]:
        """The wraps on the volume, `key` or a case's id."""
        folder = self.room.folder / "keys" / str(self.camera.stream_id)
        if not folder.is_dir():
            return []
        return sorted(one.name.partition(".")[2].removesuffix(".case") for one in folder.iterdir())

    def seen(self, span: Span = HELD, cases: bool = True) -> int:
        """How many units of the span open; with the cases' keys, or with the site's alone."""
        self.room.site.keyring.unlock_cases(self.cases if cases else [])
        return len(list(self.room.archive().read(self.camera.stream_id, span)))
