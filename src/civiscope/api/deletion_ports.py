"""What the door asks of the destruction ledger."""

from typing import Protocol

from civiscope.recording import Deletion


class Deletions(Protocol):
    """The destruction ledger, implemented by `app`."""

    async def page(self, limit: int, before: int | None = None) -> list[Deletion]:
        """The newest first."""
        ...

    async def certificate(self, sequence: int) -> bytes:
        """The certificate of one; MISSING, CONFLICT while it is not finished."""
        ...
