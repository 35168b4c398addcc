"""The reader's side of sealing: opens wraps with the site's private key, checks who signed."""

from collections.abc import Iterable

from cryptography import x509
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from civiscope.base import AppError, ErrorKind, NodeId, SiteId
from civiscope.security.casekeys import (
    CASE_WRAP_BYTES,
    CaseKey,
    CaseWrapHeader,
    case_public_key,
    read_case_wrap,
)
from civiscope.security.sealing import (
    HPKE_SUITE,
    DataKey,
    KeyContext,
    read_wrapped,
)
from civiscope.security.signature import IntegrityError, key_fingerprint
from civiscope.security.trust import SiteTrust
from civiscope.security.vault import LOCKED_WORDS


class Keyring:
    """Holds the site's private sealing keys (the newest and older ones) and its authority. Thread-safe.

    While the vault is locked it holds none: it still checks who signed, and opens nothing (UNAVAILABLE).
    """

    def __init__(
        self,
        site_id: SiteId,
        sealing_keys: Iterable[X25519PrivateKey] | None,
        authority: x509.Certificate,
    ) -> None:
        """`sealing_keys`: None while the vault is locked."""
        self.site_id = site_id
        self._sealing_keys: dict[bytes, X25519PrivateKey] | None = None
        self._case_keys: dict[bytes, CaseKey] = {}
        if sealing_keys is not None:
            self.unlock(sealing_keys)
        self.trust = SiteTrust(authority)
        """Whom it believes; needs no key."""
        self._suite = hpke.Suite(*HPKE_SUITE)

    def unlock(self, sealing_keys: Iterable[X25519PrivateKey]) -> None:
        """Open wraps from now on."""
        self._sealing_keys = {key_fingerprint(key.public_key()): key for key in sealing_keys}

    def opens_for(self, trust: SiteTrust) -> bool:
        """True if it is of that site and holds a key that may open something."""
        return bool(self._sealing_keys) and self.trust.fingerprint == trust.fingerprint

    @property
    def is_locked(self) -> bool:
        """True while it opens nothing."""
        return self._sealing_keys is None

    def lock(self) -> None:
        """Forget the sealing keys; data keys already given out are their readers' to forget."""
        self._sealing_keys = None
        self._case_keys = {}

    def unlock_cases(self, keys: Iterable[CaseKey]) -> None:
        """Open the wraps of these cases from now on, and of no others."""
        self._case_keys = {one.fingerprint: one for one in keys}

    def unwrap(self, wrapped: bytes, context: KeyContext) -> DataKey:
        """The data key for `context`: what the reader expects there, from the segment it wants to open.

        IntegrityError if the wrap is for something else, was changed, or is sealed to a key we do not hold.
        """
        return DataKey(context.key_id, self._site_secret(wrapped, context))

    def unwrap_case(self, wrapped: bytes, context: KeyContext) -> DataKey:
        """The same from a case wrap, with the key of the case that it names."""
        return DataKey(context.key_id, self._case_secret(wrapped, context))

    def rewrap(self, wraps: Iterable[bytes], context: KeyContext, case: CaseKey) -> bytes:
        """A case wrap for `case` of a data key that the site's wrap, or another case's, opens here.

        The first of `wraps` that opens serves; else the error of the first. The new wrap is opened once
        before it is given out.
        """
        secret = self._secret_of(list(wraps), context)
        header = CaseWrapHeader(self.site_id, case.fingerprint, context, case.case_id).to_bytes()
        wrapped = header + self._suite.encrypt(secret, case_public_key(case), info=header)
        if self._suite.decrypt(wrapped[len(header) :], case.private, info=header) != secret:
            raise IntegrityError(f"the wrap of data key {context.key_id} for case {case.case_id} is not true")
        return wrapped

    def _secret_of(self, wraps: list[bytes], context: KeyContext) -> bytes:
        first: AppError | None = None
        for wrapped in wraps:
            is_case = len(wrapped) == CASE_WRAP_BYTES
            try:
                return self._case_secret(wrapped, context) if is_case else self._site_secret(wrapped, context)
            except AppError as error:
                first = first or error
        raise first or IntegrityError(f"there is no wrap of data key {context.key_id}")

    def _case_secret(self, wrapped: bytes, context: KeyContext) -> bytes:
        if self._sealing_keys is None:
            raise AppError(ErrorKind.UNAVAILABLE, LOCKED_WORDS)
        header, ciphertext = read_case_wrap(wrapped)
        if header.context != context or header.site_id != self.site_id:
            raise IntegrityError(
                f"the case wrap beside data key {context.key_id} is for another site, stream, hour or key"
            )
        case = self._case_keys.get(header.case_key)
        if case is None or case.case_id != header.case_id:
            raise IntegrityError(
                f"data key {context.key_id} is sealed to case {header.case_id}, whose key is not here"
            )
        try:
            return self._suite.decrypt(ciphertext, case.private, info=wrapped[: -len(ciphertext)])
        except InvalidTag:
            raise IntegrityError(f"the case wrap {context.key_id} does not open: it was changed") from None

    def _site_secret(self, wrapped: bytes, context: KeyContext) -> bytes:
        sealing_keys = self._sealing_keys
        if sealing_keys is None:
            raise AppError(ErrorKind.UNAVAILABLE, LOCKED_WORDS)
        header, ciphertext = read_wrapped(wrapped)
        if header.context != context or header.site_id != self.site_id:
            raise IntegrityError(
                f"the wrapped key beside data key {context.key_id} is for another site, stream, hour or key: "
                "it was swapped, or the volume belongs to another site"
            )
        private_key = sealing_keys.get(header.sealing_key)
        if private_key is None:
            raise IntegrityError(
                f"data key {context.key_id} is sealed to site key {header.sealing_key.hex()}, which this "
                "machine does not hold: restore that key, or the footage stays closed"
            )
        try:
            return self._suite.decrypt(ciphertext, private_key, info=wrapped[: -len(ciphertext)])
        except InvalidTag:
            raise IntegrityError(f"the wrapped key {context.key_id} does not open: it was changed") from None

    def open(self, key: DataKey, nonce: bytes, ciphertext: bytes, associated: bytes) -> bytes:
        """The plaintext; IntegrityError if anything is not as it was sealed (see `DataKey.open`)."""
        return key.open(nonce, ciphertext, associated)

    def verify_signature(
        self, node_certificate: bytes, signature: bytes, message: bytes, signed_at_us: int
    ) -> NodeId:
        """Who signed `message`: a node whose certificate (DER) our authority issued, valid at `signed_at_us`.

        IntegrityError if the signature does not hold; ProtocolError if bytes are no signature or certificate.
        """
        return self.trust.verify_node(node_certificate, signature, message, signed_at_us)
