"""From a task to its results: the media are found, the orders built, and each is made in turn."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import anyio

from kie_ui.simulator.briefs import Brief, build_brief
from kie_ui.simulator.config import SimulatorConfig
from kie_ui.simulator.files import Files
from kie_ui.simulator.finding import MediaFinder, NoMedia
from kie_ui.simulator.ordering import Found, build_orders
from kie_ui.simulator.orders import Order, Picture, TextOrder, mime_of_order
from kie_ui.simulator.store import TaskRow
from kie_ui.simulator.workers import Renderer


class Made(NamedTuple):
    """One result: a file under a temporary name, and its type."""

    path: Path
    mime: str


class Work:
    """The work on one task; nothing temporary of it is left after `clear`."""

    def __init__(self, task: TaskRow, files: Files, finder: MediaFinder) -> None:
        self._task = task
        self._files = files
        self._finder = finder
        self._temporary: list[Path] = []
        self.share = 0.0
        """How much of it is done, from 0 to 1."""
        self.made: list[Made] = []
        """The files so far."""
        self.answer: Any = None
        """What was answered, where that is no file."""

    async def do(self, brief: Brief, renderer: Renderer) -> None:
        """Make everything. Raises: NoMedia, RenderFailed."""
        orders = build_orders(brief, await self._find(brief), self._task.seed)
        for number, order in enumerate(orders):
            await self._make(order, renderer, number, len(orders))

    def clear(self) -> None:
        """Delete what was fetched, and what was made and has not been placed."""
        for path in self._temporary:
            path.unlink(missing_ok=True)

    async def _make(self, order: Order, renderer: Renderer, number: int, count: int) -> None:
        output = self._files.incoming_path()
        self._temporary.append(output)
        await renderer.render(order, output, partial(self._tell, number, count))
        if isinstance(order, TextOrder):
            self.answer = json.loads(await anyio.Path(output).read_text(encoding="utf-8"))
        else:
            self.made.append(Made(output, mime_of_order(order)))

    def _tell(self, number: int, count: int, share: float) -> None:
        self.share = (number + share) / count

    async def _find(self, brief: Brief) -> Found:
        inputs = brief.inputs
        pictures = [await self._picture(url) for url in inputs.pictures]
        videos = await self._places("video", inputs.videos)
        sounds = await self._places("audio", inputs.sounds)
        if inputs.videos and not videos and not pictures:
            pictures = [await self._picture(inputs.videos[0])]  # the card of a video elsewhere
        end = await self._picture(inputs.end_picture) if inputs.end_picture else None
        found = Found(pictures=tuple(pictures), end=end, videos=videos, sounds=sounds)
        return found if brief.task_id is None else self._with_earlier_result(brief, found)

    def _with_earlier_result(self, brief: Brief, found: Found) -> Found:
        """Put the result of an earlier task before everything else of its kind."""
        account, task_id = self._task.account, brief.task_id or ""
        mime, path = self._finder.result_of_task(account, task_id, brief.index)
        if mime.startswith("image/"):
            return found._replace(pictures=(Picture(path=path), *found.pictures))
        if mime.startswith("video/"):
            return found._replace(videos=(path, *found.videos))
        return found._replace(sounds=(path, *found.sounds))

    async def _picture(self, url: str) -> Picture:
        picture = await self._finder.find_picture(url, self._task.base_url)
        self._note_fetched(picture.path)
        return picture

    async def _places(self, kind: str, urls: Sequence[str]) -> tuple[Path, ...]:
        places = [await self._finder.find(url, self._task.base_url, kind) for url in urls]
        for place in places:
            self._note_fetched(place)
        return tuple(place for place in places if place is not None)

    def _note_fetched(self, place: Path | None) -> None:
        if place is not None and self._files.is_incoming(place):
            self._temporary.append(place)


def brief_of(task: TaskRow, config: SimulatorConfig) -> Brief:
    """Return what a task shall make; one of an older simulator did not write that down.

    Raises: NoMedia, where its model is no longer known.
    """
    if task.brief is not None:
        return Brief.model_validate(task.brief)
    versions = config.catalog.versions(task.model)
    if not versions:
        raise NoMedia(f"There is no model “{task.model}” any more.")
    return build_brief(versions[0], task.values)
