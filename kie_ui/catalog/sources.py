"""Files that models are read from: a documentation page, or a file of shared models."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from kie_ui.catalog.bounds import Unfit, fitted
from kie_ui.catalog.docs import UnreadablePage, read_page
from kie_ui.catalog.sharing import MAX_FILE_BYTES, UnreadableModels, looks_like_models, read_models
from kie_ui.catalog.spec import ModelSpec

STANDARD_INPUT = "-"
PAGE_SUFFIXES = (".md", ".markdown", ".txt", ".json")
"""What is read of a folder."""


@dataclass(frozen=True)
class Source:
    """What was read of one file."""

    name: str
    specs: tuple[ModelSpec, ...] = ()
    problems: tuple[str, ...] = ()
    """A sentence for each thing in it that could not be read."""


def read_sources(names: Iterable[str]) -> Iterator[Source]:
    """Read files by their names, one after the other; a folder stands for the pages in it."""
    for name in names:
        folder = Path(name)
        if name == STANDARD_INPUT or not folder.is_dir():
            yield read_source(name)
            continue
        pages = sorted(p for p in folder.iterdir() if p.suffix.lower() in PAGE_SUFFIXES)
        yield from (read_source(str(page)) for page in pages)
        if not pages:
            yield Source(name, problems=("There is no page in this folder.",))


def read_source(name: str) -> Source:
    """Read one file, or the standard input."""
    if name.startswith(("https://", "http://")):
        return Source(name, problems=("This is an address: save its page to a file first.",))
    try:
        data = _content(name)
    except OSError as exc:
        return Source(name, problems=(f"It cannot be read: {exc.strerror or exc}.",))
    return read_text(data.decode("utf-8", "replace"), name)


def read_text(text: str, name: str) -> Source:
    """Read the text of a page, or of a file of models."""
    try:
        if looks_like_models(text):
            shared = read_models(text)
            return Source(name, shared.specs, shared.problems)
        return Source(name, tuple(fitted(read.spec) for read in read_page(text, name)))
    except (UnreadablePage, UnreadableModels, Unfit) as problem:
        return Source(name, problems=(str(problem),))


def _content(name: str) -> bytes:
    """Read no more than is certainly too large."""
    if name == STANDARD_INPUT:
        return sys.stdin.buffer.read(MAX_FILE_BYTES + 1)
    with Path(name).open("rb") as file:
        return file.read(MAX_FILE_BYTES + 1)
