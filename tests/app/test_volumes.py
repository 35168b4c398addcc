"""The node's volumes by its settings: opened, shown, tried again."""

from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import ValidationError

from civiscope.app.home import Home
from civiscope.app.settings import RecordingSettings, Settings
from civiscope.app.volumes import NodeVolumes, volume_folders, volume_places
from civiscope.base import AppError, ManualClock, NodeId, SiteId, new_id
from civiscope.recording import RecordedVolume, Recorder, RecorderSettings, VolumeIdentity


def settings_of(*folders: Path) -> Settings:
    volumes = tuple({"folder": folder, "quota_gib": 2, "keep_free_gib": 0} for folder in folders)
    return Settings.model_validate({"recording": {"volumes": volumes}})


class Taking(Recorder):
    """Takes volumes as they come back."""

    def __init__(self) -> None:
        self.taken: list[RecordedVolume] = []

    def add_volume(self, volume: RecordedVolume) -> None:
        self.taken.append(volume)


def node(home: Home, settings: Settings) -> NodeVolumes:
    identity = VolumeIdentity(SiteId(new_id()), NodeId(new_id()))
    own = replace(RecorderSettings(), keep_us=5)
    return NodeVolumes(volume_places(home, settings), identity, own, ManualClock(), lambda _: None)


async def test_a_disk_that_is_away_is_shown_and_taken_when_it_is_there(tmp_path: Path) -> None:
    here, away = tmp_path / "here", tmp_path / "away"
    here.mkdir()
    volumes = node(Home(tmp_path / "home"), settings_of(here, away))
    (opened,) = volumes.open()
    assert (opened.settings.quota_bytes, opened.settings.min_free_bytes) == (2 << 30, 0)
    assert opened.settings.keep_us == 5
    assert [(one.path, one.state) for one in volumes.status()] == [
        (str(here), "good"),
        (str(away), "missing"),
    ]
    taking = Taking()
    await volumes.look_again(taking)
    assert (taking.taken, away.exists()) == ([], False)
    away.mkdir()
    await volumes.look_again(taking)
    await volumes.look_again(taking)
    assert len(taking.taken) == 1
    assert [one.state for one in volumes.status()] == ["good", "good"]
    for one in (opened, *taking.taken):
        one.volume.files.close()


def test_with_no_volume_at_all_the_recorder_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(AppError, match="mount its disk"):
        node(Home(tmp_path / "home"), settings_of(tmp_path / "a", tmp_path / "b")).open()


def test_without_a_list_there_is_one_in_the_data_folder(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    assert volume_folders(home, Settings()) == (home.default_volume,)
    assert volume_folders(home, settings_of(tmp_path / "a", tmp_path / "b")) == (
        tmp_path / "a",
        tmp_path / "b",
    )


@pytest.mark.parametrize(
    "wrong",
    [
        {"folder": "/srv/a", "volumes": [{"folder": "/srv/b"}]},
        {"quota_gib": 5, "volumes": [{"folder": "/srv/b"}]},
        {"volumes": [{"folder": "/srv/b"}, {"folder": "/srv/b"}]},
        {"volumes": [{"quota_gib": 5}]},
    ],
)
def test_lists_that_say_two_things_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        RecordingSettings.model_validate(wrong)
