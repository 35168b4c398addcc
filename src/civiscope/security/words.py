"""Words that people write about what they saw, sealed for the database: a name or a plate may stand in them.

Sealed to the site's public key like a picture, so that they are taken while the vault is locked; read while
it is open. Bound to the id of what they belong to.
"""

from pathlib import Path
from uuid import UUID

from civiscope.base import AppError, Clock, ErrorKind, StreamId
from civiscope.security.keyring import Keyring
from civiscope.security.pictures import PictureSealer, open_picture
from civiscope.security.rotation import SealingKeyWatch

WORDS_DOMAIN = b"civiscope sealed words v1\0"


class WordBox:
    """Takes words in at any time, gives them out while the vault is open. Thread-safe."""

    def __init__(
        self, sealer: PictureSealer, keyring: Keyring, clock: Clock, folder: Path | None = None
    ) -> None:
        """`folder`: of the sealer's public key, so that a renewed one is noticed."""
        self._sealer = sealer
        self._keyring = keyring
        self._clock = clock
        self._watch = None if folder is None else SealingKeyWatch(folder, sealer.renew)

    def seal(self, owner: UUID, words: str) -> bytes:
        """Sealed bytes for `open` with the same owner."""
        if self._watch is not None:
            self._watch.look()
        return self._sealer.seal(owner, _SCOPE, self._clock.now_us(), words.encode(), WORDS_DOMAIN)

    def open(self, owner: UUID, sealed: bytes) -> str | None:
        """The words; None while the vault is locked. IntegrityError if changed, or another owner's."""
        try:
            return open_picture(self._keyring, owner, sealed, WORDS_DOMAIN).decode()
        except AppError as error:
            if error.kind is not ErrorKind.UNAVAILABLE:
                raise
            return None


_SCOPE = StreamId(UUID(int=0))
"""Words are of no stream."""
