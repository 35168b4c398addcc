"""Session tokens, CSRF tokens and the set-up code."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from civiscope.base import AppError, ErrorKind
from civiscope.security import check_csrf, csrf_token
from civiscope.security.tokens import code_hash, new_code, new_token, token_hash


def test_tokens_are_long_and_never_the_same() -> None:
    tokens = {new_token().reveal() for _ in range(200)}
    assert len(tokens) == 200
    assert {len(token) for token in tokens} == {43}


def test_a_csrf_token_belongs_to_one_session() -> None:
    mine, other = new_token().reveal(), new_token().reveal()
    check_csrf(mine, csrf_token(mine))
    for sent in (
        None,
        "",
        csrf_token(other),
        csrf_token(mine)[:-1],
        csrf_token(mine).upper(),
        mine,
        "é",
        "\ud800",
    ):
        with pytest.raises(AppError) as refused:
            check_csrf(mine, sent)
        assert refused.value.kind is ErrorKind.DENIED
    assert mine not in csrf_token(mine)


def test_the_set_up_code_is_typed_in_groups_and_strong() -> None:
    codes = {new_code().reveal() for _ in range(100)}
    assert len(codes) == 100
    letters = set("".join(codes)) - {"-"}
    assert all([len(group) for group in code.split("-")] == [4, 4, 4, 4] for code in codes)
    assert not letters & set("ILOU")
    assert 16 * math.log2(32) >= 60


@pytest.mark.parametrize(
    "typed", ["k1qf-0m9x-tr4d-0zpa", "K1QF0M9XTR4D0ZPA", " kiqf om9x tr4d ozpa ", "KLQF-OM9X-TR4D-OZPA"]
)
def test_how_it_is_typed_does_not_matter(typed: str) -> None:
    assert code_hash(b"invitation", typed) == code_hash(b"invitation", "K1QF-0M9X-TR4D-0ZPA")


@given(st.text())
def test_any_text_can_be_hashed(text: str) -> None:
    assert len(code_hash(b"invitation", text)) == len(token_hash(text)) == 32


def test_a_code_of_one_use_is_none_of_another() -> None:
    assert code_hash(b"invitation", "K1QF") != code_hash(b"recovery code", "K1QF")
