"""`civiscope verify` on a real volume, segments, a package and certificates: words, JSON, exit codes."""

import hashlib
import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.evidence.package_maker import MEDIA, MemoryPackage, make_maker, make_package
from tests.recording.footage import EPOCH_US, Camera, Room, make_site, play
from typer.testing import CliRunner

from civiscope.app.verify_desk import camera_report
from civiscope.base import AppError, ManualClock
from civiscope.cli.main import commands
from civiscope.security import CameraAnchors


@dataclass(frozen=True)
class World:
    """A data folder with a site, its volume of three segments, and an exported package."""

    home: Path
    volume: Path
    authority: Path
    package: Path
    segments: list[Path]

    def copy(self, folder: Path) -> Path:
        return Path(shutil.copytree(self.volume, folder / "volume"))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("world")
    site = make_site(folder / "home" / "keys")
    room = Room(site, folder / "volume", ManualClock(EPOCH_US))
    recorder = room.recorder()
    camera = Camera(room.clock, mean_bytes=200)
    for _ in range(3):
        camera.start(recorder)
        play(recorder, [camera], 20)
        camera.end(recorder, detail="cable pulled")
        room.clock.advance(5_000_000)
    recorder.close()
    maker = make_maker(site)
    package, _ = make_package(maker, folder / "export")
    authority = folder / "authority.der"
    authority.write_bytes(maker.signer.authority)
    segments = sorted((folder / "volume" / "segments").glob("*/*.cvs"))
    return World(folder / "home", folder / "volume", authority, package.write(folder / "package"), segments)


def told(*words: object) -> tuple[int, str]:
    result = CliRunner().invoke(commands, ["verify", *map(str, words)])
    return result.exit_code, result.output


def report(*words: object) -> dict[str, object]:
    found = json.loads(told("--json", *words)[1])
    assert isinstance(found, dict)
    return found


def test_a_whole_volume_says_so_with_its_gaps(world: World) -> None:
    code, words = told(world.volume, "--home", world.home)
    assert code == 0, words
    assert "WHOLE (volume)" in words
    assert "3 segments" in words
    assert "60 access units" in words
    assert "declared missing" in words
    assert "cable pulled" in words
    found = report(world.volume, "--home", world.home)
    assert (found["verdict"], found["is_complete"], found["segments"]) == ("whole", True, 3)


def test_without_the_sites_key_the_chain_alone_is_checked(world: World) -> None:
    code, words = told(world.volume, "--home", world.home / "none", "--authority", world.authority)
    assert code == 3, words
    assert "stayed closed" in words
    with pytest.raises(Exception, match="name the site"):
        CliRunner().invoke(
            commands,
            ["verify", str(world.volume), "--home", str(world.home / "none")],
            catch_exceptions=False,
        )


@pytest.mark.parametrize("with_key", [True, False])
def test_what_was_changed_in_a_volume_is_found(world: World, tmp_path: Path, with_key: bool) -> None:
    keys = ["--home", world.home] if with_key else ["--home", tmp_path, "--authority", world.authority]
    volume = world.copy(tmp_path)
    segment = volume / world.segments[1].relative_to(world.volume)
    data = bytearray(segment.read_bytes())
    data[len(data) // 2] ^= 1
    segment.write_bytes(data)
    code, words = told(volume, *keys)
    assert code == 2, words
    assert f"ALTERED: segments/{segment.parent.name}/{segment.name}, part" in words
    assert told(segment, *keys)[0] == 2
    assert told(volume / world.segments[0].relative_to(world.volume), *keys)[0] == (0 if with_key else 3)

    segment.unlink()
    found = report(volume, *keys)
    assert found["verdict"] == "cut", found

    stranger = segment.with_name(f"{'0' * 8}-0000-7000-8000-{'0' * 12}.cvs")
    stranger.write_bytes(world.segments[1].read_bytes())
    assert "put in later" in told(volume, *keys)[1]


def test_a_package_and_its_authority(world: World, tmp_path: Path) -> None:
    code, words = told(world.package, "--authority", world.authority)
    assert code == 0, words
    assert "WHOLE (package)" in words
    assert told(world.package, "--home", tmp_path)[0] == 3, "nobody has compared the authority"
    changed = MemoryPackage(
        {path.relative_to(world.package).as_posix(): path.read_bytes() for path in world.package.rglob("*.*")
         if path.is_file()}
    )  # fmt: skip
    media = bytearray(changed.files[MEDIA])
    media[-1] ^= 1
    folder = changed.changed(MEDIA, bytes(media)).write(tmp_path / "changed")
    code, words = told(folder, "--authority", world.authority)
    assert code == 2
    assert re.search(rf"ALTERED: {MEDIA}, part \d, access unit 7, 2023-", words), words


def test_a_video_says_what_its_camera_signed(shared_data: Path, tmp_path: Path) -> None:
    folder = shared_data / "signed"
    code, words = told(folder / "test_signed_h264.mp4", "--camera-ca", folder / "ca.pem")
    assert code == 3, words
    assert "5 key_not_verified" in words, "its certificate ended in 2025"
    assert "not valid when it was recorded" in words
    anchors = CameraAnchors([(folder / "ca.pem").read_bytes()])
    in_2025_us = 1_740_000_000_000_000
    assert camera_report(folder / "test_signed_h264.mp4", anchors, in_2025_us).is_complete
    code, words = told(folder / "test_h265.mp4", "--camera-ca", folder / "ca.pem")
    assert (code, "1 unsigned" in words) == (3, True)
    data = bytearray((folder / "test_signed_h264.mp4").read_bytes())
    data[data.index(b"mdat") + 200] ^= 1
    (tmp_path / "changed.mp4").write_bytes(data)
    code, words = told(tmp_path / "changed.mp4", "--camera-ca", folder / "ca.pem")
    assert (code, "1 not_authentic" in words) == (2, True), words


def test_the_verifier_is_written_once_and_known_by_its_hash(tmp_path: Path) -> None:
    path = tmp_path / "verifier.html"
    result = CliRunner().invoke(commands, ["verifier", str(path), "--hash"])
    assert result.output == f"{hashlib.sha256(path.read_bytes()).hexdigest()}  verifier.html\n"
    with pytest.raises(AppError, match="File exists"):
        CliRunner().invoke(commands, ["verifier", str(path)], catch_exceptions=False)


def test_certificates_say_what_they_are_for(world: World, tmp_path: Path) -> None:
    assert "node authority itself" in told(world.authority, "--authority", world.authority)[1]
    node = world.home / "keys" / "recorder" / "node.pem"
    code, words = told(node, "--authority", world.authority)
    assert (code, "signs recordings" in words) == (0, True)
    other = make_site(tmp_path / "keys").keys.recorder_folder / "node.pem"
    code, words = told(other, "--authority", world.authority)
    assert (code, "did not issue it" in words) == (2, True)
    assert told(node, "--home", tmp_path / "none")[0] == 3
