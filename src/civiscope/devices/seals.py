"""What lies sealed in this room's tables: user names and passwords, and addresses with a secret in them."""

import json
from dataclasses import dataclass, field

from civiscope.base import DeviceId, StreamId
from civiscope.devices.address import CameraAddress
from civiscope.security import Secret, Vault


@dataclass(frozen=True, slots=True)
class Credentials:
    """How we sign in at a device; both empty where it asks for nothing."""

    username: str = ""
    password: Secret = field(default_factory=lambda: Secret(""))


class Seals:
    """Seals for one row, so that sealed words moved to another row do not open there."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def seal_credentials(self, device_id: DeviceId, words: Credentials) -> bytes:
        """For the device's row."""
        text = {"username": words.username, "password": words.password.reveal()}
        return self._vault.seal_secret(json.dumps(text).encode(), _credentials_context(device_id))

    def open_credentials(self, device_id: DeviceId, sealed: bytes) -> Credentials:
        """IntegrityError when they were sealed by another key or for another device."""
        words: dict[str, str] = json.loads(self._vault.open_secret(sealed, _credentials_context(device_id)))
        return Credentials(words["username"], Secret(words["password"]))

    def seal_stream_url(self, stream_id: StreamId, address: CameraAddress) -> bytes | None:
        """None for an address without a secret in it: it is stored as it is."""
        if not address.has_secret:
            return None
        return self._vault.seal_secret(address.url.encode(), _stream_context(stream_id))

    def open_stream_url(self, stream_id: StreamId, sealed: bytes | None, shown: str) -> str:
        """The whole address."""
        if sealed is None:
            return shown
        return self._vault.open_secret(sealed, _stream_context(stream_id)).decode()

    def seal_device_url(self, device_id: DeviceId, address: CameraAddress) -> bytes | None:
        """As `seal_stream_url`, for the device's own address."""
        if not address.has_secret:
            return None
        return self._vault.seal_secret(address.url.encode(), _device_context(device_id))

    def open_device_url(self, device_id: DeviceId, sealed: bytes | None, shown: str) -> str:
        """The whole address."""
        if sealed is None:
            return shown
        return self._vault.open_secret(sealed, _device_context(device_id)).decode()


def _credentials_context(device_id: DeviceId) -> bytes:
    return b"device/" + device_id.bytes + b"/credentials"


def _device_context(device_id: DeviceId) -> bytes:
    return b"device/" + device_id.bytes + b"/url"


def _stream_context(stream_id: StreamId) -> bytes:
    return b"stream/" + stream_id.bytes + b"/url"
