"""What disks and our own processes hand over: volumes, keys, MP4, the feed, the bus, libav's process."""

import atexit
import random
import shutil
import struct
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Protocol
from uuid import UUID

from tests.fuzz.target import REFUSED, Target
from tests.media.wire.rtp_values import SPS_264
from tests.recording.footage import (
    AUDIO,
    EPOCH_US,
    EVERYTHING,
    VIDEO,
    Camera,
    Room,
    audio_unit,
    make_site,
    play,
)

from civiscope.app.plan import PlanFile
from civiscope.base import ChannelId, ErrorKind, ProtocolError, RunId, StreamId
from civiscope.bus.face import methods_of
from civiscope.bus.facts import decode_fact, encode_fact
from civiscope.bus.wire import (
    MAGIC,
    PROTOCOL_VERSION,
    Cancel,
    Failure,
    Hello,
    Message,
    MessageParser,
    Request,
    Response,
    check_hello,
)
from civiscope.bus.wire import write_message as write_bus
from civiscope.cluster import read_snapshot
from civiscope.devices import parse_address
from civiscope.ingest import FeedDropped, FeedEnded, FeedRun, FeedUnit, StreamSource, Transport
from civiscope.ingest.feed_wire import (
    FeedHello,
    FeedMessage,
    FeedParser,
    FeedSubscribe,
    FeedUnsubscribe,
    FeedWatch,
    write_message,
)
from civiscope.ingest.foreign_wire import (
    ForeignFailure,
    ForeignParser,
    ForeignTracks,
    ForeignUnit,
    write_foreign,
)
from civiscope.ingest.run import RunTrack
from civiscope.media import AccessUnit, Codec, UnitFlags
from civiscope.media.mp4 import Sample, flac_frame, fragment, init_segment, parse_fragment, parse_init
from civiscope.media.wire import CodecConfig
from civiscope.recording import RecordingFact, rebuild_catalogue
from civiscope.recording.container import (
    PartFacts,
    PartProof,
    RecordType,
    SegmentEnd,
    SegmentHeader,
    crc,
    read_entries,
    read_record_start,
)
from civiscope.recording.facts import SegmentClosed
from civiscope.recording.index import INDEX_HEADER_BYTES, read_index_header, read_records
from civiscope.recording.keys import read_key_file
from civiscope.recording.sample_index import read_arrivals, read_sample_index
from civiscope.recording.segment_reader import PlainPart, SegmentReader
from civiscope.recording.track_lines import read_track_lines, write_track_lines
from civiscope.recording.volume import VolumeDescription
from civiscope.security import KeyContext, Vault, read_wrapped
from civiscope.security.signature import read_signature

STREAM, RUN = StreamId(UUID(int=5)), RunId(UUID(int=6))
FILE_LIMIT_BYTES = 60_000


@cache
def scratch() -> Path:
    """A folder for this process, gone with it."""
    folder = Path(tempfile.mkdtemp(prefix="civiscope-fuzz-"))
    atexit.register(shutil.rmtree, folder, True)
    return folder


@cache
def recorded_room() -> Room:
    """A volume with two cameras, one with sound, closed in order, with a gap between its runs."""
    room = Room(make_site(scratch() / "keys"), scratch() / "volume")
    cameras = [Camera(room.clock, mean_bytes=200), Camera(room.clock, tracks=(VIDEO, AUDIO), mean_bytes=200)]
    recorder = room.recorder()
    for _ in range(2):
        for camera in cameras:
            camera.start(recorder)
        for turn in range(3):
            play(recorder, cameras, 15)
            cameras[1].give(recorder, audio_unit(cameras[1], turn * 8000))
        for camera in cameras:
            camera.end(recorder)
        room.clock.advance(3_000_000)
    recorder.close()
    return room


def volume_files(pattern: str) -> list[Path]:
    """Files of the recorded volume, in an order that does not depend on their names' chance."""
    found = [path for path in recorded_room().folder.rglob(pattern) if path.is_file()]
    return sorted(found, key=lambda path: (path.stat().st_size, path.read_bytes()))


def seeds_of(pattern: str) -> Callable[[], Sequence[bytes]]:
    """The contents of such files."""
    return lambda: [path.read_bytes() for path in volume_files(pattern)]


def read_broken_volume(place: int, pattern: str) -> Callable[[bytes], None]:
    """Mend, read, show, export, verify and rebuild a volume of which one file holds these bytes."""

    def read(data: bytes) -> None:
        whole = recorded_room()
        folder = scratch() / "broken"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(whole.folder, folder)
        (folder / volume_files(pattern)[place].relative_to(whole.folder)).write_bytes(data)
        broken = replace(whole, folder=folder, facts=[])
        read_archive(broken)
        with suppress(*REFUSED):
            broken.volume().files.close()
        read_archive(broken)
        with suppress(*REFUSED):
            rebuild_catalogue([folder], broken.clock)
        read_archive(broken)

    return read


def read_archive(room: Room) -> None:
    """Everything a reader asks of a volume; each question is answered or refused for itself."""
    archive = room.archive()
    with suppress(*REFUSED):
        archive.refresh()
    for stream_id in archive.streams():
        questions: tuple[Callable[[], object], ...] = (
            lambda one=stream_id: archive.timeline(one, EVERYTHING),  # type: ignore[misc]
            lambda one=stream_id: archive.days(one, EVERYTHING),  # type: ignore[misc]
            lambda one=stream_id: archive.parts(one, EVERYTHING),  # type: ignore[misc]
            lambda one=stream_id: list(archive.read(one, EVERYTHING)),  # type: ignore[misc]
            lambda one=stream_id: list(archive.export_mp4(one, EVERYTHING)),  # type: ignore[misc]
            lambda one=stream_id: archive.verify(one, EVERYTHING),  # type: ignore[misc]
        )
        for ask in questions:
            with suppress(*REFUSED):
                ask()


@cache
def plain_parts() -> list[PlainPart]:
    """Opened parts of the recorded volume."""
    room = recorded_room()
    found = []
    for path in segments():
        data = path.read_bytes()
        reader = SegmentReader(lambda offset, length, data=data: data[offset : offset + length])  # type: ignore[misc]
        header = reader.header
        context = KeyContext(header.stream_id, header.key_hour, header.key_id)
        wrap = next(one for one in volume_files("*") if str(header.key_id) in one.name)
        key = room.site.keyring.unwrap(read_key_file(wrap.read_bytes()), context)
        open_ = lambda nonce, sealed, bound, key=key: key.open(nonce, sealed, bound)  # noqa: E731
        found += [reader.plain_part(part.offset, open_) for part in reader.parts(len(data))]
    return found


def segments() -> list[Path]:
    """All segment files."""
    return [path for path in volume_files("*") if path.read_bytes()[:4] == b"CVSG"]


def wraps() -> list[Path]:
    """All files of wrapped keys."""
    return [path for path in volume_files("*") if path.read_bytes()[:4] == b"CVKY"]


def read_plain_part(data: bytes) -> None:
    """A part whose seal was right and whose plain bytes are not: facts, index, arrivals, media."""
    cut = int.from_bytes(data[:2]) % (len(data) + 1)
    facts, _ = PartFacts.read(data[2:])
    PlainPart(facts, b"", plain_parts()[0].proof, data[2 + cut :]).units({})


def plain_seeds() -> Sequence[bytes]:
    """Facts and plain bytes in one."""
    return [len(one.facts_bytes).to_bytes(2) + one.facts_bytes + one.plain for one in plain_parts()]


def read_sealed_again(data: bytes) -> None:
    """A segment whose check sums were all made right again after the change."""
    fixed = bytearray(data)
    with suppress(struct.error, IndexError):
        length = struct.unpack_from(">H", fixed, 6)[0]
        fixed[length - 4 : length] = crc(bytes(fixed[: length - 4]))
    at = fixed.find(b"CVRC")
    while at >= 0 and at + 20 <= len(fixed):
        head_bytes, body_bytes = struct.unpack_from(">II", fixed, at + 8)
        end = at + 20 + head_bytes
        if end + 8 + body_bytes <= len(fixed):
            fixed[end : end + 4] = crc(bytes(fixed[at:end]))
            fixed[end + 4 + body_bytes : end + 8 + body_bytes] = crc(
                bytes(fixed[end + 4 : end + 4 + body_bytes])
            )
        at = fixed.find(b"CVRC", at + 4)
    raw = bytes(fixed)
    SegmentHeader.read(raw[:4096])
    reader = SegmentReader(lambda offset, length: raw[max(0, offset) : max(0, offset) + length])
    for frame in reader.frames(len(raw)):
        with suppress(ProtocolError):
            reader.body(frame)
        with suppress(ProtocolError):
            reader.part_of(frame)
        with suppress(ProtocolError):
            PartProof.read(frame.head)
        if frame.type is RecordType.END:
            SegmentEnd.read(frame.head)
    reader.end(len(raw))


def read_records_again(data: bytes) -> None:
    """An index whose frames were all made whole again after the change; it never raises."""
    fixed, at = bytearray(data[:INDEX_HEADER_BYTES]), INDEX_HEADER_BYTES
    while at + 8 <= len(data):
        frame = frame_at(data, at)
        fixed += frame + crc(frame)
        at += len(frame) + 4
    records, _ = read_records(bytes(fixed[INDEX_HEADER_BYTES:]))
    from civiscope.recording.catalogue import Catalogue

    Catalogue().apply(records)


def frame_at(data: bytes, at: int) -> bytes:
    """Type, true length and payload of the record there."""
    from civiscope.recording import index

    size = index._FRAME.size  # the frame's layout is the index's own business
    type_, length = index._FRAME.unpack_from(data, at) if at + size <= len(data) else (0, 0)
    payload = data[at + size : at + size + min(length, 4096)]
    return bytes(index._FRAME.pack(type_, len(payload))) + payload


def read_index(data: bytes) -> None:
    """Header and records as they lie."""
    read_records(data[INDEX_HEADER_BYTES:])
    read_index_header(data[:INDEX_HEADER_BYTES])


def read_index_parts(data: bytes) -> None:
    """Sample index, arrivals and the list of parts, each for itself."""
    count = int.from_bytes(data[:2])
    for read in (
        lambda: read_sample_index(data[2:], count, {1: 0, 2: 5}),
        lambda: read_arrivals(data[2:], count, 0, 0),
        lambda: read_entries(data),
        lambda: read_record_start(data, 0),
    ):
        with suppress(ProtocolError):
            read()


def index_part_seeds() -> Sequence[bytes]:
    """Of the recorded parts."""
    return [one.facts.unit_count.to_bytes(2) + one.facts.sample_index for one in plain_parts()] + [
        struct.pack(">QI", 9, len(one.facts_bytes)) + one.facts_bytes for one in plain_parts()
    ]


def read_key(data: bytes) -> None:
    """A wrapped key, its envelope right or wrong, and the certificate and signature readers."""
    context = KeyContext(STREAM, 7, read_wrapped(read_key_file(wraps()[0].read_bytes()))[0].context.key_id)
    keyring = recorded_room().site.keyring
    with suppress(*REFUSED):
        keyring.unwrap(data, context)
    with suppress(*REFUSED):
        keyring.unwrap(data, read_wrapped(data)[0].context)
    with suppress(*REFUSED):
        read_signature(data)
    with suppress(*REFUSED):
        read_key_file(data)
    with suppress(*REFUSED):
        keyring.verify_signature(data, data[:100], b"message", EPOCH_US)


def key_seeds() -> Sequence[bytes]:
    """Wraps with and without their file, signatures, certificates."""
    files = [path.read_bytes() for path in wraps()]
    ders = [path.read_bytes() for path in volume_files("*") if path.read_bytes()[:1] == b"\x30"]
    return [read_key_file(one) for one in files] + [plain_parts()[0].proof.signature] + ders + files


VAULT = Vault(bytes(range(32)))


def read_vault(data: bytes) -> None:
    """A sealed secret, and as the kept plan, which opens or is empty."""
    path = scratch() / "plan.sealed"
    path.write_bytes(data)
    PlanFile(path, VAULT).load()
    VAULT.open_secret(data, b"context")


def read_plan(data: bytes) -> None:
    """A plan that was sealed rightly and says nonsense: the recorder starts with what it can read."""
    from civiscope.app import plan

    path = scratch() / "nonsense.sealed"
    path.write_bytes(VAULT.seal_secret(data, plan._CONTEXT))
    PlanFile(path, VAULT).load()


def plan_seeds() -> Sequence[bytes]:
    """A plan's JSON."""
    from civiscope.app import plan

    source = StreamSource(STREAM, ChannelId(UUID(int=8)), "rtsp://10.0.0.9/a", "u", "p", Transport.TCP)
    whole = plan.RecordingPlan((source, source))
    return [plan._to_json(whole), b'{"version": 1, "streams": []}']


def feed_seeds() -> Sequence[bytes]:
    """Both directions of the feed."""
    unit = AccessUnit(1, 5, 6000, 6000, EPOCH_US, 9, UnitFlags.KEY, 0, random.Random(1).randbytes(300))
    asked: list[FeedMessage] = [
        FeedHello("server"), FeedSubscribe(STREAM), FeedWatch(STREAM, True), FeedUnsubscribe(STREAM),
    ]  # fmt: skip
    told: list[FeedMessage] = [
        FeedHello("recorder"), FeedRun(STREAM, RUN, EPOCH_US, (VIDEO, AUDIO)), FeedUnit(STREAM, RUN, unit),
        FeedDropped(STREAM, RUN, 4, 9), FeedEnded(STREAM, RUN, EPOCH_US, "closed", "words"),
        FeedEnded(STREAM, None, EPOCH_US, "refused", ""),
    ]  # fmt: skip
    return [*map(write_message, told + asked), b"".join(map(write_message, told))]


class Numbers(Protocol):
    """A face with every kind of argument."""

    async def add(self, one: int, names: list[str], span: dict[str, float] | None = None) -> tuple[int, str]:
        """Never run."""
        ...


def read_bus(data: bytes) -> None:
    """Frames, greeting and the bodies inside them."""
    messages: list[Message] = []
    with suppress(ProtocolError):
        messages = MessageParser().feed(data)
    for message in messages:
        if isinstance(message, Hello):
            with suppress(ProtocolError):
                check_hello(message)
        if isinstance(message, Request):
            with suppress(*REFUSED):
                methods_of(Numbers)["add"].read_arguments(message.body)
        if isinstance(message, Response):
            with suppress(ProtocolError):
                methods_of(Numbers)["add"].read_result(message.body)
    for method in methods_of(Numbers).values():
        with suppress(*REFUSED):
            method.read_arguments(data)
        with suppress(*REFUSED):
            method.read_result(data)
    with suppress(*REFUSED):
        decode_fact(SegmentClosed, data)


def bus_seeds() -> Sequence[bytes]:
    """Every message, a body alone and a fact."""
    body = methods_of(Numbers)["add"].write_arguments((1, ["a"]), {"span": {"x": 1.5}})
    hello = write_bus(Hello(MAGIC, PROTOCOL_VERSION, "recorder"))
    rest: list[Message] = [
        Request(7, "Numbers", "add", 1000, UUID(int=3), UUID(int=4), body), Response(7, b"\x92\x01\xa1a"),
        Failure(8, ErrorKind.DENIED, "no"), Cancel(9),
    ]  # fmt: skip
    facts = [encode_fact(fact) for fact in first_facts(recorded_room().facts)]
    return [hello, *(hello + write_bus(one) for one in rest), body, *facts]


def first_facts(facts: Sequence[RecordingFact]) -> Iterator[RecordingFact]:
    """One fact of each kind."""
    return iter({type(fact): fact for fact in facts}.values())


def read_foreign(data: bytes) -> None:
    """Messages of libav's process."""
    list(ForeignParser().feed(data))


def foreign_seeds() -> Sequence[bytes]:
    """Tracks, units with and without a configuration, a failure."""
    config = CodecConfig((SPS_264, b"\x68\xee"), b"\x14\x08", 640, 480, 0, 0, 2, 0.04)
    tracks = ForeignTracks((RunTrack(1, Codec.H264, 90_000, config), RunTrack(2, Codec.PCMU, 8000, None)))
    units = [ForeignUnit(1, 9, UnitFlags.KEY, one, bytes(99)) for one in (config, None)]
    return [write_foreign(tracks), *map(write_foreign, units), write_foreign(ForeignFailure("gone"))]


def read_mp4(data: bytes) -> None:
    """Init segment and fragment, each for itself."""
    with suppress(ProtocolError):
        parse_init(data)
    with suppress(ProtocolError):
        parse_fragment(data)


def mp4_seeds() -> Sequence[bytes]:
    """Of two tracks."""
    samples = [
        Sample(track, at * 3000, 0, 3000, at == 0, bytes([track]) * 50) for at in range(4) for track in (1, 2)
    ]
    return [init_segment((VIDEO, AUDIO)), init_segment((VIDEO,)), fragment(7, samples)]


def read_flac(data: bytes) -> None:
    """G.711 of any length becomes FLAC or is refused."""
    flac_frame(AUDIO, data, 5)


def read_address(data: bytes) -> None:
    """What a person may paste as a camera's address."""
    parse_address(data.decode("utf-8", "replace"))


def read_processes(data: bytes) -> None:
    """The supervisor's file: known or unknown, never an error."""
    (scratch() / "processes.json").write_bytes(data)
    read_snapshot(scratch())


_PROCESSES = (
    b'{"schema_version": 1, "at_us": 5, "supervisor": {"pid": 1, "start_ticks": 2, "boot": "b"}, '
    b'"processes": [{"role": "server", "state": "running", "pid": 9, "since_us": 4, "restarts": 0, '
    b'"detail": ""}]}'
)
_VOLUME_JSON = "volume.json"


def volume_target(name: str, pick: Callable[[], list[Path]], place: int) -> Target:
    """One file of the volume broken, all others whole."""

    def read(data: bytes) -> None:
        path = pick()[place]
        order = volume_files("*")
        read_broken_volume(order.index(path), "*")(data)

    return Target(read, lambda: [pick()[place].read_bytes()[:FILE_LIMIT_BYTES]])


def index_files() -> list[Path]:
    """The index of the volume."""
    return [path for path in volume_files("*") if path.read_bytes()[:4] == b"CVIX"]


TARGETS: dict[str, Target] = {
    "volume with a broken segment": volume_target("segment", segments, 0),
    "volume with a broken index": volume_target("index", index_files, 0),
    "volume with a broken key": volume_target("key", wraps, 0),
    "volume with a broken description": volume_target("description", lambda: volume_files(_VOLUME_JSON), 0),
    "segment, check sums right": Target(
        read_sealed_again, lambda: [path.read_bytes()[:FILE_LIMIT_BYTES] for path in segments()]
    ),
    "index": Target(read_index, lambda: [path.read_bytes() for path in index_files()]),
    "index, check sums right": Target(
        read_records_again, lambda: [path.read_bytes() for path in index_files()], ()
    ),
    "plain part": Target(read_plain_part, plain_seeds),
    "sample index": Target(read_index_parts, index_part_seeds, ()),
    "track lines": Target(read_track_lines, lambda: [write_track_lines((VIDEO, AUDIO))]),
    "volume description": Target(VolumeDescription.read, seeds_of(_VOLUME_JSON)),
    "wrapped keys and signatures": Target(read_key, key_seeds, ()),
    "vault": Target(read_vault, lambda: [VAULT.seal_secret(b"hunter2", b"context")], REFUSED),
    "plan": Target(read_plan, plan_seeds, ()),
    "feed": Target(lambda data: FeedParser().feed(data), feed_seeds),
    "bus": Target(read_bus, bus_seeds, ()),
    "foreign": Target(read_foreign, foreign_seeds),
    "mp4": Target(read_mp4, mp4_seeds, ()),
    "flac": Target(read_flac, lambda: [bytes(160), bytes(range(256)) * 4]),
    "address": Target(
        read_address, lambda: [b"rtsp://a:b@[::1]:554/x?y=z", b"RTSPS://cam.example/%20"], REFUSED
    ),
    "processes": Target(read_processes, lambda: [_PROCESSES], ()),
}
