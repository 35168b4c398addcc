"""What the recording tests stand on: a site's real keys, units of a made camera, a recorder on a folder."""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from civiscope.base import ManualClock, RunId, Span, StreamId, new_id
from civiscope.ingest import LossReason
from civiscope.media import (
    AccessUnit,
    Codec,
    EncoderSettings,
    FileUnits,
    PlanarPicture,
    TrackConfig,
    UnitFlags,
    encode_clip,
)
from civiscope.recording import (
    Archive,
    DestructionLedger,
    Recorder,
    RecorderSettings,
    RecordingFact,
    SegmentSummary,
    Volume,
    VolumeIdentity,
)
from civiscope.recording.retention import DeletionRules, nothing_protected
from civiscope.security import CaseId, Keyring, SegmentSealer, SiteKeys, load_keyring, load_sealer
from civiscope.storage import DirectoryFiles, Files

SPS = bytes.fromhex("6742c01fd9005005bb016a02020280000003008000001e478c1924")
PPS = bytes.fromhex("68cb8cb2")
VIDEO = TrackConfig(1, Codec.H264, 90_000, 0, (SPS, PPS), b"", 1280, 720)
AUDIO = TrackConfig(2, Codec.PCMU, 8_000, 0, (), b"", 0, 0, 8_000, 1)
EVERYTHING = Span(0, 1 << 62)
FRAME_US = 66_666
EPOCH_US = 1_700_000_000_000_000 // 3_600_000_000 * 3_600_000_000 + 60_000_000


@dataclass(frozen=True)
class Site:
    """Keys of one site, as the recorder and the server load them."""

    keys: SiteKeys
    sealer: SegmentSealer
    keyring: Keyring

    @property
    def identity(self) -> VolumeIdentity:
        return VolumeIdentity(self.keys.identity.site_id, self.keys.identity.node_id)


def make_site(folder: Path) -> Site:
    """Real keys in `folder`, valid at the tests' time."""
    keys = SiteKeys.create(folder, "test", clock=ManualClock(EPOCH_US - 86_400_000_000))
    return Site(keys, load_sealer(keys.recorder_folder), load_keyring(keys.server_folder))


def unit_bytes(rng: random.Random, size_bytes: int, key: bool) -> bytes:
    """One length-prefixed NAL unit of noise, as a slice would be."""
    body = (b"\x65" if key else b"\x41") + rng.randbytes(max(1, size_bytes))
    return len(body).to_bytes(4) + body


@dataclass
class Camera:
    """Makes units of one stream and hands them to a recorder; remembers everything it sent."""

    clock: ManualClock
    stream_id: StreamId = field(default_factory=lambda: StreamId(new_id()))
    tracks: tuple[TrackConfig, ...] = (VIDEO,)
    gop: int = 15
    mean_bytes: int = 900
    rng: random.Random = field(default_factory=lambda: random.Random(7))
    run_id: RunId = field(default_factory=lambda: RunId(new_id()))
    sequence: int = 0
    pts: int = 0
    sent: list[tuple[RunId, AccessUnit]] = field(default_factory=list)

    def start(self, recorder: Recorder) -> None:
        """Begin a new run."""
        self.run_id = RunId(new_id())
        self.sequence = self.pts = 0
        recorder.run_started(self.stream_id, self.run_id, self.tracks, self.clock.now_us())

    def frame(self, recorder: Recorder, flags: UnitFlags = UnitFlags.NONE) -> AccessUnit:
        """Send one picture, as it arrives now."""
        is_key = self.sequence % self.gop == 0
        unit = AccessUnit(
            1,
            self.sequence,
            self.pts,
            self.pts,
            self.clock.now_us(),
            self.clock.monotonic_us(),
            flags | (UnitFlags.KEY if is_key else UnitFlags.NONE),
            self.tracks[0].generation,
            unit_bytes(self.rng, self.rng.randrange(self.mean_bytes // 2, self.mean_bytes * 3 // 2), is_key),
        )
        self.sequence += 1
        self.pts += 6_000
        self.give(recorder, unit)
        return unit

    def give(self, recorder: Recorder, unit: AccessUnit) -> None:
        """Hand over any unit."""
        self.sent.append((self.run_id, unit))
        recorder.unit(self.stream_id, self.run_id, unit)

    def end(self, recorder: Recorder, reason: LossReason = LossReason.CLOSED, detail: str = "") -> None:
        """The session is over."""
        recorder.run_ended(self.stream_id, self.run_id, self.clock.now_us(), reason, detail)


def play(recorder: Recorder, cameras: Sequence[Camera], frames: int) -> None:
    """Each camera sends so many pictures at 15 per second, while the clock runs and the recorder ticks."""
    for _ in range(frames):
        for camera in cameras:
            camera.frame(recorder)
        cameras[0].clock.advance(FRAME_US)
        recorder.tick()


@dataclass
class Room:
    """One volume and its recorder, opened and closed at will."""

    site: Site
    folder: Path
    clock: ManualClock = field(default_factory=lambda: ManualClock(EPOCH_US))
    settings: RecorderSettings = field(
        default_factory=lambda: RecorderSettings(min_free_bytes=0, keep_us=None)
    )
    facts: list[RecordingFact] = field(default_factory=list)
    make_files: Callable[[Path], Files] = DirectoryFiles
    protected: Callable[[SegmentSummary], bool] = nothing_protected
    keep_us: Callable[[StreamId], int | None] | None = None
    cases_of: Callable[[SegmentSummary], frozenset[CaseId | None]] | None = None
    ledger: DestructionLedger | None = None

    def volume(self) -> Volume:
        """Open, and mend."""
        return Volume.open(self.make_files(self.folder), self.site.identity, self.clock)

    def recorder(self) -> Recorder:
        """A recorder on the volume."""
        rules = DeletionRules(self.protected, self.cases_of, self.ledger, self.keep_us)
        return Recorder(self.volume(), self.site.sealer, self.clock, self.settings, self.facts.append, rules)

    def archive(self) -> Archive:
        """A reader of the volume."""
        return Archive([self.folder], self.site.keyring, self.clock)


def recorded(archive: Archive, stream_id: StreamId, span: Span = EVERYTHING) -> Iterator[AccessUnit]:
    """The units of a stream, without what stands around them."""
    return (one.unit for one in archive.read(stream_id, span))


def audio_unit(camera: Camera, pts: int) -> AccessUnit:
    """20 ms of sound, arriving now; counts in the camera's order."""
    unit = AccessUnit(
        2, camera.sequence, pts, pts, camera.clock.now_us(), camera.clock.monotonic_us(), UnitFlags.KEY, 0,
        camera.rng.randbytes(160),
    )  # fmt: skip
    camera.sequence += 1
    return unit


def with_generation(track: TrackConfig, generation: int) -> TrackConfig:
    """The same track after one more change."""
    return replace(track, generation=generation)


def drawn_clip(path: Path, frames: int = 60, b_frames: int = 0, width_px: int = 320) -> FileUnits:
    """A short H.264 clip of a moving grey field, as units; 15 pictures a second, a key unit every 15."""
    height_px = width_px * 9 // 16
    noise = random.Random(3).randbytes(width_px * height_px * 2)

    def pictures() -> Iterator[PlanarPicture]:
        chroma = bytes([128]) * (width_px * height_px // 4)
        for number in range(frames):
            start = (number * 4) % (width_px * height_px)
            yield PlanarPicture(
                width_px, height_px, noise[start : start + width_px * height_px], chroma, chroma
            )

    encode_clip(path, pictures(), EncoderSettings(rate_fps=15, gop_frames=15, b_frames=b_frames))
    return FileUnits(path)


def play_file(recorder: Recorder, camera: Camera, file: FileUnits) -> None:
    """Send a file's units as a run of a camera, in real time by the manual clock."""
    camera.tracks = file.tracks
    camera.start(recorder)
    start_us = camera.clock.now_us()
    for unit in file.units:
        due_us = start_us + unit.arrival_us - file.units[0].arrival_us
        camera.clock.advance(max(0, due_us - camera.clock.now_us()))
        now = replace(
            unit, arrival_us=camera.clock.now_us(), arrival_monotonic_us=camera.clock.monotonic_us()
        )
        camera.give(recorder, now)
        recorder.tick()
    camera.clock.advance(FRAME_US)
