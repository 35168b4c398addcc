"""Random texts that open doors: session tokens, CSRF tokens, one-time codes; only hashes are stored."""

import hashlib
import hmac
import secrets

from civiscope.base import AppError, ErrorKind
from civiscope.security.secret import Secret

_TOKEN_BYTES = 32
_TOKEN_LIMIT = 64
CODE_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no I, L, O, U."""
_CODE_LENGTH = 16
_CODE_GROUP = 4
_MISREAD = str.maketrans({"O": "0", "I": "1", "L": "1", "-": "", " ": ""})


def new_token() -> Secret:
    """256 random bits, safe in a cookie."""
    return Secret(secrets.token_urlsafe(_TOKEN_BYTES))


def token_hash(token: str) -> bytes:
    """What is stored of a session token; it has 256 random bits, so a plain hash is enough."""
    return hashlib.sha256(b"civiscope session\0" + token[:_TOKEN_LIMIT].encode("utf-8", "replace")).digest()


def csrf_token(token: str) -> str:
    """What changing requests of this session must carry; made from its token, stored nowhere."""
    return hmac.new(token.encode("utf-8", "replace"), b"civiscope csrf", hashlib.sha256).hexdigest()


def check_csrf(token: str, sent: str | None) -> None:
    """AppError(DENIED) unless `sent` is `csrf_token(token)`."""
    expected = csrf_token(token).encode()
    if sent is None or not hmac.compare_digest(expected, sent.encode("utf-8", "replace")):
        raise AppError(
            ErrorKind.DENIED,
            "The request lacks this session's CSRF token, so it may be another page's. Load the page again.",
        )


def new_code() -> Secret:
    """80 random bits as a person types them: `K7QF-2M9X-TR4D-0ZPA`."""
    letters = "".join(secrets.choice(CODE_LETTERS) for _ in range(_CODE_LENGTH))
    return Secret("-".join(letters[at : at + _CODE_GROUP] for at in range(0, _CODE_LENGTH, _CODE_GROUP)))


def code_hash(use: bytes, typed: str) -> bytes:
    """What is stored of a code of 80 random bits, for one use (`b"set-up code"`): a plain hash is enough.

    Small letters, missing hyphens and O for 0 do not matter.
    """
    tidy = typed[:_TOKEN_LIMIT].upper().translate(_MISREAD)
    return hashlib.sha256(b"civiscope " + use + b"\0" + tidy.encode("utf-8", "replace")).digest()
