"""Holds what the program sends against the types that it promises the scripts."""

from __future__ import annotations

import json
from typing import Any, get_type_hints

from pydantic import TypeAdapter
from pydantic_core import to_jsonable_python
from starlette.responses import Response

from kie_ui.ui.api.event_stream import StreamEvents
from kie_ui.ui.api.requests import ApiRequest, ApiRoute
from kie_ui.ui.api.wire import answer_type

_EVENTS = get_type_hints(StreamEvents, include_extras=True)


def read_event(name: str, data: str) -> dict[str, Any]:
    """Read the data of an event. Raises: ValidationError, if it is anything but promised."""
    TypeAdapter(_EVENTS[name]).validate_json(data, strict=True)
    read: dict[str, Any] = json.loads(data)
    return read


def checked(route: ApiRoute) -> ApiRoute:
    """Have a route fail when it answers anything but what its annotation promises."""

    async def handler(request: ApiRequest) -> object:
        content = await route.handler(request)
        if not isinstance(content, Response):
            text = json.dumps(to_jsonable_python(content))
            TypeAdapter(answer_type(route)).validate_json(text, strict=True)
        return content

    return route._replace(handler=handler)
