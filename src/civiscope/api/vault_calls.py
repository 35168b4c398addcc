"""The vault on the page: how it stands, unlocking, locking, its passphrase."""

from fastapi import Request

from civiscope.api.calls import Call
from civiscope.api.guard import visitor_of, where_from
from civiscope.api.vault_ports import VaultDesk
from civiscope.api.vault_shapes import PassphraseBody, UnlockBody
from civiscope.security import Permission, Secret, VaultState


class VaultCalls:
    """Handlers of `/vault`."""

    def __init__(self, vault: VaultDesk) -> None:
        self._vault = vault

    def calls(self) -> list[Call]:
        """The rows of the table."""
        wrong = {422: "Another passphrase is the right one.", 429: "Too many attempts."}
        manage, closed, locked = Permission.SYSTEM_MANAGE, {409: "No passphrase."}, {409: "Locked."}
        return [
            Call("GET", "/vault", Permission.SYSTEM_READ, self.vault),
            Call("POST", "/vault/unlock", manage, self.unlock_vault, 200, wrong, person_only=True),
            Call("POST", "/vault/lock", manage, self.lock_vault, 200, closed, person_only=True),
            Call("POST", "/vault/passphrase", manage, self.set_passphrase, 200, wrong, person_only=True),
            Call("POST", "/vault/sealing-key", manage, self.rotate_key, 200, locked, person_only=True),
        ]

    async def rotate_key(self, request: Request) -> dict[str, object]:
        """Seal recordings to a fresh key from now on; what was sealed before opens as ever."""
        old, new = await self._vault.rotate_sealing_key(visitor_of(request).principal, where_from(request))
        return {"old": old, "new": new}

    async def vault(self) -> dict[str, object]:
        """Whether the vault is open, and who holds its key."""
        return self._shape(self._vault.state())

    async def unlock_vault(self, request: Request, body: UnlockBody) -> dict[str, object]:
        """Open the vault until the machine starts again."""
        passphrase = Secret(body.passphrase.get_secret_value())
        visitor = visitor_of(request)
        return self._shape(await self._vault.unlock(passphrase, visitor.principal, where_from(request)))

    async def lock_vault(self, request: Request) -> dict[str, object]:
        """Close it: playback and downloads end, recording goes on."""
        return self._shape(await self._vault.lock(visitor_of(request).principal, where_from(request)))

    async def set_passphrase(self, request: Request, body: PassphraseBody) -> dict[str, object]:
        """Set the first passphrase, or change it."""
        old = None if body.old is None else Secret(body.old.get_secret_value())
        new, visitor = Secret(body.new.get_secret_value()), visitor_of(request)
        return self._shape(await self._vault.set_passphrase(old, new, visitor.principal, where_from(request)))

    def _shape(self, state: VaultState) -> dict[str, object]:
        return {
            "state": "open" if state.is_open else "locked",
            "kind": state.kind.value,
            "since_us": state.since_us,
            "sealing_key": self._vault.sealing_key(),
        }
