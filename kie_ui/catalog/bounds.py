"""What a spec from outside may be: of a size that a page can show, and harmless.

A spec comes from a page that someone pasted, or from a file that someone shares. Neither may name a
file of ours, lead a link elsewhere than to the web, or be so large that it stops a browser.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from kie_ui.catalog.harmless import harmless
from kie_ui.catalog.media import is_web_address
from kie_ui.catalog.parameters import ChoiceParameter, Parameter, TableParameter
from kie_ui.catalog.schemas import is_plain
from kie_ui.catalog.spec import Becomes, ModelSpec, Price, Rule, names_in

MAX_SPEC_BYTES = 400_000
"""Of a spec as JSON: many times what the longest page makes."""
MAX_PARAMETERS = 150
MAX_COLUMNS = 20
MAX_OPTIONS = 1_000
MAX_TITLE = 120
"""Characters."""
MAX_ID = 200
"""Characters."""

_PARAMETER = re.compile(r"(?!__proto__\Z)[^\W\d][\w.-]{0,63}")
_ID = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._/:+@ -]*[A-Za-z0-9._+-])?")


class Unfit(ValueError):
    """A spec that can't be taken in; the text is a sentence that says why."""


def fitted(spec: ModelSpec, built_in: ModelSpec | None = None) -> ModelSpec:
    """Return a spec from outside as it can be taken in.

    A built-in model lends its title, its sample pictures, its price and its rules to a newer page
    of itself, as far as they still apply: no page states them so that they could be read, and a
    tab keeps its name. Raises: Unfit.
    """
    _raise_if_unfit(spec)
    documentation = spec.documentation if is_web_address(spec.documentation) else ""
    lent = {p.name: p.sample for p in built_in.media_parameters} if built_in else {}
    parameters = tuple(harmless(p, lent.get(p.name)) for p in spec.parameters)
    return spec.model_copy(
        update={
            "title": built_in.title if built_in else clean_title(spec.title) or spec.model,
            "documentation": documentation,
            "parameters": parameters,
            "rules": spec.rules or _rules(spec, built_in),
            "price": _price(spec, built_in),
        }
    )


def clean_title(title: str) -> str:
    """Return a title as one line of a length that a tab can show."""
    line = " ".join("".join(c if c.isprintable() else " " for c in title).split())
    return line if len(line) <= MAX_TITLE else line[: MAX_TITLE - 1].rstrip() + "…"


def _price(spec: ModelSpec, built_in: ModelSpec | None) -> Price | None:
    price = built_in.price if built_in else None
    if spec.price is not None or price is None:
        return spec.price
    names = {parameter.name for parameter in spec.parameters}
    return price if {price.by, price.duration} <= names else None


def _rules(spec: ModelSpec, built_in: ModelSpec | None) -> tuple[Rule, ...]:
    rules = built_in.rules if built_in else ()
    return tuple(rule for rule in rules if _still_applies(rule, spec))


def _still_applies(rule: Rule, spec: ModelSpec) -> bool:
    """Tell whether everything that a rule speaks of is there, and left to the person to give."""
    documented = {parameter.name: parameter for parameter in spec.parameters}
    if not names_in(rule) <= documented.keys():
        return False
    if isinstance(rule, Becomes):
        changed = documented[rule.parameter]
        values = changed.values if isinstance(changed, ChoiceParameter) else ()
        return {rule.value, rule.becomes} <= set(values)
    return not any(documented[name].required for name in names_in(rule))


def _raise_if_unfit(spec: ModelSpec) -> None:
    if len(spec.model) > MAX_ID or not _ID.fullmatch(spec.model) or _climbs(spec.model):
        raise Unfit(f"“{spec.model[:MAX_ID]}” cannot be the id of a model.")
    if len(spec.parameters) > MAX_PARAMETERS:
        raise Unfit(f"It has {len(spec.parameters):,} parameters; {MAX_PARAMETERS} can be shown.")
    for parameter in spec.parameters:
        if not _PARAMETER.fullmatch(parameter.name):
            raise Unfit(f"“{clean_title(parameter.name)}” cannot be the name of a parameter.")
    for parameter in _all_parameters(spec):
        _raise_if_too_much(parameter)
    if len(spec.model_dump_json()) > MAX_SPEC_BYTES:
        raise Unfit("It says more than any page of a model.")


def _climbs(model: str) -> bool:
    """Tell whether an id is shaped to lead out of a folder, wherever it may be used one day."""
    return any(not part.strip(". ") for part in model.split("/"))


def _all_parameters(spec: ModelSpec) -> Iterator[Parameter]:
    for parameter in spec.parameters:
        yield parameter
        if isinstance(parameter, TableParameter):
            yield from parameter.columns


def _raise_if_too_much(parameter: Parameter) -> None:
    shown = clean_title(parameter.name)
    if isinstance(parameter, ChoiceParameter) and not is_plain(parameter.values):
        raise Unfit(f"“{shown}” has an option that is a number beyond all measure.")
    if isinstance(parameter, ChoiceParameter) and len(parameter.options) > MAX_OPTIONS:
        raise Unfit(f"“{shown}” has more than {MAX_OPTIONS:,} options.")
    if isinstance(parameter, TableParameter) and len(parameter.columns) > MAX_COLUMNS:
        raise Unfit(f"“{shown}” has more than {MAX_COLUMNS} columns.")
