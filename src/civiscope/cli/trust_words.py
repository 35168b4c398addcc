"""`civiscope vault …` and `civiscope audit …`: passphrases are typed or come on standard input."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from civiscope.app.audit_desk import audit_of, read_heads
from civiscope.app.desk import AuditVerdict, administer
from civiscope.app.home import Home
from civiscope.app.settings import default_home, load_settings
from civiscope.app.vault_desk import TypedWord, VaultFace, vault_of
from civiscope.base import AppError, ErrorKind

T = TypeVar("T")
vault = typer.Typer(no_args_is_help=True, help="The vault: camera passwords and the keys of recordings.")

audit = typer.Typer(no_args_is_help=True, help="Who looked, changed or was refused.")

HomeOption = Annotated[
    Path | None,
    typer.Option("--home", help="Data folder; default CIVISCOPE_HOME."),
]


@vault.command("status")
def vault_status(home: HomeOption = None) -> None:
    """Say whether the vault is open, and who holds its key."""
    typer.echo(asked_of_vault(home, lambda face: face.vault_state()).words)


@vault.command("unlock")
def vault_unlock(home: HomeOption = None) -> None:
    """Open the vault of the running server until the next start of the machine."""
    word = typed_word("Passphrase of the vault")
    typer.echo(asked_of_vault(home, lambda face: face.unlock_vault(word)).words)


@vault.command("lock")
def vault_lock(home: HomeOption = None) -> None:
    """Lock the vault: playback ends, recording and live pictures go on."""
    typer.echo(asked_of_vault(home, lambda face: face.lock_vault()).words)


@vault.command("passphrase")
def vault_passphrase(home: HomeOption = None) -> None:
    """Set the vault's first passphrase, or change it. A lost one can not be replaced: write it down."""
    state = asked_of_vault(home, lambda face: face.vault_state())
    old = typed_word("Present passphrase") if state.kind == "passphrase" else None
    new = typed_word("New passphrase", twice=True)
    typer.echo(asked_of_vault(home, lambda face: face.set_vault_passphrase(old, new)).words)


@audit.command("verify")
def audit_verify(
    home: HomeOption = None,
    against: Annotated[
        Path | None,
        typer.Option(help="A file of heads that a second party kept: finds what was rewritten with our key."),
    ] = None,
) -> None:
    """Check the audit chain from its first entry to its signed head, and against heads from elsewhere."""
    place = place_of(home)
    heads = read_heads(against) if against else None

    async def verify() -> list[AuditVerdict]:
        settings = load_settings(place.root)
        async with administer(place, settings) as desk:
            verdicts = [await desk.verify_audit()]
        if heads is not None:
            async with audit_of(place, settings) as face:
                verdicts.append(await face.compare_audit(heads))
        return verdicts

    verdicts = asyncio.run(verify())
    for verdict in verdicts:
        typer.echo(verdict.words)
    raise typer.Exit(0 if all(verdict.intact for verdict in verdicts) else 2)


def place_of(home: Path | None) -> Home:
    """The data folder that was named, or the usual one."""
    return Home(home.expanduser().absolute() if home else default_home())


def asked_of_vault(home: Path | None, ask: Callable[[VaultFace], Awaitable[T]]) -> T:
    """What the vault answers: of the running server, else on the files."""
    place = place_of(home)

    async def work() -> T:
        async with vault_of(place, load_settings(place.root)) as face:
            return await ask(face)

    return asyncio.run(work())


def typed_word(prompt: str, *, twice: bool = False) -> TypedWord:
    """One line: without echo from a terminal, else from standard input."""
    if sys.stdin.isatty():
        return TypedWord(str(typer.prompt(prompt, hide_input=True, confirmation_prompt=twice)))
    line = sys.stdin.readline().rstrip("\r\n")
    if not line:
        raise AppError(ErrorKind.INVALID, f"{prompt}: nothing came on standard input. Type it there.")
    return TypedWord(line)
