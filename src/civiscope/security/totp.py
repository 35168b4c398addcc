"""One-time codes from a phone (TOTP, RFC 6238) and recovery codes on paper. Pure."""

import base64
import hmac
import os
from urllib.parse import quote, urlencode

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.twofactor.hotp import HOTP

from civiscope.security.secret import Secret
from civiscope.security.tokens import code_hash, new_code

SECRET_BYTES = 20
"""RFC 4226 §4 R6 recommends 160 bits."""
STEP_S = 30
DIGITS = 6
DRIFT_STEPS = 1
RECOVERY_CODES = 10
_GROUP = 4


def new_totp_secret() -> bytes:
    """160 random bits."""
    return os.urandom(SECRET_BYTES)


def totp_code(secret: bytes, step: int) -> str:
    """The code of one step of 30 s since 1970 (RFC 6238 §4.2 with SHA-1, as phones expect it)."""
    hotp = HOTP(secret, DIGITS, hashes.SHA1(), enforce_key_length=False)  # noqa: S303  HMAC-SHA-1 is what phones make
    return hotp.generate(step).decode("ascii")


def matching_step(secret: bytes, typed: str, now_us: int, last_step: int) -> int | None:
    """The step whose code was typed, one before to one after now, later than `last_step`; or None."""
    code = "".join(typed[:16].split())
    if len(code) != DIGITS or not code.isascii() or not code.isdecimal():
        return None
    now_step = now_us // 1_000_000 // STEP_S
    found = None
    for step in range(max(0, now_step - DRIFT_STEPS), now_step + DRIFT_STEPS + 1):
        is_it = hmac.compare_digest(totp_code(secret, step), code)
        if is_it and step > last_step and found is None:
            found = step
    return found


def secret_text(secret: bytes) -> str:
    """As a person types it into a phone: base 32 in groups of four."""
    plain = base64.b32encode(secret).decode("ascii").rstrip("=")
    return " ".join(plain[at : at + _GROUP] for at in range(0, len(plain), _GROUP))


def totp_uri(secret: bytes, site_name: str, user_name: str) -> str:
    """`otpauth://totp/…`, as authenticators read it from a QR code (Key URI Format)."""
    issuer = " ".join(site_name.replace(":", " ").split()) or "Civiscope"
    label = quote(f"{issuer}:{user_name.replace(':', ' ')}", safe=":")
    plain = base64.b32encode(secret).decode("ascii").rstrip("=")
    options = {"secret": plain, "issuer": issuer, "algorithm": "SHA1", "digits": DIGITS, "period": STEP_S}
    return f"otpauth://totp/{label}?{urlencode(options, quote_via=quote)}"


def new_recovery_codes() -> tuple[Secret, ...]:
    """Ten codes of 80 random bits, like `K7QF-2M9X-TR4D-0ZPA`."""
    return tuple(new_code() for _ in range(RECOVERY_CODES))


def recovery_code_hash(typed: str) -> bytes:
    """What is stored of a code; small letters and missing hyphens do not matter."""
    return code_hash(b"recovery code", typed)
