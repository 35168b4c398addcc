"""The driver of files: the contract, and that nothing outside the named folders is ever touched."""

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import quote

import pytest
from tests.devices.driver_contract import SHUT, DriverContract

from civiscope.base import SystemClock
from civiscope.devices import DeviceAddress, DeviceDescription, DeviceGate, DriverPorts, Trouble, TroubleError
from civiscope.devices.drivers.file import DRIVER, FileSettings


@pytest.fixture
def footage_folder(tmp_path: Path, clips: dict[str, Path]) -> Path:
    """Two clips, one of them with a name that must be quoted."""
    folder = tmp_path / "footage"
    folder.mkdir()
    (folder / "b gate #1.mp4").write_bytes(clips["h264"].read_bytes())
    (folder / "c.avi").write_bytes(clips["mjpeg"].read_bytes())
    (folder / "notes.txt").write_text("not a clip")
    return folder


def device(place: Path | str, *folders: Path) -> DeviceAddress:
    settings = {"folders": [str(one) for one in folders]}
    return DeviceAddress(f"file://{quote(str(place))}", settings=json.dumps(settings))


async def describe(one: DeviceAddress) -> DeviceDescription:
    async with DRIVER.reach(one, DriverPorts(SystemClock(), DeviceGate(SHUT))) as equipment:
        return await equipment.describe()


async def trouble(one: DeviceAddress) -> TroubleError:
    with pytest.raises(TroubleError) as caught:
        await describe(one)
    return caught.value


class TestContract(DriverContract):
    """What every driver must do."""

    driver = DRIVER
    has_login = False
    has_network = False

    @pytest.fixture(autouse=True)
    def _folder(self, footage_folder: Path) -> None:
        self.folder = footage_folder

    @asynccontextmanager
    async def working(self) -> AsyncIterator[DeviceAddress]:
        yield device(self.folder / "c.avi", self.folder)


async def test_a_file_is_one_input(footage_folder: Path) -> None:
    one = device(footage_folder / "b gate #1.mp4", footage_folder)
    found = await describe(one)
    stream = found.inputs[0].streams[0]
    assert (stream.url, stream.codec, stream.width_px, stream.height_px) == (one.address, "h264", 320, 240)
    assert found.inputs[0].name == "b gate #1"


async def test_a_folder_is_one_input_in_order_of_name(footage_folder: Path) -> None:
    found = await describe(device(footage_folder, footage_folder.parent))
    assert found.inputs[0].streams[0].codec == "h264"
    assert "2 files" in found.warnings[0]
    (footage_folder / "a.avi").write_bytes((footage_folder / "c.avi").read_bytes())
    assert (await describe(device(footage_folder, footage_folder))).inputs[0].streams[0].codec == "mjpeg"


async def test_nothing_outside_is_touched(footage_folder: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.mp4"
    secret.write_bytes((footage_folder / "c.avi").read_bytes())
    (footage_folder / "leads_out.mp4").symlink_to(secret)
    (footage_folder / "ring.mp4").symlink_to("ring.mp4")
    outside = [
        device(secret, footage_folder),
        device(footage_folder / "leads_out.mp4", footage_folder),
        device(f"{footage_folder}/../secret.mp4", footage_folder),
        device(tmp_path / "footage2", footage_folder),
        device("/no/such/file.mp4", footage_folder),
        device("/etc/passwd"),
        device(footage_folder / "c.avi"),
        device(footage_folder / "c.avi", Path("relative")),
    ]
    for one in outside:
        error = await trouble(one)
        assert error.report.trouble is Trouble.GATE
        assert str(tmp_path) not in error.report.words, "what lies outside is not told"
    names = {error.report.words for error in [await trouble(one) for one in outside]}
    assert len(names) == 1, "the answer does not tell whether a file is there"
    found = await describe(device(footage_folder, footage_folder))
    assert "2 files" in found.warnings[0], "links out of the folder do not play"


async def test_what_is_no_media_file_is_told(footage_folder: Path) -> None:
    os.mkfifo(footage_folder / "pipe.mp4")
    (footage_folder / "broken.mp4").write_bytes(b"\0" * 4096)
    (footage_folder / "empty").mkdir()
    expected = {
        "pipe.mp4": Trouble.STREAM, "broken.mp4": Trouble.CODEC, "empty": Trouble.STREAM,
        "gone.mp4": Trouble.STREAM, "notes.txt": Trouble.CODEC, "ring.mp4": Trouble.GATE,
    }  # fmt: skip
    (footage_folder / "ring.mp4").symlink_to("ring.mp4")
    for name, kind in expected.items():
        error = await trouble(device(footage_folder / name, footage_folder))
        assert error.report.trouble is kind, name


@pytest.mark.parametrize(
    "playlist",
    [
        "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{clip}\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile '{clip}'\n",
        "ffconcat version 1.0\nfile secret.mp4\n",
    ],
)
async def test_a_playlist_in_the_folder_leads_nowhere(
    footage_folder: Path, clips: dict[str, Path], playlist: str
) -> None:
    """It is no media file here, whatever its name: what it names may lie outside."""
    (footage_folder / "secret.mp4").symlink_to(clips["h264"])
    place = footage_folder / "list.mp4"
    place.write_text(playlist.format(clip=clips["h264"]))
    assert (await trouble(device(place, footage_folder))).report.trouble is Trouble.CODEC


@pytest.mark.parametrize("address", ["file://host/x.mp4", "file:x.mp4", "file:///a%00b", "file:///a?b"])
async def test_an_address_that_is_none(address: str) -> None:
    assert (await trouble(DeviceAddress(address))).report.trouble is Trouble.ADDRESS


def test_settings_say_where_and_how() -> None:
    found = FileSettings.model_validate_json('{"folders": ["/srv/footage"]}')
    assert found.folders == ("/srv/footage",)
