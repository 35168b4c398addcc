"""Any `needed` shares give the key back, fewer or false ones never do, and each fault is named."""

import itertools
from hmac import digest
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from civiscope.base import AppError, ErrorKind, SiteId, new_id
from civiscope.security.officers import OfficerShare, SetRecords, join_shares, read_share, split_key
from civiscope.security.shamir import join, split, value_at

SITE = SiteId(UUID("01a22fb0-f3af-7727-9298-334ddca06cc4"))
KEY = bytes(range(32))


def test_the_published_vector_of_slip_0039() -> None:
    """Vector 4 of SLIP-0039, 2 of 3: the values of its two mnemonics, by index.

    The secret stands at 255, and at 254 its digest: 4 bytes of HMAC-SHA-256 with the 12 bytes behind them.
    What is joined here, deciphered with the vector's passphrase TREZOR, is b43ceb7e57a0ea8766221624d01b0864.
    """
    shares = {
        2: bytes.fromhex("08fb14b66e692e25dfe2edf53289ed62"),
        0: bytes.fromhex("06ab48fef4bedc8ce58baeef0a73f76e"),
    }
    secret, check = value_at(shares, 255), value_at(shares, 254)
    assert digest(check[4:], secret, "sha256")[:4] == check[:4]
    assert secret.hex() == "cdc017fddc829e791b1371780be0605a"


@given(st.binary(min_size=1, max_size=40), st.integers(1, 6), st.integers(0, 3), st.data())
@settings(max_examples=60, deadline=None)
def test_any_needed_shares_give_the_secret_back(
    secret: bytes, needed: int, spare: int, data: st.DataObject
) -> None:
    shares = split(secret, needed, needed + spare)
    assert sorted(shares) == list(range(1, needed + spare + 1))
    chosen = data.draw(st.permutations(sorted(shares)))[:needed]
    assert join({index: shares[index] for index in chosen}) == secret
    for index, value in shares.items():
        assert value_at({one: shares[one] for one in chosen}, index) == value


def test_fewer_shares_say_nothing() -> None:
    """With one share of two, each of the 256 secrets has one polynomial through it: all are as likely."""
    share = split(b"\x2a", 2, 3)[1]
    for secret in range(256):
        through = {0: bytes([secret]), 1: share}
        assert join({1: share, 2: value_at(through, 2)}) == bytes([secret])


@pytest.mark.parametrize(("needed", "count"), [(0, 1), (3, 2), (1, 33)])
def test_shares_are_bounded(needed: int, count: int) -> None:
    with pytest.raises(ValueError, match="shares"):
        split(KEY, needed, count)


def words(error: pytest.ExceptionInfo[AppError]) -> str:
    assert error.value.kind is ErrorKind.INVALID
    return error.value.message


def test_three_of_five_officers_join_the_key(tmp_path: Path) -> None:
    records = SetRecords(tmp_path)
    shares = split_key(SITE, KEY, 3, 5)
    for chosen in itertools.combinations(shares, 3):
        typed = [read_share(one.text.lower().replace("-", " ")) for one in chosen]
        assert join_shares(typed, SITE, records) == KEY
    assert join_shares(shares, SITE, records) == KEY
    assert join_shares([*shares[:3], shares[0]], SITE, records) == KEY


def test_what_is_wrong_with_shares_is_said(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    records = SetRecords(tmp_path)
    shares = split_key(SITE, KEY, 3, 5)
    records.add(shares, 7)
    other = split_key(SITE, KEY, 3, 5)
    forged = OfficerShare(SITE, shares[0].set_id, 2, 3, bytes(32))
    for given_, told in (
        ([], "No share"),
        (shares[:2], "2 of 3 shares are here: 1 more"),
        ([*shares[:2], other[4]], "different sets"),
        ([*shares[:2], forged], "number 2"),
        ([shares[0], forged, shares[3]], "Share 2 is false"),
        ([*shares[:2], OfficerShare(SITE, shares[0].set_id, 7, 3, bytes(32))], "Share 7 is false"),
        ([*shares[:2], OfficerShare(SiteId(new_id()), shares[0].set_id, 3, 3, KEY)], "another site"),
        ([*shares[:2], OfficerShare(SITE, shares[0].set_id, 3, 2, KEY)], "different sets"),
    ):
        with pytest.raises(AppError) as error:
            join_shares(given_, SITE, records)
        assert told in words(error)
    assert records.sets()[0]["officers"] == 5


def test_without_the_record_a_false_share_among_more_than_needed_is_noticed(tmp_path: Path) -> None:
    shares = split_key(SITE, KEY, 2, 4)
    forged = OfficerShare(SITE, shares[0].set_id, 2, 2, bytes(32))
    with pytest.raises(AppError, match="contradict"):
        join_shares([shares[0], forged, shares[2]], SITE, SetRecords(tmp_path))


@given(st.integers(0, 94), st.sampled_from("0123456789ABCDEFGHJKMNPQRSTVWXYZ"))
@settings(max_examples=150, deadline=None)
def test_a_mistyped_letter_is_noticed(at: int, letter: str) -> None:
    share = split_key(SITE, KEY, 2, 2)[0]
    letters = list(share.text.removeprefix("CVKS-").replace("-", ""))
    at = min(at, len(letters) - 1)
    was, letters[at] = letters[at], letter
    text = "CVKS" + "".join(letters)
    if was == letter:
        assert read_share(text) == share
    else:
        with pytest.raises(AppError):
            read_share(text)


@given(st.text(max_size=130))
def test_anything_else_is_no_share(text: str) -> None:
    with pytest.raises(AppError) as error:
        read_share(text)
    assert error.value.kind is ErrorKind.INVALID


def test_a_share_names_its_site_and_shows_no_value() -> None:
    share = split_key(SITE, KEY, 2, 3)[2]
    assert (share.site_id, share.index, share.needed) == (SITE, 3, 2)
    assert share.value.hex() not in repr(share)
    assert set(share.text) <= set("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-")
    with pytest.raises(AppError):
        split_key(SITE, KEY, 1, 3)
