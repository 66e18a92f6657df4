"""Facts that stand only in the words of a description."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple

from kie_ui.catalog.docs_import.documented import (
    NUMBER,
    DocumentedParameter,
    Findings,
    as_count,
    as_number,
    bytes_in,
)
from kie_ui.catalog.docs_import.media import MIME, as_address, is_media
from kie_ui.catalog.media_types import mime_of_suffix

_DASH = r"\s*(?:-|–|—|~|to|and)\s*"
_LOW = rf"(?P<low>{NUMBER})"
_HIGH = rf"(?P<high>{NUMBER})"
_N = rf"(?P<n>{NUMBER})"
_SECONDS = r"(?:s|sec|secs|seconds)"


class Limits(NamedTuple):
    """The least and the most of something, and its step; None where nothing is said."""

    least: int | float | None = None
    most: int | float | None = None
    step: int | float | None = None


class Counts(NamedTuple):
    """The fewest and the most of something that is counted; None where nothing is said."""

    least: int | None = None
    most: int | None = None


def _compiled(*patterns: str) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(pattern, re.IGNORECASE) for pattern in patterns)


MAX_WORDS = 5_000
"""Characters of a description in which limits are looked for."""
_MARKS = str.maketrans(
    {"\u2011": "-", "\uff1a": ":", "\uff1b": ";", "\u3001": ", ", "\uff08": "(", "\uff09": ")"}
    | {"`": "", "\uff0c": ", "}
)
_CHINESE = (
    (
        # "supported" or "accepted", perhaps "files", "pictures", "videos", "sounds"; "types"
        (
            "(?:\u652f\u6301|\u63a5\u53d7)\u7684?"
            "(?:\u6587\u4ef6|\u56fe\u7247|\u56fe\u50cf|\u89c6\u9891|\u97f3\u9891)?"
            "(?:\u7c7b\u578b|\u683c\u5f0f)"
        ),
        "Accepted types",
    ),
    ("\u6700\u5927(?:\u6587\u4ef6)?\u5927\u5c0f", "Max size"),
    ("\u6700\u5927\u957f\u5ea6", "Max length"),
    ("\u6700\u5c0f\u503c", "Min"),
    ("\u6700\u5927\u503c", "Max"),
    ("\u6b65\u957f", "Step"),
)
"""Patterns of the words for the limits on the Chinese edition of the same pages."""


def plain(description: str) -> str:
    """Return the words without Markdown's marks, each line's blanks put into one."""
    text = description[:MAX_WORDS].translate(_MARKS).replace("**", "")
    for chinese, english in _CHINESE:
        text = re.sub(chinese, english, text)
    return "\n".join(" ".join(line.split()) for line in text.split("\n"))


_NO_UNIT = r"(?!\s*(?:[kmg]i?b|m|char|px|pixel|image|file|video|item)\w*\b)"
_MINIMUM = _compiled(rf"\bmin(?:imum)?(?: value)?\s*[:=]\s*{_N}{_NO_UNIT}")
_MAXIMUM = _compiled(rf"\bmax(?:imum)?(?: value)?\s*[:=]\s*{_N}{_NO_UNIT}")
_STEP = _compiled(rf"\bstep(?: size)?\s*[:=]\s*{_N}")


_DURATION = re.compile(
    rf"\boptional duration\s*:\s*{_LOW}\s*{_SECONDS}?{_DASH}{_HIGH}\s*{_SECONDS}\b", re.IGNORECASE
)


def limits_in(words: str) -> Limits:
    """Return what stands as "Min: 0, Max: 1, Step: 0.1", or "Optional duration: 3s - 15s"."""
    step = _number(_STEP, words)
    told = Limits(_number(_MINIMUM, words), _number(_MAXIMUM, words), step or None)
    duration = _DURATION.search(words)
    if duration and told == Limits():
        return Limits(as_number(duration["low"]), as_number(duration["high"]))
    return told


def _number(patterns: tuple[re.Pattern[str], ...], words: str) -> int | float | None:
    found = next((m for p in patterns if (m := p.search(words))), None)
    return as_number(found["n"]) if found else None


_RANGES = _compiled(
    rf"\brange\b\s*(?:is|of|:|=)?\s*(?:an integer\s*)?(?:from\s+|between\s+)?{_LOW}{_DASH}{_HIGH}",
    rf"\brange\b\s*(?:is|of|:|=)?\s*\[\s*{_LOW}\s*[,-]\s*{_HIGH}\s*\]",
    rf"\bmust be between\s+{_LOW}{_DASH}{_HIGH}",
    rf"\bmust be an integer (?:from|between)\s+{_LOW}{_DASH}{_HIGH}",
    rf"\b(?:ranging from|values? from)\s+{_LOW}{_DASH}{_HIGH}",
    rf"\b(?:in|supports)\s+{_LOW}{_DASH}{_HIGH}\s*{_SECONDS}\b",
)
_CONDITION = re.compile(r"[^.;\n]{0,12}\b(?:when|if|for|while|unless|depending)\b", re.IGNORECASE)
_MINUS_ONE = re.compile(r"(?<![\d.])[-−]1\b(?![.\d])")


def range_in(words: str) -> Limits:
    """Return the one range that a text gives, unless it holds on a condition only."""
    found = [match for pattern in _RANGES for match in pattern.finditer(words)]
    spans = {(as_number(match["low"]), as_number(match["high"])) for match in found}
    if len(spans) != 1 or any(_CONDITION.match(words, match.end()) for match in found):
        return Limits()
    low, high = spans.pop()
    if low is None or high is None or low >= high or (low > -1 and _MINUS_ONE.search(words)):
        return Limits()
    return Limits(low, high)


_LENGTHS = _compiled(
    rf"\bmax(?:imum)?\.?\s*length\s*(?:is|of|:|=)?\s*(?:{_LOW}\s*[-–]\s*)?{_HIGH}",
    rf"\b{_LOW}{_DASH}{_HIGH}\s*characters",
    rf"\b(?:maximum(?: of)?|max\.?|up to|no more than|at most|(?:not|cannot) exceed)\s+{_HIGH}"
    r"\s*characters",
)
_SHORTEST = _compiled(
    rf"\bmin(?:imum)?\.?\s*length\s*(?:is|of|:|=)?\s*{_N}",
    rf"\b(?:minimum of|at least)\s+{_N}\s*characters",
)
_TOGETHER = re.compile(r"\b(?:combined|total|altogether|sum)\b", re.IGNORECASE)


def length_in(words: str) -> Counts:
    """Return the fewest and the most characters that a text may have."""
    least = most = None
    for pattern in _LENGTHS:
        match = pattern.search(words)
        if match is None or _TOGETHER.search(_sentence_around(words, match)):
            continue
        low = as_count(match.groupdict().get("low"))
        most = as_count(match["high"]) if most is None else most
        least = low if least is None else least
    shortest = next((m for p in _SHORTEST if (m := p.search(words))), None)
    least = as_count(shortest["n"]) if shortest else least
    return Counts(least or None, most or None)


def _sentence_around(words: str, match: re.Match[str]) -> str:
    """Return the sentence in which a match stands."""
    start = max(words.rfind(mark, 0, match.start()) for mark in (". ", "\n", "; "))
    ends = [end for mark in (". ", "\n", "; ") if (end := words.find(mark, match.end())) >= 0]
    return words[start + 1 : min(ends, default=len(words))]


_NUMBER_WORDS = {
    word: str(number)
    for number, word in enumerate(
        ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"), 1
    )
}
_COUNT = rf"(?P<n>\d[\d,]*|{'|'.join(_NUMBER_WORDS)})"
_THINGS = (
    r"(?:(?:reference|input|image|video|audio|style|external|mask)\s+)?"
    r"(?:images?|inputs?|pictures?|photos?|videos?|audios?|files?|urls?|url strings?|items?|"
    r"elements?|shots?|masks?|colou?rs?|entries|clips?|references?|segments?)\b(?!\s+per\b)"
)
_ITEMS = _compiled(
    rf"\b(?:up to|maximum of|max(?:imum)?\.?|at most|no more than|limited to)\s+{_COUNT}\s+"
    rf"{_THINGS}",
    rf"(?P<low>\d+)\s*[-–]\s*{_COUNT}\s+{_THINGS}",
    rf"\b(?:only|exactly)\s+(?P<n>1|one)\s+{_THINGS}",
)


def count_of_items(words: str) -> Counts:
    """Return how many entries a list may have, unless a text gives several numbers."""
    found = [match for pattern in _ITEMS for match in pattern.finditer(words)]
    counts = {_count_in(match["n"]) for match in found}
    if len(counts) != 1 or any(_CONDITION.match(words, match.end()) for match in found):
        return Counts()
    lows = {as_count(low) for match in found if (low := match.groupdict().get("low"))}
    least = lows.pop() if len(lows) == 1 else None
    most = counts.pop()
    return Counts(least or None, most) if (least or 0) <= (most or 0) else Counts(None, most)


def _count_in(text: str) -> int | None:
    return as_count(_NUMBER_WORDS.get(text.lower(), text)) or None


_SIZE = re.compile(r"\d[\d,]*(?:\.\d+)?\s*[KMG](?P<byte>i?B)?\b", re.IGNORECASE)
_LIMIT = re.compile(
    r"\bmax|\blimit|less than|\bunder\b|\bup to\b|no (?:larger|more|bigger)|exceed|≤|<|\bwithin\b",
    re.IGNORECASE,
)
_NO_LIMIT = re.compile(
    r"\btotal|\bcombined|\bsum\b|at least|\bminimum|\brecommend|\bmin\b", re.IGNORECASE
)
_OF_FILE = re.compile(r"\bmax(?:imum)?\.?\s*(?:file\s*)?size\b", re.IGNORECASE)


def size_in(words: str) -> int | None:
    """Return the largest size of a file, unless a text gives several."""
    of_file: list[int] = []
    others: list[int] = []
    for match in _SIZE.finditer(words):
        lead = re.split(r"[;\n(]|\. ", words[max(0, match.start() - 70) : match.start()])[-1]
        is_limit = _LIMIT.search(lead) or words[match.end() :].lstrip().lower().startswith("max")
        is_size = match["byte"] or re.search(r"\bsize\b", lead, re.IGNORECASE)
        if not is_limit or not is_size or _NO_LIMIT.search(lead):
            continue
        text = match[0] if match["byte"] else f"{match[0]}B"
        size = bytes_in(text)
        if size is not None:
            (of_file if _OF_FILE.search(lead) else others).append(size)
    told = of_file or others
    return told[0] if len(set(told)) == 1 else None


_WORD = r"\.?[A-Za-z][A-Za-z0-9]{1,4}(?:\s*\([^)\n]{0,40}\))?"
_WORDS = rf"(?P<list>{_WORD}(?:(?:\s*[,/]\s*(?:and\s+|or\s+)?|\s+and\s+|\s+or\s+){_WORD}){{0,30}})"
_LISTED = re.compile(
    r"\b(?:accepted\s*:|(?:accepted|supported|allowed|supports)\s+"
    r"(?:file\s+|image\s+|video\s+|audio\s+)?(?:types?|formats?))\s*:?(?P<list>[^;\n]*)",
    re.IGNORECASE,
)
_FORMATS = _compiled(
    rf"\bformats?\s*(?::|include)\s*{_WORDS}",
    rf"\bsupports\s+{_WORDS}",
    rf"{_WORDS}\s+formats?\b",
)


def types_in(words: str, *, only_listed: bool = False) -> tuple[str, ...]:
    """Return the MIME types of the files that a text says are taken.

    Unless `only_listed`, endings such as "JPG or PNG" count too, if each of them is known.
    """
    for match in _LISTED.finditer(words):
        told = MIME.findall(match["list"].lower())
        if told:
            return tuple(told)
    if only_listed:
        return ()
    for pattern in _FORMATS:
        for match in pattern.finditer(words):
            types = _of_endings(match["list"])
            if types:
                return types
    return ()


def _of_endings(words: str) -> tuple[str, ...]:
    """Return the types of a list of endings; none if one of them is not known."""
    types: list[str] = []
    for word in re.findall(r"[A-Za-z0-9]+", re.sub(r"\([^)]*\)", "", words)):
        if word in ("and", "or"):
            continue
        mime = mime_of_suffix(f".{word}")
        if mime is None:
            # In small letters it may be any word after the list.
            return tuple(dict.fromkeys(types)) if word.islower() else ()
        types.append(mime)
    return tuple(dict.fromkeys(types))


_A_NUMBER = rf"\s*[:=]\s*\[?{NUMBER}"
_LABELS = {
    "minimum": rf"\bmin(?:imum)?(?: value)?{_A_NUMBER}|\brange{_A_NUMBER}",
    "maximum": rf"\bmax(?:imum)?(?: value)?{_A_NUMBER}|\brange{_A_NUMBER}",
    "step": rf"\bstep(?: size)?{_A_NUMBER}",
    "min_length": rf"\bmin(?:imum)? length{_A_NUMBER}",
    "max_length": rf"\bmax(?:imum)? length{_A_NUMBER}",
    "min_items": rf"\bmin(?:imum)? (?:items|files|count){_A_NUMBER}",
    "max_items": rf"\bmax(?:imum)? (?:items|files|count){_A_NUMBER}",
    "max_bytes": rf"\bmax(?:imum)? (?:file )?size(?: (?:per|(?:for|of) each) \w+)?{_A_NUMBER}",
    "accepts": rf"\b(?:accept|support|allow)ed (?:file )?(?:types|formats)\s*:\s*{MIME.pattern}",
}
_LABELLED = {fact: re.compile(label, re.IGNORECASE) for fact, label in _LABELS.items()}


def is_labelled(fact: str, words: str) -> bool:
    """Tell whether a fact stands in the words under its name, as in "Max length: 500"."""
    return _LABELLED[fact].search(words) is not None


_LEAST_AND_MOST = ("minimum", "maximum")
_ONLY_IN_WORDS = ("step", "max_bytes", "accepts")
_RANGE = re.compile(r"\brange\s*[:=]", re.IGNORECASE)


def is_stated(fact: str, words: str) -> bool:
    """Tell whether a fact in the words is one that the page states, as in "Max size: 10.0MB".

    Pages have entries of their own for lengths, counts and ranges: words that tell them limit
    the form, as a sentence without a label does, and are no statement of the page.
    """
    if fact in _LEAST_AND_MOST:
        return is_labelled(fact, _RANGE.sub("", words))
    return fact in _ONLY_IN_WORDS and is_labelled(fact, words)


def completed(parameter: DocumentedParameter, findings: Findings) -> DocumentedParameter:
    """Add what only the description says; where it contradicts the rest, the rest counts."""
    told: dict[str, Any] = {}
    words = plain(parameter.description)
    for fact, found in _facts_in(parameter):
        stated = getattr(parameter, fact)
        if found is None or found == ():
            continue
        if stated is None or stated == ():
            told[fact] = found
        elif stated != found and fact != "accepts" and is_labelled(fact, words):
            findings.add(
                f"{parameter.name}: the description says {found} for “{fact}”, the page’s own "
                f"entry {stated}; the latter counts."
            )
    told["gathered"] = frozenset(fact for fact in told if not is_stated(fact, words))
    told["items"] = completed(parameter.items, Findings()) if parameter.items else None
    told["fields"] = tuple(completed(field, Findings()) for field in parameter.fields)
    return replace(parameter, **told)


def _facts_in(parameter: DocumentedParameter) -> Iterator[tuple[str, Any]]:
    parameter = as_address(parameter)
    words = plain(parameter.description)
    if not words or parameter.options:
        return
    match parameter.type:
        case "number" | "integer":
            yield from _numeric(parameter, words)
        case "string":
            yield from _of_file(parameter, words)
            if not is_media(parameter):
                yield from _of_text(words)
        case "array":
            yield from _of_file(parameter, words)
            yield "min_items", count_of_items(words).least
            yield "max_items", count_of_items(words).most


def _numeric(parameter: DocumentedParameter, words: str) -> Iterator[tuple[str, Any]]:
    limits = limits_in(words)
    if limits.least is None and limits.most is None:
        limits = limits._replace(least=range_in(words).least, most=range_in(words).most)
    if _is_between(parameter.default, limits.least, limits.most):
        yield "minimum", limits.least
        yield "maximum", limits.most
    yield "step", limits.step


def _is_between(default: Any, least: float | None, most: float | None) -> bool:
    """Tell whether limits let the documented default be: if not, the words meant another thing."""
    if isinstance(default, bool) or not isinstance(default, (int, float)):
        return True
    return (least is None or least <= default) and (most is None or default <= most)


def _of_text(words: str) -> Iterator[tuple[str, Any]]:
    length = length_in(words)
    yield "min_length", length.least
    yield "max_length", length.most
    limits = limits_in(words)
    if limits.least is not None and limits.most is not None:
        yield "minimum", limits.least
        yield "maximum", limits.most
        yield "step", limits.step


def _of_file(parameter: DocumentedParameter, words: str) -> Iterator[tuple[str, Any]]:
    told = types_in(words, only_listed=not is_media(parameter))
    yield "accepts", told
    if told or is_media(parameter):
        yield "max_bytes", size_in(words)
