"""The account's routes: a key is typed, tested, and forgotten. No answer repeats it."""

from __future__ import annotations

from typing_extensions import TypedDict

from kie_ui.kie.errors import KieError, Unauthorized
from kie_ui.ui.api.requests import ApiRequest, ApiRoute, text_field
from kie_ui.ui.api.runs import Done
from kie_ui.ui.errors import BadRequest

MAX_KEY_BYTES = 4096


class KeyAnswer(TypedDict):
    """A key that works."""

    balance: float
    """Credits."""


async def use_key(request: ApiRequest) -> KeyAnswer:
    """Read the balance of a key; a key that works is used from then on."""
    key = text_field(await request.json_object(MAX_KEY_BYTES), "key")
    try:
        balance = await request.services.accounts.test_key(request.owner, key)
    except Unauthorized:
        raise
    except (KieError, ValueError) as error:
        raise BadRequest(f"The key could not be tested. {error}", 409) from error
    return {"balance": balance}


async def forget_key(request: ApiRequest) -> Done:
    """Forget a typed key."""
    if not request.services.backends.has_own_key(request.owner):
        raise BadRequest("There is no key of yours to forget.", 409)
    request.services.backends.forget_key(request.owner)
    return {}


ROUTES = (
    ApiRoute("POST", "/account/key", use_key),
    ApiRoute("POST", "/account/forget", forget_key),
)
