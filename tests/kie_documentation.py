"""What Kie's documentation allows in a create, written out by hand once more.

Nothing here is shared with the catalog, the client or the simulator, so that a mistake made in our
specs shows up here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

GROK = "grok-imagine/image-to-video"
V1_LITE = "bytedance/v1-lite-image-to-video"

Check = Callable[[Any], bool]


def text(most: int) -> Check:
    """Allow text up to a number of characters."""
    return lambda value: isinstance(value, str) and len(value) <= most


def one_of(*options: str) -> Check:
    """Allow one of these strings, and no number that looks like one."""
    return lambda value: isinstance(value, str) and value in options


def whole(low: int, high: int) -> Check:
    """Allow a whole number, inclusive of both ends."""
    return lambda value: type(value) is int and low <= value <= high


def is_url(value: Any) -> bool:
    """Allow an absolute web address."""
    return isinstance(value, str) and value.startswith(("http://", "https://"))


def is_one_url_in_a_list(value: Any) -> bool:
    """Allow an array of exactly one address."""
    return isinstance(value, list) and len(value) == 1 and is_url(value[0])


def is_switch(value: Any) -> bool:
    """Allow a JSON boolean."""
    return isinstance(value, bool)


DOCUMENTED: dict[str, dict[str, Check]] = {
    GROK: {
        "image_urls": is_one_url_in_a_list,
        "task_id": text(100),
        "index": whole(0, 5),
        "prompt": text(5_000),
        "mode": one_of("fun", "normal", "spicy"),
        "duration": one_of("6", "10"),
        "resolution": one_of("480p", "720p"),
    },
    V1_LITE: {
        "prompt": text(10_000),
        "image_url": is_url,
        "resolution": one_of("480p", "720p", "1080p"),
        "duration": one_of("3", "4", "5", "6", "7", "8", "9", "10", "11", "12"),
        "camera_fixed": is_switch,
        "seed": whole(-1, 2_147_483_647),
        "enable_safety_checker": is_switch,
        "end_image_url": lambda value: value == "" or is_url(value),
    },
}
REQUIRED = {GROK: (), V1_LITE: ("prompt", "image_url")}


def departures(body: Any) -> Iterator[str]:
    """Find everything in the body of a create that its documentation page does not allow."""
    if not isinstance(body, dict) or not isinstance(body.get("input"), dict):
        yield "the body is no object with an input object"
        return
    given, table = body["input"], DOCUMENTED.get(body.get("model", ""))
    if table is None:
        yield f"unknown model {body.get('model')!r}"
        return
    yield from (f"unknown field {name}" for name in body.keys() - {"model", "input", "callBackUrl"})
    yield from (f"unknown input {name}" for name in given.keys() - table.keys())
    for name in table.keys() & given.keys():
        if not table[name](given[name]):
            yield f"{name} may not be {given[name]!r}"
    yield from (f"{name} is missing" for name in REQUIRED[body["model"]] if not given.get(name))
    if body["model"] == GROK:
        yield from _grok_departures(given)


def _grok_departures(given: dict[str, Any]) -> Iterator[str]:
    if ("image_urls" in given) == ("task_id" in given):
        yield "exactly one of image_urls and task_id is to be given"
    if "index" in given and "task_id" not in given:
        yield "index works only with task_id"
    if given.get("mode") == "spicy" and "image_urls" in given:
        yield "spicy is not supported with an external image"
