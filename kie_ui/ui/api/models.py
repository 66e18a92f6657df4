"""The Models tab's routes: the visitor's models, reading and adding pages, and changing the list.

What changes a model answers the whole list as it is from then on.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, Literal, NamedTuple, NotRequired

from starlette.responses import Response
from typing_extensions import TypedDict

from kie_ui.catalog.collection import CollectionProblem
from kie_ui.catalog.describe import differences, facts_of
from kie_ui.catalog.exchange import Source, read_text
from kie_ui.catalog.library import Entry, Library, MayNotAdd
from kie_ui.catalog.media_types import name_of
from kie_ui.catalog.parameters import MediaParameter, Parameter, TableParameter, TextParameter
from kie_ui.catalog.registry import UnknownModel
from kie_ui.catalog.spec import ModelSpec, Produces
from kie_ui.kie.docs_site import PageProblem, fetch_page
from kie_ui.ui.api.requests import (
    NO_STORE,
    ApiRequest,
    ApiRoute,
    JsonObject,
    list_field,
    text_field,
)
from kie_ui.ui.api.reuse import can_animate
from kie_ui.ui.form.prefill import has_seed
from kie_ui.ui.services import Services

MAX_BODY_BYTES = 12 * 1024 * 1024
"""A hundred pages, or the largest file of models."""
MAX_SUMMARY_CHARACTERS = 240
"""What the list of models shows, and searches, of a summary."""
MAX_CHARACTERS = 600
"""Of a text in a preview."""
MAX_OPTIONS = 40
"""Options of one parameter in a preview."""

_ONLY_OPERATOR = (
    "On this server only its operator adds models. What you see here can be used by everyone."
)
_MEDIA = {
    "image": ("a picture", "pictures"),
    "video": ("a video", "videos"),
    "audio": ("a sound", "sounds"),
    "file": ("a file", "files"),
}
_ITEMS = {True: ("file", "files"), False: ("entry", "entries")}
"""What a list holds: media, or anything else."""


class ListedModel(TypedDict):
    """A model as the list of models, and the menus of other tabs, show it."""

    model: str
    title: str
    maker: str
    summary: str
    produces: Produces
    takes: list[str]
    parameters: int
    tab: str
    has_own_tab: bool
    is_built_in: bool
    is_replaced: bool
    is_hidden: bool
    is_own: bool
    has_seed: bool
    can_animate: bool
    digest: str
    used_at_ms: int


class ModelList(TypedDict):
    """Every model of an owner, and what may be done to the list; `added` after models were."""

    models: list[ListedModel]
    may_add: bool
    may_choose_tabs: bool
    note: str | None
    hosts: list[str]
    warnings: list[str]
    added: NotRequired[list[str]]


class PreviewedParameter(TypedDict):
    """A parameter that was read from a page."""

    name: str
    label: str
    type: str
    widget: str
    required: bool
    help: str
    options: list[str]
    more_options: int
    default: str | None
    limits: list[str]


class PreviewedModel(TypedDict):
    """A model that was read from a page, and what it would change of the known one."""

    model: str
    title: str
    maker: str
    summary: str
    produces: Produces
    documentation: str
    parameters: list[PreviewedParameter]
    warnings: list[str]
    state: Literal["new", "newer", "same"]
    changes: list[str]
    is_built_in: bool


class PageRead(TypedDict):
    """What was understood of a page, and its text if it was fetched."""

    name: str
    models: list[PreviewedModel]
    problems: list[str]
    text: NotRequired[str]


class Page(NamedTuple):
    """A documentation page, or a file of models, that a visitor gives."""

    name: str
    """The file's name, or the page's address."""
    text: str | None = None
    """None if it is to be fetched from the address."""


async def send_list(request: ApiRequest) -> ModelList:
    """List every model of the owner."""
    return await asyncio.to_thread(list_models, request.services, request.owner)


async def send_export(request: ApiRequest) -> Response:
    """Send models as one file: those named by `model`, or all that were added."""
    models = request.http.query_params.getlist("model") or None
    file = await asyncio.to_thread(request.services.library.export, request.owner, models)
    name = f"kie-ui-models-{time.strftime('%Y-%m-%d')}.json"
    headers = {**NO_STORE, "Content-Disposition": f'attachment; filename="{name}"'}
    return Response(file, media_type="application/json", headers=headers)


async def read_page(request: ApiRequest) -> PageRead:
    """Answer what was understood of a page, and its text if it was fetched; store nothing."""
    body = await request.json_object(MAX_BODY_BYTES)
    page = Page(text_field(body, "address")) if "address" in body else _given_page(body)
    _check_may_add(request)
    try:
        text = await _text_of(request, page)
    except PageProblem as problem:
        return {"name": page.name, "models": [], "problems": [str(problem)]}
    source = await _parse(request, Page(page.name, text))
    models = await asyncio.to_thread(_previews, request, source)
    answer = PageRead(name=page.name, models=models, problems=list(source.problems))
    return answer if page.text is not None else {**answer, "text": text}


async def add_models(request: ApiRequest) -> ModelList:
    """Add, or replace, the chosen models of pages that were read before."""
    body = await request.json_object(MAX_BODY_BYTES)
    pages = [_given_page(each) for each in list_field(body, "pages", dict)]
    chosen = list_field(body, "models", str)
    _check_may_add(request)
    sources = [await _parse(request, page) for page in pages]
    specs = {s.model: s for source in sources for s in source.specs if s.model in chosen}
    if not specs:
        raise CollectionProblem("Choose a model to add.")
    library = request.services.library
    added = await asyncio.to_thread(library.add, request.owner, specs.values())
    return {**await send_list(request), "added": [each.spec.model for each in added]}


def _given_page(body: JsonObject) -> Page:
    return Page(text_field(body, "name"), text_field(body, "text"))


def _check_may_add(request: ApiRequest) -> None:
    if not request.services.library.may_add(request.owner):
        raise MayNotAdd("On this server only its operator adds models.")


async def _text_of(request: ApiRequest, page: Page) -> str:
    """Return the text of a page, fetched if need be. Raises: PageProblem."""
    if page.text is not None:
        return page.text
    return await fetch_page(page.name, request.services.settings.hosts_of_docs)


async def _parse(request: ApiRequest, page: Page) -> Source:
    async with request.services.page_readers:
        return await asyncio.to_thread(read_text, page.text or "", page.name)


def _previews(request: ApiRequest, source: Source) -> list[PreviewedModel]:
    """Describe what was read. Blocks: known models are read from the disk."""
    return [preview(spec, _known_entry(request, spec.model)) for spec in source.specs]


def _known_entry(request: ApiRequest, model: str) -> Entry | None:
    try:
        return request.services.library.entry(request.owner, model)
    except UnknownModel:
        return None


async def _change(
    change: Callable[[Library, str, JsonObject], None], request: ApiRequest
) -> ModelList:
    body = await request.json_object(MAX_BODY_BYTES)
    await asyncio.to_thread(change, request.services.library, request.owner, body)
    return await send_list(request)


def _rename(library: Library, owner: str, body: JsonObject) -> None:
    library.rename(owner, text_field(body, "model"), text_field(body, "title"))


def _move(library: Library, owner: str, body: JsonObject) -> None:
    before = text_field(body, "before") if body.get("before") is not None else None
    library.move(owner, text_field(body, "model"), before)


def _choose_tab(library: Library, owner: str, body: JsonObject) -> None:
    has_own_tab = body.get("has_own_tab") is True
    library.choose_tab(owner, text_field(body, "model"), has_own_tab=has_own_tab)


def _by_model(
    method: Callable[[Library, str, str], object],
) -> Callable[[Library, str, JsonObject], None]:
    """Return a change that takes nothing but the model's id."""

    def change(library: Library, owner: str, body: JsonObject) -> None:
        method(library, owner, text_field(body, "model"))

    return change


_CHANGES: Mapping[str, Callable[[Library, str, JsonObject], None]] = {
    "rename": _rename,
    "move": _move,
    "choose-tab": _choose_tab,
    "hide": _by_model(Library.hide),
    "show": _by_model(Library.show),
    "opened": _by_model(Library.opened),
    "remove": _by_model(Library.remove),
    "put-back": _by_model(Library.put_back),
    "restore": _by_model(Library.restore),
}


def list_models(services: Services, owner: str) -> ModelList:
    """Describe the models of an owner, in the order of their tabs. Blocks: it reads files."""
    library = services.library
    may_add = library.may_add(owner)
    return {
        "models": [
            _describe(entry, services.tab_of(entry.spec)) for entry in library.entries(owner)
        ],
        "may_add": may_add,
        "may_choose_tabs": library.may_choose_tabs,
        "note": None if may_add else _ONLY_OPERATOR,
        "hosts": sorted(services.settings.hosts_of_docs),
        "warnings": list(library.warnings(owner)),
    }


def _describe(entry: Entry, tab: str) -> ListedModel:
    spec = entry.spec
    return {
        "model": spec.model,
        "title": spec.title,
        "maker": spec.maker,
        "summary": spec.summary[:MAX_SUMMARY_CHARACTERS],
        "produces": spec.produces,
        "takes": takes(spec),
        "parameters": len(spec.parameters),
        "tab": tab,
        "has_own_tab": entry.has_own_tab,
        "is_built_in": entry.is_built_in,
        "is_replaced": entry.is_replaced,
        "is_hidden": entry.is_hidden,
        "is_own": entry.is_own,
        "has_seed": has_seed(spec),
        "can_animate": can_animate(spec),
        "digest": spec.digest,
        "used_at_ms": max(entry.added_at_ms, entry.opened_at_ms or 0),
    }


def takes(spec: ModelSpec) -> list[str]:
    """List in words what a model takes: "text", "up to 3 pictures"."""
    words: dict[str, None] = {}
    if any(isinstance(p, TextParameter) and (p.required or p.multiline) for p in spec.parameters):
        words["text"] = None
    for parameter in spec.parameters:
        match parameter:
            case MediaParameter():
                words[_media_in_words(parameter)] = None
            case TableParameter():
                words["a table"] = None
    return list(words)


def _media_in_words(parameter: MediaParameter) -> str:
    one, several = _MEDIA[parameter.media]
    if not parameter.many or parameter.max_items == 1:
        return one
    return several if parameter.max_items is None else f"up to {parameter.max_items} {several}"


def preview(spec: ModelSpec, known: Entry | None) -> PreviewedModel:
    """Describe a spec that was read, and what it would change of the known one."""
    changes = list(differences(known.spec, spec)) if known else []
    return {
        "model": spec.model,
        "title": spec.title,
        "maker": spec.maker,
        "summary": _cut(spec.summary),
        "produces": spec.produces,
        "documentation": spec.documentation,
        "parameters": [_preview_parameter(parameter) for parameter in spec.parameters],
        "warnings": list(spec.warnings),
        "state": "new" if known is None else "newer" if changes else "same",
        "changes": changes,
        "is_built_in": known is not None and known.is_built_in,
    }


def _preview_parameter(parameter: Parameter) -> PreviewedParameter:
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
        "limits": list(_limits(facts, *_ITEMS[isinstance(parameter, MediaParameter)])),
    }


def _limits(facts: Mapping[str, Any], item: str, items: str) -> Iterator[str]:
    """Yield every limit that a page states, in words."""
    low, high = facts.get("minimum"), facts.get("maximum")
    if low is not None:
        yield f"{low} or more" if high is None else f"{low} to {high}"
    elif high is not None:
        yield f"{high} or less"
    if "step" in facts:
        yield f"in steps of {facts['step']}"
    yield from _count(facts.get("min_length"), facts.get("max_length"), "character", "characters")
    yield from _count(facts.get("min_items"), facts.get("max_items"), item, items)
    if "max_bytes" in facts:
        yield f"up to {facts['max_bytes'] / 10**6:g} MB each"
    if "accepts" in facts:
        kinds = dict.fromkeys(_file_type(kind) for kind in facts["accepts"])
        yield ", ".join(kinds)
    if "pattern" in facts:
        yield f"like {_cut(str(facts['pattern']))}"


def _count(low: int | None, high: int | None, one: str, several: str) -> Iterator[str]:
    unit = one if (high or low) == 1 else several
    if low and high and low != high:
        yield f"{low:,} to {high:,} {unit}"
    elif high is not None:
        yield f"{'exactly' if low == high else 'up to'} {high:,} {unit}"
    elif low:
        yield f"at least {low:,} {unit}"


def _file_type(mime: str) -> str:
    return name_of(mime) or mime.partition("/")[2].upper() or mime


def _plain(value: Any) -> str:
    """Write a value as people read it: text as it is, the rest as JSON."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return _cut(text)


def _cut(text: str) -> str:
    return text if len(text) <= MAX_CHARACTERS else text[: MAX_CHARACTERS - 1].rstrip() + "…"


ROUTES = (
    ApiRoute("GET", "/models", send_list),
    ApiRoute("GET", "/models/export", send_export),
    ApiRoute("POST", "/models/read", read_page),
    ApiRoute("POST", "/models/add", add_models),
    *(
        ApiRoute("POST", f"/models/{name}", partial(_change, change))
        for name, change in _CHANGES.items()
    ),
)
