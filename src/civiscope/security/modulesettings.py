"""Which module, token and key hold the vault's key; and loading what speaks to it, only then."""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from civiscope.base import AppError, ErrorKind
from civiscope.security.keyholder import KeyHolder
from civiscope.security.secret import Secret

_ADAPTER = "civiscope.security.module_holder"


@dataclass(frozen=True, slots=True)
class ModuleSettings:
    """`[vault]` of a site whose key lies in a PKCS #11 token."""

    module: Path
    """The module's shared library, such as `/usr/lib/softhsm/libsofthsm2.so`."""
    token: str
    """The token's label."""
    key_label: str = "civiscope-vault"


def module_holder(settings: ModuleSettings, pin: Secret) -> KeyHolder:
    """A holder that asks the token; UNAVAILABLE where the library for modules is not installed."""
    try:
        adapter = importlib.import_module(_ADAPTER)
    except ImportError:
        raise AppError(
            ErrorKind.UNAVAILABLE,
            "[vault] kind is pkcs11, but python-pkcs11 is not installed: pip install 'civiscope[pkcs11]'.",
        ) from None
    make = cast("Callable[[ModuleSettings, Secret], KeyHolder]", adapter.ModuleHolder)
    return make(settings, pin)
