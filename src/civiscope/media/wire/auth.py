"""Proving a name and password to an RTSP peer: Basic (RFC 7617) and Digest (RFC 2617, RFC 7616)."""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from civiscope.base import ProtocolError, Whose

_ALGORITHMS = {"MD5": "md5", "SHA-256": "sha256"}
_PARAMETER = re.compile(
    r'(?<![A-Za-z0-9_-])([A-Za-z][A-Za-z0-9_-]*)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*))'
)  # begins at the start of a word only: linear in hostile text
_SCHEME = re.compile(r"(?:^|[\s,])(Basic|Digest)(?=\s|$)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Credentials:
    """A name and its password; the password shows in no repr."""

    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class BasicChallenge:
    """The peer wants the password itself (RFC 7617 §2)."""

    realm: str = ""


@dataclass(frozen=True, slots=True)
class DigestChallenge:
    """The peer wants a proof (RFC 7616 §3.3)."""

    realm: str
    nonce: str
    algorithm: str = ""
    """As sent: empty (means MD5), MD5, SHA-256, or one of them with `-sess`."""
    qop: str = ""
    """`auth` when offered, else empty (RFC 2617's old way)."""
    opaque: str | None = None
    is_stale: bool = False
    """The proof was right and the nonce too old: try again with this one."""

    @property
    def strength(self) -> int:
        """Greater is better; for choosing among several offers."""
        return 2 if self.algorithm.upper().startswith("SHA-256") else 1


Challenge = BasicChallenge | DigestChallenge


def parse_challenges(values: Iterable[str]) -> list[Challenge]:
    """The answerable offers in WWW-Authenticate fields; several may share one (RFC 7235 §4.1)."""
    found: list[Challenge] = []
    for value in values:
        starts = list(_SCHEME.finditer(_mask_quoted(value)))
        for index, start in enumerate(starts):
            end = starts[index + 1].start() if index + 1 < len(starts) else len(value)
            challenge = _challenge(start[1].lower(), parse_parameters(value[start.end() : end]))
            if challenge is not None:
                found.append(challenge)
    return found


def choose_challenge(offers: Iterable[Challenge]) -> Challenge | None:
    """The strongest offer; Basic only when nothing else is there."""
    return max(offers, key=lambda o: o.strength if isinstance(o, DigestChallenge) else 0, default=None)


def parse_parameters(text: str) -> dict[str, str]:
    """`name=value, name="value"` with names in lower case; the first of a name counts."""
    found: dict[str, str] = {}
    for match in _PARAMETER.finditer(text):
        value = match[2] if match[2] is not None else match[3]
        found.setdefault(match[1].lower(), re.sub(r"\\(.)", r"\1", value))
    return found


def _mask_quoted(text: str) -> str:
    return re.sub(r'"(?:[^"\\]|\\.)*"', lambda match: "_" * len(match[0]), text)


def _challenge(scheme: str, parameters: dict[str, str]) -> Challenge | None:
    if scheme == "basic":
        return BasicChallenge(parameters.get("realm", ""))
    algorithm = parameters.get("algorithm", "")
    if algorithm and algorithm.upper().removesuffix("-SESS") not in _ALGORITHMS:
        return None
    offered = [option.strip().lower() for option in parameters.get("qop", "").split(",") if option.strip()]
    if not parameters.get("nonce") or (offered and "auth" not in offered):
        return None
    return DigestChallenge(
        parameters.get("realm", ""),
        parameters["nonce"],
        algorithm,
        "auth" if offered else "",
        parameters.get("opaque"),
        parameters.get("stale", "").lower() == "true",
    )


def basic_authorization(credentials: Credentials) -> str:
    """The value of Authorization for Basic: the password, readable by whoever listens."""
    if ":" in credentials.username:
        raise ProtocolError("a user name with a colon cannot be sent by Basic", Whose.LOCAL)
    joined = f"{credentials.username}:{credentials.password}".encode()
    return "Basic " + base64.b64encode(joined).decode("ascii")


def digest_authorization(
    challenge: DigestChallenge,
    credentials: Credentials,
    method: str,
    uri: str,
    count: int = 1,
    cnonce: str = "",
) -> str:
    """The value of Authorization for Digest (RFC 7616 §3.4).

    `count` and `cnonce` matter with qop and `-sess` only; `cnonce` must then not be empty.
    """
    nc = f"{count:08x}"
    parts = [
        f'username="{_quote(credentials.username)}"',
        f'realm="{_quote(challenge.realm)}"',
        f'nonce="{_quote(challenge.nonce)}"',
        f'uri="{_quote(uri)}"',
        f'response="{_response(challenge, credentials, (method, uri), nc, cnonce)}"',
    ]
    if challenge.algorithm:
        parts.append(f"algorithm={challenge.algorithm}")
    if challenge.opaque is not None:
        parts.append(f'opaque="{_quote(challenge.opaque)}"')
    if challenge.qop:
        parts += [f"qop={challenge.qop}", f"nc={nc}"]
    if challenge.qop or _is_session(challenge):
        parts.append(f'cnonce="{_quote(cnonce)}"')
    return "Digest " + ", ".join(parts)


def _response(
    challenge: DigestChallenge, credentials: Credentials, request: tuple[str, str], nc: str, cnonce: str
) -> str:
    name = challenge.algorithm.upper().removesuffix("-SESS") or "MD5"
    if name not in _ALGORITHMS:
        raise ProtocolError("this Digest algorithm is not known here", Whose.LOCAL)

    def digest(text: str) -> str:
        data = text.encode("utf-8", "surrogateescape")
        return hashlib.new(_ALGORITHMS[name], data, usedforsecurity=False).hexdigest()

    secret = digest(f"{credentials.username}:{challenge.realm}:{credentials.password}")
    if _is_session(challenge):
        secret = digest(f"{secret}:{challenge.nonce}:{cnonce}")
    asked = digest(f"{request[0]}:{request[1]}")
    if challenge.qop:
        return digest(f"{secret}:{challenge.nonce}:{nc}:{cnonce}:{challenge.qop}:{asked}")
    return digest(f"{secret}:{challenge.nonce}:{asked}")


def _is_session(challenge: DigestChallenge) -> bool:
    return challenge.algorithm.upper().endswith("-SESS")


def _quote(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def write_challenge(challenge: Challenge) -> str:
    """The value of WWW-Authenticate for this offer."""
    if isinstance(challenge, BasicChallenge):
        return f'Basic realm="{_quote(challenge.realm)}"'
    parts = [f'realm="{_quote(challenge.realm)}"', f'nonce="{_quote(challenge.nonce)}"']
    if challenge.algorithm:
        parts.append(f"algorithm={challenge.algorithm}")
    if challenge.qop:
        parts.append(f'qop="{challenge.qop}"')
    if challenge.opaque is not None:
        parts.append(f'opaque="{_quote(challenge.opaque)}"')
    if challenge.is_stale:
        parts.append("stale=true")
    return "Digest " + ", ".join(parts)


@dataclass(frozen=True, slots=True)
class Proof:
    """What a client sent in Authorization."""

    scheme: str
    username: str
    parameters: dict[str, str] = field(repr=False)


def parse_authorization(value: str) -> Proof | None:
    """Read Authorization; None when it is of no known scheme."""
    scheme, _, rest = value.strip().partition(" ")
    if scheme.lower() == "digest":
        parameters = parse_parameters(rest)
        return Proof("digest", parameters.get("username", ""), parameters)
    if scheme.lower() != "basic":
        return None
    try:
        name, colon, password = base64.b64decode(rest.strip(), validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return None
    return Proof("basic", name, {"password": password}) if colon else None


def proof_is_right(proof: Proof, challenge: Challenge, credentials: Credentials, method: str) -> bool:
    """Does it prove the password for our challenge? Compared in constant time."""
    if proof.scheme == "basic" or isinstance(challenge, BasicChallenge):
        is_basic = proof.scheme == "basic" and isinstance(challenge, BasicChallenge)
        password = proof.parameters.get("password", "")
        return is_basic and hmac.compare_digest(password.encode(), credentials.password.encode())
    sent = proof.parameters
    if sent.get("nonce") != challenge.nonce or (challenge.qop and sent.get("qop") != challenge.qop):
        return False
    expected = _response(
        challenge, credentials, (method, sent.get("uri", "")), sent.get("nc", ""), sent.get("cnonce", "")
    )
    return hmac.compare_digest(expected.encode(), sent.get("response", "").encode("utf-8", "replace"))
