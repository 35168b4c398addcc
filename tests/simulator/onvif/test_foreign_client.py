"""The ONVIF client library that others use, straight against a simulated device."""

import asyncio
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from shutil import which
from typing import Any

import av
import pytest
from onvif import ONVIFCamera  # type: ignore[import-untyped]  # it has no types
from tests.simulator.onvif.conftest import ADMIN, JPEG
from zeep.exceptions import Fault

from civiscope.media.wire import Credentials
from civiscope.simulator import OnvifServer


@asynccontextmanager
async def client(server: OnvifServer, user: Credentials = ADMIN) -> AsyncIterator[Any]:
    camera = ONVIFCamera("127.0.0.1", server.port, user.username, user.password, adjust_time=True)
    try:
        await camera.update_xaddrs()
        yield camera
    finally:
        await camera.close()


async def test_it_tells_who_it_is_and_what_it_streams(pier: OnvifServer) -> None:
    async with client(pier) as camera:
        management = await camera.create_devicemgmt_service()
        told = await management.GetDeviceInformation()
        assert (told.Manufacturer, told.Model) == ("Civiscope", "Simulated camera")
        assert told.SerialNumber == pier.device("Pier").serial
        media = await camera.create_media_service()
        profiles = await media.GetProfiles()
        assert [profile.token for profile in profiles] == ["main", "sub"]
        encoder = profiles[0].VideoEncoderConfiguration
        assert (encoder.Encoding, encoder.Resolution.Width, encoder.RateControl.FrameRateLimit) == (
            "H264",
            320,
            15,
        )
        asked = {"StreamSetup": {"Stream": "RTP-Unicast", "Transport": {"Protocol": "RTSP"}}}
        for profile in profiles:
            uri = (await media.GetStreamUri({**asked, "ProfileToken": profile.token})).Uri
            width = profile.VideoEncoderConfiguration.Resolution.Width
            assert await asyncio.to_thread(opened_width_px, uri, ADMIN) == width
        assert await camera.get_snapshot("main") == JPEG


def opened_width_px(uri: str, user: Credentials) -> int:
    """As libav's own RTSP client sees it."""
    address = uri.replace("rtsp://", f"rtsp://{user.username}:{user.password}@")
    with av.open(address, options={"rtsp_transport": "tcp"}, timeout=10) as container:
        next(container.demux(video=0))
        return int(container.streams.video[0].codec_context.width)


async def test_a_wrong_password_is_refused(pier: OnvifServer) -> None:
    async with client(pier, Credentials("admin", "wrong")) as camera:
        management = await camera.create_devicemgmt_service()
        with pytest.raises(Fault, match="authorization"):
            await management.GetDeviceInformation()


async def test_ffprobe_reads_both_streams(pier: OnvifServer) -> None:
    if which("ffprobe") is None:
        pytest.skip("ffprobe is not installed")
    for mount, size in (("pier", "320,240"), ("pier-sub", "160,120")):
        url = pier.streams.url(mount).replace("rtsp://", f"rtsp://{ADMIN.username}:{ADMIN.password}@")
        words = ["-v", "error", "-rtsp_transport", "tcp", "-select_streams", "v:0"]
        show = ["-show_entries", "stream=width,height", "-of", "csv=p=0"]
        process = await asyncio.create_subprocess_exec(
            "ffprobe", *words, *show, url, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        out, err = await asyncio.wait_for(process.communicate(), 30)
        assert process.returncode == 0, err.decode()
        assert out.decode().strip() == size
