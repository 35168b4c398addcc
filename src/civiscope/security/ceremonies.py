"""WebAuthn ceremonies as values (Web Authentication Level 3): challenges out, credentials checked. Pure.

Discoverable credentials with user verification, attestation "none": a passkey stands for name and password.
"""

import ipaddress
from dataclasses import dataclass
from typing import Any

from webauthn import (
    base64url_to_bytes,
    generate_authentication_options,
    generate_registration_options,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import options_to_json_dict
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from civiscope.base import AppError, ErrorKind, PrincipalId

TIMEOUT_MS = 300_000
_ID_LIMIT_CHARS = 1400
"""A credential id has at most 1,023 bytes (WebAuthn §5.8.3)."""


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """Under which name browsers keep passkeys for this site, and from which page they may be used."""

    id: str
    """A host name; passkeys made under one do not open another."""
    name: str
    origin: str
    """`https://` with the host, and the port if it is not 443."""


@dataclass(frozen=True, slots=True)
class Registered:
    """A new credential, checked."""

    credential_id: bytes
    public_key: bytes
    sign_count: int


def passkeys_possible(host: str) -> bool:
    """True for a host name; browsers keep no passkeys for IP addresses (WebAuthn §5.1.3 step 8)."""
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return bool(host) and ("." in host or host == "localhost")
    return False


def registration_options(
    party: RelyingParty, user_id: PrincipalId, user_name: str, challenge: bytes, known: list[bytes]
) -> dict[str, Any]:
    """What the page gives `navigator.credentials.create`; credentials `known` are not made twice."""
    options = generate_registration_options(
        rp_id=party.id,
        rp_name=party.name,
        user_name=user_name,
        user_id=user_id.bytes,
        user_display_name=user_name,
        challenge=challenge,
        timeout=TIMEOUT_MS,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED,
            require_resident_key=True,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=[PublicKeyCredentialDescriptor(id=one) for one in known],
    )
    return dict(options_to_json_dict(options))


def authentication_options(party: RelyingParty, challenge: bytes) -> dict[str, Any]:
    """What the page gives `navigator.credentials.get`; it names nobody."""
    options = generate_authentication_options(
        rp_id=party.id,
        challenge=challenge,
        timeout=TIMEOUT_MS,
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return dict(options_to_json_dict(options))


def check_registration(party: RelyingParty, challenge: bytes, credential: dict[str, Any]) -> Registered:
    """The new credential; AppError(DENIED) if it is for another page, challenge or without verification."""
    try:
        found = verify_registration_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=party.origin,
            require_user_verification=True,
        )
    except _UNREADABLE:
        raise refused_passkey() from None
    return Registered(found.credential_id, found.credential_public_key, found.sign_count)


def credential_id_of(credential: dict[str, Any]) -> bytes:
    """Which credential a browser answers with; AppError(DENIED) if it says none."""
    written = credential.get("id")
    if not isinstance(written, str) or not 0 < len(written) <= _ID_LIMIT_CHARS:
        raise refused_passkey()
    try:
        return base64url_to_bytes(written)
    except ValueError:
        raise refused_passkey() from None


def check_authentication(
    party: RelyingParty, challenge: bytes, credential: dict[str, Any], public_key: bytes, sign_count: int
) -> int:
    """The new count of signatures; AppError(DENIED) as above, and when the count went back (a copied key)."""
    try:
        found = verify_authentication_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=party.origin,
            credential_public_key=public_key,
            credential_current_sign_count=sign_count,
            require_user_verification=True,
        )
    except _UNREADABLE:
        raise refused_passkey() from None
    return int(found.new_sign_count)


def user_of(credential: dict[str, Any]) -> bytes | None:
    """The user handle a discoverable credential carries, as sent; None if none or unreadable."""
    response = credential.get("response")
    written = response.get("userHandle") if isinstance(response, dict) else None
    if not isinstance(written, str) or len(written) > _ID_LIMIT_CHARS:
        return None
    try:
        return base64url_to_bytes(written)
    except ValueError:
        return None


def refused_passkey() -> AppError:
    """One and the same for every reason."""
    return AppError(
        ErrorKind.DENIED,
        "The passkey was not accepted: it is for another address, was removed, or took too long. Begin "
        "again, or sign in with name and password.",
    )


_UNREADABLE = (WebAuthnException, ValueError, TypeError, KeyError, AttributeError, IndexError)
"""What the library raises for answers that are wrong, and for bytes that no browser sends."""
