"""The vault on the command line: over the server's socket while it runs, else on the files themselves."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from civiscope.app.console import console_of
from civiscope.app.home import Home
from civiscope.app.settings import Settings
from civiscope.app.site import open_site
from civiscope.app.vault_keeper import VaultKeeper
from civiscope.base import AppError, ErrorKind
from civiscope.security import Secret, VaultState

_FROM_WHERE = "command line"


@dataclass(frozen=True, slots=True)
class TypedWord:
    """A passphrase as typed; crosses only the Unix socket of the same user."""

    text: str

    def __repr__(self) -> str:
        return "TypedWord(***)"


@dataclass(frozen=True, slots=True)
class VaultLine:
    """How the vault stands, for a person."""

    is_open: bool
    kind: str

    @property
    def words(self) -> str:
        """One line."""
        if self.kind == "file":
            return "the vault has no passphrase: its keys lie in plain files. Run civiscope vault passphrase"
        holder = {"passphrase": "by a passphrase", "pkcs11": "by a PKCS #11 module"}[self.kind]
        return f"the vault is {'open' if self.is_open else 'LOCKED'}; its key is held {holder}"


@dataclass(frozen=True, slots=True)
class KeyLine:
    """Fingerprints of the sealing key before and now, in hex."""

    old: str
    new: str


@dataclass(frozen=True, slots=True)
class SharesLine:
    """Shares for officers; crosses only the Unix socket of the same user."""

    shares: tuple[str, ...]

    def __repr__(self) -> str:
        return "SharesLine(***)"


class VaultFace(Protocol):
    """Served by the server to the owner of the data folder."""

    async def vault_state(self) -> VaultLine:
        """How it stands."""
        ...

    async def unlock_vault(self, passphrase: TypedWord) -> VaultLine:
        """Open it."""
        ...

    async def lock_vault(self) -> VaultLine:
        """Lock it."""
        ...

    async def set_vault_passphrase(self, old: TypedWord | None, new: TypedWord) -> VaultLine:
        """Set or change its passphrase."""
        ...

    async def rotate_sealing_key(self) -> KeyLine:
        """Seal to a fresh key from now on."""
        ...

    async def split_vault_key(self, word: TypedWord, needed: int, officers: int) -> SharesLine:
        """Shares of the one key; the word opens the vault."""
        ...

    async def join_vault_key(self, shares: tuple[TypedWord, ...], new: TypedWord) -> VaultLine:
        """Open by shares, and set a new passphrase."""
        ...


class LocalVaultFace:
    """The face on the keeper."""

    def __init__(self, keeper: VaultKeeper, *, is_server: bool) -> None:
        self._keeper = keeper
        self._is_server = is_server
        self._who = f"system user {os.getuid()}"

    async def vault_state(self) -> VaultLine:
        """How it stands."""
        return _line(self._keeper.state())

    async def unlock_vault(self, passphrase: TypedWord) -> VaultLine:
        """Open it in the server."""
        self._need_server()
        return _line(await self._keeper.unlock(Secret(passphrase.text), self._who, _FROM_WHERE))

    async def lock_vault(self) -> VaultLine:
        """Lock it in the server."""
        self._need_server()
        return _line(await self._keeper.lock(self._who, _FROM_WHERE))

    async def set_vault_passphrase(self, old: TypedWord | None, new: TypedWord) -> VaultLine:
        """Set or change it; also while no server runs."""
        before = Secret(old.text) if old else None
        return _line(await self._keeper.set_passphrase(before, Secret(new.text), self._who, _FROM_WHERE))

    async def rotate_sealing_key(self) -> KeyLine:
        """Seal to a fresh key from now on; also while no server runs."""
        return KeyLine(*await self._keeper.rotate_sealing_key(self._who, _FROM_WHERE))

    async def split_vault_key(self, word: TypedWord, needed: int, officers: int) -> SharesLine:
        """Shares of the one key; also while no server runs."""
        size = (needed, officers)
        return SharesLine(await self._keeper.split_key(Secret(word.text), size, self._who, _FROM_WHERE))

    async def join_vault_key(self, shares: tuple[TypedWord, ...], new: TypedWord) -> VaultLine:
        """Open by shares; while no server runs, only the passphrase is another then."""
        typed = [Secret(one.text) for one in shares]
        return _line(await self._keeper.join_key(typed, Secret(new.text), self._who, _FROM_WHERE))

    def _need_server(self) -> None:
        if not self._is_server:
            raise AppError(
                ErrorKind.UNAVAILABLE,
                "No server runs on this data folder, so there is nothing to unlock or lock. Start it first: "
                "civiscope up",
            )


@asynccontextmanager
async def vault_of(home: Home, settings: Settings) -> AsyncIterator[VaultFace]:
    """The running server's vault, or the vault on the files while no server runs."""
    async with console_of(home, VaultFace) as remote:
        if remote is not None:
            yield remote
            return
        async with open_site(home, settings) as site:
            keeper = VaultKeeper(site.vault_door, site.audit, settings.vault, site.clock)
            yield LocalVaultFace(keeper, is_server=False)


def _line(state: VaultState) -> VaultLine:
    return VaultLine(state.is_open, state.kind.value)
