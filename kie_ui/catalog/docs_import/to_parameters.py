"""One documented parameter → the kind of parameter that fits it."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any, Literal

from kie_ui.catalog.describe import derived_facts, is_same_fact
from kie_ui.catalog.docs_import.documented import (
    MAX_OPTIONS,
    SCALARS,
    DocumentedOption,
    DocumentedParameter,
    Findings,
)
from kie_ui.catalog.docs_import.markdown_text import labels_in
from kie_ui.catalog.docs_import.media import as_address, is_media, medium, words_of
from kie_ui.catalog.docs_import.naming import MAX_LABEL, label_of, label_of_media
from kie_ui.catalog.docs_import.openapi_schema import json_schema
from kie_ui.catalog.parameters import (
    ChoiceParameter,
    Column,
    JsonParameter,
    MediaParameter,
    NumberParameter,
    Option,
    Parameter,
    SwitchParameter,
    TableParameter,
    TextParameter,
)
from kie_ui.catalog.validation.constraints import is_checkable
from kie_ui.catalog.values import is_web_address

MAX_OPTION_LABEL = 200
MAX_SPELT = 200
"""Whole numbers in quotes that are offered as a list."""

_BARE_NUMBER = re.compile(r"\d+(\.\d+)?\Z")
_Of = Literal["string", "number", "integer"]


def type_of_options(documented: tuple[DocumentedOption, ...], word: str) -> _Of | None:
    """Return the type that the values have on the wire; None where they have no common one.

    A number in quotes is text, whatever the page calls the type.
    """
    values = [option.value for option in documented]
    if not values or any(isinstance(value, bool) for value in values):
        return None
    if all(isinstance(value, str) for value in values):
        return "string"
    if all(isinstance(value, int) for value in values) and word != "number":
        return "integer"
    return "number" if all(isinstance(value, (int, float)) for value in values) else None


def options_of(documented: DocumentedParameter) -> tuple[Option, ...]:
    """Return the options with their names: the page's own, or those of its description."""
    labels = labels_in(documented.description)
    return tuple(
        Option(value=option.value, label=_label(option, labels)) for option in documented.options
    )


def _label(option: DocumentedOption, labels: dict[str, str]) -> str:
    label = option.label or labels.get(str(option.value)) or str(option.value)
    return label.strip()[:MAX_OPTION_LABEL] or "(empty)"


def unit_of(documented: DocumentedParameter) -> str | None:
    """Return what the options count, where they are bare numbers of seconds."""
    is_time = "duration" in words_of(documented.name)
    in_seconds = "second" in documented.description.lower()
    bare = all(_BARE_NUMBER.match(str(option.value)) for option in documented.options)
    return "s" if is_time and in_seconds and bare else None


def chosen(default: Any, values: tuple[Any, ...], *, many: bool) -> Any:
    """Return a default among the values, in their type; None where it is not among them."""
    wanted = default if many and isinstance(default, list) else [default]
    known = {str(value): value for value in values}
    if not wanted or any(isinstance(one, bool) or str(one) not in known for one in wanted):
        return None
    found = tuple(known[str(one)] for one in wanted)
    return found if many else found[0]


def spelt_numbers(documented: DocumentedParameter) -> tuple[DocumentedOption, ...]:
    """Return the whole numbers of a range in quotes, where a text is to be one of them."""
    low, high = documented.minimum, documented.maximum
    if low is None or high is None or documented.max_length or (documented.step or 1) != 1:
        return ()
    if low != int(low) or not low < high < low + MAX_SPELT:
        return ()
    return tuple(DocumentedOption(str(number)) for number in range(int(low), int(high) + 1))


LONGEST_HELP = 400
"""Characters."""

_READ_OUT = re.compile(
    r"\s*\((?:"
    r"step:\s*[\d.]+"
    r"|boolean(?: value)?\s*:?\s*\(?true/false\)?"
    r"|min(?:imum)?(?: length)?:[^()]*"
    r"|max(?:imum)? length:[^()]*"
    r"|(?:uploaded )?file urls?[^();]*not file content[^()]*"
    r")\)",
    re.IGNORECASE,
)


_FILES_READ_OUT = re.compile(
    r"\s*\((?:accepted(?: file)? types|max(?:imum)?(?: file)? size):[^()]*\)", re.IGNORECASE
)
_LONGEST_SAMPLE = 80


def sample_of(page: DocumentedParameter) -> str | None:
    """Return how a text that the page gives as an example begins; None where there is none."""
    line = " ".join(page.example.split()) if isinstance(page.example, str) else ""
    if not line or page.example == page.default:
        return None
    return line if len(line) <= _LONGEST_SAMPLE else f"{line[: _LONGEST_SAMPLE - 1].rstrip()}…"


def help_of(description: str, *, tells_files: bool = False) -> str:
    """Return a description without the limits that the form shows itself, and not too long.

    `tells_files`: which files fit was read, so that it is shown, or pictures are made fit.
    """
    text = _READ_OUT.sub("", description)
    text = (_FILES_READ_OUT.sub("", text) if tells_files else text).strip() or description
    if len(text) <= LONGEST_HELP:
        return text
    start = text[:LONGEST_HELP]
    ends = [start.rfind(mark) + 1 for mark in ("\n\n", ". ", "; ")]
    end = next((end for end in ends if end > LONGEST_HELP // 3), 0) or start.rfind(" ")
    return f"{start[: max(end, 1)].rstrip()} …"


_RARE = frozenset(
    ("seed", "safety", "nsfw", "watermark", "moderation", "checker", "translation", "acceleration")
)
_LONG = re.compile(
    r"prompt|text|script|lyrics|caption|description|content|message|dialogue|story|scene|context",
    re.IGNORECASE,
)
_MAX_IN_A_LINE = 500
"""Characters: a text that may be longer gets several lines, whatever its name."""
_MAX_COLUMNS = 8
_LARGEST_NUMBER = 10**30
_GROK_TASK = re.compile(
    r"task[_ ]?id\b.*\bgrok|\bgrok\b.*\btask[_ ]?id\b", re.IGNORECASE | re.DOTALL
)
_OF_IMAGES = re.compile(r"\b(?:images?|pictures?)\b", re.IGNORECASE)


class Maker:
    """Makes a parameter of what a page states, and notes what does not fit."""

    def __init__(
        self, documented: DocumentedParameter, findings: Findings, within: str = ""
    ) -> None:
        self._stated = documented
        self._page = as_address(documented)
        self._findings = findings
        self._place = f"{within}{documented.name}"
        self._is_media = is_media(self._page)

    def parameter(self) -> Parameter:
        """Return the parameter, with what the page states and its kind cannot hold."""
        made = self._made()
        if self._page != self._stated:
            self._doubt("the page calls it an object, but it is an address and sent as text.")
        derived, facts = derived_facts(made), self._stated.facts
        beside: dict[str, Any] = {
            name: facts.get(name)
            for name in {**derived, **facts}
            if not is_same_fact(derived.get(name), facts.get(name))
        }
        return made.model_copy(update={"stated": beside}) if beside else made

    def column(self) -> Column | None:
        """Return what stands in a column of a table; None for what does not fit one."""
        self._is_media = False
        made = self._made()
        if isinstance(made, (TableParameter, JsonParameter, MediaParameter)):
            return None
        return None if isinstance(made, ChoiceParameter) and made.many else made

    def _made(self) -> Parameter:
        page = self._page
        made: Parameter | None = None
        if page.alternatives:
            pass
        elif self._is_media:
            made = self._media()
        elif page.type == "boolean":
            made = self._switch()
        elif page.options:
            made = self._choice(page)
        elif page.type in ("number", "integer"):
            made = self._number()
        elif page.type == "string":
            made = self._choice(replace(page, options=spelt_numbers(page))) or self._text()
        elif page.type == "array":
            made = self._table()
        return made or self._json()

    def _common(self) -> dict[str, Any]:
        page = self._page
        is_rare = page.deprecated or not _RARE.isdisjoint(words_of(page.name))
        return {
            "name": page.name,
            "label": page.title[:MAX_LABEL] or self._label(),
            "help": help_of(page.description, tells_files=bool(page.accepts or page.max_bytes)),
            "required": page.required,
            "advanced": is_rare and not page.required,
        }

    def _label(self) -> str:
        page = self._page
        if not self._is_media:
            return label_of(page.name)
        return label_of_media(page.name, medium(page), many=page.type == "array")

    def _doubt(self, sentence: str) -> None:
        self._findings.add(f"{self._place}: {sentence}")

    def _without_default(self, why: str) -> None:
        self._doubt(f"the default {_short(self._page.default)} {why}; the form leaves it out.")

    def _span(self, low: int | None, high: int | None) -> tuple[int | None, int | None]:
        """Return two limits, unless nothing lies between them."""
        if low is not None and high is not None and low > high:
            self._doubt(f"nothing lies between {low} and {high}; the limits are not checked.")
            return None, None
        return low, high or None

    def _switch(self) -> SwitchParameter:
        default = self._page.default
        if isinstance(default, str) and default.lower() in ("true", "false"):
            default = default.lower() == "true"
        if default is not None and not isinstance(default, bool):
            self._without_default("is neither true nor false")
            default = None
        return SwitchParameter(**self._common(), default=default)

    def _number(self) -> NumberParameter:
        page = self._page
        low, high, step = page.minimum, page.maximum, page.step
        if low is not None and high is not None and low > high:
            self._doubt(f"nothing lies between {low} and {high}; the limits are not checked.")
            low = high = None
        if step is not None and step <= 0:
            self._doubt(f"{step} is no step.")
            step = None
        default = page.default
        is_integer = page.type == "integer"
        if default is not None and not _is_within(default, low, high, is_integer=is_integer):
            self._without_default("breaks the page’s own rules")
            default = None
        return NumberParameter(
            **self._common(),
            integer=is_integer,
            minimum=low,
            maximum=high,
            step=step,
            default=default,
            random_value=-1 if low == -1 and "seed" in words_of(page.name) else None,
        )

    def _text(self) -> TextParameter:
        page = self._page
        shortest, longest = self._span(page.min_length, page.max_length)
        default = page.default
        if default is not None and not isinstance(default, str):
            self._without_default("is no text")
            default = None
        elif default and not (shortest or 0) <= len(default) <= (longest or len(default)):
            self._without_default("breaks the page’s own rules")
            default = None
        return TextParameter(
            **self._common(),
            min_length=shortest,
            max_length=longest,
            pattern=self._pattern(),
            multiline=bool(_LONG.search(page.name)) or (longest or 0) > _MAX_IN_A_LINE,
            names="image_task" if self._is_grok_task() else None,
            default=default,
            sample=sample_of(page),
        )

    def _pattern(self) -> str | None:
        pattern = self._page.pattern or None
        if pattern and not is_checkable(pattern):
            self._doubt("its pattern can’t be checked here.")
            return None
        return pattern

    def _is_grok_task(self) -> bool:
        """Tell whether the page's words say that the text is the id of a Grok image task."""
        page = self._page
        is_task = words_of(page.name)[-2:] == ["task", "id"]
        words = page.description
        return is_task and bool(_GROK_TASK.search(words)) and bool(_OF_IMAGES.search(words))

    def _choice(self, page: DocumentedParameter) -> ChoiceParameter | None:
        """Return a choice; None where the values are none that one can choose among."""
        many = page.type == "array"
        word = page.items.type if many and page.items else page.type
        of = type_of_options(page.options, word)
        if of is None:
            return None
        if len(page.options) > MAX_OPTIONS:
            self._doubt(f"of {len(page.options)} options the first {MAX_OPTIONS} are shown.")
            page = replace(page, options=page.options[:MAX_OPTIONS])
        options = options_of(page)
        fewest, most = self._span(page.min_items, page.max_items) if many else (None, None)
        default = chosen(page.default, tuple(o.value for o in options), many=many)
        if default is None and page.default not in (None, "", []):
            self._without_default("is not among the options")
        return ChoiceParameter(
            **self._common(),
            options=options,
            default=default,
            of=of,
            many=many,
            min_items=fewest,
            max_items=most,
            unit=unit_of(page),
        )

    def _media(self) -> MediaParameter:
        page = self._page
        many = page.type == "array"
        fewest, most = self._span(page.min_items, page.max_items) if many else (None, 1)
        if many and page.is_multiple is False and most is None:
            most = 1
        if page.is_multiple and not many:
            self._doubt("the page says several files, but the type is that of one.")
        return MediaParameter(
            **self._common(),
            media=medium(page),
            many=many,
            min_items=fewest,
            max_items=most,
            max_bytes=page.max_bytes or None,
            accepts=page.accepts,
            default=self._addresses(most),
        )

    def _addresses(self, most: int | None) -> tuple[str, ...]:
        """Return the documented sample addresses, where they are addresses."""
        default = self._page.default
        values = default if isinstance(default, list) else [default]
        found = tuple(v for v in values if isinstance(v, str) and is_web_address(v))
        if len(found) == len(values) and len(found) <= (most or len(found)):
            return found
        if default not in (None, "", [], [""]):
            self._without_default("is not the address of such a file")
        return ()

    def _table(self) -> TableParameter | None:
        """Return a table of what a list holds; None where that is no flat row."""
        page, row = self._page, self._page.items
        if row is None or row.alternatives:
            return None
        is_bare = row.type in SCALARS
        inner = (replace(row, name=page.name, required=True),) if is_bare else row.fields
        columns = [Maker(field, self._findings, f"{self._place} → ").column() for field in inner]
        flat = tuple(column for column in columns if column is not None)
        if not flat or len(flat) < len(columns) or len(flat) > _MAX_COLUMNS:
            return None
        fewest, most = self._span(page.min_items, page.max_items)
        return TableParameter(
            **self._common(),
            columns=flat,
            is_bare=is_bare,
            min_items=fewest,
            max_items=most,
            default=self._rows(is_bare=is_bare),
        )

    def _rows(self, *, is_bare: bool) -> tuple[Any, ...]:
        default = self._page.default
        if default is None:
            return ()
        if isinstance(default, list) and all(
            isinstance(row, dict) is not is_bare and not isinstance(row, list) for row in default
        ):
            return tuple(default)
        self._without_default("is no list of rows")
        return ()

    def _json(self) -> JsonParameter:
        page = self._page
        self._doubt("no widget fits its shape; it is written as JSON and checked.")
        return JsonParameter(
            **self._common(), of=page.type, json_schema=json_schema(page), default=page.default
        )


def _is_within(value: Any, low: float | None, high: float | None, *, is_integer: bool) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    if abs(value) >= _LARGEST_NUMBER or (is_integer and value != int(value)):
        return False
    return (low is None or value >= low) and (high is None or value <= high)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:79]}…"
