"""The vault's key under a key that never leaves a PKCS #11 module: loaded only where `[vault] kind` says so.

An AES-256 key of the token (sensitive, not extractable) seals it with AES-GCM. Tested with SoftHSM 2.6.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol, cast

import pkcs11
from pkcs11 import Attribute, KeyType, Mechanism, MechanismFlag, ObjectClass
from pkcs11.exceptions import (
    DataInvalid,
    EncryptedDataInvalid,
    EncryptedDataLenRange,
    FunctionFailed,
    GeneralError,
    PinIncorrect,
    PinLenRange,
    PinLocked,
)
from pkcs11.exceptions import PKCS11Error as ModuleError

from civiscope.base import AppError, ErrorKind
from civiscope.security.keyholder import HolderKind, Record, WrongPassphraseError, damaged_lock
from civiscope.security.modulesettings import ModuleSettings
from civiscope.security.sealing import NONCE_BYTES
from civiscope.security.secret import Secret

_CONTEXT = b"civiscope vault key by PKCS #11 v1"
_TAG_BITS = 128


class AesKey(Protocol):
    """A key of the token as the library gives it; its types say less than it does."""

    def encrypt(self, data: bytes, *, mechanism: Mechanism, mechanism_param: object) -> bytes:
        """Inside the token."""
        ...

    def decrypt(self, data: bytes, *, mechanism: Mechanism, mechanism_param: object) -> bytes:
        """Inside the token."""
        ...


_UNOPENED = (EncryptedDataInvalid, EncryptedDataLenRange, DataInvalid, FunctionFailed, GeneralError)


class ModuleHolder:
    """Asks the token for each sealing and opening; holds no session between two."""

    kind = HolderKind.PKCS11

    def __init__(self, settings: ModuleSettings, pin: Secret) -> None:
        self._settings = settings
        self._pin = pin

    def close_key(self, key: bytes) -> Record:
        """Sealed by the token's key; the first time, the token makes one."""
        nonce = os.urandom(NONCE_BYTES)
        with self._session() as session:
            wrapping = self._find(session) or self._make(session)
            sealed = wrapping.encrypt(key, mechanism=Mechanism.AES_GCM, mechanism_param=_gcm(nonce))
        return {"label": self._settings.key_label, "nonce": nonce.hex(), "sealed": bytes(sealed).hex()}

    def open_key(self, record: Record) -> bytes:
        """Opened inside the token."""
        try:
            nonce, sealed = bytes.fromhex(str(record["nonce"])), bytes.fromhex(str(record["sealed"]))
        except (KeyError, ValueError):
            raise damaged_lock() from None
        with self._session() as session:
            wrapping = self._find(session)
            if wrapping is None:
                raise AppError(
                    ErrorKind.MISSING,
                    f"The token {self._settings.token} has no AES key {self._settings.key_label}: it is "
                    "another token, or the key was deleted. Restore the token from its backup.",
                )
            try:
                return bytes(
                    wrapping.decrypt(sealed, mechanism=Mechanism.AES_GCM, mechanism_param=_gcm(nonce))
                )
            except _UNOPENED:
                raise AppError(
                    ErrorKind.LOST_DATA,
                    f"The key {self._settings.key_label} of the token does not open this vault: it is "
                    "another key of that name. Restore the token that the vault was locked with.",
                ) from None

    @contextmanager
    def _session(self) -> Iterator["pkcs11.Session"]:
        try:
            library = pkcs11.lib(str(self._settings.module))
            library.reinitialize()  # a token plugged in since the library was loaded is seen
            token = library.get_token(token_label=self._settings.token)
            with token.open(rw=True, user_pin=self._pin.reveal()) as session:
                yield session
        except (PinIncorrect, PinLenRange):
            raise WrongPassphraseError(
                "This is not the PIN of the vault's token. Type it again; "
                "a token locks itself after a few tries."
            ) from None
        except PinLocked:
            raise AppError(
                ErrorKind.UNAVAILABLE, "The token has locked its PIN: unblock it with its own program."
            ) from None
        except (ModuleError, pkcs11.NoSuchToken, RuntimeError, OSError) as error:
            raise AppError(
                ErrorKind.UNAVAILABLE,
                f"The vault's module does not answer ({type(error).__name__}): look at [vault] module and "
                "token in civiscope.toml, and whether the token is plugged in.",
            ) from None

    def _find(self, session: "pkcs11.Session") -> "AesKey | None":
        found = list(
            session.get_objects(
                {
                    Attribute.CLASS: ObjectClass.SECRET_KEY,
                    Attribute.KEY_TYPE: KeyType.AES,
                    Attribute.LABEL: self._settings.key_label,
                }
            )
        )
        return cast("AesKey", found[0]) if found else None

    def _make(self, session: "pkcs11.Session") -> "AesKey":
        made = session.generate_key(
            KeyType.AES,
            256,
            label=self._settings.key_label,
            store=True,
            capabilities=MechanismFlag.ENCRYPT | MechanismFlag.DECRYPT,
            template={Attribute.SENSITIVE: True, Attribute.EXTRACTABLE: False},
        )
        return cast("AesKey", made)


def _gcm(nonce: bytes) -> "pkcs11.GCMParams":
    return pkcs11.GCMParams(nonce, _CONTEXT, _TAG_BITS)
