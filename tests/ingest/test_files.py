"""Media files as live cameras: played in real time by libav's process, round and round."""

import shutil
import time
from itertools import pairwise
from pathlib import Path

import pytest
from tests.ingest.rig import LOOPBACK, source_of, ticking
from tests.ingest.test_intake import assert_same

from civiscope.devices import Trouble, TroubleError
from civiscope.ingest import IntakeSettings, LossReason, probe
from civiscope.ingest.file_session import allowed_path
from civiscope.ingest.loss import Lost
from civiscope.media import Codec, FileUnits, UnitFlags, decode_key_frame


@pytest.mark.parametrize("name", ["h264", "reordered", "mjpeg"])
async def test_a_file_plays_in_real_time_and_goes_round(
    clips: dict[str, Path], file_units: dict[str, FileUnits], name: str
) -> None:
    settings = IntakeSettings(import_folders=(clips[name].parent,))
    async with ticking([source_of(clips[name].as_uri())], settings) as rig:
        run = await rig.units(1, 20.0)
        began = time.monotonic()
        run = await rig.units(70, 10.0)
        took_s = time.monotonic() - began
    assert 1.8 < took_s < 4.5  # 69 pictures at 25 a second
    assert_same(run.units, file_units[name])
    seams = [unit.sequence for unit in run.units if unit.flags & UnitFlags.DISCONTINUITY]
    assert seams == [50]
    pts = sorted(unit.pts for unit in run.units[:69])
    assert {b - a for a, b in pairwise(pts[3:61])} <= {3599, 3600, 3601}


async def test_a_folder_plays_in_order_of_name_and_skips_what_is_no_film(
    clips: dict[str, Path], tmp_path: Path
) -> None:
    shutil.copy(clips["large"], tmp_path / "b.mp4")
    shutil.copy(clips["h264"], tmp_path / "a.mp4")
    shutil.copy(clips["mjpeg"], tmp_path / "c.avi")
    (tmp_path / "0.txt").write_text("no film")
    (tmp_path / "1.m3u8").write_text("#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n")
    async with ticking([source_of(tmp_path.as_uri())], IntakeSettings(import_folders=(tmp_path,))) as rig:
        run = await rig.units(104, 25.0)
    assert [tracks[0].width_px for tracks in run.tracks] == [160, 320, 160]
    assert [unit.sequence for unit in run.units if unit.flags & UnitFlags.CONFIG_CHANGED] == [50, 100]


async def test_a_probe_of_a_file(clips: dict[str, Path]) -> None:
    folders = (clips["h264"].parent,)
    found = await probe(source_of(clips["h264"].as_uri()), 15.0, gate=LOOPBACK, import_folders=folders)
    assert found.tracks[0].codec is Codec.H264
    assert found.key_unit is not None
    assert decode_key_frame(found.tracks[0], found.key_unit).width_px == 160


async def test_what_is_not_allowed_is_not_opened(clips: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(TroubleError) as caught:
        await probe(source_of(clips["h264"].as_uri()), 2.0, gate=LOOPBACK)
    assert caught.value.report.trouble is Trouble.GATE
    assert "import_folders" in caught.value.report.advice
    async with ticking(
        [source_of(clips["h264"].as_uri())], IntakeSettings(import_folders=(tmp_path,))
    ) as rig:
        await rig.until(lambda: bool(rig.memory.waits))
    assert rig.memory.waits[0][0] is LossReason.GATE


def test_links_and_dots_lead_nowhere_else(tmp_path: Path) -> None:
    inside, outside = tmp_path / "clips", tmp_path / "secret.mp4"
    inside.mkdir()
    outside.write_bytes(b"x")
    (inside / "link.mp4").symlink_to(outside)
    (inside / "own.mp4").write_bytes(b"x")
    assert allowed_path((inside / "own.mp4").as_uri(), (inside,)) == inside / "own.mp4"
    refused = {
        (inside / "link.mp4").as_uri(): LossReason.GATE,
        f"file://{inside}/../secret.mp4": LossReason.GATE,
        f"file://{inside}/%2e%2e/secret.mp4": LossReason.GATE,
        f"file://{inside}/none.mp4": LossReason.REFUSED,
        f"file://host{inside}/own.mp4": LossReason.UNREACHABLE,
        "file:///a%00b": LossReason.UNREACHABLE,
        "file:///etc/passwd": LossReason.GATE,
    }
    for url, reason in refused.items():
        with pytest.raises(Lost) as lost:
            allowed_path(url, (inside,))
        assert lost.value.reason is reason, url


async def test_a_file_that_is_no_film_says_so(tmp_path: Path) -> None:
    (tmp_path / "x.mp4").write_text("no film")
    url = (tmp_path / "x.mp4").as_uri()
    async with ticking([source_of(url)], IntakeSettings(import_folders=(tmp_path,))) as rig:
        await rig.until(lambda: bool(rig.memory.waits), 20.0)
    assert rig.memory.waits[0][0] is LossReason.FOREIGN
    assert "media file" in rig.memory.waits[0][1]
