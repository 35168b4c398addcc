"""Pictures of events for looks: sealed from the store, opened with the site's private key."""

from uuid import UUID

from civiscope.events import Event, EventStore
from civiscope.security import Keyring, open_picture


class EventPictures:
    """What `viewing` asks for; opens nothing while the vault is locked."""

    def __init__(self, events: EventStore, keyring: Keyring) -> None:
        self._events = events
        self._keyring = keyring

    async def event(self, event_id: UUID) -> Event:
        """The event; MISSING."""
        return await self._events.event(event_id)

    async def sealed_picture(self, event_id: UUID) -> bytes | None:
        """Its picture as it was sealed; None if it has none."""
        return await self._events.sealed_picture(event_id)

    def open_picture(self, event_id: UUID, sealed: bytes) -> bytes:
        """The JPEG; IntegrityError if it was changed, UNAVAILABLE while the vault is locked."""
        return open_picture(self._keyring, event_id, sealed)
