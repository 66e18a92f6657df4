"""What all our own routes share: a request with its owner, run and body, and the answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from pydantic_core import to_jsonable_python
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from kie_ui.catalog.registry import Registry, UnknownModel
from kie_ui.catalog.spec import ModelSpec
from kie_ui.runs.errors import WrongStep
from kie_ui.runs.run import Run
from kie_ui.runs.service import RunService
from kie_ui.ui.asgi.identity import owner_of
from kie_ui.ui.asgi.request_body import read_json_object
from kie_ui.ui.errors import EXPECTED, BadRequest, error_response
from kie_ui.ui.services import Services

PREFIX = "/kie-ui"
MAX_BODY_BYTES = 1024 * 1024
PRIVATE = {"Cache-Control": "private, max-age=86400", "X-Content-Type-Options": "nosniff"}
"""Headers of files: only their owner's browser keeps them, and none guesses their type."""
NO_STORE = {"Cache-Control": "no-store"}

JsonObject = dict[str, Any]


@dataclass(frozen=True)
class ApiRequest:
    """A request to one of our routes, with what its handler works with."""

    services: Services
    http: Request

    @property
    def owner(self) -> str:
        """Whose request this is."""
        return owner_of(self.http)

    async def models(self) -> Registry:
        """Return the models of the owner."""
        return await asyncio.to_thread(self.services.catalog.of, self.owner)

    async def spec(self, model: str) -> ModelSpec:
        """Return a model of the owner's. Raises: WrongStep, if there is none to show a form of."""
        try:
            return (await self.models()).spec(model)
        except UnknownModel:
            raise WrongStep(f"There is no tab for “{model}” here, so no form to fill in.") from None

    async def runs(self) -> RunService:
        """Return the opened run service. Raises: StoreProblem."""
        return await self.services.runs()

    @property
    def run_id(self) -> str:
        """The id in the address."""
        return str(self.http.path_params["run_id"])

    async def run(self) -> Run:
        """Return the run in the address. Raises: UnknownRun, also if it is someone else's."""
        return await (await self.runs()).run(self.owner, self.run_id)

    async def json_object(self, max_bytes: int = MAX_BODY_BYTES) -> JsonObject:
        """Read the body. Raises: BadRequest."""
        return await read_json_object(self.http, max_bytes)


Handler = Callable[[ApiRequest], Awaitable[object]]
"""Returns a response, or what becomes JSON: its annotation is the type that scripts rely on."""


class ApiRoute(NamedTuple):
    """A method and an address below our prefix, and what answers there."""

    method: str
    path: str
    handler: Handler


def build_route(services: Services, route: ApiRoute) -> Route:
    """Build a route that answers with JSON, and with a sentence if an expected error is raised."""

    async def answer(request: Request) -> Response:
        try:
            content = await route.handler(ApiRequest(services, request))
        except EXPECTED as error:
            return error_response(error)
        if isinstance(content, Response):
            return content
        return JSONResponse(to_jsonable_python(content), headers=NO_STORE)

    return Route(PREFIX + route.path, answer, methods=[route.method])


def text_field(body: JsonObject, name: str) -> str:
    """Return a text of a body. Raises: BadRequest."""
    value = body.get(name)
    if not isinstance(value, str):
        raise BadRequest(f"This request lacks a text “{name}”.")
    return value


def list_field(body: JsonObject, name: str, kind: type) -> list[Any]:
    """Return a list of a body, all of whose items are of one kind. Raises: BadRequest."""
    values = body.get(name)
    if not isinstance(values, list) or not all(isinstance(value, kind) for value in values):
        raise BadRequest(f"This request lacks a list “{name}”.")
    return values
