"""`civiscope camera …`, `discover` and `drivers`: devices found, tried, added, replaced, looked after."""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from civiscope.app.desk import administer
from civiscope.app.device_desk import (
    DeviceDesk,
    DeviceLine,
    TypedChannel,
    TypedDevice,
    TypedLogin,
    device_desk,
)
from civiscope.app.home import Home
from civiscope.app.settings import default_home, load_settings
from civiscope.base import AppError, ErrorKind
from civiscope.devices import Transport, table_of

T = TypeVar("T")
camera = typer.Typer(no_args_is_help=True, help="Cameras of this site.")

HomeOption = Annotated[
    Path | None,
    typer.Option("--home", help="Data folder; default CIVISCOPE_HOME."),
]
Address = Annotated[
    str, typer.Argument(help="IP address or name, or an rtsp://, rtsps://, onvif://, http(s):// address.")
]
Which = Annotated[str, typer.Argument(help="Id or exact name.")]
Username = Annotated[str, typer.Option(help="The camera's user name.")]
PasswordStdin = Annotated[bool, typer.Option(help="Read the camera's password from standard input.")]
TransportOption = Annotated[Transport, typer.Option(help="How the stream travels.")]
Pin = Annotated[
    str | None,
    typer.Option(
        "--pin", "--tls-fingerprint", help="SHA-256 of the camera's certificate, to trust just that."
    ),
]
DriverOption = Annotated[
    str | None, typer.Option(help="onvif, rtsp, mjpeg or file; found out when left out.")
]
Input = Annotated[int, typer.Option(min=0, max=255, help="Which lens, from 0.")]


@camera.command("add")
def camera_add(
    name: Annotated[str, typer.Argument(help="What people call this place, such as 'Market square'.")],
    address: Address,
    home: HomeOption = None,
    username: Username = "",
    password_stdin: PasswordStdin = False,
    transport: TransportOption = Transport.AUTO,
    audio: Annotated[bool, typer.Option(help="Record sound too; off by default.")] = False,
    pin: Pin = None,
    driver: DriverOption = None,
    input: Input = 0,  # noqa: A002  the option's name
    place: Annotated[str, typer.Option(help="Where it hangs, in words.")] = "",
    purpose: Annotated[str | None, typer.Option(help="Why it hangs there; see the register.")] = None,
    group: Annotated[str, typer.Option(help="Name or path of its group, as in North/School.")] = "",
    no_test: Annotated[bool, typer.Option("--no-test", help="Add a stream's address unseen.")] = False,
) -> None:
    """Try a camera, then add it; it is recorded from now on."""
    device = _typed(address, driver, username, password_stdin, transport, pin)
    channel = TypedChannel(name, input, place, purpose, group, audio)

    async def add(desk: DeviceDesk) -> DeviceLine:
        if no_test:
            return await desk.add_untested(device, channel)
        return await desk.add_device(device, channel)

    added = _ask(home, add)
    typer.echo(f"added {added.name}: {added.address}\nid {added.id}")
    for note in added.notes:
        typer.echo(f"note: {note}")


@camera.command("try")
def camera_try(
    address: Address,
    home: HomeOption = None,
    username: Username = "",
    password_stdin: PasswordStdin = False,
    transport: TransportOption = Transport.AUTO,
    pin: Pin = None,
    driver: DriverOption = None,
    input: Input = 0,  # noqa: A002  the option's name
) -> None:
    """Ask a camera and open it once; nothing is stored. Exit code 1 when it is no good."""
    device = _typed(address, driver, username, password_stdin, transport, pin)
    tried = _ask(home, lambda desk: desk.try_device(device, input))
    for line in tried.lines:
        typer.echo(line)
    raise typer.Exit(0 if tried.is_good else 1)


@camera.command("import")
def camera_import(
    table: Annotated[Path, typer.Argument(help="CSV file; its first line names the columns.")],
    home: HomeOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Read the table; ask and add nothing.")] = False,
    username: Annotated[str, typer.Option(help="User name for the lines that have none.")] = "",
    password_stdin: PasswordStdin = False,
) -> None:
    """Try every line of a table and add the good ones. Exit code 1 when one was not."""
    text = _text_of(table)
    login = TypedLogin(username, _password(password_stdin)) if username else TypedLogin()

    async def work(desk: DeviceDesk) -> bool:
        is_good = True
        for row in await desk.read_table(text):
            done = row if dry_run or not row.is_good else await desk.import_line(text, row.line, login)
            typer.echo(f"line {done.line}: {done.name or '-'}: {'' if done.is_good else 'NOT: '}{done.words}")
            is_good = is_good and done.is_good
        return is_good

    raise typer.Exit(0 if _ask(home, work) else 1)


@camera.command("replace")
def camera_replace(
    which: Which,
    address: Address,
    home: HomeOption = None,
    username: Username = "",
    password_stdin: PasswordStdin = False,
    transport: TransportOption = Transport.AUTO,
    pin: Pin = None,
    driver: DriverOption = None,
    input: Input = 0,  # noqa: A002  the option's name
) -> None:
    """Put another device behind a camera; its name, rights and recordings stay."""
    device = _typed(address, driver, username, password_stdin, transport, pin)
    done = _ask(home, lambda desk: desk.replace_device(which, device, input))
    _print(done, "is seen now at")


@camera.command("check")
def camera_check(which: Which, home: HomeOption = None) -> None:
    """Ask a camera whether it is set as wanted; nothing is written to it."""
    _print(_ask(home, lambda desk: desk.check(which)), "at")


@camera.command("configure")
def camera_configure(which: Which, home: HomeOption = None) -> None:
    """Write to a camera what is wanted of it."""
    _print(_ask(home, lambda desk: desk.configure(which)), "at")


@camera.command("list")
def camera_list(home: HomeOption = None) -> None:
    """List the cameras with their ids, and what is not set as wanted."""
    place = _home(home)

    async def show() -> None:
        async with administer(place, load_settings(place.root)) as desk:
            found = await desk.cameras()
        async with device_desk(place, load_settings(place.root)) as devices:
            drift = await devices.drift()
        for one in found:
            odd = f"  [{drift[one.channel_id]}]" if one.channel_id in drift else ""
            typer.echo(f"{one.channel_id}  {one.state:<11} {one.name}  {one.address}{odd}")
        if not found:
            typer.echo("no cameras yet. Add one: civiscope camera add NAME ADDRESS")

    asyncio.run(show())


@camera.command("remove")
def camera_remove(which: Which, home: HomeOption = None) -> None:
    """Stop recording a camera; what was recorded stays until its retention ends."""
    place = _home(home)

    async def remove() -> None:
        async with administer(place, load_settings(place.root)) as desk:
            removed = await desk.remove_camera(which)
            typer.echo(f"removed {removed.name}; its recordings stay until their retention ends")

    asyncio.run(remove())


def discover(
    home: HomeOption = None,
    table: Annotated[
        bool, typer.Option("--table", help="Print a table for `camera import`; names and places are yours.")
    ] = False,
) -> None:
    """Ask the network which devices are there."""
    found = _ask(home, lambda desk: desk.discover())
    if table:
        typer.echo(table_of(found), nl=False)
        return
    for one in found:
        told = " ".join(filter(None, (one.maker, one.name)))
        typer.echo(f"{' '.join(one.addresses)}  {one.driver}  {told}")
    if not found:
        typer.echo("nobody answered. Devices of another network must be added by their address.")


def drivers(home: HomeOption = None) -> None:
    """List the installed drivers, loaded or not, and why."""
    for line in _ask(home, lambda desk: desk.drivers()):
        typer.echo(line)


def _typed(
    address: str,
    driver: str | None,
    username: str,
    password_stdin: bool,
    transport: Transport,
    pin: str | None,
) -> TypedDevice:
    password = _password(password_stdin)
    return TypedDevice(address, driver, username or None, password or None, transport, pin)


def _password(is_on_stdin: bool) -> str:
    if is_on_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    return os.environ.get("CAMERA_PASSWORD", "")


def _text_of(table: Path) -> str:
    try:
        return table.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise AppError(ErrorKind.INVALID, f"{table} cannot be read: {why}.") from error


def _print(line: DeviceLine, how: str) -> None:
    typer.echo(f"{line.name} {how} {line.address}")
    for note in line.notes:
        typer.echo(f"  {note}")


def _ask(home: Path | None, ask: Callable[[DeviceDesk], Awaitable[T]]) -> T:
    place = _home(home)

    async def work() -> T:
        async with device_desk(place, load_settings(place.root)) as desk:
            return await ask(desk)

    return asyncio.run(work())


def _home(option: Path | None) -> Home:
    return Home(option.expanduser().absolute() if option else default_home())
