"""Logins: the examples of the RFCs, round trips, and what must never happen."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from civiscope.base import ProtocolError
from civiscope.media.wire import (
    BasicChallenge,
    Challenge,
    Credentials,
    DigestChallenge,
    basic_authorization,
    choose_challenge,
    digest_authorization,
    parse_authorization,
    parse_challenges,
    proof_is_right,
    write_challenge,
)

_TEXT = st.text(st.characters(min_codepoint=32, max_codepoint=0x24F, exclude_characters="\x7f"), max_size=20)
_DIGESTS = st.builds(
    DigestChallenge,
    realm=_TEXT,
    nonce=st.from_regex(r"[0-9a-zA-Z+/=]{1,40}", fullmatch=True),
    algorithm=st.sampled_from(["", "MD5", "SHA-256", "MD5-sess", "SHA-256-sess"]),
    qop=st.sampled_from(["", "auth"]),
    opaque=st.one_of(st.none(), _TEXT),
    is_stale=st.booleans(),
)


def test_the_example_of_rfc_2617() -> None:
    challenge = DigestChallenge(
        "testrealm@host.com", "dcd98b7102dd2f0e8b11d0f600bfb0c093", qop="auth",
        opaque="5ccc069c403ebaf9f0171e9517f40e41",
    )  # fmt: skip
    value = digest_authorization(
        challenge, Credentials("Mufasa", "Circle Of Life"), "GET", "/dir/index.html", 1, "0a4f113b"
    )
    assert 'response="6629fae49393a05397450978507c4ef1"' in value


@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_the_examples_of_rfc_7616(algorithm: str, response: str) -> None:
    challenge = DigestChallenge(
        "http-auth@example.org", "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", algorithm, "auth",
        "FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS",
    )  # fmt: skip
    cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
    value = digest_authorization(
        challenge, Credentials("Mufasa", "Circle of Life"), "GET", "/dir/index.html", 1, cnonce
    )
    assert f'response="{response}"' in value


@given(_DIGESTS)
def test_offers_are_read_as_written(challenge: DigestChallenge) -> None:
    assert parse_challenges([write_challenge(challenge)]) == [challenge]


@given(_DIGESTS, _TEXT, _TEXT)
def test_a_proof_is_right_for_its_password_only(
    challenge: DigestChallenge, username: str, password: str
) -> None:
    credentials = Credentials(username, password)
    value = digest_authorization(challenge, credentials, "PLAY", "rtsp://h/a", 3, "c0ffee")
    proof = parse_authorization(value)
    assert proof is not None
    assert proof.username == username
    assert proof_is_right(proof, challenge, credentials, "PLAY")
    assert not proof_is_right(proof, challenge, Credentials(username, password + "x"), "PLAY")
    assert not proof_is_right(proof, challenge, credentials, "TEARDOWN")
    assert not proof_is_right(proof, replace(challenge, nonce=challenge.nonce + "0"), credentials, "PLAY")
    assert not proof_is_right(proof, BasicChallenge(challenge.realm), credentials, "PLAY")


@given(_TEXT.filter(lambda text: ":" not in text), _TEXT)
def test_basic_is_read_as_written(username: str, password: str) -> None:
    credentials = Credentials(username, password)
    proof = parse_authorization(basic_authorization(credentials))
    assert proof is not None
    assert proof_is_right(proof, BasicChallenge("r"), credentials, "PLAY") == (proof.username == username)
    assert not proof_is_right(proof, DigestChallenge("r", "n"), credentials, "PLAY")


@given(st.text(max_size=100), st.text(max_size=100))
def test_any_text_is_an_offer_a_proof_or_neither(offer: str, proof: str) -> None:
    parse_challenges([offer, "Digest " + offer, "Basic " + offer])
    for value in (proof, "Digest " + proof, "Basic " + proof):
        read = parse_authorization(value)
        if read is not None:
            assert not proof_is_right(read, DigestChallenge("r", "n"), Credentials("u", "p"), "PLAY")


def test_the_strongest_offer_is_taken_even_from_one_line() -> None:
    line = (
        'Basic realm="a, Digest nonce", Digest realm="r", nonce="1", algorithm=MD5, qop="auth-int,auth", '
        'Digest realm="r", nonce="2", algorithm=SHA-256, stale=TRUE'
    )
    offers = parse_challenges([line])
    assert offers == [
        BasicChallenge("a, Digest nonce"), DigestChallenge("r", "1", "MD5", "auth"),
        DigestChallenge("r", "2", "SHA-256", is_stale=True),
    ]  # fmt: skip
    assert choose_challenge(offers) == offers[2]
    assert choose_challenge([]) is None


@pytest.mark.parametrize(
    "value",
    [
        'Digest realm="r"',
        'Digest realm="r", nonce="1", algorithm=SHA-512-256',
        'Digest nonce="1", qop="auth-int"',
        "Negotiate abc",
        "",
    ],
)
def test_offers_that_cannot_be_answered_are_left_out(value: str) -> None:
    assert parse_challenges([value]) == []


def test_secrets_show_in_no_repr() -> None:
    credentials = Credentials("admin", "hunter2")
    assert "hunter2" not in repr(credentials)
    proof = parse_authorization(basic_authorization(credentials))
    assert "hunter2" not in repr(proof)
    with pytest.raises(ProtocolError, match="colon"):
        basic_authorization(Credentials("a:b", "c"))
    with pytest.raises(ProtocolError, match="not known"):
        digest_authorization(DigestChallenge("r", "n", "WHIRLPOOL"), credentials, "PLAY", "/")


def test_offers_of_both_kinds_are_chosen_by_strength() -> None:
    offers: list[Challenge] = [BasicChallenge("r"), DigestChallenge("r", "n")]
    assert choose_challenge(offers) == offers[1]
