"""Footage is imported with its own time by the running product, once, though its recorder is killed."""

import datetime
import os
import subprocess
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from tests.product import Desk, Product, wait_for

from civiscope.base import Span, SystemClock
from civiscope.media import FileUnits
from civiscope.recording import Archive
from civiscope.security import SiteKeys

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
SECONDS = 120


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two minutes with reordered pictures: some eight seconds of importing."""
    path = tmp_path_factory.mktemp("footage") / "street corner.mp4"
    words = (
        f"ffmpeg -v error -y -f lavfi -i testsrc2=s=160x120:r=10:d={SECONDS} "
        "-c:v libx264 -preset veryfast -pix_fmt yuv420p -bf 2 -g 20"
    )
    subprocess.run([*words.split(), str(path)], check=True, timeout=90)
    return path


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory, clip: Path) -> Iterator[Product]:
    running = Product(tmp_path_factory.mktemp("town") / "home")
    running.home.mkdir()
    (running.home / "civiscope.toml").write_text(f'[devices]\nimport_folders = ["{clip.parent}"]\n')
    running.run("init")
    try:
        running.start(limit_s=120)
        running.setup_code = running.run("setup-code").split()[-1]
        yield running
    finally:
        running.destroy()


def refused(product: Product, *words: str) -> str:
    """What the command says that fails."""
    done = subprocess.run(
        product.command("import", *words), env=product.environ() | {"COLUMNS": "200"}, capture_output=True,
        text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    return done.stderr


def timeline(desk: Desk, channel_id: str, start_us: int) -> dict[str, Any]:
    now_us = desk.get("/session")["server_time_us"]
    answer = desk.get("/timeline", channel=channel_id, from_us=start_us - 600_000_000, to_us=now_us + 1)
    found: dict[str, Any] = answer["channels"][0]
    return found


def units_on_disk(product: Product) -> list[tuple[bytes, int]]:
    keys = SiteKeys.load(product.home / "keys")
    archive = Archive((product.home / "volumes" / "main",), keys.keyring(), SystemClock())
    (stream_id,) = archive.streams()
    whole = Span(0, SystemClock().now_us())
    return [(one.unit.data, one.wall_us) for one in archive.read(stream_id, whole)]


def frames_in(path: Path) -> int:
    words = "ffprobe -v error -count_frames -show_entries stream=nb_read_frames -of csv=p=0"
    done = subprocess.run([*words.split(), str(path)], capture_output=True, text=True, timeout=60, check=True)
    assert done.stderr == ""
    return int(done.stdout.strip().strip(","))


def test_footage_has_its_own_time_and_comes_once(
    product: Product, desk: Desk, clip: Path, tmp_path: Path
) -> None:
    assert "import_folders" in refused(product, str(Path(__file__)), "--name", "Elsewhere")
    old = refused(product, str(clip), "--name", "Old", "--at", "2020-01-01T00:00:00Z")
    assert "kept for 72 hours" in old
    assert desk.channels() == {}

    filmed = datetime.datetime.now(datetime.UTC).replace(microsecond=0) - datetime.timedelta(hours=5)
    start_us = int(filmed.timestamp()) * 1_000_000
    product.run("import", str(clip), "--name", "Corner", "--at", filmed.isoformat(), "--no-wait")
    channel_id = desk.channels()["Corner"]["id"]
    wait_for("the first footage", lambda: timeline(desk, channel_id, start_us)["recorded"], 60)
    product.kill("recorder")
    wait_for("the end", lambda: desk.channels()["Corner"]["reason"] == "finished", 90, 0.3)
    assert desk.channels()["Corner"]["state"] == "stopped"
    wanted = FileUnits(clip, audio=False)
    assert [data for data, _ in units_on_disk(product)] == [unit.data for unit in wanted.units]
    assert_exact(wait_for("all of it", lambda: whole_timeline(desk, channel_id, start_us), 10), start_us)

    look = desk.look(channel_id, "playback", (start_us, start_us + SECONDS * 1_000_000))
    asked = {"at_us": start_us + 60_000_000, "duration_us": 2_000_000}
    media = desk.client.get(f"/api/v1/looks/{look['id']}/media", params=asked)
    assert media.status_code == 200, media.text
    look = desk.look(channel_id, "export", (start_us, start_us + SECONDS * 1_000_000))
    download = desk.client.get(f"/api/v1/looks/{look['id']}/download")
    assert download.status_code == 200, download.text
    assert download.headers["X-Gaps"] == ""
    (tmp_path / "download.mp4").write_bytes(download.content)
    assert frames_in(tmp_path / "download.mp4") == len(wanted.units)

    old_pid = product.kill("recorder")
    wait_for("a new recorder", lambda: product.pids().get("recorder") not in {old_pid, None}, 30)
    wait_for("its word", lambda: desk.channels()["Corner"]["state"] == "stopped", 30)
    assert len(units_on_disk(product)) == len(wanted.units)
    assert_exact(timeline(desk, channel_id, start_us), start_us)


def whole_timeline(desk: Desk, channel_id: str, start_us: int) -> dict[str, Any] | None:
    found = timeline(desk, channel_id, start_us)
    is_whole = found["recorded"] and found["recorded"][-1]["end_us"] >= start_us + (SECONDS - 1) * 1_000_000
    return found if is_whole else None


def assert_exact(found: dict[str, Any], start_us: int) -> None:
    """From start to start + duration, and nothing is missing anywhere."""
    assert found["gaps"] == []
    spans = found["recorded"]
    assert spans[0]["start_us"] == start_us
    assert abs(spans[-1]["end_us"] - start_us - SECONDS * 1_000_000) <= 10
    assert all(abs(after["start_us"] - before["end_us"]) < 400_000 for before, after in pairwise(spans))


def test_the_default_time_is_when_the_file_was_written(product: Product, desk: Desk, clip: Path) -> None:
    short = clip.parent / "short.mp4"
    subprocess.run(
        ["ffmpeg", "-v", "error", "-y", "-i", str(clip), "-t", "4", "-c", "copy", str(short)],
        check=True, timeout=60,
    )  # fmt: skip
    written_s = int(SystemClock().now_us() // 1_000_000) - 7200
    os.utime(short, (written_s, written_s))
    said = product.run("import", str(short), "--name", "Short", "--place", "Yard", limit_s=120)
    assert "imported to its end" in said
    channel = desk.channels()["Short"]
    assert channel["place"] == "Yard"
    (span,) = timeline(desk, channel["id"], written_s * 1_000_000)["recorded"]
    assert abs(span["end_us"] - written_s * 1_000_000) < 500_000
