"""Every kind of camera through the whole product: added, recorded, on the timeline, played, downloaded.

All cameras run at once for some seconds, meet their mishaps, and lose their power; then what the archive
holds must be what a stranger's reader (ffmpeg) finds in the downloads, picture by picture.
"""

import itertools
import json
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.flows.studio import RECIPES, SPOKEN, Studio, make_certificate, make_clip
from tests.product import Desk, Product, wait_for

from civiscope.base import Span, SystemClock
from civiscope.media import TrackKind, UnitFlags
from civiscope.media.wire import Credentials
from civiscope.recording import Archive, RecordedUnit
from civiscope.security import SiteKeys
from civiscope.simulator import Faults, Footage, RtspServer, ServerOptions, SimulatedCamera

MISHAPS = ("resized", "recoded", "jumped", "rebooted", "sparse")
WAYS = ("udp", "rtsps", "digest")
KINDS = (*RECIPES, *WAYS, *MISHAPS)
pytestmark = pytest.mark.slow


@dataclass
class Recorded:
    """What the product holds once all cameras are gone."""

    desk: Desk
    channels: dict[str, dict[str, Any]]
    units: dict[str, list[RecordedUnit]]
    began_us: int
    ended_us: int
    reasons: dict[str, str] = field(default_factory=dict)

    def pictures(self, name: str) -> list[RecordedUnit]:
        """All pictures from the first that can be shown on."""
        found = [
            one for one in self.units[name]
            if next(t for t in one.tracks if t.track_id == one.unit.track_id).kind is TrackKind.VIDEO
        ]  # fmt: skip
        keys = [place for place, one in enumerate(found) if one.unit.flags & UnitFlags.KEY]
        return found[keys[0] :] if keys else []

    def timeline(self, name: str) -> dict[str, Any]:
        """Recorded spans and gaps."""
        span = {"from_us": self.began_us, "to_us": self.ended_us}
        answer = self.desk.get("/timeline", channel=self.channels[name]["id"], **span)
        found: dict[str, Any] = answer["channels"][0]
        return found


def add(desk: Desk, name: str, address: str, **more: object) -> dict[str, Any]:
    added: dict[str, Any] = desk.post("/cameras", {"name": name, "address": address, **more})
    return added


@pytest.fixture(scope="module")
def recorded(product: Product, desk: Desk, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorded]:
    studio = Studio().start()
    try:
        yield record(product, desk, studio, tmp_path_factory.mktemp("kinds"))
    finally:
        studio.stop()


def record(product: Product, desk: Desk, studio: Studio, folder: Path) -> Recorded:
    clips = {name: Footage.load(make_clip(folder, name), in_band=name == "high") for name in RECIPES}
    large = Footage.load(make_clip(folder, "baseline", size="320x240"), in_band=True)
    small = Footage.load(make_clip(folder, "baseline", seconds=4), in_band=True)
    sparse = Footage.load(make_clip(folder, "high", seconds=30, gop=1000))
    tls, pin = make_certificate(folder)
    login = Credentials("viewer", "a camera's word")
    mounts = [SimulatedCamera(name, clips[name]) for name in RECIPES]
    mounts += [SimulatedCamera(name, small) for name in ("resized", "recoded", "jumped")]
    plain = studio.serve(RtspServer([*mounts, SimulatedCamera("udp", clips["high"])]))
    secret = studio.serve(RtspServer([SimulatedCamera("rtsps", small)], options=ServerOptions(tls=tls)))
    closed = studio.serve(
        RtspServer([SimulatedCamera("digest", small)], options=ServerOptions(users=(login,)))
    )
    fragile = studio.serve(RtspServer([SimulatedCamera("rebooted", small)]))

    began_us = desk.get("/session")["server_time_us"]
    channels = {
        name: add(desk, name, plain.url(name), audio=name in SPOKEN, transport="tcp") for name in RECIPES
    }
    for name in ("resized", "recoded", "jumped"):
        channels[name] = add(desk, name, plain.url(name))
    channels["udp"] = add(desk, "udp", plain.url("udp"), transport="udp")
    channels["rtsps"] = add(desk, "rtsps", secret.url("rtsps"), tls_fingerprint=pin)
    word = {"username": login.username, "password": login.password}
    channels["digest"] = add(desk, "digest", closed.url("digest"), **word)
    channels["rebooted"] = add(desk, "rebooted", fragile.url("rebooted"))
    lone = studio.serve(RtspServer([SimulatedCamera("sparse", sparse)]))
    channels["sparse"] = add(desk, "sparse", lone.url("sparse"))
    wrong = add(desk, "wrong word", closed.url("digest") + "?2", username="viewer", password="guessed")
    stranger = add(desk, "no pin", secret.url("rtsps") + "?2")

    wait_for("every camera to be recorded", lambda: are_recording(desk, KINDS), 20, 0.2)
    began_s = time.monotonic()
    reasons = wait_for("refusals", lambda: refusals(desk, (wrong["id"], stranger["id"])), 10)

    async def mishaps() -> None:
        now_us = SystemClock().monotonic_us()
        plain.camera("resized").switch(large, now_us)
        plain.camera("recoded").switch(clips["h265"], now_us)
        plain.camera("jumped").faults = Faults(jump_us=3_600_000_000)

    time.sleep(max(0.0, 3.0 - (time.monotonic() - began_s)))  # footage before the mishaps
    studio.call(mishaps())
    studio.call(fragile.stop())
    wait_for("the loss", lambda: desk.channels()["rebooted"]["state"] == "lost", 8)
    studio.call(fragile.start())
    wait_for("the return", lambda: are_recording(desk, KINDS), 8)
    time.sleep(4)  # footage after them
    studio.cut()
    wait_for("the end", lambda: all(desk.channels()[name]["state"] == "lost" for name in KINDS), 10)
    time.sleep(1.2)  # the last part is synced within a second
    ended_us = desk.get("/session")["server_time_us"]
    return Recorded(desk, channels, archived(product, desk, channels), began_us, ended_us, reasons)


def are_recording(desk: Desk, names: tuple[str, ...]) -> bool:
    channels = desk.channels()
    return all(channels[name]["state"] == "recording" for name in names)


def refusals(desk: Desk, ids: tuple[str, str]) -> dict[str, str] | None:
    found = {one["name"]: one["reason"] for one in desk.get("/channels") if one["id"] in ids}
    return found if all(found.values()) else None


def archived(
    product: Product, desk: Desk, channels: dict[str, dict[str, Any]]
) -> dict[str, list[RecordedUnit]]:
    keys = SiteKeys.load(product.home / "keys")
    archive = Archive((product.home / "volumes" / "main",), keys.keyring(), SystemClock())
    whole = Span(0, SystemClock().now_us() + 1_000_000)
    streams = {str(stream_id): stream_id for stream_id in archive.streams()}
    names = desk.channels()
    return {
        name: list(archive.read(streams[names[name]["streams"][0]["id"]], whole)) for name in channels
    }  # fmt: skip


def decoded(path: Path) -> list[dict[str, Any]]:
    """The tracks of a file with their packets and decoded frames; a stranger's reader must not complain."""
    done = subprocess.run(
        ["ffprobe", "-v", "error", "-count_packets", "-count_frames", "-show_streams", "-of", "json",
         str(path)],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert done.stderr == ""
    streams: list[dict[str, Any]] = json.loads(done.stdout)["streams"]
    return streams


@pytest.mark.parametrize("name", [name for name in KINDS if name != "sparse"])
def test_the_download_holds_every_picture_that_was_recorded(
    recorded: Recorded, name: str, tmp_path: Path
) -> None:
    wanted = recorded.pictures(name)
    assert len(wanted) > 12 * 6
    channel_id = recorded.channels[name]["id"]
    look = recorded.desk.look(channel_id, "export", (recorded.began_us, recorded.ended_us))
    answer = recorded.desk.client.get(f"/api/v1/looks/{look['id']}/download")
    assert answer.status_code == 200, answer.text
    path = tmp_path / "download.mp4"
    path.write_bytes(answer.content)
    tracks = decoded(path)
    pictures = [track for track in tracks if track["codec_type"] == "video"]
    spare = 2 if name == "reordered" else 0  # a cut in the middle of reordering: what refers past it
    assert len(wanted) - sum(int(track["nb_read_packets"]) for track in pictures) in range(spare + 1)
    assert len(wanted) - sum(int(track["nb_read_frames"]) for track in pictures) in range(spare + 1)
    sounds = [track for track in tracks if track["codec_type"] == "audio"]
    assert [track["codec_name"] for track in sounds] == ([SPOKEN[name]] if name in SPOKEN else [])
    assert all(int(track["nb_read_frames"]) > 0 for track in sounds)


@pytest.mark.parametrize("name", [name for name in KINDS if name != "sparse"])
def test_the_browser_gets_what_it_can_decode(recorded: Recorded, name: str, tmp_path: Path) -> None:
    spans = recorded.timeline(name)["recorded"]
    channel_id = recorded.channels[name]["id"]
    look = recorded.desk.look(channel_id, "playback", (recorded.began_us, recorded.ended_us))
    at_us = spans[0]["start_us"] + 1_500_000
    answer = recorded.desk.client.get(
        f"/api/v1/looks/{look['id']}/media", params={"at_us": at_us, "duration_us": 2_000_000}
    )
    assert answer.status_code == 200, answer.text
    assert answer.headers["X-Mse-Type"]
    path = tmp_path / "media.mp4"
    path.write_bytes(answer.content)
    pictures = [track for track in decoded(path) if track["codec_type"] == "video"]
    assert int(pictures[0]["nb_read_frames"]) >= 20


@pytest.mark.parametrize("name", [name for name in KINDS if name != "rebooted"])
def test_nothing_is_missing_between_the_first_and_the_last_picture(recorded: Recorded, name: str) -> None:
    timeline = recorded.timeline(name)
    spans = [(span["start_us"], span["end_us"]) for span in timeline["recorded"]]
    first, last = min(start for start, _ in spans), max(end for _, end in spans)
    within = [gap for gap in timeline["gaps"] if first < gap["start_us"] < last]
    limit_us = 2_000_000 if name == "recoded" else 500_000  # it connects anew to learn what comes now
    assert all(gap["end_us"] - gap["start_us"] < limit_us for gap in within), within
    sequences = [one.unit.sequence for one in recorded.units[name]]
    assert all(b in {a + 1, 0} for a, b in itertools.pairwise(sequences))


def test_mishaps_are_what_they_were(recorded: Recorded) -> None:
    def sizes(name: str) -> set[tuple[int, int]]:
        return {(t.width_px, t.height_px) for one in recorded.pictures(name) for t in one.tracks}

    assert sizes("resized") == {(160, 120), (320, 240)}
    codecs = [one.tracks[0].codec.value for one in recorded.pictures("recoded")]
    assert list(dict.fromkeys(codecs)) == ["h264", "h265"]
    assert recorded.units["recoded"][0].run_id != recorded.units["recoded"][-1].run_id
    gaps = [gap for gap in recorded.timeline("rebooted")["gaps"] if gap["end_us"]]
    assert any(gap["reason"] in {"closed", "unreachable"} for gap in gaps), gaps


def test_pictures_before_the_first_key_unit_are_recorded_but_cannot_be_shown(recorded: Recorded) -> None:
    """A key unit every 30 s: what came before the first is on the timeline, and the download says why not."""
    spans = recorded.timeline("sparse")["recorded"]
    assert sum(span["end_us"] - span["start_us"] for span in spans) > 6_000_000
    channel_id = recorded.channels["sparse"]["id"]
    look = recorded.desk.look(channel_id, "export", (recorded.began_us, recorded.ended_us))
    answer = recorded.desk.client.get(f"/api/v1/looks/{look['id']}/download")
    assert answer.status_code == 404
    assert "nothing that can be shown" in answer.json()["error"]["message"]


def test_a_download_over_a_gap_names_it(recorded: Recorded) -> None:
    look = recorded.desk.look(
        recorded.channels["rebooted"]["id"], "export", (recorded.began_us, recorded.ended_us)
    )
    answer = recorded.desk.client.get(f"/api/v1/looks/{look['id']}/download")
    named = answer.headers["X-Gaps"].split(", ")
    for gap in recorded.timeline("rebooted")["gaps"]:
        if gap["end_us"]:
            assert f"{gap['start_us']}-{gap['end_us']} {gap['reason']}" in named


def test_refusals_say_why(recorded: Recorded) -> None:
    assert recorded.reasons == {"wrong word": "authentication", "no pin": "tls"}
