"""The captured replies of real cameras, served on a real socket, and played by our client."""

from pathlib import Path

import pytest
from tests.simulator.viewer import Viewer

from civiscope.media.wire import ClientSettings, EndReason, Packets, RtpTransport, write_interleaved
from civiscope.simulator import ReplayPeer, as_description

_RTP = bytes.fromhex("8060000100000001deadbeef") + b"\x41payload"
CAMERAS: dict[str, tuple[str, list[str], str, int]] = {
    "bunny": ("bunny_describe.txt", ["bunny_setup.txt"], "bunny_play.txt", 2),
    "dahua": ("dahua_describe_h265_pcma.txt", ["dahua_setup.txt"], "dahua_play.txt", 2),
    "gw main": (
        "gw_main_describe.txt", ["gw_main_setup_video.txt", "gw_main_setup_audio.txt"], "gw_main_play.txt", 2,
    ),
    "gw sub": ("gw_sub_describe.txt", ["gw_sub_setup.txt"], "gw_sub_play.txt", 1),
    "reolink": ("reolink_describe.txt", ["reolink_setup.txt"], "reolink_play.txt", 2),
    "foscam": ("foscam_describe.txt", ["reolink_setup.txt"], "reolink_play.txt", 2),
    "ipcam": ("ipcam_describe.txt", ["dahua_setup.txt"], "dahua_play.txt", 1),
    "geovision": ("geovision_sdp.txt", ["dahua_setup.txt"], "dahua_play.txt", 1),
    "tp-link": ("tplink_sdp.txt", ["dahua_setup.txt"], "dahua_play.txt", 2),
    "bug 1": ("go2rtc_TestBugSDP1.sdp", ["dahua_setup.txt"], "h264dvr_play.txt", 2),
    "bug 2": ("go2rtc_TestBugSDP2.sdp", ["dahua_setup.txt"], "h264dvr_play.txt", 2),
    "bug 4": ("go2rtc_TestBugSDP4.sdp", ["dahua_setup.txt"], "h264dvr_play.txt", 2),
    "bug 6": ("go2rtc_TestBugSDP6.sdp", ["dahua_setup.txt"], "h264dvr_play.txt", 2),
}  # fmt: skip


def replies(folder: Path, describe: str, setups: list[str], play: str) -> dict[str, list[bytes]]:
    described = (folder / describe).read_bytes()
    return {
        "OPTIONS": [(folder / "dahua_options.txt").read_bytes()],
        "DESCRIBE": [described if described.startswith(b"RTSP/") else as_description(described)],
        "SETUP": [(folder / name).read_bytes() for name in setups],
        "PLAY": [(folder / play).read_bytes()],
    }


@pytest.mark.footage
@pytest.mark.parametrize("name", sorted(CAMERAS))
async def test_a_captured_camera_plays(shared_data: Path, name: str) -> None:
    describe, setups, play, track_count = CAMERAS[name]
    peer = ReplayPeer(
        replies(shared_data / "rtsp", describe, setups, play), after_play=write_interleaved(0, _RTP) * 2
    )
    await peer.start()
    try:
        async with Viewer(ClientSettings(peer.url)) as viewer:
            await viewer.until(lambda: viewer.session.is_playing and bool(viewer.tracks[0].packets))
            assert len(viewer.playing.tracks) == track_count
            if play.split("_")[0] == describe.split("_")[0]:
                assert viewer.playing.tracks[0].first_timestamp is not None
        methods = [request.method for request in peer.requests]
        assert methods == ["OPTIONS", "DESCRIBE", *["SETUP"] * track_count, "PLAY"]
    finally:
        await peer.stop()


@pytest.mark.footage
async def test_the_h264dvr_speaks_udp_with_a_session_per_track(shared_data: Path) -> None:
    setups = ["h264dvr_setup_video.txt", "h264dvr_setup_audio.txt"]
    peer = ReplayPeer(replies(shared_data / "rtsp", "h264dvr_describe.txt", setups, "h264dvr_play.txt"))
    await peer.start()
    try:
        async with Viewer(ClientSettings(peer.url, transport=RtpTransport.UDP)) as viewer:
            await viewer.until(lambda: viewer.session.is_playing)
            ports = [track.server_ports for track in viewer.playing.tracks]
            assert ports == [(40004, 40005), (40006, 40007)]
        assert peer.requests[-1].headers.get("Session") == "231970"
        async with Viewer(ClientSettings(peer.url)) as viewer:
            await viewer.until(lambda: viewer.end is not None)
            assert viewer.end is not None
            assert viewer.end.reason is EndReason.TRANSPORT
    finally:
        await peer.stop()


async def test_a_peer_that_sends_other_bytes_ends_in_words() -> None:
    peer = ReplayPeer({"OPTIONS": [b"HTTP/1.1 400 Bad Request\r\n\r\n"]})
    await peer.start()
    try:
        async with Viewer(ClientSettings(peer.url)) as viewer:
            await viewer.until(lambda: viewer.end is not None)
            assert viewer.end is not None
            assert (viewer.end.reason, "HTTP" in viewer.end.detail) == (EndReason.PROTOCOL, True)
            assert not any(isinstance(event, Packets) for event in viewer.events)
    finally:
        await peer.stop()
