"""Who may do what, the record of what they did, and the keys (a purpose is an opaque id here).

Facts in: none. Facts out: none.
Invariants: no private key, password or token is logged, shown or sent; the recorder seals and signs but
cannot open; every refusal is an AppError in plain words; key files are readable by their owner alone.
"""

from civiscope.security.keyring import Keyring
from civiscope.security.keys import SiteIdentity, SiteKeys, load_keyring, load_sealer
from civiscope.security.sealing import (
    HOUR_US,
    NONCE_BYTES,
    SIGNATURE_BYTES,
    TAG_BYTES,
    WRAPPED_BYTES,
    DataKey,
    IntegrityError,
    KeyContext,
    KeyId,
    SegmentSealer,
    WrapHeader,
    read_wrapped,
)
from civiscope.security.tls import client_tls, server_tls
from civiscope.security.vault import Vault

__all__ = [
    "SiteIdentity", "SiteKeys", "load_keyring", "load_sealer",
    "DataKey", "IntegrityError", "KeyContext", "KeyId", "Keyring", "SegmentSealer", "WrapHeader",
    "read_wrapped",
    "HOUR_US", "NONCE_BYTES", "SIGNATURE_BYTES", "TAG_BYTES", "WRAPPED_BYTES",
    "client_tls", "server_tls",
    "Vault",
]  # fmt: skip
