"""What the page asks about the models of its visitor, and what it has done to them.

Each answer brings the whole list as it is from then on, and each refusal a sentence for the person.
All of it is a matter of files, which threads see to.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from kie_ui.catalog.bounds import Unfit
from kie_ui.catalog.entries import Entry
from kie_ui.catalog.library import Library, MayNotAdd
from kie_ui.catalog.registry import UnknownModel
from kie_ui.catalog.shelves import ShelfProblem
from kie_ui.ui.adding import Adding, Reading
from kie_ui.ui.preview import takes
from kie_ui.ui.reading import TooLarge, read_body
from kie_ui.ui.reuse import has_seed
from kie_ui.ui.services import Services
from kie_ui.ui.using import animates
from kie_ui.ui.visitors import owner_of

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
    except (UnknownModel, ShelfProblem) as problem:
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
    except (ShelfProblem, Unfit) as problem:
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
