"""The driver of media files on this machine as cameras: a file, or a folder played in order of name.

Only below the folders of its settings, which the server fills from `[devices] import_folders`; links are
followed before that is judged. The files are read here, where no key is.
"""

import asyncio
import os
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import unquote_to_bytes, urlsplit

from pydantic import BaseModel, ConfigDict

from civiscope.base import AppError
from civiscope.devices.address import import_start_us
from civiscope.devices.driver import Driver, DriverPorts, Equipment
from civiscope.devices.drivers.troubles import address_trouble, gate_trouble, no_stream, unread_codec
from civiscope.devices.drivers.unsteered import Unsteered
from civiscope.devices.equipment import (
    DeviceAddress,
    DeviceDescription,
    DeviceIdentity,
    OfferedInput,
    OfferedStream,
)
from civiscope.media import TrackConfig, TrackKind, read_tracks

MEDIA_SUFFIXES = frozenset(
    {
        ".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".ts", ".mts", ".m2ts", ".mpg", ".mpeg", ".3gp",
        ".h264", ".264", ".h265", ".265", ".hevc", ".mjpeg", ".mjpg",
    }
)  # fmt: skip
"""What counts as a media file in a folder."""
FILES_LIMIT = 10_000


class FileSettings(BaseModel):
    """`{"folders": ["/srv/footage"]}`; whether a file is imported with its own time is in its address."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    folders: tuple[str, ...] = ()
    """Absolute; files lie below one of them, with links followed."""


class FileDevice(Unsteered):
    """A file, or the files of a folder, as one input."""

    def __init__(self, device: DeviceAddress) -> None:
        self._device = device

    async def describe(self) -> DeviceDescription:
        """The tracks of the (first) file; nothing is decoded."""
        return await asyncio.to_thread(self._describe)

    def _describe(self) -> DeviceDescription:
        settings = FileSettings.model_validate_json(self._device.settings)
        place = path_of(self._device.address)
        files = media_files(place, allowed_folders(settings.folders))
        try:
            tracks = read_tracks(files[0])
        except AppError as error:
            raise unread_codec(error.message) from None
        pictures = [track for track in tracks if track.kind is TrackKind.VIDEO]
        if not pictures:
            raise unread_codec(f"{files[0].name} holds no pictures that can be read.")
        stream = _stream(pictures[0], self._device.address)
        has_audio = len(pictures) < len(tracks)
        name = place.stem if place.suffix else place.name
        warnings = (f"The folder's {len(files)} files play in order of name.",) if len(files) > 1 else ()
        return DeviceDescription(
            DeviceIdentity(model="File" if files[0].name == place.name else "Folder of files"),
            (OfferedInput(0, "", name, (stream,), has_audio=has_audio),),
            (),
            None,
            warnings,
        )


def path_of(address: str) -> Path:
    """The absolute path that a `file:///…` address names (RFC 8089); TroubleError(ADDRESS) for any other."""
    parts = urlsplit(address)
    path = os.fsdecode(unquote_to_bytes(parts.path))  # a name on the disk is bytes
    is_plain = (
        parts.scheme == "file"
        and parts.netloc in {"", "localhost"}
        and not parts.fragment
        and (not parts.query or import_start_us(address) is not None)
    )
    if not is_plain or not path.startswith("/") or "\0" in path:
        raise address_trouble("Type one like file:///srv/footage/gate.mp4, with three slashes.")
    return Path(path)


def allowed_folders(folders: tuple[str, ...]) -> tuple[Path, ...]:
    """With links followed; those that are not there, or not absolute, allow nothing."""
    return tuple(Path(one).resolve() for one in folders if Path(one).is_absolute())


def media_files(place: Path, folders: tuple[Path, ...]) -> tuple[Path, ...]:
    """The file, or the folder's media files in order of name; each truly below an allowed folder.

    A place outside is refused before anybody looks whether it exists.
    """
    if not _is_below(place, folders):
        raise gate_trouble(
            "This file lies outside the folders whose files may be cameras. Put it into one of them, or name "
            "its folder as import_folders under [devices] in civiscope.toml."
        )
    try:
        found = place.resolve(strict=True)
        if found.is_dir():
            entries = sorted(one for one in found.iterdir() if one.suffix.lower() in MEDIA_SUFFIXES)
            files = tuple(
                one for one in entries[:FILES_LIMIT] if _is_below(one, folders) and _is_regular(one)
            )
        else:
            files = (found,) if _is_regular(found) else ()
    except OSError as error:
        raise no_stream(
            f"{place.name} cannot be read ({error.strerror or 'it is no file'}).",
            "Check the name, and that this program's user may read it.",
        ) from None
    if not files:
        raise no_stream(f"{place.name} is neither a media file nor a folder with any.", "Check the name.")
    return files


def _is_below(place: Path, folders: tuple[Path, ...]) -> bool:
    try:
        found = place.resolve()
    except (OSError, RuntimeError):  # a ring of links
        return False
    return any(found.is_relative_to(folder) for folder in folders)


def _is_regular(path: Path) -> bool:
    return stat.S_ISREG(path.stat().st_mode)


def _stream(track: TrackConfig, url: str) -> OfferedStream:
    return OfferedStream("main", "", url, track.codec.value, track.width_px, track.height_px)


@asynccontextmanager
async def reach(device: DeviceAddress, ports: DriverPorts) -> AsyncIterator[Equipment]:
    """Nothing is read before a question is asked; no connection is opened at all."""
    yield FileDevice(device)


DRIVER = Driver("file", "Media file or folder", frozenset({"file"}), reach, settings=FileSettings)
