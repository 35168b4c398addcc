"""An intake against simulated cameras on real sockets: what was sent is what comes, through every mishap."""

import asyncio
import hashlib
import socket
import ssl
import time
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from tests.ingest.rig import LOOPBACK, Cable, Memory, Remembered, source_of, ticking

from civiscope.base import SystemClock
from civiscope.ingest import Intake, IntakeSettings, LossReason, StreamState, Transport
from civiscope.media import AccessUnit, Codec, FileUnits, UnitFlags
from civiscope.media.wire import Credentials, iterate_nals, parse_jpeg
from civiscope.simulator import (
    FAULTLESS,
    Faults,
    Footage,
    RtspServer,
    SdpLie,
    ServerOptions,
    SimulatedCamera,
    serving,
)

KEY, LOST, DAMAGED = UnitFlags.KEY, UnitFlags.DISCONTINUITY, UnitFlags.DAMAGED
QUICK = IntakeSettings(stall_s=0.35, answer_timeout_s=0.5, connect_timeout_s=0.6)


def without_sets(unit: bytes, codec: Codec) -> list[bytes]:
    """NAL units of a unit but for parameter sets, which a file may keep elsewhere."""
    if codec is Codec.MJPEG:
        picture = parse_jpeg(unit)
        return [picture.scan, (picture.tables * 2)[:128]]
    if codec not in (Codec.H264, Codec.H265):
        return [unit]
    nals = [bytes(nal) for nal in iterate_nals(unit)]
    if codec is Codec.H264:
        return [nal for nal in nals if nal[0] & 31 not in (7, 8)]
    return [nal for nal in nals if nal[0] >> 1 & 63 not in (32, 33, 34)]


def assert_same(
    received: list[AccessUnit], sent: FileUnits, track_id: int = 1, *, to_the_byte: bool = False
) -> None:
    """Every unit received is the next of the file, which goes round and round."""
    codec = sent.tracks[track_id - 1].codec
    if to_the_byte:
        file = [[unit.data] for unit in sent.units_of(track_id)]
        got = [[unit.data] for unit in received]
    else:
        file = [without_sets(unit.data, codec) for unit in sent.units_of(track_id)]
        got = [without_sets(unit.data, codec) for unit in received]
    starts = [place for place in range(len(file)) if file[place] == got[0]]
    assert starts, "the first unit is none of the file's"
    assert any(
        all(unit == file[(start + n) % len(file)] for n, unit in enumerate(got)) for start in starts
    ), "a unit differs from the file's"


def unbroken(run: Remembered) -> bool:
    return not any(unit.flags & (LOST | DAMAGED) for unit in run.units)


async def test_every_unit_comes_as_it_was_sent(
    footage: dict[str, Footage], file_units: dict[str, FileUnits]
) -> None:
    names = ("h264", "slices", "reordered", "h265", "mjpeg")
    wanted = [(name, way) for name in names for way in (Transport.TCP, Transport.UDP)]
    async with AsyncExitStack() as stack:
        cameras = [SimulatedCamera(name, footage[name]) for name in names]
        server = await stack.enter_async_context(serving(RtspServer(cameras)))
        rigs = [
            await stack.enter_async_context(ticking([source_of(server.url(name), transport=way)]))
            for name, way in wanted
        ]
        for (name, way), rig in zip(wanted, rigs, strict=True):
            await rig.units(25)
            run = rig.memory.run
            assert unbroken(run), (name, way)
            assert run.units[0].pts == 0
            (track,) = run.tracks[0]
            assert (track.width_px, track.height_px) == (160, 120)
            assert_same(run.units, file_units[name])
            assert len({unit.pts for unit in run.units}) == len(run.units)
            status = rig.intake.status()[0]
            assert status.state is StreamState.RUNNING
            assert status.transport is way
            assert run.clocks, "the sender report that came before the first unit is told after it"


async def test_a_camera_that_reboots_is_back_within_three_seconds(footage: dict[str, Footage]) -> None:
    camera = SimulatedCamera("cam", footage["h264"])
    server = RtspServer([camera])
    await server.start()
    async with ticking([source_of(server.url("cam"))]) as rig:
        await rig.units(6)
        await server.stop()
        await rig.until(lambda: rig.memory.run.end is not None)
        first = rig.memory.run
        assert first.end is not None
        assert first.end[1] is LossReason.CLOSED
        await rig.until(lambda: any(reason is LossReason.REFUSED for reason, _ in rig.memory.waits))
        await asyncio.sleep(0.6)
        await server.start()
        passed_s = await rig.until(lambda: len(rig.memory.runs) == 2)
        assert passed_s < 3.0
        assert rig.memory.run.run_id != first.run_id
        assert rig.memory.run.units[0].sequence == 0
    await server.stop()
    assert rig.memory.run.end is not None
    assert rig.memory.run.end[1] is LossReason.OUR_RESTART


async def test_a_pulled_cable_is_noticed_and_the_stream_returns(footage: dict[str, Footage]) -> None:
    camera = SimulatedCamera("cam", footage["h264"])
    async with serving(RtspServer([camera])) as server, Cable(server.port).laid() as cable:
        url = f"rtsp://127.0.0.1:{cable.port}/cam"
        async with ticking([source_of(url)], QUICK) as rig:
            await rig.units(6)
            cable.pull()
            await rig.until(lambda: rig.memory.run.end is not None)
            assert rig.memory.run.end is not None
            assert rig.memory.run.end[1] is LossReason.STALLED
            await rig.until(lambda: bool(rig.memory.waits))
            cable.plug()
            assert await rig.until(lambda: len(rig.memory.runs) == 2) < 3.0


async def test_a_stalled_camera_is_given_up_and_taken_again(footage: dict[str, Footage]) -> None:
    camera = SimulatedCamera("cam", footage["h264"])
    async with serving(RtspServer([camera])) as server, ticking([source_of(server.url("cam"))], QUICK) as rig:
        await rig.units(6)
        camera.faults = Faults(is_stalled=True)
        await rig.until(lambda: rig.memory.run.end is not None)
        assert rig.memory.run.end is not None
        assert rig.memory.run.end[1] is LossReason.STALLED
        await rig.until(lambda: (LossReason.STALLED, "") in [(r, "") for r, _ in rig.memory.waits])
        camera.faults = FAULTLESS
        assert await rig.until(lambda: len(rig.memory.runs) == 2) < 3.0


async def test_what_is_in_the_stream_overrules_what_was_described(
    footage: dict[str, Footage], file_units: dict[str, FileUnits]
) -> None:
    lies = (SdpLie.WRONG_PARAMETER_SETS, SdpLie.NO_PARAMETER_SETS, SdpLie.WRONG_PAYLOAD_TYPE)
    async with AsyncExitStack() as stack:
        cameras = [SimulatedCamera(lie.value, footage["h264"], faults=Faults(sdp=lie)) for lie in lies]
        server = await stack.enter_async_context(serving(RtspServer(cameras)))
        rigs = [
            await stack.enter_async_context(ticking([source_of(server.url(camera.mount))]))
            for camera in cameras
        ]
        for rig in rigs:
            await rig.units(15)
            run = rig.memory.run
            assert [(t.width_px, t.height_px, t.generation) for t in run.tracks[0]] == [(160, 120, 0)]
            assert len(run.tracks) == 1
            assert_same(run.units, file_units["h264"])


async def test_a_wrong_description_met_in_the_middle_is_a_new_generation(footage: dict[str, Footage]) -> None:
    faults = Faults(sdp=SdpLie.WRONG_PARAMETER_SETS)
    camera = SimulatedCamera("cam", footage["h264"], faults=faults, starts_at_key=False)
    async with serving(RtspServer([camera])) as server:
        await asyncio.sleep(0.15)
        async with ticking([source_of(server.url("cam"))]) as rig:
            await rig.until(lambda: bool(rig.memory.runs) and len(rig.memory.run.tracks) == 2)
            await rig.until(lambda: rig.memory.run.units[-1].generation == 1)
            run = rig.memory.run
            assert [tracks[0].width_px for tracks in run.tracks] == [240, 160]
            first = next(unit for unit in run.units if unit.generation == 1)
            assert first.flags & UnitFlags.CONFIG_CHANGED
            assert first.is_key


async def test_another_size_is_a_new_generation_and_another_codec_a_new_run(
    footage: dict[str, Footage],
) -> None:
    camera = SimulatedCamera("cam", footage["h264"])
    async with serving(RtspServer([camera])) as server, ticking([source_of(server.url("cam"))]) as rig:
        await rig.units(6)
        camera.switch(footage["large"], server.now_us())
        await rig.until(lambda: len(rig.memory.run.tracks) == 2)
        (track,) = rig.memory.run.tracks[1]
        assert (track.width_px, track.height_px, track.generation) == (320, 240, 1)
        camera.switch(footage["h265"], server.now_us())
        await rig.until(lambda: len(rig.memory.runs) == 2)
        first, second = rig.memory.runs
        assert first.end is not None
        assert first.end[1] is LossReason.CHANGED
        assert second.tracks[0][0].codec is Codec.H265


async def test_lost_packets_are_told_and_end_nothing(footage: dict[str, Footage]) -> None:
    camera = SimulatedCamera("cam", footage["large"], faults=Faults(drops_every=9))
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(serving(RtspServer([camera])))
        for rig in [
            await stack.enter_async_context(ticking([source_of(server.url("cam"), transport=way)]))
            for way in (Transport.TCP, Transport.UDP)
        ]:
            run = await rig.units(18)
            assert rig.intake.status()[0].lost_packets > 0
            assert len(rig.memory.runs) == 1
            assert any(unit.flags & DAMAGED for unit in run.units)
            assert any(unit.flags & LOST for unit in run.units)


async def test_swapped_datagrams_are_put_back(
    footage: dict[str, Footage], file_units: dict[str, FileUnits]
) -> None:
    camera = SimulatedCamera("cam", footage["large"], faults=Faults(swaps_every=4))
    async with serving(RtspServer([camera])) as server:
        source = source_of(server.url("cam"), transport=Transport.UDP)
        async with ticking([source]) as rig:
            await rig.units(15)
            assert unbroken(rig.memory.run)
            assert_same(rig.memory.run.units, file_units["large"])


@pytest.mark.parametrize("jump_us", [60_000_000, -60_000_000])
async def test_a_jump_of_the_camera_s_clock_is_anchored_anew(
    footage: dict[str, Footage], jump_us: int
) -> None:
    camera = SimulatedCamera("cam", footage["h264"])
    async with serving(RtspServer([camera])) as server, ticking([source_of(server.url("cam"))]) as rig:
        await rig.units(11)
        camera.faults = Faults(jump_us=jump_us)
        await rig.until(lambda: any(unit.flags & LOST for unit in rig.memory.run.units))
        run = rig.memory.run
        place = next(n for n, unit in enumerate(run.units) if unit.flags & LOST)
        assert 0 < run.units[place].pts - run.units[place - 1].pts < 90_000
        assert run.end is None


async def test_oddities_that_change_nothing(
    footage: dict[str, Footage], file_units: dict[str, FileUnits]
) -> None:
    faults = Faults(has_wrong_ssrc=True, garbage_bytes=37, lies_in_rtp_info=True, nonce_uses=2)
    camera = SimulatedCamera("cam", footage["h264"], faults=faults)
    options = ServerOptions(users=(Credentials("viewer", "s3cret"),), session_timeout_s=1)
    async with serving(RtspServer([camera], options=options)) as server:
        source = source_of(server.url("cam"), login=("viewer", "s3cret"))
        async with ticking([source]) as rig:
            await rig.units(42)
            assert len(rig.memory.runs) == 1, "the keep-alive held the session of one second"
            assert unbroken(rig.memory.run)
            assert_same(rig.memory.run.units, file_units["h264"])


async def test_a_forgotten_session_is_begun_anew(footage: dict[str, Footage]) -> None:
    camera = SimulatedCamera("cam", footage["h264"])
    options = ServerOptions(session_timeout_s=2)
    async with (
        serving(RtspServer([camera], options=options)) as server,
        ticking([source_of(server.url("cam"))]) as rig,
    ):
        await rig.units(6)
        camera.faults = Faults(forgets_session=True)
        await rig.until(lambda: rig.memory.run.end is not None)
        camera.faults = FAULTLESS
        assert await rig.until(lambda: len(rig.memory.runs) == 2) < 3.0
        assert rig.memory.runs[0].end is not None
        assert rig.memory.runs[0].end[1] is LossReason.CLOSED


async def test_udp_is_taken_where_tcp_is_refused(footage: dict[str, Footage]) -> None:
    camera = SimulatedCamera("cam", footage["h264"], faults=Faults(refuses_tcp=True))
    async with (
        serving(RtspServer([camera])) as server,
        ticking([source_of(server.url("cam"), transport=Transport.AUTO)]) as rig,
    ):
        await rig.units(6)
        assert rig.intake.status()[0].transport is Transport.UDP


async def test_a_refused_password_is_not_tried_again_soon(footage: dict[str, Footage]) -> None:
    camera = SimulatedCamera("cam", footage["h264"])
    options = ServerOptions(users=(Credentials("viewer", "right"),))
    async with serving(RtspServer([camera], options=options)) as server:
        source = source_of(server.url("cam"), login=("viewer", "wrong"))
        async with ticking([source]) as rig:
            await rig.until(lambda: bool(rig.memory.waits))
            assert rig.memory.waits[0][0] is LossReason.AUTHENTICATION
            assert "wrong" not in repr(source)
            await asyncio.sleep(0.5)
            assert len(rig.memory.waits) == 1
            rig.intake.set_sources([replace(source, password="right")])
            await rig.until(lambda: bool(rig.memory.runs))


async def test_sources_come_and_go(footage: dict[str, Footage]) -> None:
    cameras = [SimulatedCamera(name, footage["h264"]) for name in ("one", "two")]
    async with serving(RtspServer(cameras)) as server:
        one, two = (source_of(server.url(camera.mount)) for camera in cameras)
        async with ticking([one]) as rig:
            await rig.until(lambda: bool(rig.memory.runs) and bool(rig.memory.run.units))
            rig.intake.set_sources([two])
            assert rig.memory.runs[0].end is not None
            assert rig.memory.runs[0].end[1] is LossReason.REMOVED
            await rig.until(lambda: len(rig.memory.runs) == 2)
            assert [status.stream_id for status in rig.intake.status()] == [two.stream_id]


async def test_a_pinned_certificate_is_believed_and_no_other(
    footage: dict[str, Footage], tls_files: tuple[Path, Path], tls_context: ssl.SSLContext,
    file_units: dict[str, FileUnits],
) -> None:  # fmt: skip
    pin = hashlib.sha256(ssl.PEM_cert_to_DER_cert(tls_files[0].read_text())).hexdigest()
    camera = SimulatedCamera("cam", footage["large"])
    async with serving(RtspServer([camera], options=ServerOptions(tls=tls_context))) as server:
        async with ticking([source_of(server.url("cam"), tls_fingerprint=pin.upper())]) as rig:
            await rig.units(15)
            assert_same(rig.memory.run.units, file_units["large"])
        for fingerprint in ("00" * 32, None):
            async with ticking([source_of(server.url("cam"), tls_fingerprint=fingerprint)]) as rig:
                await rig.until(lambda: bool(rig.memory.waits))
                assert rig.memory.waits[0][0] is LossReason.TLS


def test_a_tick_never_waits() -> None:
    memory = Memory()
    intake = Intake([memory], SystemClock(), LOOPBACK, QUICK)
    full = socket.create_server(("127.0.0.1", 0), backlog=0)
    port = full.getsockname()[1]
    waiting = [socket.socket() for _ in range(4)]
    for one in waiting:  # nobody accepts: once the queue is full, a SYN gets no answer
        one.setblocking(False)
        one.connect_ex(("127.0.0.1", port))
    urls = (f"rtsp://127.0.0.1:{port}/x", "rtsp://no.such.name.invalid/x", "rtsp://192.0.2.1/x")
    intake.set_sources([source_of(url) for url in urls])
    longest_s = 0.0
    end = time.monotonic() + 0.8
    while time.monotonic() < end:
        before = time.monotonic()
        intake.tick()
        longest_s = max(longest_s, time.monotonic() - before)
        time.sleep(0.01)
    intake.close()
    for one in (full, *waiting):
        one.close()
    assert longest_s < 0.5  # a wait would be as long as a time-out
    assert {reason for reason, _ in memory.waits} == {LossReason.UNREACHABLE, LossReason.GATE}


@pytest.mark.footage
async def test_real_footage_comes_unit_by_unit(shared_data: Path) -> None:
    paths = sorted((shared_data / "video").glob("*.mp4"))
    files = {path.stem: FileUnits(path) for path in paths}
    cameras = [
        SimulatedCamera(name, Footage(units, in_band=False), starts_at_key=False)
        for name, units in files.items()
    ]
    async with serving(RtspServer(cameras)) as server:
        rigs = [Memory() for _ in cameras]
        intakes = [Intake([memory], SystemClock(), LOOPBACK) for memory in rigs]
        for camera, intake in zip(cameras, intakes, strict=True):
            intake.set_sources([source_of(server.url(camera.mount), audio=True)])
        end = time.monotonic() + 2.4
        while time.monotonic() < end:
            for intake in intakes:
                intake.tick()
            await asyncio.sleep(0.01)
        for intake in intakes:
            intake.close()
    for camera, memory in zip(cameras, rigs, strict=True):
        sent = files[camera.mount]
        (run,) = memory.runs
        assert unbroken(run), camera.mount
        for track in sent.tracks:
            received = run.of(track.track_id)
            assert len(received) > 12, camera.mount
            assert_same(received, sent, track.track_id, to_the_byte=True)
