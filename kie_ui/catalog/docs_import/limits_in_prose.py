"""Limits that only the prose of a description states, as in "up to 8 images"."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from kie_ui.catalog.docs_import.documented import (
    NUMBER,
    DocumentedParameter,
    as_count,
    as_number,
    bytes_in,
)
from kie_ui.catalog.docs_import.naming import MIME, as_address, is_media
from kie_ui.catalog.media_types import mime_of_suffix

MAX_CHARACTERS = 5_000
"""Characters of a description in which limits are looked for."""

Facts = dict[str, Any]  # by name; a missing one or None is not stated


def add_limits(parameter: DocumentedParameter, findings: list[str]) -> DocumentedParameter:
    """Add what only the description says; where it contradicts the rest, the rest counts."""
    added: Facts = {}
    prose = _plain(parameter.description)
    for fact, found in _facts_in(as_address(parameter), prose):
        stated = getattr(parameter, fact)
        if found is None or found == ():
            continue
        if stated is None or stated == ():
            added[fact] = found
        elif stated != found and fact != "accepts" and _LABELLED[fact].search(prose):
            findings.append(
                f"{parameter.name}: the description says {found} for “{fact}”, the page’s own "
                f"entry {stated}; the latter is used."
            )
    added["gathered"] = frozenset(fact for fact in added if not _is_statement(fact, prose))
    added["items"] = add_limits(parameter.items, []) if parameter.items else None
    added["fields"] = tuple(add_limits(field, []) for field in parameter.fields)
    return replace(parameter, **added)


def _facts_in(parameter: DocumentedParameter, prose: str) -> Iterator[tuple[str, Any]]:
    if not prose or parameter.options:
        return
    match parameter.type:
        case "number" | "integer":
            limits = labelled_limits(prose)
            if limits["minimum"] is None and limits["maximum"] is None:
                limits |= range_in(prose)
            if not _allows(limits, parameter.default):
                limits = {"step": limits["step"]}
            yield from limits.items()
        case "string":
            yield from _file_limits(parameter, prose).items()
            if not is_media(parameter):
                yield from length_in(prose).items()
                limits = labelled_limits(prose)
                if limits["minimum"] is not None and limits["maximum"] is not None:
                    yield from limits.items()
        case "array":
            yield from _file_limits(parameter, prose).items()
            yield from count_in(prose).items()


def _allows(limits: Facts, default: Any) -> bool:
    """Whether limits allow the documented default: if not, the prose meant something else."""
    if isinstance(default, bool) or not isinstance(default, (int, float)):
        return True
    low, high = limits["minimum"], limits["maximum"]
    return (low is None or low <= default) and (high is None or default <= high)


def _file_limits(parameter: DocumentedParameter, prose: str) -> Facts:
    types = types_in(prose, only_listed=not is_media(parameter))
    has_size = types or is_media(parameter)
    return {"accepts": types, "max_bytes": size_in(prose) if has_size else None}


_SEPARATORS = str.maketrans(
    {"\u2011": "-", "\uff1a": ":", "\uff1b": ";", "\u3001": ", ", "\uff08": "(", "\uff09": ")"}
    | {"`": "", "\uff0c": ", "}
)
_CHINESE = {
    # "supported" or "accepted", perhaps "files", "pictures", "videos", "sounds"; "types"
    "(?:\u652f\u6301|\u63a5\u53d7)\u7684?"
    "(?:\u6587\u4ef6|\u56fe\u7247|\u56fe\u50cf|\u89c6\u9891|\u97f3\u9891)?"
    "(?:\u7c7b\u578b|\u683c\u5f0f)": "Accepted types",
    "\u6700\u5927(?:\u6587\u4ef6)?\u5927\u5c0f": "Max size",
    "\u6700\u5927\u957f\u5ea6": "Max length",
    "\u6700\u5c0f\u503c": "Min",
    "\u6700\u5927\u503c": "Max",
    "\u6b65\u957f": "Step",
}
"""Patterns of the words for the limits on the Chinese edition of the same pages."""


def _plain(description: str) -> str:
    """Return a description without Markdown's marks, with single blanks within lines."""
    text = description[:MAX_CHARACTERS].translate(_SEPARATORS).replace("**", "")
    for chinese, english in _CHINESE.items():
        text = re.sub(chinese, english, text)
    return "\n".join(" ".join(line.split()) for line in text.split("\n"))


def _compile(*patterns: str) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(pattern, re.IGNORECASE) for pattern in patterns)


def _all(patterns: Iterable[re.Pattern[str]], prose: str) -> list[re.Match[str]]:
    return [match for pattern in patterns for match in pattern.finditer(prose)]


_TO = r"\s*(?:-|–|—|~|to|and)\s*"
_LOW = rf"(?P<low>{NUMBER})"
_HIGH = rf"(?P<high>{NUMBER})"
_N = rf"(?P<n>{NUMBER})"
_SECONDS = r"(?:s|sec|secs|seconds)"
_NO_UNIT = r"(?!\s*(?:[kmg]i?b|m|char|px|pixel|image|file|video|item)\w*\b)"
_LIMITS = {
    "minimum": re.compile(rf"\bmin(?:imum)?(?: value)?\s*[:=]\s*{_N}{_NO_UNIT}", re.IGNORECASE),
    "maximum": re.compile(rf"\bmax(?:imum)?(?: value)?\s*[:=]\s*{_N}{_NO_UNIT}", re.IGNORECASE),
    "step": re.compile(rf"\bstep(?: size)?\s*[:=]\s*{_N}", re.IGNORECASE),
}
_DURATION = re.compile(
    rf"\boptional duration\s*:\s*{_LOW}\s*{_SECONDS}?{_TO}{_HIGH}\s*{_SECONDS}\b", re.IGNORECASE
)


def labelled_limits(prose: str) -> Facts:
    """Return the limits in "Min: 0, Max: 1, Step: 0.1", or "Optional duration: 3s - 15s"."""
    found = {limit: pattern.search(prose) for limit, pattern in _LIMITS.items()}
    limits: Facts = {
        limit: as_number(match["n"] if match else "") for limit, match in found.items()
    }
    limits["step"] = limits["step"] or None
    duration = _DURATION.search(prose)
    if duration and not any(found.values()):
        limits |= {"minimum": as_number(duration["low"]), "maximum": as_number(duration["high"])}
    return limits


_RANGES = _compile(
    rf"\brange\b\s*(?:is|of|:|=)?\s*(?:an integer\s*)?(?:from\s+|between\s+)?{_LOW}{_TO}{_HIGH}",
    rf"\brange\b\s*(?:is|of|:|=)?\s*\[\s*{_LOW}\s*[,-]\s*{_HIGH}\s*\]",
    rf"\bmust be between\s+{_LOW}{_TO}{_HIGH}",
    rf"\bmust be an integer (?:from|between)\s+{_LOW}{_TO}{_HIGH}",
    rf"\b(?:ranging from|values? from)\s+{_LOW}{_TO}{_HIGH}",
    rf"\b(?:in|supports)\s+{_LOW}{_TO}{_HIGH}\s*{_SECONDS}\b",
)
_CONDITION = re.compile(r"[^.;\n]{0,12}\b(?:when|if|for|while|unless|depending)\b", re.IGNORECASE)
_MINUS_ONE = re.compile(r"(?<![\d.])[-−]1\b(?![.\d])")


def range_in(prose: str) -> Facts:
    """Return the one range that a text gives, unless it holds on a condition only."""
    found = _all(_RANGES, prose)
    ranges = {(as_number(match["low"]), as_number(match["high"])) for match in found}
    if len(ranges) != 1 or any(_CONDITION.match(prose, match.end()) for match in found):
        return {}
    low, high = ranges.pop()
    if low is None or high is None or low >= high or (low > -1 and _MINUS_ONE.search(prose)):
        return {}
    return {"minimum": low, "maximum": high}


_LENGTHS = _compile(
    rf"\bmax(?:imum)?\.?\s*length\s*(?:is|of|:|=)?\s*(?:{_LOW}\s*[-–]\s*)?{_HIGH}",
    rf"\b{_LOW}{_TO}{_HIGH}\s*characters",
    rf"\b(?:maximum(?: of)?|max\.?|up to|no more than|at most|(?:not|cannot) exceed)\s+{_HIGH}"
    r"\s*characters",
)
_MIN_LENGTHS = _compile(
    rf"\bmin(?:imum)?\.?\s*length\s*(?:is|of|:|=)?\s*{_N}",
    rf"\b(?:minimum of|at least)\s+{_N}\s*characters",
)
_TOTAL = re.compile(r"\b(?:combined|total|altogether|sum)\b", re.IGNORECASE)


def length_in(prose: str) -> Facts:
    """Return the fewest and the most characters that a text may have."""
    matches = [match for pattern in _LENGTHS if (match := pattern.search(prose))]
    spans = [
        (as_count(match.groupdict().get("low")), as_count(match["high"]))
        for match in matches
        if not _TOTAL.search(_sentence_around(prose, match))
    ]
    shortest = [match["n"] for pattern in _MIN_LENGTHS if (match := pattern.search(prose))]
    lows = shortest or [low for low, _ in spans if low is not None]
    highs = [high for _, high in spans if high is not None]
    return {
        "min_length": as_count(next(iter(lows), None)) or None,
        "max_length": next(iter(highs), None) or None,
    }


def _sentence_around(prose: str, match: re.Match[str]) -> str:
    start = max(prose.rfind(mark, 0, match.start()) for mark in (". ", "\n", "; "))
    ends = [end for mark in (". ", "\n", "; ") if (end := prose.find(mark, match.end())) >= 0]
    return prose[start + 1 : min(ends, default=len(prose))]


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
_COUNTS = _compile(
    rf"\b(?:up to|maximum of|max(?:imum)?\.?|at most|no more than|limited to)\s+{_COUNT}\s+"
    rf"{_THINGS}",
    rf"(?P<low>\d+)\s*[-–]\s*{_COUNT}\s+{_THINGS}",
    rf"\b(?:only|exactly)\s+(?P<n>1|one)\s+{_THINGS}",
)


def count_in(prose: str) -> Facts:
    """Return how many entries a list may have, unless a text gives several numbers."""
    found = _all(_COUNTS, prose)
    counts = {as_count(_NUMBER_WORDS.get(match["n"].lower(), match["n"])) for match in found}
    if len(counts) != 1 or any(_CONDITION.match(prose, match.end()) for match in found):
        return {}
    lows = {as_count(low) for match in found if (low := match.groupdict().get("low"))}
    low, high = lows.pop() if len(lows) == 1 else None, counts.pop() or None
    return {"min_items": low or None if (low or 0) <= (high or 0) else None, "max_items": high}


_SIZE = re.compile(r"\d[\d,]*(?:\.\d+)?\s*[KMG](?P<byte>i?B)?\b", re.IGNORECASE)
_LIMIT = re.compile(
    r"\bmax|\blimit|less than|\bunder\b|\bup to\b|no (?:larger|more|bigger)|exceed|≤|<|\bwithin\b",
    re.IGNORECASE,
)
_NO_LIMIT = re.compile(
    r"\btotal|\bcombined|\bsum\b|at least|\bminimum|\brecommend|\bmin\b", re.IGNORECASE
)
_FILE_SIZE = re.compile(r"\bmax(?:imum)?\.?\s*(?:file\s*)?size\b", re.IGNORECASE)


def size_in(prose: str) -> int | None:
    """Return the largest size of a file in bytes, unless a text gives several."""
    of_file: set[int] = set()
    others: set[int] = set()
    for match in _SIZE.finditer(prose):
        lead = re.split(r"[;\n(]|\. ", prose[max(0, match.start() - 70) : match.start()])[-1]
        is_limit = _LIMIT.search(lead) or prose[match.end() :].lstrip().lower().startswith("max")
        is_size = match["byte"] or re.search(r"\bsize\b", lead, re.IGNORECASE)
        size = bytes_in(match[0] if match["byte"] else f"{match[0]}B")
        if is_limit and is_size and not _NO_LIMIT.search(lead) and size is not None:
            (of_file if _FILE_SIZE.search(lead) else others).add(size)
    sizes = of_file or others
    return sizes.pop() if len(sizes) == 1 else None


_WORD = r"\.?[A-Za-z][A-Za-z0-9]{1,4}(?:\s*\([^)\n]{0,40}\))?"
_WORDS = rf"(?P<list>{_WORD}(?:(?:\s*[,/]\s*(?:and\s+|or\s+)?|\s+and\s+|\s+or\s+){_WORD}){{0,30}})"
_LISTED = re.compile(
    r"\b(?:accepted\s*:|(?:accepted|supported|allowed|supports)\s+"
    r"(?:file\s+|image\s+|video\s+|audio\s+)?(?:types?|formats?))\s*:?(?P<list>[^;\n]*)",
    re.IGNORECASE,
)
_FORMATS = _compile(
    rf"\bformats?\s*(?::|include)\s*{_WORDS}",
    rf"\bsupports\s+{_WORDS}",
    rf"{_WORDS}\s+formats?\b",
)


def types_in(prose: str, *, only_listed: bool = False) -> tuple[str, ...]:
    """Return the MIME types of the files that a text says are taken.

    Unless `only_listed`, endings such as "JPG or PNG" count too, if each of them is known.
    """
    listed = (MIME.findall(match["list"].lower()) for match in _LISTED.finditer(prose))
    types = next((tuple(types) for types in listed if types), ())
    if types or only_listed:
        return types
    named = (_types_of_endings(match["list"]) for match in _all(_FORMATS, prose))
    return next((types for types in named if types), ())


def _types_of_endings(words: str) -> tuple[str, ...]:
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
"""Facts under their names, as in "Max length: 500"."""
_RANGE_LABEL = re.compile(r"\brange\s*[:=]", re.IGNORECASE)


def _is_statement(fact: str, prose: str) -> bool:
    """Whether a fact in the prose is one that the page states, as in "Max size: 10.0MB".

    Pages have entries of their own for lengths, counts and ranges: in prose, these limit the form,
    as a sentence without a label does, and are no statement of the page.
    """
    may_be_stated = fact in ("minimum", "maximum", "step", "max_bytes", "accepts")
    return may_be_stated and bool(_LABELLED[fact].search(_RANGE_LABEL.sub("", prose)))
