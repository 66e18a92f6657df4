"""Checked values → the body of a create: a pure function, apart from sending.

Source: Kie documentation, "Create Generation Task", Request Parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from kie_ui.catalog.parameters import MediaParameter
from kie_ui.catalog.rules import EXTRA
from kie_ui.catalog.spec import ModelSpec
from kie_ui.catalog.values import FileRef, JsonValue, UrlRef

CREATE_TASK_PATH = "/api/v1/jobs/createTask"

Address = Callable[[FileRef], str]
"""Returns the web address of an uploaded file."""
DOLLARS_PER_CREDIT = 0.005
"""Source: observed live, "Balance and download"."""

MAX_SECONDS = 24 * 3600.0
"""Of a longer duration no price is estimated."""


def build_input(spec: ModelSpec, checked: Mapping[str, Any], address: Address) -> dict[str, Any]:
    """Build the `input` object, in the documented order and the documented types.

    The extra input comes last and overrides everything.
    `checked` comes from `check_values`: what it leaves out is left out here too, because some
    models reject empty strings and lists. Source: observed live, "Envelope and errors".
    """
    many = {p.name: p.many for p in spec.parameters if isinstance(p, MediaParameter)}
    documented = [parameter.name for parameter in spec.parameters]
    # A page may have been replaced meanwhile: values that the old one knew are still sent.
    since_gone = [name for name in checked if name not in documented and name != EXTRA]
    built = {
        name: _on_the_wire(checked[name], address, is_list=many.get(name))
        for name in (*documented, *since_gone)
        if name in checked
    }
    extra = checked.get(EXTRA)
    return {**built, **extra.value} if isinstance(extra, JsonValue) else built


def _on_the_wire(value: Any, address: Address, *, is_list: bool | None) -> Any:
    if isinstance(value, JsonValue):
        return value.value
    if not isinstance(value, tuple):
        return value
    urls = [ref.url if isinstance(ref, UrlRef) else address(ref) for ref in value]
    return urls if is_list or len(urls) > 1 else urls[0]


def build_body(
    spec: ModelSpec, built_input: Mapping[str, Any], callback_url: str | None = None
) -> dict[str, Any]:
    """Wrap an `input` object into the whole body of a create."""
    body: dict[str, Any] = {"model": spec.model, "input": dict(built_input)}
    if callback_url is not None:
        body["callBackUrl"] = callback_url
    return body


def estimate_credits(spec: ModelSpec, values: Mapping[str, Any]) -> float | None:
    """Estimate the credits of one run, or None where the price or a value it needs is unknown."""
    if spec.price is None:
        return None
    rate = spec.price.credits_per_second.get(str(values.get(spec.price.by)))
    try:
        seconds = float(values[spec.price.duration])
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
    if rate is None or not 0 <= seconds <= MAX_SECONDS:
        return None
    return round(rate * seconds, 2)


def dollars(credit_count: float) -> float:
    """Convert Kie credits to US dollars."""
    return credit_count * DOLLARS_PER_CREDIT


def credits_in_words(credit_count: float) -> str:
    """Say an amount in both currencies, such as `14.4 credits ($0.07)`."""
    return f"{counted_credits(credit_count)} (${dollars(credit_count):,.2f})"


def counted_credits(credit_count: float) -> str:
    """Say an amount of credits alone, such as `14.4 credits`."""
    amount = f"{credit_count:,.2f}".rstrip("0").rstrip(".")
    return f"{amount} {'credit' if amount == '1' else 'credits'}"
