"""The client's side of a login: which offer to take, when to try again, when to give up."""

import secrets
from enum import StrEnum

from civiscope.media.wire.auth import (
    BasicChallenge,
    Challenge,
    Credentials,
    DigestChallenge,
    basic_authorization,
    choose_challenge,
    digest_authorization,
    parse_challenges,
)


class Verdict(StrEnum):
    """What to do after a 401; the values are words for people."""

    TRY = "Ask again with a proof."
    NO_CREDENTIALS = "The camera asks for a user name and a password."
    REFUSED = "The camera refused the user name or the password."
    UNKNOWN = "The camera asks for a proof of a kind that is not known here."
    DOWNGRADED = "The camera first asked for Digest and now for the bare password, which is not sent."


class Prover:
    """Holds the newest challenge of one session and counts its uses (RFC 7616 §3.4)."""

    def __init__(self, credentials: Credentials | None) -> None:
        self.challenge: Challenge | None = None
        self._credentials = credentials
        self._count = 0
        self._cnonce = ""

    def proof(self, method: str, uri: str) -> str:
        """The value of Authorization for a request, empty before a challenge."""
        if self.challenge is None or self._credentials is None:
            return ""
        if isinstance(self.challenge, BasicChallenge):
            return basic_authorization(self._credentials)
        self._count += 1
        return digest_authorization(self.challenge, self._credentials, method, uri, self._count, self._cnonce)

    def weigh(self, offers: tuple[str, ...], tries: int, had_proof: bool) -> Verdict:
        """Judge a 401 to a request that was tried before so many times; TRY keeps the new challenge.

        A nonce that aged between requests is renewed once; one the camera calls stale, twice.
        """
        if self._credentials is None:
            return Verdict.NO_CREDENTIALS
        offer = choose_challenge(parse_challenges(offers))
        is_stale = isinstance(offer, DigestChallenge) and offer.is_stale
        if (tries >= 1 and had_proof and not is_stale) or tries >= 2:
            return Verdict.REFUSED
        if offer is None:
            return Verdict.UNKNOWN
        if isinstance(self.challenge, DigestChallenge) and isinstance(offer, BasicChallenge):
            return Verdict.DOWNGRADED
        self.challenge, self._count, self._cnonce = offer, 0, secrets.token_hex(8)
        return Verdict.TRY
