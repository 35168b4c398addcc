"""`civiscope deletions …`: what was destroyed, and certificates of it; needs no server."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from civiscope.app.deletions import DeletionDesk, certificate_in_words, ledger_in_words
from civiscope.app.home import Home
from civiscope.app.settings import default_home
from civiscope.base import AppError, ErrorKind
from civiscope.security import SiteTrust

deletions = typer.Typer(no_args_is_help=True, help="What was destroyed, and signed certificates of it.")

HomeOption = Annotated[
    Path | None,
    typer.Option("--home", help="Data folder; default CIVISCOPE_HOME."),
]
AuthorityOption = Annotated[
    Path | None,
    typer.Option(help="Certificate of the site's node authority; default that of the data folder."),
]


@deletions.command("list")
def deletions_list(
    home: HomeOption = None, limit: Annotated[int, typer.Option(min=1, max=10_000)] = 20
) -> None:
    """Name the newest deletions, and check the whole ledger."""
    place = _place(home)
    for one in asyncio.run(DeletionDesk(place.destroyed).page(limit)):
        at = datetime.fromtimestamp(one.order.at_us / 1e6, UTC).isoformat(timespec="seconds")
        state = "done" if one.done else "not finished"
        typer.echo(
            f"{one.order.sequence}  {at}  {len(one.order.wraps)} keys  {one.order.fields['policy']}  {state}"
        )
    words, holds = ledger_in_words(place.destroyed, _trust(place, None))
    typer.echo(words)
    raise typer.Exit(0 if holds else 2)


@deletions.command("certificate")
def deletions_certificate(sequence: int, home: HomeOption = None) -> None:
    """Print the certificate of one deletion."""
    typer.echo(asyncio.run(DeletionDesk(_place(home).destroyed).certificate(sequence)), nl=False)


@deletions.command("verify")
def deletions_verify(file: Path, home: HomeOption = None, authority: AuthorityOption = None) -> None:
    """Check a certificate of deletion: signed by a node of the site, and not a byte of it changed."""
    try:
        data = file.read_bytes()
    except OSError as error:
        raise AppError(ErrorKind.MISSING, f"cannot read {file}: {error.strerror}") from error
    for line in certificate_in_words(data, _trust(_place(home), authority)):
        typer.echo(line)


def _trust(place: Home, authority: Path | None) -> SiteTrust:
    path = authority or place.keys / "server" / "nodes.pem"
    try:
        return SiteTrust.read(path.read_bytes())
    except OSError as error:
        raise AppError(
            ErrorKind.MISSING, f"cannot read the authority's certificate {path}: {error.strerror}"
        ) from error


def _place(home: Path | None) -> Home:
    return Home(home.expanduser().absolute() if home else default_home())
