"""One documented parameter → the kind of parameter that fits it."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any, Literal

from kie_ui.catalog.constraints import is_checkable
from kie_ui.catalog.describe import derived_facts, is_same_fact
from kie_ui.catalog.docs_import.documented import (
    SCALARS,
    DocumentedOption,
    DocumentedParameter,
    as_number,
    shorten,
)
from kie_ui.catalog.docs_import.naming import (
    MAX_LABEL,
    addresses_in,
    as_address,
    is_media,
    label_of,
    label_of_media,
    media_kind,
    words_of,
)
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
from kie_ui.catalog.roles import is_named_like
from kie_ui.catalog.spec import MAX_OPTIONS

MAX_HELP_CHARACTERS = 400
MAX_OPTION_LABEL = 200
MAX_OWN_LABEL = 30
"""Characters of an option's name that a description gives."""
MAX_NUMBERS_IN_QUOTES = 200
"""Whole numbers in quotes that are offered as a list."""
_MAX_SAMPLE = 80
_MAX_IN_ONE_LINE = 500
"""Characters: a text that may be longer gets several lines, whatever its name."""
_MAX_COLUMNS = 8

_ADVANCED_WORDS = frozenset(
    ("seed", "safety", "nsfw", "watermark", "moderation", "checker", "translation", "acceleration")
)
_PROSE_NAME = re.compile(
    r"prompt|text|script|lyrics|caption|description|content|message|dialogue|story|scene|context",
    re.IGNORECASE,
)
_GROK_TASK = re.compile(
    r"task[_ ]?id\b.*\bgrok|\bgrok\b.*\btask[_ ]?id\b", re.IGNORECASE | re.DOTALL
)
_PICTURES = re.compile(r"\b(?:images?|pictures?)\b", re.IGNORECASE)
_BARE_NUMBER = re.compile(r"\d+(\.\d+)?\Z")
_LABELLED_VALUE = re.compile(
    r"^[ \t]*(?:[-*+][ \t]+)?(?:`|\*\*)?(?P<value>[\w.:+-]{1,60}?)(?:`|\*\*)?"
    r"[ \t]*(?::[ \t]+|[ \t][-–—][ \t])(?P<label>\S.{0,120})$",
    re.MULTILINE,
)
_SHOWN_LIMITS = re.compile(
    r"\s*\((?:"
    r"step:\s*[\d.]+"
    r"|boolean(?: value)?\s*:?\s*\(?true/false\)?"
    r"|min(?:imum)?(?: length)?:[^()]*"
    r"|max(?:imum)? length:[^()]*"
    r"|(?:uploaded )?file urls?[^();]*not file content[^()]*"
    r")\)",
    re.IGNORECASE,
)
_SHOWN_FILE_LIMITS = re.compile(
    r"\s*\((?:accepted(?: file)? types|max(?:imum)?(?: file)? size):[^()]*\)", re.IGNORECASE
)


def to_parameter(documented: DocumentedParameter, findings: list[str]) -> Parameter:
    """Return the parameter, with those stated facts that its kind cannot hold.

    `findings` gets a sentence for whatever does not fit.
    """
    made = _Builder(documented, findings).build()
    derived, stated = derived_facts(made), documented.facts
    beside: dict[str, Any] = {
        name: stated.get(name)
        for name in {**derived, **stated}
        if not is_same_fact(derived.get(name), stated.get(name))
    }
    return made.model_copy(update={"stated": beside}) if beside else made


class _Builder:
    """Builds one parameter, or one column of a table."""

    def __init__(
        self, documented: DocumentedParameter, findings: list[str], within: str = ""
    ) -> None:
        self._page = as_address(documented)
        self._findings = findings
        self._place = f"{within}{documented.name}"
        if self._page != documented and not within:
            self._doubt("the page calls it an object, but it is an address and is sent as text.")

    def build(self) -> Parameter:
        """Return the parameter: as JSON where no other kind fits its shape."""
        return self._media() if is_media(self._page) else self._plain() or self._json()

    def build_column(self) -> Column | None:
        """Return a column of a table; None for what does not fit one."""
        made = self._plain()
        if made is None or isinstance(made, TableParameter):
            return None
        return None if isinstance(made, ChoiceParameter) and made.many else made

    def _plain(self) -> Column | TableParameter | None:
        page = self._page
        if page.alternatives:
            return None
        match page.type:
            case "boolean":
                return self._switch()
            case _ if page.options:
                return self._choice(page)
            case "number" | "integer":
                return self._number()
            case "string":
                options = _numbers_in_quotes(page)
                return self._choice(replace(page, options=options)) or self._text()
        return self._table() if page.type == "array" else None

    def _common(self, label: str = "") -> dict[str, Any]:
        page = self._page
        is_rare = page.deprecated or not _ADVANCED_WORDS.isdisjoint(words_of(page.name))
        return {
            "name": page.name,
            "label": page.title[:MAX_LABEL] or label or label_of(page.name),
            "help": _help(page),
            "required": page.required,
            "advanced": is_rare and not page.required,
        }

    def _doubt(self, sentence: str) -> None:
        self._findings.append(f"{self._place}: {sentence}")

    def _no_default(self, why: str) -> Any:
        """Return None in place of the documented default, and note why."""
        default = shorten(repr(self._page.default), 80)
        self._doubt(f"the default {default} {why}; the form leaves it out.")
        return None

    def _span(self, low: Any, high: Any) -> tuple[Any, Any]:
        """Return two limits, unless there is nothing between them."""
        if low is not None and high is not None and low > high:
            self._doubt(f"nothing lies between {low} and {high}; the limits are not checked.")
            return None, None
        return low, high

    def _counts(self, low: int | None, high: int | None) -> tuple[int | None, int | None]:
        """Return two limits of a length; a page that states 0 at most means no limit."""
        low, high = self._span(low, high)
        return low, high or None

    def _switch(self) -> SwitchParameter:
        default = self._page.default
        if isinstance(default, str) and default.lower() in ("true", "false"):
            default = default.lower() == "true"
        if default is not None and not isinstance(default, bool):
            default = self._no_default("is neither true nor false")
        return SwitchParameter(**self._common(), default=default)

    def _number(self) -> NumberParameter:
        page = self._page
        low, high = self._span(page.minimum, page.maximum)
        step, default = page.step, page.default
        if step is not None and step <= 0:
            self._doubt(f"{step} is not a valid step.")
            step = None
        is_integer = page.type == "integer"
        if default is not None and not _is_within(default, low, high, is_integer=is_integer):
            default = self._no_default("breaks the page’s own rules")
        return NumberParameter(
            **self._common(),
            integer=is_integer,
            minimum=low,
            maximum=high,
            step=step,
            default=default,
            random_value=-1 if low == -1 and is_named_like(page.name, "seed") else None,
        )

    def _text(self) -> TextParameter:
        page = self._page
        shortest, longest = self._counts(page.min_length, page.max_length)
        default, pattern = page.default, page.pattern or None
        if default is not None and not isinstance(default, str):
            default = self._no_default("is not text")
        elif default and not (shortest or 0) <= len(default) <= (longest or len(default)):
            default = self._no_default("breaks the page’s own rules")
        if pattern and not is_checkable(pattern):
            self._doubt("its pattern can’t be checked here.")
            pattern = None
        return TextParameter(
            **self._common(),
            min_length=shortest,
            max_length=longest,
            pattern=pattern,
            multiline=bool(_PROSE_NAME.search(page.name)) or (longest or 0) > _MAX_IN_ONE_LINE,
            names="image_task" if _is_grok_image_task(page) else None,
            default=default,
            sample=_sample(page),
        )

    def _choice(self, page: DocumentedParameter) -> ChoiceParameter | None:
        """Return a choice; None where the values are none that one can choose among."""
        many = page.type == "array"
        type_ = _type_of_options(page, page.items.type if many and page.items else page.type)
        if type_ is None:
            return None
        if len(page.options) > MAX_OPTIONS:
            self._doubt(f"only the first {MAX_OPTIONS} of {len(page.options)} options are shown.")
            page = replace(page, options=page.options[:MAX_OPTIONS])
        fewest, most = self._counts(page.min_items, page.max_items) if many else (None, None)
        default = _chosen(page.default, [option.value for option in page.options], many=many)
        if default is None and page.default not in (None, "", []):
            self._no_default("is not among the options")
        return ChoiceParameter(
            **self._common(),
            options=_options(page),
            default=default,
            of=type_,
            many=many,
            min_items=fewest,
            max_items=most,
            unit=_unit(page),
        )

    def _media(self) -> MediaParameter:
        page = self._page
        many, kind = page.type == "array", media_kind(page)
        fewest, most = self._counts(page.min_items, page.max_items) if many else (None, 1)
        if many and page.is_multiple is False and most is None:
            most = 1
        if page.is_multiple and not many:
            self._doubt("the page says several files, but the type is for one.")
        return MediaParameter(
            **self._common(label_of_media(page.name, kind, many=many)),
            media=kind,
            many=many,
            min_items=fewest,
            max_items=most,
            max_bytes=page.max_bytes or None,
            accepts=page.accepts,
            default=self._addresses(most),
        )

    def _addresses(self, most: int | None) -> tuple[str, ...]:
        """Return the documented sample addresses, where they are addresses."""
        found = addresses_in(self._page.default)
        if found and len(found) <= (most or len(found)):
            return found
        if self._page.default not in (None, "", [], [""]):
            self._no_default("is not the address of such a file")
        return ()

    def _table(self) -> TableParameter | None:
        """Return a table of what a list holds; None if it is not a flat row."""
        page, row = self._page, self._page.items
        if row is None or row.alternatives:
            return None
        is_bare = row.type in SCALARS
        fields = (replace(row, name=page.name, required=True),) if is_bare else row.fields
        within = f"{self._place} → "
        columns = [_Builder(field, self._findings, within).build_column() for field in fields]
        flat = tuple(column for column in columns if column is not None)
        if not flat or len(flat) < len(columns) or len(flat) > _MAX_COLUMNS:
            return None
        fewest, most = self._counts(page.min_items, page.max_items)
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
        rows = default if isinstance(default, list) else [[]]
        if all(isinstance(row, dict) is not is_bare and not isinstance(row, list) for row in rows):
            return tuple(rows)
        if default is not None:
            self._no_default("is not a list of rows")
        return ()

    def _json(self) -> JsonParameter:
        page = self._page
        self._doubt("no widget fits its shape; it is written as JSON and checked.")
        return JsonParameter(
            **self._common(), of=page.type, json_schema=json_schema(page), default=page.default
        )


def _is_within(value: Any, low: float | None, high: float | None, *, is_integer: bool) -> bool:
    number = None if isinstance(value, str) else as_number(value)
    if number is None or (is_integer and number != int(number)):
        return False
    return (low is None or number >= low) and (high is None or number <= high)


def _is_grok_image_task(page: DocumentedParameter) -> bool:
    """Whether the page's words say that the text is the id of a Grok image task."""
    is_task = words_of(page.name)[-2:] == ["task", "id"]
    return is_task and all(p.search(page.description) for p in (_GROK_TASK, _PICTURES))


def _sample(page: DocumentedParameter) -> str | None:
    """Return how a text that the page gives as an example begins; None where there is none."""
    line = " ".join(page.example.split()) if isinstance(page.example, str) else ""
    return shorten(line, _MAX_SAMPLE) if line and page.example != page.default else None


def _help(page: DocumentedParameter) -> str:
    """Return a description without the limits that the form shows itself, and not too long."""
    text = _SHOWN_LIMITS.sub("", page.description)
    if page.accepts or page.max_bytes:
        text = _SHOWN_FILE_LIMITS.sub("", text)
    text = text.strip() or page.description
    if len(text) <= MAX_HELP_CHARACTERS:
        return text
    start = text[:MAX_HELP_CHARACTERS]
    ends = [start.rfind(mark) + 1 for mark in ("\n\n", ". ", "; ")]
    end = next((end for end in ends if end > MAX_HELP_CHARACTERS // 3), 0) or start.rfind(" ")
    return f"{start[: max(end, 1)].rstrip()} …"


def _numbers_in_quotes(page: DocumentedParameter) -> tuple[DocumentedOption, ...]:
    """Return the whole numbers of a range in quotes, where a text is to be one of them."""
    low, high = page.minimum, page.maximum
    if low is None or high is None or page.max_length or (page.step or 1) != 1:
        return ()
    if low != int(low) or not low < high < low + MAX_NUMBERS_IN_QUOTES:
        return ()
    return tuple(DocumentedOption(str(number)) for number in range(int(low), int(high) + 1))


def _type_of_options(
    page: DocumentedParameter, stated: str
) -> Literal["string", "number", "integer"] | None:
    """Return the type that the values have on the wire; None where they have no common one.

    A number in quotes is text, whatever the page calls the type.
    """
    types = {type(option.value) for option in page.options}
    if types == {str}:
        return "string"
    if types == {int} and stated != "number":
        return "integer"
    return "number" if types and types <= {int, float} else None


def _options(page: DocumentedParameter) -> tuple[Option, ...]:
    """Return the options with their names: the page's own, or those of its description."""
    named = _labels_in(page.description)
    labels = (o.label or named.get(str(o.value)) or str(o.value) for o in page.options)
    return tuple(
        Option(value=option.value, label=label.strip()[:MAX_OPTION_LABEL] or "(empty)")
        for option, label in zip(page.options, labels, strict=True)
    )


def _labels_in(description: str) -> dict[str, str]:
    """Return the names that a description gives to values, a line each.

    Long ones only for values that say nothing themselves, such as the ids of voices.
    """
    matches = _LABELLED_VALUE.finditer(description)
    found = ((match["value"], match["label"].strip().rstrip(".")) for match in matches)
    return {
        value: label
        for value, label in found
        if len(label) <= MAX_OWN_LABEL or (len(value) >= 12 and value.isalnum())
    }


def _unit(page: DocumentedParameter) -> str | None:
    """Return what the options count, where they are bare numbers of seconds."""
    is_duration = is_named_like(page.name, "duration") and "second" in page.description.lower()
    are_bare = all(_BARE_NUMBER.match(str(option.value)) for option in page.options)
    return "s" if is_duration and are_bare else None


def _chosen(default: Any, values: list[Any], *, many: bool) -> Any:
    """Return a default among the values, in their type; None where it is not among them."""
    wanted = default if many and isinstance(default, list) else [default]
    known = {str(value): value for value in values}
    if not wanted or any(isinstance(one, bool) or str(one) not in known for one in wanted):
        return None
    found = tuple(known[str(one)] for one in wanted)
    return found if many else found[0]
