"""`civiscope vault …` and `civiscope audit …`: passphrases are typed or come on standard input."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated

import typer

from civiscope.app.home import Home
from civiscope.app.settings import default_home, load_settings
from civiscope.app.vault_desk import TypedWord, VaultFace, VaultLine, vault_of
from civiscope.base import AppError, ErrorKind

vault = typer.Typer(no_args_is_help=True, help="The vault: camera passwords and the keys of recordings.")

HomeOption = Annotated[
    Path | None,
    typer.Option("--home", help="Data folder; default CIVISCOPE_HOME."),
]


@vault.command("status")
def vault_status(home: HomeOption = None) -> None:
    """Say whether the vault is open, and who holds its key."""
    typer.echo(_ask(home, lambda face: face.vault_state()).words)


@vault.command("unlock")
def vault_unlock(home: HomeOption = None) -> None:
    """Open the vault of the running server until the next start of the machine."""
    word = _typed("Passphrase of the vault")
    typer.echo(_ask(home, lambda face: face.unlock_vault(word)).words)


@vault.command("lock")
def vault_lock(home: HomeOption = None) -> None:
    """Lock the vault: playback ends, recording and live pictures go on."""
    typer.echo(_ask(home, lambda face: face.lock_vault()).words)


@vault.command("passphrase")
def vault_passphrase(home: HomeOption = None) -> None:
    """Set the vault's first passphrase, or change it. A lost one can not be replaced: write it down."""
    state = _ask(home, lambda face: face.vault_state())
    old = _typed("Present passphrase") if state.kind == "passphrase" else None
    new = _typed("New passphrase", twice=True)
    typer.echo(_ask(home, lambda face: face.set_vault_passphrase(old, new)).words)


def _ask(home: Path | None, ask: Callable[[VaultFace], Awaitable[VaultLine]]) -> VaultLine:
    place = Home(home.expanduser().absolute() if home else default_home())

    async def work() -> VaultLine:
        async with vault_of(place, load_settings(place.root)) as face:
            return await ask(face)

    return asyncio.run(work())


def _typed(prompt: str, *, twice: bool = False) -> TypedWord:
    """One line: without echo from a terminal, else from standard input."""
    if sys.stdin.isatty():
        return TypedWord(str(typer.prompt(prompt, hide_input=True, confirmation_prompt=twice)))
    line = sys.stdin.readline().rstrip("\r\n")
    if not line:
        raise AppError(ErrorKind.INVALID, f"{prompt}: nothing came on standard input. Type it there.")
    return TypedWord(line)
