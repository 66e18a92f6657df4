"""A description, shortened to the help that fits under a field."""

from __future__ import annotations

import re

from kie_ui.catalog.docs.page import DocumentedParameter

LONGEST_HELP = 400
"""Characters."""

_READ_OUT = re.compile(
    r"\s*\((?:"
    r"step:\s*[\d.]+"
    r"|boolean(?: value)?\s*:?\s*\(?true/false\)?"
    r"|min(?:imum)?(?: length)?:[^()]*"
    r"|max(?:imum)? length:[^()]*"
    r"|(?:uploaded )?file urls?[^();]*not file content[^()]*"
    r")\)",
    re.IGNORECASE,
)


_FILES_READ_OUT = re.compile(
    r"\s*\((?:accepted(?: file)? types|max(?:imum)?(?: file)? size):[^()]*\)", re.IGNORECASE
)
_LONGEST_SAMPLE = 80


def sample_of(page: DocumentedParameter) -> str | None:
    """Return how a text that the page gives as an example begins; None where there is none."""
    line = " ".join(page.example.split()) if isinstance(page.example, str) else ""
    if not line or page.example == page.default:
        return None
    return line if len(line) <= _LONGEST_SAMPLE else f"{line[: _LONGEST_SAMPLE - 1].rstrip()}…"


def help_of(description: str, *, tells_files: bool = False) -> str:
    """Return a description without the limits that the form shows itself, and not too long.

    `tells_files`: which files fit was read, so that it is shown, or pictures are made fit.
    """
    text = _READ_OUT.sub("", description)
    text = (_FILES_READ_OUT.sub("", text) if tells_files else text).strip() or description
    if len(text) <= LONGEST_HELP:
        return text
    start = text[:LONGEST_HELP]
    ends = [start.rfind(mark) + 1 for mark in ("\n\n", ". ", "; ")]
    end = next((end for end in ends if end > LONGEST_HELP // 3), 0) or start.rfind(" ")
    return f"{start[: max(end, 1)].rstrip()} …"
