"""Real cameras' replies replayed as peers, and peers that send rubbish: a run or a reason, no exception."""

import asyncio
import random
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from tests.ingest.rig import source_of, ticking
from tests.ingest.test_intake import assert_same

from civiscope.ingest import IntakeSettings, LossReason
from civiscope.media import Codec, FileUnits, TrackConfig
from civiscope.media.wire import packetizer_for, write_interleaved
from civiscope.simulator import Footage, ReplayPeer, RtspServer, SimulatedCamera, as_description, serving

QUICK = IntakeSettings(stall_s=0.5, answer_timeout_s=1.0)
OK = b"RTSP/1.0 200 OK\r\nCSeq: 0\r\n\r\n"
SCRIPTS: Mapping[str, Sequence[str]] = {
    "dahua": ("dahua_describe_h264_aac_onvif", "dahua_setup", "dahua_play"),
    "dahua options": ("dahua_describe_h264_aac_onvif", "dahua_setup", "dahua_play", "dahua_options"),
    "reolink": ("reolink_describe", "reolink_setup", "reolink_play"),
    "reolink, control first": ("reolink_describe_control_first", "reolink_setup", "reolink_play"),
    "gw main": ("gw_main_describe", "gw_main_setup_video", "gw_main_play"),
    "gw sub": ("gw_sub_describe", "gw_sub_setup", "gw_sub_play"),
    "foscam": ("foscam_describe", "reolink_setup", "reolink_play"),
    "ipcam": ("ipcam_describe", "reolink_setup", "reolink_play"),
    "geovision": ("geovision_sdp", "dahua_setup", "dahua_play"),
    "bunny": ("bunny_describe", "bunny_setup", "bunny_play"),
    **{f"go2rtc {n}": (f"go2rtc_TestBugSDP{n}", "reolink_setup", "reolink_play") for n in (1, 2, 4)},
}


def packets(units: FileUnits, payload_type: int) -> bytes:
    """The clip as interleaved frames on channel 0."""
    maker = packetizer_for(TrackConfig(1, Codec.H264, 90_000), payload_type, 0xDCC4A0D8, sequence=65_530)
    return b"".join(
        write_interleaved(0, packet)
        for unit in units.units
        for packet in maker.packets(unit.data, unit.pts + 0xFFFF_0000)
    )


@pytest.mark.footage
async def test_captured_cameras_give_runs(shared_data: Path, file_units: dict[str, FileUnits]) -> None:
    clip = file_units["h264"]
    folder = shared_data / "rtsp"

    async def play_script(name: str, describe: str, setup: str, play: str, *options: str) -> None:
        found = [path.read_bytes() for path in folder.glob(f"{describe}.*")]
        description = found[0] if found[0].startswith(b"RTSP") else as_description(found[0])
        replies = {
            "DESCRIBE": [description],
            "SETUP": [(folder / f"{setup}.txt").read_bytes()],
            "PLAY": [(folder / f"{play}.txt").read_bytes()],
            "OPTIONS": [(folder / f"{one}.txt").read_bytes() for one in options],
        }
        peer = ReplayPeer(replies, after_play=packets(clip, 105 if name == "geovision" else 96))
        await peer.start()
        async with ticking([source_of(peer.url)], QUICK) as rig:
            await rig.units(45)
            run = rig.memory.run
            (track,) = run.tracks[0]
            assert (track.width_px, track.height_px) == (160, 120), name
            assert_same(run.units, clip)
            await rig.until(lambda: run.end is not None)
            assert run.end is not None
            assert run.end[1] is LossReason.STALLED, name
        await peer.stop()

    await asyncio.gather(*(play_script(name, *files) for name, files in SCRIPTS.items()))


async def test_a_peer_that_sends_rubbish_after_play_is_survived(file_units: dict[str, FileUnits]) -> None:
    chance = random.Random(5)
    sdp = b"v=0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:1\r\n"
    rubbish = [
        chance.randbytes(3000),
        b"$\0\0\4" + b"\x80\x60\0\1",
        b"".join(b"$\0\0\x10" + chance.randbytes(16) for _ in range(200)),
        b"".join(b"$\1\0\x10" + chance.randbytes(16) for _ in range(200)),
        b"RTSP/1.0 200 OK\r\nCSeq: 99999999999999\r\n\r\n",
        b"RTSP/1.0 " + b"9" * 40_000,
    ]

    async def survive(junk: bytes) -> None:
        peer = ReplayPeer(
            {"DESCRIBE": [as_description(sdp)], "PLAY": [OK]},
            after_play=junk + packets(file_units["h264"], 96),
        )
        await peer.start()
        async with ticking([source_of(peer.url)], QUICK) as rig:
            await rig.until(lambda: bool(rig.memory.waits) or any(run.end for run in rig.memory.runs))
            ends = [run.end[1] for run in rig.memory.runs if run.end] + [why for why, _ in rig.memory.waits]
            assert set(ends) <= {
                LossReason.STALLED,
                LossReason.PROTOCOL,
                LossReason.CLOSED,
                LossReason.CHANGED,
            }
        await peer.stop()

    await asyncio.gather(*map(survive, rubbish))


async def test_silence_where_a_camera_was_and_its_return(footage: dict[str, Footage]) -> None:
    """SIGSTOP, or a camera that hangs: its port takes connections and nobody answers."""
    hung = socket.create_server(("127.0.0.1", 0))
    port = hung.getsockname()[1]
    settings = IntakeSettings(answer_timeout_s=0.4)
    async with ticking([source_of(f"rtsp://127.0.0.1:{port}/cam")], settings) as rig:
        await rig.until(lambda: bool(rig.memory.waits))
        assert rig.memory.waits[0][0] is LossReason.UNREACHABLE
        assert "did not answer" in rig.memory.waits[0][1]
        hung.close()
        async with serving(RtspServer([SimulatedCamera("cam", footage["h264"])], port=port)):
            assert await rig.until(lambda: bool(rig.memory.runs)) < 3.0


async def test_sound_that_cannot_be_read_does_not_cost_the_picture(file_units: dict[str, FileUnits]) -> None:
    sdp = (
        b"v=0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:1\r\n"
        b"m=audio 0 RTP/AVP 97\r\na=rtpmap:97 MPEG4-GENERIC/16000\r\na=fmtp:97 sizelength=0\r\n"
        b"a=control:2\r\n"
    )
    sound = b"".join(write_interleaved(2, bytes((0x80, 97, 0, n)) + bytes(20)) for n in range(9))
    peer = ReplayPeer(
        {"DESCRIBE": [as_description(sdp)], "PLAY": [OK]}, after_play=sound + packets(file_units["h264"], 96)
    )
    await peer.start()
    async with ticking([source_of(peer.url, audio=True)], QUICK) as rig:
        run = await rig.units(45)
        assert [track.codec for track in run.tracks[0]] == [Codec.H264]
        assert_same(run.units, file_units["h264"])
    await peer.stop()
