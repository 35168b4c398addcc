"""What the door asks of the vault, implemented by `app`."""

from typing import Protocol

from civiscope.security import Principal, Secret, VaultState


class VaultDesk(Protocol):
    """The site's vault; every change is throttled and in the audit."""

    def state(self) -> VaultState:
        """Open or locked, who holds the key, since when."""
        ...

    async def unlock(self, passphrase: Secret, by: Principal, from_where: str) -> VaultState:
        """Open it; INVALID for a wrong passphrase, EXHAUSTED for a try too soon."""
        ...

    async def lock(self, by: Principal, from_where: str) -> VaultState:
        """Forget the keys; CONFLICT while there is no passphrase."""
        ...

    def sealing_key(self) -> str:
        """Fingerprint, in hex, of the key that recordings are sealed to now."""
        ...

    async def rotate_sealing_key(self, by: Principal, from_where: str) -> tuple[str, str]:
        """Seal to a fresh key from now on; (old, new) fingerprint. CONFLICT while locked."""
        ...

    async def set_passphrase(
        self, old: Secret | None, new: Secret, by: Principal, from_where: str
    ) -> VaultState:
        """Set the first, or change it; INVALID when `old` is wrong or `new` too weak."""
        ...
