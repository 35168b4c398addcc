"""`civiscope import FILE_OR_FOLDER`: footage with its own time, as a camera of its own."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from civiscope.app.desk import administer
from civiscope.app.device_desk import DeviceLine, TypedChannel, TypedDevice, device_desk
from civiscope.app.home import Home
from civiscope.app.settings import Settings, default_home, load_settings
from civiscope.base import AppError, ErrorKind
from civiscope.media import read_duration_us

_ASK_EVERY_S = 1.0
_LOST_FOR_S = 10
"""A state that lasts so long is told, and the command ends; the recorder goes on trying."""


def import_footage(
    path: Annotated[Path, typer.Argument(help="A media file, or a folder of files in order of name.")],
    name: Annotated[str, typer.Option(help="What people call this place, such as 'Market square'.")],
    home: Annotated[Path | None, typer.Option("--home", help="Data folder; default CIVISCOPE_HOME.")] = None,
    at: Annotated[
        str | None,
        typer.Option(
            help="When the first picture was taken, as in 2026-11-20T08:00:00Z; left out: when the (first) "
            "file was last written, less its duration."
        ),
    ] = None,
    place: Annotated[str, typer.Option(help="Where it was filmed, in words.")] = "",
    audio: Annotated[bool, typer.Option(help="Import sound too; off by default.")] = False,
    wait: Annotated[bool, typer.Option(help="Wait until all of it is recorded.")] = True,
) -> None:
    """Import footage with its own time, once; a stop of the product interrupts it, no more."""
    found = Home(home.expanduser().absolute() if home else default_home())
    settings = load_settings(found.root)
    whole = _allowed(path, settings)
    start_us = _start_us(whole, at)
    channel = TypedChannel(name, place=place, audio=audio)
    device = TypedDevice(f"{whole.as_uri()}?import={start_us}", driver="file")
    added = asyncio.run(_add(found, settings, device, channel))
    typer.echo(f"importing {whole.name} as {added.name}, from {_words(start_us)} on\nid {added.id}")
    for note in added.notes:
        typer.echo(f"note: {note}")
    if wait:
        asyncio.run(_follow(found, settings, added))


def _allowed(path: Path, settings: Settings) -> Path:
    """The path with links followed; INVALID says which setting would allow it."""
    try:
        whole = path.expanduser().resolve(strict=True)
    except OSError as error:
        raise AppError(
            ErrorKind.MISSING, f"{path} cannot be opened: {error.strerror}. Check the name."
        ) from error
    named = settings.devices.import_folders
    folders = [folder.resolve() for folder in named]
    if not any(whole.is_relative_to(folder) for folder in folders):
        raise AppError(
            ErrorKind.INVALID,
            f"{whole} lies outside the folders whose files may be imported "
            f"({', '.join(map(str, folders)) or 'there are none'}). Put it into one of them, or name its "
            "folder as import_folders under [devices] in civiscope.toml and start the product anew.",
        )
    typed = path.expanduser().absolute()
    is_named = ".." not in typed.parts and any(typed.is_relative_to(folder) for folder in named)
    return typed if is_named else whole


def _start_us(path: Path, at: str | None) -> int:
    if at is None:
        first = _first_file(path)
        return first.stat().st_mtime_ns // 1000 - read_duration_us(first)
    try:
        moment = datetime.fromisoformat(at)
    except ValueError as error:
        raise AppError(
            ErrorKind.INVALID, f"'{at}' is no time. Write it like 2026-11-20T08:00:00Z."
        ) from error
    if moment.tzinfo is None:
        raise AppError(
            ErrorKind.INVALID, f"'{at}' does not tell its zone. Add Z for UTC, or an offset like +02:00."
        )
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    start_us = (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
    if start_us < 0:
        raise AppError(ErrorKind.INVALID, f"'{at}' lies before 1970. Check the year.")
    return start_us


def _first_file(path: Path) -> Path:
    """The file itself, or the first of the folder that is a media file."""
    if not path.is_dir():
        return path
    for entry in sorted(one for one in path.iterdir() if one.is_file() and not one.is_symlink()):
        try:
            read_duration_us(entry)
        except AppError:
            continue
        return entry
    raise AppError(ErrorKind.MISSING, f"{path} holds no media file. Check the name.")


async def _add(home: Home, settings: Settings, device: TypedDevice, channel: TypedChannel) -> DeviceLine:
    async with device_desk(home, settings) as desk:
        return await desk.add_device(device, channel)


async def _follow(home: Home, settings: Settings, added: DeviceLine) -> None:
    """Until it is finished; UNAVAILABLE when it does not go on."""
    state, lost_s = "", 0.0
    async with administer(home, settings) as desk:
        while state != "stopped":
            before = state
            state = next((one.state for one in await desk.cameras() if one.channel_id == added.id), "removed")
            if state != before and state == "recording":
                typer.echo("being recorded; Ctrl-C ends only this waiting")
            lost_s = lost_s + _ASK_EVERY_S if state in {"lost", "not running"} else 0.0
            if state == "removed" or lost_s > _LOST_FOR_S:
                raise AppError(
                    ErrorKind.UNAVAILABLE,
                    f"the import of {added.name} does not go on ({state}). The page Devices says why; it "
                    "goes on by itself once that is mended.",
                )
            await asyncio.sleep(_ASK_EVERY_S if state != "stopped" else 0)
    typer.echo(f"{added.name} is imported to its end")


def _words(at_us: int) -> str:
    return datetime.fromtimestamp(at_us / 1e6, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
