"""A documentation page becomes a model: first it is read and shown, then it is added.

Nothing is kept between the two: the browser says the page again, so that what is added is read from
the very text that was shown.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from kie_ui.catalog.entries import Entry
from kie_ui.catalog.library import Library, MayNotAdd
from kie_ui.catalog.registry import UnknownModel
from kie_ui.catalog.shelves import ShelfProblem
from kie_ui.catalog.sources import Source, read_text
from kie_ui.catalog.spec import ModelSpec
from kie_ui.kie.pages import PageProblem, fetch_page
from kie_ui.ui.preview import preview

READINGS_AT_ONCE = 2
"""Pages that are read at the same time: a large one keeps a processor busy for a moment."""


@dataclass(frozen=True)
class Reading:
    """What somebody gave to be read."""

    name: str
    """What they call it: a file's name, or the page's address."""
    text: str | None = None
    """None: it is to be fetched from the address."""


class Adding:
    """Reads and adds models for the visitors of one server."""

    def __init__(self, library: Library, hosts: Collection[str]) -> None:
        self._library = library
        self._hosts = hosts
        self._room = asyncio.Semaphore(READINGS_AT_ONCE)

    async def read(self, owner: str, reading: Reading) -> dict[str, Any]:
        """Say what was understood; a text that was fetched is told too, to be said again.

        Raises: MayNotAdd.
        """
        self._refuse_who_may_not(owner)
        try:
            text = await self._text(reading)
        except PageProblem as problem:
            return {"name": reading.name, "models": [], "problems": [str(problem)]}
        source = await self._source(Reading(reading.name, text))
        models = [preview(spec, self._known(owner, spec)) for spec in source.specs]
        told = {"name": reading.name, "models": models, "problems": list(source.problems)}
        return told if reading.text is not None else {**told, "text": text}

    async def add(
        self, owner: str, readings: Iterable[Reading], models: Collection[str]
    ) -> list[str]:
        """Add the named models of these texts, and return the ids of those that there are now.

        Raises: MayNotAdd, Unfit, ShelfProblem.
        """
        self._refuse_who_may_not(owner)
        specs: dict[str, ModelSpec] = {}
        for reading in readings:
            source = await self._source(reading)
            specs.update({spec.model: spec for spec in source.specs if spec.model in models})
        if not specs:
            raise ShelfProblem("Choose a model to add.")
        added = await asyncio.to_thread(self._library.add, owner, specs.values())
        return [each.spec.model for each in added]

    def _refuse_who_may_not(self, owner: str) -> None:
        if not self._library.may_add(owner):
            raise MayNotAdd("On this server only its operator adds models.")

    async def _text(self, reading: Reading) -> str:
        if reading.text is not None:
            return reading.text
        return await fetch_page(reading.name, self._hosts)

    async def _source(self, reading: Reading) -> Source:
        async with self._room:
            return await asyncio.to_thread(read_text, reading.text or "", reading.name)

    def _known(self, owner: str, spec: ModelSpec) -> Entry | None:
        try:
            return self._library.entry(owner, spec.model)
        except UnknownModel:
            return None
