"""`civiscope models list|pull|import`: which detectors are known and installed."""

import urllib.request
from collections.abc import Iterator
from http.client import HTTPMessage
from pathlib import Path
from typing import IO, Annotated

import typer

from civiscope.analytics import ModelShelf
from civiscope.app.home import Home
from civiscope.app.settings import default_home

models = typer.Typer(no_args_is_help=True, help="Detectors: known, installed, fetched by hash.")
HomeOption = Annotated[Path | None, typer.Option("--home", help="Data folder; default CIVISCOPE_HOME.")]
_TIMEOUT_S = 20.0
_PIECE_BYTES = 1 << 16


@models.command("list")
def list_models(home: HomeOption = None) -> None:
    """Every model of the registry: state, licence, input, hash and card."""
    for info in _shelf(home).infos():
        verified = "verified" if info.is_verified else "unverified"
        typer.echo(f"{info.name}: {info.state}, {verified}, {info.licence}, input {info.input}")
        for line in (info.why, *info.card.splitlines()):
            if line:
                typer.echo(f"    {line}")


@models.command()
def pull(
    name: Annotated[str, typer.Argument(help="As `models list` calls it.")], home: HomeOption = None
) -> None:
    """Fetch a verified model from its official address; its sha256 must be that of the registry."""
    entry = _shelf(home).pull(name, _fetch)
    typer.echo(f"{entry.name} is installed, sha256 {entry.sha256}")


@models.command("import")
def import_model(
    file: Annotated[Path, typer.Argument(help="A model file that somebody brought here.")],
    home: HomeOption = None,
) -> None:
    """Install a file that is a model of the registry by its sha256."""
    entry = _shelf(home).import_file(file)
    note = "" if entry.verified else " (unverified: nobody could compare it with the official address)"
    typer.echo(f"{entry.name} is installed{note}, sha256 {entry.sha256}")


def _shelf(home: Path | None) -> ModelShelf:
    return ModelShelf(Home(home.expanduser().absolute() if home else default_home()).models)


class _HttpsOnly(urllib.request.HTTPRedirectHandler):
    """Follows no redirection that leaves https."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        if not newurl.startswith("https://"):
            raise OSError("it leads to an address without https")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _fetch(address: str) -> Iterator[bytes]:
    """Pieces of what is at an https address; OSError for anything else."""
    if not address.startswith("https://"):
        raise OSError("its address is without https")
    opener = urllib.request.build_opener(_HttpsOnly)
    with opener.open(address, timeout=_TIMEOUT_S) as answer:
        while piece := answer.read(_PIECE_BYTES):
            yield piece
