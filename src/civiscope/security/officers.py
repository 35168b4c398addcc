"""The vault's one key in the hands of several officers: shares as text, checked when they come back.

A share names its site, set, index, how many are needed, and carries a check sum against typing errors.
Against a false share with a right check sum stands the set's record beside the lock: a digest of each share.
Layout: docs/design/keys.md.
"""

import base64
import hmac
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from uuid import UUID

from civiscope.base import AppError, ErrorKind, SiteId
from civiscope.security.keyfile import read_private, write_private
from civiscope.security.shamir import SHARES_LIMIT, join, split, value_at

RECORD_NAME = "officers.json"
_PREFIX = "CVKS"
_VERSION = 1
_CHECK = b"civiscope officer share check 1\0"
_DIGEST = b"civiscope officer share digest 1\0"
_HEAD_BYTES = 1 + 16 + 4 + 1 + 1
_KEY_BYTES = 32
_CHECK_BYTES = 5
_SHARE_BYTES = _HEAD_BYTES + _KEY_BYTES + _CHECK_BYTES
_CROCKFORD = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", "0123456789ABCDEFGHJKMNPQRSTVWXYZ")
_BASE32 = str.maketrans("0123456789ABCDEFGHJKMNPQRSTVWXYZ", "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")
_KEPT_SETS = 8


@dataclass(frozen=True, slots=True)
class OfficerShare:
    """One officer's share; `repr` shows nothing of its value."""

    site_id: SiteId
    set_id: bytes
    index: int
    needed: int
    value: bytes

    def __repr__(self) -> str:
        return f"OfficerShare({self.index} of set {self.set_id.hex()})"

    @property
    def text(self) -> str:
        """24 groups of four after the prefix: what a QR code's alphanumeric mode takes."""
        head = bytes([_VERSION]) + self.site_id.bytes + self.set_id + bytes([self.index, self.needed])
        body = head + self.value
        data = body + sha256(_CHECK + body).digest()[:_CHECK_BYTES]
        letters = base64.b32encode(data).decode().rstrip("=").translate(_CROCKFORD)
        return "-".join([_PREFIX, *(letters[at : at + 4] for at in range(0, len(letters), 4))])

    @property
    def digest(self) -> str:
        """What the record knows of it: says nothing of the key, the value being 32 random bytes."""
        return sha256(_DIGEST + self.set_id + bytes([self.index]) + self.value).hexdigest()


def read_share(text: str) -> OfficerShare:
    """A share as typed: small letters, blanks, O for 0, I and L for 1 do no harm; INVALID in plain words."""
    typed = "".join(one for one in text.upper() if one.isalnum())
    if not typed.startswith(_PREFIX):
        raise _wrong(f"A share begins with {_PREFIX}. Type it from there.")
    letters = typed.removeprefix(_PREFIX).translate(str.maketrans("OIL", "011"))
    try:
        data = base64.b32decode(_padded(letters.translate(_BASE32)))
    except ValueError:
        data = b""
    if len(data) != _SHARE_BYTES:
        wanted = -(-_SHARE_BYTES * 8 // 5)
        raise _wrong(f"A share has {wanted} letters and digits after {_PREFIX}; here are {len(letters)}.")
    body, check = data[:-_CHECK_BYTES], data[-_CHECK_BYTES:]
    if not hmac.compare_digest(check, sha256(_CHECK + body).digest()[:_CHECK_BYTES]):
        raise _wrong("A share was mistyped: its check sum is wrong. Compare it letter by letter.")
    if body[0] != _VERSION:
        raise _wrong(f"A share of version {body[0]}: this release reads version {_VERSION}. Use a newer one.")
    return OfficerShare(
        SiteId(UUID(bytes=body[1:17])), body[17:21], body[21], body[22], body[_HEAD_BYTES:]
    )  # fmt: skip


def split_key(site_id: SiteId, key: bytes, needed: int, officers: int) -> list[OfficerShare]:
    """A new set: any `needed` of them give the key, fewer say nothing of it."""
    if not 2 <= needed <= officers <= SHARES_LIMIT:
        raise AppError(
            ErrorKind.INVALID,
            f"{needed} of {officers} officers: at least 2 are needed, no more than there are, "
            f"of at most {SHARES_LIMIT}.",
        )
    set_id = os.urandom(4)
    return [
        OfficerShare(site_id, set_id, index, needed, value)
        for index, value in sorted(split(key, needed, officers).items())
    ]


def join_shares(shares: Sequence[OfficerShare], site_id: SiteId, records: "SetRecords") -> bytes:
    """The key that the shares say; what opens with it is for the lock. INVALID names what is wrong."""
    if not shares:
        raise _wrong("No share was given.")
    _check_set(shares, site_id)
    by_index = _by_index(shares)
    false = records.false_ones(by_index.values())
    if false:
        named = ", ".join(str(one.index) for one in false)
        raise _wrong(
            f"Share {named} is false: it has the right form, but is not what this site gave out. "
            "Keep it as evidence, and ask another officer."
        )
    needed = shares[0].needed
    if len(by_index) < needed:
        missing = needed - len(by_index)
        raise _wrong(
            f"{len(by_index)} of {needed} shares are here: {missing} more of the same set are needed."
        )
    values = {one.index: one.value for one in list(by_index.values())[:needed]}
    for one in by_index.values():
        if value_at(values, one.index) != one.value:
            raise _wrong(
                "The shares contradict each other: one of them is false. Try other officers' shares."
            )
    return join(values)


class SetRecords:
    """The sets that were given out, by digests of their shares; no secret in it. The newest last."""

    def __init__(self, server_folder: Path) -> None:
        self._path = server_folder / RECORD_NAME

    def add(self, shares: Sequence[OfficerShare], at_us: int) -> None:
        """Remember a new set, on the disk when this returns; the last eight are kept."""
        first = shares[0]
        entry = {
            "set": first.set_id.hex(), "needed": first.needed, "officers": len(shares), "at_us": at_us,
            "digests": {str(one.index): one.digest for one in shares},
        }  # fmt: skip
        kept = [*self.sets(), entry][-_KEPT_SETS:]
        write_private(self._path, json.dumps({"version": 1, "sets": kept}, indent=1).encode())

    def sets(self) -> list[dict[str, object]]:
        """All that are remembered; none when there is no record, or it is damaged."""
        if not self._path.exists():
            return []
        try:
            found = json.loads(read_private(self._path))["sets"]
            return [dict(one) for one in found]
        except (ValueError, LookupError, TypeError):
            return []

    def false_ones(self, shares: Iterable[OfficerShare]) -> list[OfficerShare]:
        """Those of a remembered set that are not what was given out; where nothing is remembered, none."""
        found = []
        for one in shares:
            known = next((each for each in self.sets() if each.get("set") == one.set_id.hex()), None)
            digests = known.get("digests") if known else None
            if isinstance(digests, dict) and digests.get(str(one.index)) != one.digest:
                found.append(one)
        return found


def _check_set(shares: Sequence[OfficerShare], site_id: SiteId) -> None:
    for one in shares:
        if one.site_id != site_id:
            raise _wrong(f"Share {one.index} is of another site ({one.site_id}); this is {site_id}.")
    first = shares[0]
    for one in shares[1:]:
        if (one.set_id, one.needed) != (first.set_id, first.needed):
            raise _wrong(
                f"Share {one.index} is of set {one.set_id.hex()}, share {first.index} of set "
                f"{first.set_id.hex()}: shares of different sets do not fit. Take those of one set."
            )


def _by_index(shares: Sequence[OfficerShare]) -> dict[int, OfficerShare]:
    found: dict[int, OfficerShare] = {}
    for one in shares:
        if one.index in found and found[one.index].value != one.value:
            raise _wrong(f"Two different shares have the number {one.index}: one of them is false.")
        if not 1 <= one.index <= SHARES_LIMIT:
            raise _wrong(f"There is no share {one.index}: it is false.")
        found[one.index] = one
    return found


def _padded(letters: str) -> str:
    return letters + "=" * (-len(letters) % 8)


def _wrong(words: str) -> AppError:
    return AppError(ErrorKind.INVALID, words)
