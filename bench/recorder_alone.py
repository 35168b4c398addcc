"""Receiving and writing cameras in one process, sealed as the product does or plain, as its cheapest twin.

`python -m bench.recorder_alone sealed|plain FOLDER KEYS SECONDS ADDRESS…` prints CPU ms per camera-second.
The plain writer is made of the same parts: no leaf, chain, signature, cipher; framing, CRC, barrier stay.
"""

import sys
import time
from pathlib import Path

from tests.ingest.rig import LOOPBACK, source_of

from civiscope.base import SystemClock
from civiscope.ingest import Intake, IntakeSettings
from civiscope.media.mp4 import fragment_header
from civiscope.recording import (
    Recorder,
    RecorderSettings,
    Volume,
    VolumeIdentity,
    container,
    proof,
    stream_writer,
)
from civiscope.recording.container import PartProof, RecordType
from civiscope.recording.sample_index import write_arrivals
from civiscope.recording.segment_writer import PartDraft, SealedPart, SegmentWriter
from civiscope.security import SiteKeys, load_sealer
from civiscope.storage import DirectoryFiles

TICK_S = 0.04
SETTLE_S = 8.0


class PlainSegmentWriter(SegmentWriter):
    """Writes the same records open and unproved; nothing reads them."""

    def seal_part(self, draft: PartDraft, after_hole: bool) -> SealedPart:
        """As the sealed one, without leaves, head, signature and cipher."""
        samples = self._samples(draft)
        media_header, order = fragment_header(self._number, samples)
        arrivals = write_arrivals(draft.units)
        box = (24 + len(arrivals)).to_bytes(4) + b"uuid" + container.ARRIVALS_TYPE + arrivals
        plain = b"".join((media_header, *[sample.data for sample in order], box))
        facts = self._facts(draft, len(plain) - len(box), after_hole)
        facts_bytes = facts.to_bytes()
        record_head = facts_bytes + PartProof(proof.NO_HEAD, proof.NO_HEAD, bytes(64)).to_bytes()
        return SealedPart(
            facts, facts_bytes, proof.NO_HEAD, tuple(self._sealed(RecordType.PART, record_head, plain))
        )

    def _sealed(self, type_: RecordType, head: bytes, plain: bytes) -> list[bytes]:
        start = container.record_start(type_, self._next_number(), head, len(plain))
        return [start, container.crc(start), plain, container.crc(plain)]


def main() -> None:
    """Record, and say what it cost."""
    kind, folder, keys_folder, seconds = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), float(sys.argv[4])
    addresses = sys.argv[5:]
    if kind == "plain":
        stream_writer.SegmentWriter = PlainSegmentWriter  # type: ignore[attr-defined]  # this process only
    keys, clock = SiteKeys.load(keys_folder), SystemClock()
    volume = Volume.open(
        DirectoryFiles(folder), VolumeIdentity(keys.identity.site_id, keys.identity.node_id), clock
    )
    recorder = Recorder(
        volume, load_sealer(keys.recorder_folder), clock, RecorderSettings(), lambda fact: None
    )
    intake = Intake([recorder], clock, LOOPBACK, IntakeSettings())
    intake.set_sources([source_of(address) for address in addresses])

    def tick_for(duration_s: float) -> None:
        until_s = time.monotonic() + duration_s
        while (now_s := time.monotonic()) < until_s:
            intake.tick()
            recorder.tick()
            time.sleep(max(0.0, TICK_S - (time.monotonic() - now_s)))

    tick_for(SETTLE_S)
    began_s, before_s = time.monotonic(), time.process_time()
    tick_for(seconds)
    spent_s, window_s = time.process_time() - before_s, time.monotonic() - began_s
    intake.close()
    recorder.close()
    print(1000 * spent_s / window_s / len(addresses))


if __name__ == "__main__":
    main()
