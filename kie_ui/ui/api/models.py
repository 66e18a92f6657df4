"""What the page asks about the models of its visitor, and what it has done to them.

Each answer brings the whole list as it is from then on, and each refusal a sentence for the person.
All of it is a matter of files, which threads see to.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from kie_ui.catalog.describe import compare, facts_of
from kie_ui.catalog.library.collection import Entry
from kie_ui.catalog.library.exchange import Source, read_text
from kie_ui.catalog.library.file_store import CollectionProblem
from kie_ui.catalog.library.library import Library, MayNotAdd
from kie_ui.catalog.library.sanitize import UnusableSpec
from kie_ui.catalog.media_types import name_of
from kie_ui.catalog.parameters import MediaParameter, Parameter, TableParameter, TextParameter
from kie_ui.catalog.registry import UnknownModel
from kie_ui.catalog.spec import ModelSpec
from kie_ui.kie.docs_site import PageProblem, fetch_page
from kie_ui.ui.api.requests import TooLarge, read_body
from kie_ui.ui.api.reuse import animates
from kie_ui.ui.asgi.identity import owner_of
from kie_ui.ui.form.prefill import has_seed
from kie_ui.ui.services import Services

MAX_OPTIONS = 40
"""Options that are shown of one parameter; of a hundred voices nobody reads more."""
MAX_CHARACTERS = 600
"""Of a text that a page states."""

_KINDS = {
    "image": ("a picture", "pictures"),
    "video": ("a video", "videos"),
    "audio": ("a sound", "sounds"),
    "file": ("a file", "files"),
}
_ENTRIES = {True: ("file", "files"), False: ("entry", "entries")}


def preview(spec: ModelSpec, known: Entry | None) -> dict[str, Any]:
    """Describe a spec that was read, and what it would change of the one that there is."""
    return {
        "model": spec.model,
        "title": spec.title,
        "maker": spec.maker,
        "summary": _cut(spec.summary),
        "produces": spec.produces,
        "documentation": spec.documentation,
        "parameters": [_parameter(parameter) for parameter in spec.parameters],
        "warnings": list(spec.warnings),
        **_beside(spec, known),
    }


def _beside(spec: ModelSpec, known: Entry | None) -> dict[str, Any]:
    if known is None:
        return {"state": "new", "changes": []}
    difference = compare(known.spec, spec)
    state = "same" if difference.is_same else "newer"
    changes = list(difference.sentences)
    return {"state": state, "changes": changes, "is_built_in": known.is_built_in}


def takes(spec: ModelSpec) -> list[str]:
    """Say in a few words what a model is given: "text", "up to 3 pictures"."""
    words: dict[str, None] = {}
    if any(isinstance(p, TextParameter) and (p.required or p.multiline) for p in spec.parameters):
        words["text"] = None
    for parameter in spec.parameters:
        match parameter:
            case MediaParameter():
                words[_files(parameter)] = None
            case TableParameter():
                words["a table"] = None
    return list(words)


def _files(parameter: MediaParameter) -> str:
    one, several = _KINDS[parameter.media]
    if not parameter.many or parameter.max_items == 1:
        return one
    return several if parameter.max_items is None else f"up to {parameter.max_items} {several}"


def _parameter(parameter: Parameter) -> dict[str, Any]:
    facts = facts_of(parameter)
    options = facts.get("options", [])
    return {
        "name": parameter.name,
        "label": parameter.label,
        "type": facts["type"],
        "widget": facts["widget"],
        "required": parameter.required,
        "help": _cut(parameter.help),
        "options": [_plain(option) for option in options[:MAX_OPTIONS]],
        "more_options": max(0, len(options) - MAX_OPTIONS),
        "default": _plain(facts["default"]) if "default" in facts else None,
        "limits": list(_limits(facts, is_media=isinstance(parameter, MediaParameter))),
    }


def _limits(facts: Mapping[str, Any], *, is_media: bool) -> Iterator[str]:
    """Say every limit that a page states, in words."""
    yield from _between(facts.get("minimum"), facts.get("maximum"))
    if "step" in facts:
        yield f"in steps of {facts['step']}"
    yield from _count(facts.get("min_length"), facts.get("max_length"), "character", "characters")
    yield from _count(facts.get("min_items"), facts.get("max_items"), *_ENTRIES[is_media])
    if "max_bytes" in facts:
        yield f"up to {facts['max_bytes'] / 10**6:g} MB each"
    if "accepts" in facts:
        kinds = dict.fromkeys(_file_type(kind) for kind in facts["accepts"])
        yield ", ".join(kinds)
    if "pattern" in facts:
        yield f"like {_cut(str(facts['pattern']))}"


def _between(low: float | None, high: float | None) -> Iterator[str]:
    if low is not None and high is not None:
        yield f"{low} to {high}"
    elif low is not None:
        yield f"{low} or more"
    elif high is not None:
        yield f"{high} or less"


def _count(low: int | None, high: int | None, one: str, several: str) -> Iterator[str]:
    if high is None:
        if low:
            yield f"at least {low:,} {one if low == 1 else several}"
    elif low == high:
        yield f"exactly {high:,} {one if high == 1 else several}"
    elif low:
        yield f"{low:,} to {high:,} {several}"
    else:
        yield f"up to {high:,} {one if high == 1 else several}"


def _file_type(mime: str) -> str:
    return name_of(mime) or mime.partition("/")[2].upper() or mime


def _plain(value: Any) -> str:
    """Write a value of the wire as people read it; text stands as it is."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return _cut(text)


def _cut(text: str) -> str:
    return text if len(text) <= MAX_CHARACTERS else text[: MAX_CHARACTERS - 1].rstrip() + "…"


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
        models = await asyncio.to_thread(self._previews, owner, source)
        told = {"name": reading.name, "models": models, "problems": list(source.problems)}
        return told if reading.text is not None else {**told, "text": text}

    async def add(
        self, owner: str, readings: Iterable[Reading], models: Collection[str]
    ) -> list[str]:
        """Add the named models of these texts, and return the ids of those that there are now.

        Raises: MayNotAdd, UnusableSpec, CollectionProblem.
        """
        self._refuse_who_may_not(owner)
        specs: dict[str, ModelSpec] = {}
        for reading in readings:
            source = await self._source(reading)
            specs.update({spec.model: spec for spec in source.specs if spec.model in models})
        if not specs:
            raise CollectionProblem("Choose a model to add.")
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

    def _previews(self, owner: str, source: Source) -> list[dict[str, Any]]:
        """Describe what was read. Blocks: the models that there are come from the disk."""
        return [preview(spec, self._known(owner, spec)) for spec in source.specs]

    def _known(self, owner: str, spec: ModelSpec) -> Entry | None:
        try:
            return self._library.entry(owner, spec.model)
        except UnknownModel:
            return None


MAX_BODY_BYTES = 12 * 1024 * 1024
"""A hundred pages, or the largest file of models."""
SUMMARY_CHARACTERS = 240
"""What a list of models shows and searches of what a page says."""

_ONLY_OPERATOR = (
    "On this server only its operator adds models. What you see here can be used by everyone."
)

Given = Mapping[str, Any]
Answer = dict[str, Any]
Ask = Callable[[str, Given], Awaitable[Answer]]
Change = Callable[[Library, str, Given], None]


class BadRequest(Exception):
    """The request itself is not what this route takes; the text is a sentence for the person."""


def build_models_routes(services: Services, prefix: str) -> list[Route]:
    """Build the routes of one server."""
    adding = Adding(services.library, services.settings.hosts_of_docs)

    def route(name: str, ask: Ask) -> Route:
        async def handle(request: Request) -> Response:
            return await _answered(ask, request)

        return Route(f"{prefix}/models/{name}", handle, methods=["POST"])

    async def listed(request: Request) -> Response:
        """Tell every model that the visitor has."""
        told = await asyncio.to_thread(list_models, services, owner_of(request))
        return JSONResponse(told)

    async def read(owner: str, given: Given) -> Answer:
        """Say what was understood of a page, or of a file of models; nothing is stored."""
        return await adding.read(owner, _reading(given))

    async def add(owner: str, given: Given) -> Answer:
        """Add models of pages that were read before, or replace them."""
        readings = [_reading(each) for each in _list_of(given, "pages", dict)]
        added = await adding.add(owner, readings, _list_of(given, "models", str))
        told = await asyncio.to_thread(list_models, services, owner)
        return {**told, "added": added}

    return [
        Route(f"{prefix}/models", listed, methods=["GET"]),
        Route(f"{prefix}/models/export", partial(_export, services.library), methods=["GET"]),
        route("read", read),
        route("add", add),
        *(route(name, partial(_changed, services, change)) for name, change in _CHANGES.items()),
    ]


async def _export(library: Library, request: Request) -> Response:
    """Send models as one file: those that are named, or all that were added."""
    models = request.query_params.getlist("model") or None
    try:
        file = await asyncio.to_thread(library.export, owner_of(request), models)
    except (UnknownModel, CollectionProblem) as problem:
        return _refused(str(problem), 404)
    name = f"kie-ui-models-{time.strftime('%Y-%m-%d')}.json"
    headers = {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Cache-Control": "no-store",
    }
    return Response(file, media_type="application/json", headers=headers)


async def _changed(services: Services, change: Change, owner: str, given: Given) -> Answer:
    """Change something about a model, and tell the list as it is then."""
    await asyncio.to_thread(change, services.library, owner, given)
    return await asyncio.to_thread(list_models, services, owner)


def list_models(services: Services, owner: str) -> dict[str, Any]:
    """Describe the models of an owner, in the order of their tabs. Blocks for a moment."""
    library, hosts = services.library, sorted(services.settings.hosts_of_docs)
    may_add = library.may_add(owner)
    return {
        "models": [_described(entry) for entry in library.entries(owner)],
        "may_add": may_add,
        "note": None if may_add else _ONLY_OPERATOR,
        "hosts": hosts,
        "warnings": list(library.warnings(owner)),
    }


def _described(entry: Entry) -> dict[str, Any]:
    spec = entry.spec
    return {
        "model": spec.model,
        "title": spec.title,
        "maker": spec.maker,
        "summary": spec.summary[:SUMMARY_CHARACTERS],
        "produces": spec.produces,
        "takes": takes(spec),
        "parameters": len(spec.parameters),
        "tab": spec.api_name,
        "is_built_in": entry.is_built_in,
        "is_replaced": entry.is_replaced,
        "is_hidden": entry.is_hidden,
        "is_own": entry.is_own,
        "has_seed": has_seed(spec),
        "animates": animates(spec),
        "digest": spec.digest,
        "used_at_ms": max(entry.added_at_ms, entry.opened_at_ms or 0),
    }


def _rename(library: Library, owner: str, given: Given) -> None:
    library.rename(owner, _model(given), _text(given, "title"))


def _move(library: Library, owner: str, given: Given) -> None:
    before = _text(given, "before") if given.get("before") is not None else None
    library.move(owner, _model(given), before)


def _hide(library: Library, owner: str, given: Given) -> None:
    library.hide(owner, _model(given))


def _show(library: Library, owner: str, given: Given) -> None:
    library.show(owner, _model(given))


def _opened(library: Library, owner: str, given: Given) -> None:
    library.opened(owner, _model(given))


def _remove(library: Library, owner: str, given: Given) -> None:
    library.remove(owner, _model(given))


def _put_back(library: Library, owner: str, given: Given) -> None:
    library.put_back(owner, _model(given))


def _restore(library: Library, owner: str, given: Given) -> None:
    library.restore(owner, _model(given))


_CHANGES: Mapping[str, Change] = {
    "rename": _rename,
    "move": _move,
    "hide": _hide,
    "show": _show,
    "opened": _opened,
    "remove": _remove,
    "put-back": _put_back,
    "restore": _restore,
}


async def _answered(ask: Ask, request: Request) -> Response:
    """Answer what was asked for, or say in words why it can't be done."""
    try:
        return JSONResponse(await ask(owner_of(request), await _given(request)))
    except BadRequest as problem:
        return _refused(str(problem), 400)
    except MayNotAdd as problem:
        return _refused(str(problem), 403)
    except UnknownModel:
        return _refused("This model is not here any more.", 404)
    except (CollectionProblem, UnusableSpec) as problem:
        return _refused(str(problem), 409)


def _refused(sentence: str, status: int) -> Response:
    return JSONResponse({"message": sentence}, status_code=status)


async def _given(request: Request) -> Given:
    """Read a body as a JSON object. Raises: BadRequest."""
    try:
        given = json.loads(await read_body(request, MAX_BODY_BYTES))
    except TooLarge:
        raise BadRequest("That is too much at once.") from None
    except (ValueError, RecursionError):
        given = None
    if not isinstance(given, dict):
        raise BadRequest("This request makes no sense here.")
    return given


def _reading(given: Given) -> Reading:
    """Read what is to be understood: a text and what it is called, or an address."""
    if "address" in given:
        return Reading(_text(given, "address"))
    return Reading(_text(given, "name"), _text(given, "text"))


def _model(given: Given) -> str:
    return _text(given, "model")


def _text(given: Given, name: str) -> str:
    value = given.get(name)
    if not isinstance(value, str):
        raise BadRequest("This request makes no sense here.")
    return value


def _list_of(given: Given, name: str, kind: type) -> list[Any]:
    values = given.get(name)
    if not isinstance(values, list) or not all(isinstance(value, kind) for value in values):
        raise BadRequest("This request makes no sense here.")
    return values
