"""A camera that gives Motion JPEG by HTTP through the whole product: recorded, shown live, downloaded."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from tests.flows.studio import Studio, make_clip
from tests.ingest.web_camera import WebCamera, jpegs_of
from tests.product import Desk, wait_for

from civiscope.media.wire import Credentials

pytestmark = pytest.mark.slow


@pytest.fixture
def camera(tmp_path: Path) -> Iterator[WebCamera]:
    """Twelve pictures a second, behind a password."""
    pictures = jpegs_of(make_clip(tmp_path, "mjpeg"))
    web = WebCamera(pictures, every_s=1 / 12, sized=False, login=Credentials("viewer", "a camera's word"))
    studio = Studio().start()
    stack = AsyncExitStack()

    async def begin() -> None:
        await stack.enter_async_context(web.serving())

    studio.call(begin())
    try:
        yield web
    finally:
        studio.call(stack.aclose())
        studio.stop()


def test_pictures_by_http_are_recorded_and_given_out(desk: Desk, camera: WebCamera, tmp_path: Path) -> None:
    began_us = desk.get("/session")["server_time_us"]
    login = {"username": "viewer", "password": "a camera's word"}
    added = desk.post("/cameras", {"name": "Harbour", "address": camera.url, **login})
    channel_id = added["id"]
    wait_for("recording", lambda: desk.channels()["Harbour"]["state"] == "recording")
    time.sleep(4)  # footage
    ended_us = desk.get("/session")["server_time_us"]
    look = desk.look(channel_id, "export", (began_us, ended_us))
    answer = desk.client.get(f"/api/v1/looks/{look['id']}/download")
    assert answer.status_code == 200, answer.text
    path = tmp_path / "download.mp4"
    path.write_bytes(answer.content)
    probed = ["ffprobe", "-v", "error", "-count_frames", "-select_streams", "v", "-show_entries"]
    done = subprocess.run(
        [*probed, "stream=codec_name,width,nb_read_frames", "-of", "csv=p=0", str(path)],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert done.stderr == ""
    codec, width, frames = done.stdout.strip().split(",")
    assert (codec, width) == ("mjpeg", "160")
    assert int(frames) > 30
    data = path.read_bytes()
    assert sum(picture in data for picture in camera.pictures) > 20  # untouched, byte for byte
    assert b"a camera's word" not in b"".join(camera.asked)
