"""The words of the command line; each parses, calls `app`, and prints."""

import asyncio
import subprocess
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from civiscope import __version__
from civiscope.app.desk import administer
from civiscope.app.first_settings import write_first_settings
from civiscope.app.home import Home
from civiscope.app.rebuild import rebuild_catalogue_of
from civiscope.app.role import first_told
from civiscope.app.settings import Settings, default_home, load_settings
from civiscope.app.site import create_site
from civiscope.app.town import OnvifWish, serve_clips, serve_town
from civiscope.app.up import run_up
from civiscope.base import AppError
from civiscope.cli.backup_words import backup, restore
from civiscope.cli.deletion_words import deletions
from civiscope.cli.device_words import camera, discover, drivers
from civiscope.cli.evaluation_words import analyze_clip, evaluation
from civiscope.cli.import_words import import_footage
from civiscope.cli.key_words import keys
from civiscope.cli.model_words import models
from civiscope.cli.trust_words import audit, vault
from civiscope.cli.verify_words import stamp, verifier, verify

T = TypeVar("T")

commands = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
sim = typer.Typer(no_args_is_help=True, help="Simulated cameras, as real RTSP on a real socket.")
catalogue = typer.Typer(no_args_is_help=True, help="The table of recordings, made again from the volumes.")
commands.add_typer(camera, name="camera")
commands.add_typer(models, name="models")
commands.add_typer(sim, name="sim")
commands.add_typer(audit, name="audit")
commands.add_typer(catalogue, name="catalogue")
commands.add_typer(vault, name="vault")
commands.add_typer(deletions, name="deletions")
commands.add_typer(keys, name="keys")
commands.add_typer(evaluation, name="eval")

HomeOption = Annotated[
    Path | None,
    typer.Option("--home", help="Data folder; default CIVISCOPE_HOME."),
]
ListenOption = Annotated[str | None, typer.Option("--listen", help="host:port; default CIVISCOPE_LISTEN")]


def main() -> None:
    """Run a command; a failure is one line that says what, why and what to do, and exit code 1."""
    try:
        commands()
    except AppError as error:
        typer.echo(f"civiscope: {error.message}", err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


def _tell_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"civiscope {__version__}")
        raise typer.Exit


@commands.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option("--version", is_eager=True, callback=_tell_version, help="Print the version and leave."),
    ] = False,
) -> None:
    """Civiscope: the open, privacy-first video platform for safe cities."""


@commands.command()
def init(
    home: HomeOption = None,
    name: Annotated[str | None, typer.Option(help="What this site is called.")] = None,
    time_zone: Annotated[str | None, typer.Option(help="IANA name, such as Europe/Sofia.")] = None,
    host: Annotated[
        list[str] | None, typer.Option(help="A name browsers will type; may be repeated.")
    ] = None,
) -> None:
    """Make a new site: data folder, keys, certificate; prints the code for the first administrator."""
    place = _home(home)
    write_first_settings(place, name, time_zone, tuple(host or ()))
    create_site(place, load_settings(place.root))
    typer.echo(f"site ready in {place.root}")
    _print_setup_code(place, load_settings(place.root))


@commands.command()
def up(
    home: HomeOption = None,
    listen: ListenOption = None,
    simulate: Annotated[
        bool, typer.Option(help="While the site has no camera, add four simulated ones.")
    ] = False,
) -> None:
    """Start the whole product and keep it running until Ctrl-C."""
    place = _home(home)
    settings = load_settings(place.root, listen)
    create_site(place, settings)
    raise typer.Exit(_run(run_up(place, settings, simulate, typer.echo)))


@commands.command(name="setup-code")
def setup_code(home: HomeOption = None) -> None:
    """Print a new one-time code for the first administrator, while there is none."""
    place = _home(home)
    _print_setup_code(place, load_settings(place.root))


commands.command()(backup)
commands.command()(restore)
commands.command()(discover)
commands.command()(drivers)
commands.command("import")(import_footage)
commands.command("analyze")(analyze_clip)
commands.command("verify")(verify)
commands.command("stamp")(stamp)
commands.command("verifier")(verifier)


OnvifPortOption = Annotated[int, typer.Option(min=0, max=65535, help="For ONVIF; 0 picks a free one.")]
DiscoverableOption = Annotated[bool, typer.Option("--discoverable", help="Answer WS-Discovery.")]
DiscoverOnOption = Annotated[
    list[str] | None,
    typer.Option("--discover-on", help="IPv4 address of an interface of ours; may be repeated."),
]


@sim.command("file")
def sim_file(
    clips: Annotated[list[Path], typer.Argument(help="Video files; each becomes one camera.")],
    host: Annotated[str, typer.Option(help="Address to serve on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 picks a free one.")] = 8554,
    user: Annotated[str | None, typer.Option(help="name:password that clients must give.")] = None,
    onvif: Annotated[
        bool, typer.Option("--onvif", help="As ONVIF devices with a small second stream.")
    ] = False,
    onvif_port: OnvifPortOption = 0,
    discoverable: DiscoverableOption = False,
    discover_on: DiscoverOnOption = None,
    count: Annotated[int, typer.Option(min=0, max=999, help="So many cameras, files in turn.")] = 0,
) -> None:
    """Serve video files as RTSP cameras, looped without re-encoding."""
    wanted = [clips[number % len(clips)] for number in range(count or len(clips))]
    wish = _onvif_wish(onvif_port, discoverable, discover_on)
    with_onvif = onvif or discoverable or discover_on
    _run(serve_clips(wanted, (host, port), user, wish if with_onvif else None, typer.echo))


@sim.command("town")
def sim_town(
    home: HomeOption = None,
    host: Annotated[str, typer.Option(help="Address to serve on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535)] = 8554,
    onvif_port: OnvifPortOption = 0,
    discoverable: DiscoverableOption = False,
    discover_on: DiscoverOnOption = None,
    cameras: Annotated[int, typer.Option(min=1, max=999, help="Beyond four, streets repeat.")] = 4,
) -> None:
    """Serve drawn streets as ONVIF devices with RTSP streams."""
    wish = _onvif_wish(onvif_port, discoverable, discover_on)
    _run(serve_town(_home(home), (host, port), cameras, wish, typer.echo))


def _onvif_wish(port: int, discoverable: bool, interfaces: list[str] | None) -> OnvifWish:
    return OnvifWish(port, discoverable or bool(interfaces), tuple(interfaces or ()))


@catalogue.command("rebuild")
def catalogue_rebuild(home: HomeOption = None) -> None:
    """Read every volume anew and write its catalogue again; recordings are not touched."""
    place = _home(home)
    for line in rebuild_catalogue_of(place, load_settings(place.root)):
        typer.echo(line)


@commands.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def bench(context: typer.Context) -> None:
    """Measure this machine; works in a checkout of the source (the measures are not installed)."""
    checkout = Path(__file__).resolve().parents[3]
    if not (checkout / "bench" / "__main__.py").exists():
        typer.echo("civiscope: the measures lie in the source checkout; run `make bench` there", err=True)
        raise typer.Exit(1)
    raise typer.Exit(subprocess.call([sys.executable, "-m", "bench", *context.args], cwd=checkout))


def _home(option: Path | None) -> Home:
    return Home(option.expanduser().absolute() if option else default_home())


def _run(work: Coroutine[object, object, T]) -> T:
    """Run it; of several failures that came together, the first is the one told."""
    try:
        return asyncio.run(work)
    except BaseExceptionGroup as group:
        told = first_told(group)
        if told is None:
            raise
        raise told from group


def _print_setup_code(place: Home, settings: Settings) -> None:
    async def code() -> str | None:
        async with administer(place, settings) as desk:
            return await desk.setup_code()

    found = _run(code())
    if found is None:
        typer.echo("the first administrator exists; sign in with that account")
    else:
        typer.echo(f"one-time code for the first administrator: {found}")
