"""Each fault does what it says on a real socket, live, and stops when taken back."""

import asyncio
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from tests.simulator.viewer import Viewer, now_us, settings_for

from civiscope.media.wire import Ended, EndReason, RtpTransport
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

Rig = tuple[RtspServer, SimulatedCamera]


def rig(path: Path, faults: Faults = FAULTLESS, options: ServerOptions | None = None) -> Rig:
    camera = SimulatedCamera("cam", Footage.load(path), faults=faults)
    return RtspServer([camera], options=options), camera


def count(viewer: Viewer) -> int:
    return len(viewer.tracks[0].units) if viewer.tracks else 0


async def more(viewer: Viewer, units: int) -> None:
    wanted = count(viewer) + units
    await viewer.until(lambda: count(viewer) >= wanted)


def steps(viewer: Viewer) -> list[int]:
    """Ticks between units, as signed numbers."""
    stamps = [stamp for stamp, _ in viewer.tracks[0].units]
    pairs = pairwise(stamps)
    return [(after - before + (1 << 31)) % (1 << 32) - (1 << 31) for before, after in pairs]


def gaps(viewer: Viewer) -> list[int]:
    """Sequence numbers left out, or minus those that came back, between packets."""
    numbers = [packet.sequence for packet in viewer.tracks[0].packets]
    pairs = pairwise(numbers)
    return [(after - before - 1 + (1 << 15)) % (1 << 16) - (1 << 15) for before, after in pairs]


async def test_connections_are_aborted(clips: dict[str, Path]) -> None:
    server, camera = rig(clips["small.mp4"], Faults(aborts_connections=True))
    async with serving(server):
        async with Viewer(settings_for(server.url("cam"))) as viewer:
            await viewer.until(lambda: viewer.is_closed)
            assert viewer.events == []
        camera.faults = FAULTLESS
        async with Viewer(settings_for(server.url("cam"))) as viewer:
            await viewer.until(lambda: count(viewer) > 2)


async def test_the_connection_closes_after_a_while(clips: dict[str, Path]) -> None:
    server, _ = rig(clips["small.mp4"], Faults(closes_after_us=300_000))
    async with serving(server), Viewer(settings_for(server.url("cam"))) as viewer:
        await viewer.until(lambda: viewer.is_closed)
        assert viewer.session.is_playing


async def test_a_stall_loses_what_falls_into_it_and_the_connection_lives(clips: dict[str, Path]) -> None:
    server, camera = rig(clips["small.mp4"])
    async with serving(server), Viewer(settings_for(server.url("cam"))) as viewer:
        await more(viewer, 3)
        camera.faults = Faults(is_stalled=True)
        await asyncio.sleep(0.05)
        before = count(viewer)
        await asyncio.sleep(0.3)
        assert count(viewer) == before
        camera.faults = FAULTLESS
        await more(viewer, 3)
        assert 4 * 6000 <= max(steps(viewer)) <= 8 * 6000
        assert not viewer.is_closed


async def test_a_frozen_encoder_goes_on_with_the_next_picture(clips: dict[str, Path]) -> None:
    server, camera = rig(clips["small.mp4"])
    expected = [
        bytes(unit.frames[unit.packets[0][0] + 12 : unit.packets[0][1]]) for unit in camera.footage.units
    ]
    async with serving(server), Viewer(settings_for(server.url("cam"))) as viewer:
        await more(viewer, 3)
        camera.faults = Faults(is_frozen=True)
        await asyncio.sleep(0.4)
        camera.faults = FAULTLESS
        await more(viewer, 4)
        jumps = [step for step in steps(viewer) if step > 7000]
        assert len(jumps) == 1
        assert 4 * 6000 <= jumps[0] <= 9 * 6000
        firsts = [bytes(p.payload) for p in viewer.tracks[0].packets if bytes(p.payload) in expected]
        places = [expected.index(payload) for payload in firsts]
        assert all((after - before) % len(expected) == 1 for before, after in pairwise(places))


SPOILS: list[tuple[Faults, Callable[[Viewer], bool]]] = [
    (Faults(drops_every=5), lambda v: gaps(v).count(1) >= 3),
    (Faults(swaps_every=4), lambda v: min(gaps(v)) < -1),
    (Faults(drops_key_units=True), lambda v: max(steps(v)) >= 12_000),
    (Faults(jump_us=60_000_000), lambda v: max(steps(v)) > 59 * 90_000),
    (Faults(jump_us=-60_000_000), lambda v: min(steps(v)) < -59 * 90_000),
    (Faults(has_wrong_ssrc=True), lambda v: len({p.ssrc for p in v.tracks[0].packets}) == 2),
    (Faults(garbage_bytes=37), lambda v: v.session.skipped_bytes >= 3 * 37),
]


async def test_packets_are_spoiled_midway(clips: dict[str, Path]) -> None:
    await asyncio.gather(*(spoil(clips["h264_aac.mp4"], faults, fact) for faults, fact in SPOILS))


async def spoil(path: Path, faults: Faults, fact: Callable[[Viewer], bool]) -> None:
    server, camera = rig(path)
    async with serving(server), Viewer(settings_for(server.url("cam"), wants_audio=False)) as viewer:
        await more(viewer, 3)
        camera.faults = faults
        await viewer.until(lambda: count(viewer) > 3 and fact(viewer))
        camera.faults = FAULTLESS
        await more(viewer, 3)
        assert viewer.end is None


async def test_udp_loses_and_swaps_too(clips: dict[str, Path]) -> None:
    server, _ = rig(clips["h264_aac.mp4"], Faults(drops_every=7, swaps_every=5, garbage_bytes=9))
    async with serving(server):
        settings = settings_for(server.url("cam"), transport=RtpTransport.UDP, wants_audio=False)
        async with Viewer(settings) as viewer:
            await viewer.until(
                lambda: count(viewer) > 5 and max(gaps(viewer)) >= 1 and min(gaps(viewer)) < -1
            )


async def test_a_switch_changes_the_codec_and_clocks_run_on(clips: dict[str, Path]) -> None:
    server, camera = rig(clips["small.mp4"])
    other = Footage.load(clips["h265_pcma.mov"], in_band=True)
    async with serving(server), Viewer(settings_for(server.url("cam"))) as viewer:
        await more(viewer, 3)
        camera.switch(other, now_us())
        await viewer.until(lambda: viewer.tracks[0].packets[-1].payload_type == 98)
        packets = viewer.tracks[0].packets
        assert len({p.ssrc for p in packets}) == 1
        assert all(gap == 0 for gap in gaps(viewer))
        turn = next(at for at, p in enumerate(packets) if p.payload_type == 98)
        step = (packets[turn].timestamp - packets[turn - 1].timestamp) % (1 << 32)
        assert 0 < step <= 12_000
        described = camera.description().tracks
        assert [track.encoding for track in described] == ["H265", "PCMA"]


@pytest.mark.parametrize(
    ("lie", "sets"),
    [
        (SdpLie.NO_PARAMETER_SETS, ""),
        (SdpLie.WRONG_PARAMETER_SETS, "Z0LAHtkDxWhAAAADAEAAAAwDxYuS,aMuMsg=="),
    ],
)
async def test_descriptions_lie(clips: dict[str, Path], lie: SdpLie, sets: str) -> None:
    server, _ = rig(clips["small.mp4"], Faults(sdp=lie))
    async with serving(server), Viewer(settings_for(server.url("cam"))) as viewer:
        await viewer.until(lambda: viewer.session.is_playing)
        assert viewer.playing.tracks[0].description.parameter("sprop-parameter-sets") == sets


async def test_another_payload_type_is_announced_than_sent(clips: dict[str, Path]) -> None:
    server, _ = rig(clips["small.mp4"], Faults(sdp=SdpLie.WRONG_PAYLOAD_TYPE))
    async with serving(server), Viewer(settings_for(server.url("cam"))) as viewer:
        await viewer.until(lambda: bool(viewer.tracks) and bool(viewer.tracks[0].packets))
        assert viewer.playing.tracks[0].description.payload_type == 101
        assert viewer.tracks[0].packets[0].payload_type == 96


async def test_rtp_info_is_left_out_or_wrong(clips: dict[str, Path]) -> None:
    server, camera = rig(clips["small.mp4"], Faults(tells_rtp_info=False))
    async with serving(server):
        async with Viewer(settings_for(server.url("cam"))) as viewer:
            await viewer.until(lambda: viewer.session.is_playing)
            assert viewer.playing.tracks[0].first_sequence is None
        camera.faults = Faults(lies_in_rtp_info=True)
        async with Viewer(settings_for(server.url("cam"))) as viewer:
            await more(viewer, 1)
            told, first = viewer.playing.tracks[0], viewer.tracks[0].packets[0]
            assert (told.first_sequence, told.first_timestamp) != (first.sequence, first.timestamp)


async def test_a_forgotten_session_ends_at_the_next_keep_alive(clips: dict[str, Path]) -> None:
    server, camera = rig(clips["small.mp4"], options=ServerOptions(session_timeout_s=2))
    async with serving(server), Viewer(settings_for(server.url("cam"))) as viewer:
        await more(viewer, 1)
        camera.faults = Faults(forgets_session=True)
        await viewer.until(lambda: viewer.end is not None)
        assert isinstance(viewer.events[-1], Ended)
        assert viewer.events[-1].reason is EndReason.SESSION_LOST


@pytest.mark.parametrize(
    ("faults", "reason"),
    [
        (Faults(refuses_tcp=True), EndReason.TRANSPORT),
        (Faults(refusals={"DESCRIBE": 503}), EndReason.REFUSED),
        (Faults(refusals={"DESCRIBE": 301}, location="rtsp://192.0.2.1/x"), EndReason.REDIRECTED),
    ],
)
async def test_refusals_reach_the_client(clips: dict[str, Path], faults: Faults, reason: EndReason) -> None:
    server, _ = rig(clips["small.mp4"], faults)
    async with serving(server), Viewer(settings_for(server.url("cam"))) as viewer:
        await viewer.until(lambda: viewer.end is not None)
        assert viewer.end is not None
        assert viewer.end.reason is reason


async def test_a_skewed_camera_says_so_in_its_reports(clips: dict[str, Path]) -> None:
    server, _ = rig(clips["small.mp4"], Faults(clock_offset_us=3_600_000_000))
    async with serving(server), Viewer(settings_for(server.url("cam"))) as viewer:
        await viewer.until(lambda: bool(viewer.tracks) and bool(viewer.tracks[0].reports))
        report, arrived_s = viewer.tracks[0].reports[0]
        assert abs(report.camera_us / 1e6 - arrived_s - 3600) < 0.5


def test_a_fast_clock_sends_more_pictures_and_drifts(clips: dict[str, Path]) -> None:
    footage = Footage.load(clips["small.mp4"])
    counts, drifts = [], []
    for skew_ppm in (0, 100_000):
        camera = SimulatedCamera("cam", footage, faults=Faults(skew_ppm=skew_ppm))
        camera.begin(0)
        counts.append(sum(len(camera.due(at)) for at in range(0, 10_000_000, 10_000)))
        drifts.append(camera.reports(10_000_000, 1_700_000_000_000_000)[0][1][8:12])
    assert counts == [150, 165]
    assert int.from_bytes(drifts[1]) - int.from_bytes(drifts[0]) == 1
    silent = SimulatedCamera("cam", footage, faults=Faults(sends_reports=False))
    assert silent.reports(0, 0) == []


async def test_all_connections_can_be_reset_at_once(clips: dict[str, Path]) -> None:
    server, _ = rig(clips["small.mp4"])
    async with serving(server), Viewer(settings_for(server.url("cam"))) as viewer:
        await more(viewer, 1)
        server.close_connections()
        await viewer.until(lambda: viewer.is_closed)
        server.add(SimulatedCamera("second", server.camera("cam").footage, starts_at_key=False))
        async with Viewer(settings_for(server.url("second"))) as other:
            await more(other, 2)


async def test_nobody_waits_long_for_a_key_unit(clips: dict[str, Path]) -> None:
    footage = Footage.load(clips["long_gop.mp4"])
    camera = SimulatedCamera("cam", footage)
    async with serving(RtspServer([camera])) as server:
        await asyncio.sleep(0.3)
        async with Viewer(settings_for(server.url("cam"))) as viewer:
            await more(viewer, 2)
            first = viewer.tracks[0].packets[0]
            assert viewer.playing.tracks[0].first_sequence == first.sequence
            assert viewer.playing.tracks[0].first_timestamp == first.timestamp
            assert first.payload[0] & 31 == 1  # a picture that needs others before it
    assert SimulatedCamera("cam", footage).awaits_key()
