"""`civiscope backup` and `civiscope restore`."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from civiscope.app.backup import BackupWish, make_backup, refresh_ledger
from civiscope.app.restore import Restored, restore_backup
from civiscope.app.restored import key_by_shares, key_by_word, note_restore
from civiscope.app.settings import load_settings
from civiscope.base import AppError, ErrorKind, SystemClock
from civiscope.cli.trust_words import HomeOption, place_of, typed_word

SharesOption = Annotated[
    list[Path] | None, typer.Option("--share", help="File with an officer's share; may be repeated.")
]


def backup(
    destination: Annotated[Path, typer.Argument(help="Folder that gets a folder for each backup.")],
    home: HomeOption = None,
    media: Annotated[
        bool, typer.Option(help="Sealed recordings too, not their wraps and index alone.")
    ] = False,
    ledger_only: Annotated[
        bool, typer.Option(help="Only bring the destruction ledger beside the backups up to date.")
    ] = False,
) -> None:
    """Copy databases, locked keys, wraps and the destruction ledger, also while the site runs."""
    place = place_of(home)
    if ledger_only:
        refresh_ledger(place, destination)
        typer.echo(f"the destruction ledger in {destination} is up to date")
        return
    made = make_backup(place, load_settings(place.root), BackupWish(destination, media), SystemClock())
    typer.echo(f"backup made in {made}")


def restore(
    source: Annotated[Path, typer.Argument(help="A folder that `civiscope backup` made.")],
    home: HomeOption = None,
    ledger: Annotated[
        list[Path] | None, typer.Option(help="Folder with a newer destruction ledger; may be repeated.")
    ] = None,
    share: SharesOption = None,
) -> None:
    """Make the site of a backup; what was destroyed since is destroyed again before anything reads."""
    place = place_of(home)

    def one_key(files: Mapping[str, bytes]) -> bytes:
        if share:
            return key_by_shares(files, [_read(path) for path in share])
        return key_by_word(files, typed_word("Passphrase of the backup's vault").text)

    done = restore_backup(place, source, one_key, ledger or ())
    asyncio.run(note_restore(place, done))
    _tell(done)


def _tell(done: Restored) -> None:
    at = datetime.fromtimestamp(done.at_us / 1e6, UTC).isoformat(timespec="seconds")
    typer.echo(f"restored the site as it was at {at}; its vault is locked")
    typer.echo(
        f"destruction ledger: {done.ledger_lines} lines, {done.lines_since} newer than the backup; "
        f"{done.wraps_left_out} wraps of the backup left out, {done.wraps_destroyed} destroyed on volumes"
    )
    for line in done.volumes:
        typer.echo(line)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError as error:
        raise AppError(ErrorKind.MISSING, f"cannot read the share {path}: {error.strerror}") from error
