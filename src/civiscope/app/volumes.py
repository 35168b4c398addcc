"""The volumes of this node: which there are, opened for the recorder, and those whose disk is away."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from civiscope.app.home import Home
from civiscope.app.settings import GIB, Settings, VolumeSettings
from civiscope.app.volume_watch import VolumeWatch
from civiscope.base import AppError, Clock, ErrorKind, get_log
from civiscope.bus import Fact
from civiscope.recording import (
    RecordedVolume,
    Recorder,
    RecorderSettings,
    Volume,
    VolumeIdentity,
    VolumeStatus,
)
from civiscope.storage import DirectoryFiles

_TRY_AGAIN_S = 30.0
_log = get_log("civiscope.app.recorder")


@dataclass(frozen=True, slots=True)
class VolumePlace:
    """A folder to record in, and its bounds."""

    folder: Path
    quota_gib: float | None
    keep_free_gib: float
    must_exist: bool


def volume_places(home: Home, settings: Settings) -> list[VolumePlace]:
    """Those of the settings; one in the data folder when they name none."""
    recording = settings.recording
    if not recording.volumes:
        folder = home.volume(recording.folder)
        return [VolumePlace(folder, recording.quota_gib, recording.keep_free_gib, must_exist=False)]
    return [_place(one) for one in recording.volumes]


def volume_folders(home: Home, settings: Settings) -> tuple[Path, ...]:
    """Where recordings lie."""
    return tuple(one.folder for one in volume_places(home, settings))


class NodeVolumes:
    """Opens the volumes; one that cannot be opened is tried again while the others record."""

    def __init__(
        self, places: list[VolumePlace], identity: VolumeIdentity, own: RecorderSettings, clock: Clock,
        publish: Callable[[Fact], None],
    ) -> None:  # fmt: skip
        self._away = set(places)
        self._places = places
        self._identity = identity
        self._own = own
        self._clock = clock
        self._publish = publish
        self._watches: dict[VolumePlace, VolumeWatch] = {}

    def open(self) -> list[RecordedVolume]:
        """All that can be opened; AppError when none can. Blocks."""
        found: list[RecordedVolume] = []
        failure: AppError | None = None
        for place in self._places:
            try:
                found.append(self._open(place))
            except AppError as error:
                failure = failure or error
                _log.error("a volume cannot be opened", folder=str(place.folder), why=error.message)
        if failure is not None and not found:
            raise failure
        return found

    async def try_again(self, recorder: Recorder) -> None:
        """Now and then, for those that were away; until cancelled."""
        while True:
            await asyncio.sleep(_TRY_AGAIN_S)
            await self.look_again(recorder)

    async def look_again(self, recorder: Recorder) -> None:
        """Once: whatever can be opened now is recorded on from now on."""
        for place in list(self._away):
            try:
                recorder.add_volume(await asyncio.to_thread(self._open, place))
            except AppError as error:
                _log.warning("a volume is still away", folder=str(place.folder), why=error.message)

    def status(self) -> tuple[VolumeStatus, ...]:
        """How every volume stands; those that are away, too. Blocks."""
        return tuple(
            self._watches[place].status()
            if place in self._watches
            else VolumeStatus(str(place.folder), 0, 0, "missing")
            for place in self._places
        )

    def _open(self, place: VolumePlace) -> RecordedVolume:
        if place.must_exist and not place.folder.is_dir():
            raise AppError(
                ErrorKind.MISSING, f"there is no folder {place.folder}: mount its disk, or make the folder"
            )
        files = DirectoryFiles(place.folder)
        try:
            volume = Volume.open(files, self._identity, self._clock)
        except AppError:
            files.close()
            raise
        used_bytes = sum(segment.size_bytes for segment in volume.catalogue.segments())
        watch = VolumeWatch(place.folder, used_bytes, self._publish)
        self._watches[place] = watch
        self._away.discard(place)
        bounds = replace(
            self._own,
            quota_bytes=int(place.quota_gib * GIB) if place.quota_gib else None,
            min_free_bytes=int(place.keep_free_gib * GIB),
        )
        return RecordedVolume(volume, bounds, watch.take)


def _place(one: VolumeSettings) -> VolumePlace:
    return VolumePlace(one.folder, one.quota_gib, one.keep_free_gib, must_exist=True)
