"""libav as a guest in a process of its own: its units, its end, and its messages."""

import os
import signal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.ingest.rig import source_of, ticking
from tests.ingest.test_intake import assert_same

from civiscope.base import ProtocolError
from civiscope.ingest import LossReason, StreamState
from civiscope.ingest.foreign_wire import (
    ForeignDone,
    ForeignFailure,
    ForeignMessage,
    ForeignParser,
    ForeignPlaced,
    ForeignTracks,
    ForeignUnit,
    write_foreign,
)
from civiscope.ingest.run import RunTrack
from civiscope.media import Codec, FileUnits, UnitFlags
from civiscope.media.wire import CodecConfig, Credentials
from civiscope.simulator import Footage, RtspServer, ServerOptions, SimulatedCamera, serving

CONFIGS = st.builds(
    CodecConfig,
    st.lists(st.binary(max_size=20), max_size=3).map(tuple), st.binary(max_size=4),
    st.integers(0, 9999), st.integers(0, 9999), st.integers(0, 96000), st.integers(0, 8),
    st.none() | st.integers(0, 16), st.sampled_from([0.0, 0.04]),
)  # fmt: skip
TRACKS = st.builds(
    RunTrack, st.integers(1, 9), st.sampled_from(Codec), st.integers(1, 96000), st.none() | CONFIGS
)
MESSAGES = st.one_of(
    st.builds(ForeignTracks, st.lists(TRACKS, max_size=3).map(tuple)),
    st.builds(
        ForeignUnit, st.integers(0, 255), st.integers(0, 0xFFFF_FFFF), st.integers(0, 15).map(UnitFlags),
        st.none() | CONFIGS, st.binary(max_size=50),
    ),
    st.builds(
        ForeignPlaced, st.integers(0, 255), *[st.integers(-(2**63), 2**63 - 1)] * 3,
        st.integers(0, 15).map(UnitFlags), st.none() | CONFIGS, st.binary(max_size=50),
    ),
    st.builds(ForeignFailure, st.text(max_size=50)),
    st.builds(ForeignDone, st.text(max_size=50)),
)  # fmt: skip


@given(st.lists(MESSAGES, max_size=5), st.integers(1, 40))
def test_any_cut_of_the_bytes_gives_the_same_messages(messages: list[ForeignMessage], step: int) -> None:
    raw = b"".join(map(write_foreign, messages))
    parser = ForeignParser()
    read = [m for at in range(0, len(raw), step) for m in parser.feed(raw[at : at + step])]
    assert read == messages


@given(st.binary(max_size=100), st.integers(1, 6))
def test_garbage_is_a_protocol_error(junk: bytes, kind: int) -> None:
    framed = (len(junk) + 1).to_bytes(4) + bytes((kind,)) + junk
    for data in (junk, framed):
        try:
            list(ForeignParser().feed(data))
        except ProtocolError:
            continue


async def test_a_camera_through_libav(footage: dict[str, Footage], file_units: dict[str, FileUnits]) -> None:
    options = ServerOptions(users=(Credentials("viewer", "s3cret:/@"),))
    camera = SimulatedCamera("cam", footage["large"])
    async with serving(RtspServer([camera], options=options)) as server:
        source = source_of(server.url("cam"), login=("viewer", "s3cret:/@"), foreign=True)
        async with ticking([source]) as rig:
            await rig.units(21, 20.0)
            run = rig.memory.run
            (track,) = run.tracks[0]
            assert (track.codec, track.width_px, track.height_px) == (Codec.H264, 320, 240)
            assert run.units[0].is_key
            assert_same(run.units, file_units["large"])
            assert {b.pts - a.pts for a, b in zip(run.units, run.units[1:], strict=False)} == {3600}
            processes = [int(name) for name in _children() if _is_libav(name)]
            assert len(processes) == 1
            with open(f"/proc/{processes[0]}/cmdline", "rb") as file:
                assert b"s3cret" not in file.read()
            os.kill(processes[0], signal.SIGKILL)
            await rig.until(lambda: run.end is not None)
            assert run.end is not None
            assert run.end[1] is LossReason.FOREIGN
            await rig.until(lambda: len(rig.memory.runs) == 2, 20.0)
        assert not [name for name in _children() if _is_libav(name)]


async def test_a_camera_that_libav_cannot_open() -> None:
    async with ticking([source_of("rtsp://127.0.0.1:1/x", foreign=True)]) as rig:
        await rig.until(lambda: bool(rig.memory.waits), 20.0)
        assert rig.memory.waits[0][0] is LossReason.FOREIGN
        assert "libav" in rig.memory.waits[0][1]
        assert rig.intake.status()[0].state in (StreamState.WAITING, StreamState.CONNECTING)


def _children() -> list[str]:
    with open(f"/proc/self/task/{os.getpid()}/children", encoding="ascii") as file:
        return file.read().split()


def _is_libav(name: str) -> bool:
    try:
        with open(f"/proc/{name}/cmdline", "rb") as file:
            return b"foreign_host" in file.read()
    except OSError:
        return False


def test_a_failure_is_cut_to_a_sensible_length() -> None:
    assert len(write_foreign(ForeignFailure("x" * 9000))) < 3000
    with pytest.raises(ProtocolError):
        list(ForeignParser().feed(b"\xff\xff\xff\xff\1"))
