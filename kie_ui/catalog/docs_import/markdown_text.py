"""Markdown and plain text: headings, fences, sentences and addresses."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import NamedTuple

from kie_ui.catalog.docs_import.documented import MAX_LINE

_FENCE = re.compile(r"^(?P<indent> {0,12})(?P<mark>`{3,}|~{3,})[ \t]*(?P<language>[\w+-]*)")
_ENTITY = re.compile(r"&(?:#\d{1,6}|#x[0-9a-f]{1,5}|[a-z]{2,8});", re.IGNORECASE)
_HEADING = re.compile(r"^ {0,3}#{1,6}[ \t]+(?P<title>.+?)[ \t]*#*$")
_RESULT = re.compile(r"https?://[^\s\"'\\<>`)\]]+\.[A-Za-z0-9]{2,5}")
_RESULTS = re.compile(r"resultUrls?\W{1,12}(?P<urls>[^\]}\n]{0,2000})")


class Fence(NamedTuple):
    """A fenced block of a page."""

    language: str
    content: str
    heading: str
    """The page's first heading, or of several pages in one text that of the one around."""


def fences(text: str) -> Iterator[Fence]:
    """Yield the fences of a page.

    What a fence holds may show fences itself, further to the right: only one that stands no
    further in than the opening closes it. A fence that is never closed goes on to the end.
    """
    opening: re.Match[str] | None = None
    inner: list[str] = []
    heading = ""
    for line in text.split("\n"):
        match = _FENCE.match(line)
        if opening is None:
            opening, inner = match, []
            title = _HEADING.match(line) if len(line) <= MAX_LINE else None
            if title and (not heading or line.lstrip().startswith("# ")):
                heading = title["title"].strip()
        elif match and _closes(opening, match, line):
            yield Fence(opening["language"].lower(), "\n".join(inner), heading)
            opening = None
        else:
            inner.append(line)
    if opening is not None:
        yield Fence(opening["language"].lower(), "\n".join(inner), heading)


def _closes(opening: re.Match[str], match: re.Match[str], line: str) -> bool:
    return (
        match["mark"].startswith(opening["mark"])
        and len(match["indent"]) <= len(opening["indent"])
        and not line[match.end("mark") :].strip()
    )


def unescaped(text: str) -> str:
    """Return what entities such as `&quot;` stand for; an address keeps its `&copy=`."""
    return _ENTITY.sub(lambda match: html.unescape(match[0]), text)


def heading_of(text: str) -> str:
    """Return the page's first heading, if it has one."""
    for line in text[:20_000].split("\n"):
        match = _HEADING.match(line) if len(line) <= MAX_LINE else None
        if match:
            return match["title"].strip()
    return ""


def first_sentence(text: str, longest: int = 200) -> str:
    """Return the first sentence of a text in one line, without its Markdown."""
    for paragraph in re.split(r"\n\s*\n", text[:4_000]):
        plain = re.sub(r"[*_`]|^\s*>\s?", "", " ".join(paragraph.split()))
        if plain and not plain.startswith(("#", "<", ":::", "!", "|", "-")):
            sentence = re.split(r"(?<=[.!?])\s", plain, maxsplit=1)[0]
            return sentence if len(sentence) <= longest else sentence[: longest - 1].rstrip() + "…"
    return ""


def addresses_of_results(text: str) -> tuple[str, ...]:
    """Return the addresses that a page shows as results of a task."""
    found = [match["urls"] for match in _RESULTS.finditer(text)]
    return tuple(dict.fromkeys(url for urls in found for url in _RESULT.findall(urls)))[:20]


_LABELLED = re.compile(
    r"^[ \t]*(?:[-*+][ \t]+)?(?:`|\*\*)?(?P<value>[\w.:+-]{1,60}?)(?:`|\*\*)?"
    r"[ \t]*(?::[ \t]+|[ \t][-–—][ \t])(?P<label>\S.{0,120})$",
    re.MULTILINE,
)
_LONGEST_LABEL = 30


def labels_in(words: str) -> dict[str, str]:
    """Return the names that a description gives to values, a line each.

    Long ones only for values that say nothing themselves, such as the ids of voices.
    """
    found = ((m["value"], m["label"].strip().rstrip(".")) for m in _LABELLED.finditer(words))
    return {
        value: label
        for value, label in found
        if len(label) <= _LONGEST_LABEL or (len(value) >= 12 and value.isalnum())
    }
