"""Text → the words by which it is found.

What a person types and what they look for are taken apart alike: case, accents and the width of
letters do not count, punctuation parts words, and every emoji is a word. Scripts that are written
without spaces have a word for each character and for each pair of neighbours.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from itertools import groupby, pairwise

MAX_WORD = 48
"""Characters of a word that count."""

_ACCENTS = re.compile("[\u0300-\u036f]")
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u0f00-\u0fff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3021-\u312f\u31a0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U0001b000-\U0001b16f\U00020000-\U0003134f]"
)
"""Thai, Lao, Tibetan, Burmese, Khmer; kana, Bopomofo and Han."""
_VARIANTS = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")

_GAP, _WORD, _RUN, _SIGN = range(4)


def words_of(text: str) -> tuple[str, ...]:
    """Return the words that a text is indexed by, each once, in the order they come."""
    return tuple(dict.fromkeys(_words(text, is_asked=False)))


def asked_words(text: str) -> tuple[str, ...]:
    """Return the words that must occur in what is found, the last being only begun perhaps."""
    *whole, begun = tuple(_words(text, is_asked=True)) or ("",)
    return (*dict.fromkeys(whole), begun) if begun else ()


def _words(text: str, *, is_asked: bool) -> Iterator[str]:
    for kind, characters in groupby(_plain(text), key=_kind):
        if kind == _WORD:
            yield "".join(characters)[:MAX_WORD]
        elif kind == _SIGN:
            yield from characters
        elif kind == _RUN:
            yield from _parts(list(characters), is_asked=is_asked)


def _parts(run: list[str], *, is_asked: bool) -> Iterator[str]:
    """Take a run of characters apart; what is asked for by pairs need not be asked singly."""
    if not is_asked or len(run) == 1:
        yield from run
    yield from map("".join, pairwise(run))


def _plain(text: str) -> str:
    """Fold case, width and accents."""
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    bare = _VARIANTS.sub("", _ACCENTS.sub("", folded))
    return unicodedata.normalize("NFC", bare)


@lru_cache(maxsize=8192)
def _kind(character: str) -> int:
    if _UNSPACED.match(character):
        return _RUN
    category = unicodedata.category(character)
    if category[0] in "LNM" or category == "Co":
        return _WORD
    return _SIGN if category[0] == "S" and not character.isascii() else _GAP
