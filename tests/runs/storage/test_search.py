from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kie_ui.runs.storage.search import MAX_TERM_LENGTH, query_terms, search_terms


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Ein Café in ÖSTERREICH", ("ein", "cafe", "in", "osterreich")),
        ("straße STRASSE", ("strasse",)),
        ('"waves" AND (NOT* fox)', ("waves", "and", "not", "fox")),
        ("c++ a_b\0c \ud800d", ("c", "a", "b", "d")),
        ("\uff26ull", ("full",)),
        ("a 🦊‍🔥 runs", ("a", "🦊", "🔥", "runs")),
        ("女の子", ("女", "の", "子", "女の", "の子")),
        ("хлеб й한국어", ("хлеб", "и한국어")),
        ("", ()),
    ],
)
def test_a_text_is_taken_apart_as_people_read_it(text: str, words: tuple[str, ...]) -> None:
    """Case, accents, width and punctuation do not count; signs and unspaced scripts do."""
    assert search_terms(text) == words


def test_unspaced_scripts_are_asked_for_by_pairs() -> None:
    """Characters far from each other are no match."""
    assert query_terms("女の子 4k") == ("女の", "の子", "4k")
    assert query_terms("女") == ("女",)


def test_the_last_word_stays_last() -> None:
    """It is the one that may be only begun; said before, the whole word must be there as well."""
    assert query_terms("fox runs fox") == ("fox", "runs", "fox")
    assert query_terms("fox fox runs") == ("fox", "runs")


@given(st.text())
def test_words_are_harmless(text: str) -> None:
    """No word holds anything that parts words, or that a search could take for its own sign."""
    for word in search_terms(text):
        assert 0 < len(word) <= MAX_TERM_LENGTH
        assert not any(each.isspace() or each in '"*()^+-:{}\0' for each in word)
        word.encode()


@given(st.text())
def test_whatever_is_typed_finds_itself(text: str) -> None:
    """Every term searched for by a text occurs in the index of that very text."""
    *whole, begun = query_terms(text) or ("",)
    words = search_terms(text)
    assert set(whole) <= set(words)
    assert not words or any(word.startswith(begun) for word in words)
