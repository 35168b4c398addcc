"""`civiscope keys …`: a fresh sealing key, and the vault's key in the hands of officers."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from civiscope.app.vault_desk import TypedWord
from civiscope.base import AppError, ErrorKind
from civiscope.cli.trust_words import HomeOption, asked_of_vault, typed_word

keys = typer.Typer(no_args_is_help=True, help="The site's keys: renewed, or split among officers.")


@keys.command("rotate")
def keys_rotate(home: HomeOption = None) -> None:
    """Seal recordings to a fresh key from now on, without a missed frame; old ones open as ever."""
    line = asked_of_vault(home, lambda face: face.rotate_sealing_key())
    typer.echo(f"sealing to key {line.new} from now on; {line.old} opens what was sealed to it")


@keys.command("split")
def keys_split(
    officers: Annotated[int, typer.Option(min=2, max=32, help="How many get a share.")],
    needed: Annotated[int, typer.Option(min=2, max=32, help="How many must come together.")],
    home: HomeOption = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for a file each; default: printed, one after the other.")
    ] = None,
) -> None:
    """Split the key of the vault among officers; shares of an earlier split open no more."""
    if out is not None and not out.is_dir():
        raise AppError(ErrorKind.MISSING, f"there is no folder {out}: make it first")
    word = typed_word("Passphrase of the vault")
    shares = asked_of_vault(home, lambda face: face.split_vault_key(word, needed, officers)).shares
    for number, share in enumerate(shares, 1):
        if out is None:
            typer.echo(share)
        else:
            _write(out / f"share-{number}-of-{officers}.txt", share)
    typer.echo(
        f"any {needed} of these {officers} open the vault: civiscope keys join. Give each to one officer, "
        "and keep no copies together.",
        err=True,
    )


@keys.command("join")
def keys_join(
    shares: Annotated[
        list[Path] | None,
        typer.Argument(help="Files with a share each; default: typed, or lines on standard input."),
    ] = None,
    home: HomeOption = None,
) -> None:
    """Open the vault with officers' shares, and set a new passphrase."""
    typed = [_read(path) for path in shares or ()] or _typed_shares()
    new = typed_word("New passphrase of the vault", twice=True)
    words = tuple(TypedWord(one) for one in typed)
    typer.echo(asked_of_vault(home, lambda face: face.join_vault_key(words, new)).words)


def _typed_shares() -> list[str]:
    """Until an empty line."""
    found: list[str] = []
    while True:
        line = str(
            typer.prompt(f"Share {len(found) + 1} (empty: no more)", default="", hide_input=True)
            if sys.stdin.isatty()
            else sys.stdin.readline()
        ).strip()
        if not line:
            return found
        found.append(line)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError as error:
        raise AppError(ErrorKind.MISSING, f"cannot read the share {path}: {error.strerror}") from error


def _write(path: Path, share: str) -> None:
    """For its owner alone; never over another file."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise AppError(ErrorKind.CONFLICT, f"cannot write the share {path}: {error.strerror}") from error
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(share + "\n")
