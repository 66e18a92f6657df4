"""Pages in plain Markdown: a heading for each parameter with bullets under it, or a table."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from kie_ui.catalog.docs_import.documented import (
    MAX_LINE,
    MAX_TEXT,
    NUMBER,
    DocumentedModel,
    DocumentedOption,
    DocumentedParameter,
    UnreadablePage,
    addresses_of_results,
    as_count,
    as_number,
    bytes_in,
    first_sentence,
    match_heading,
    parse_type,
    read_json,
    type_of_value,
    unescape,
)
from kie_ui.catalog.docs_import.naming import mime_types_in
from kie_ui.catalog.spec import MAX_PARAMETERS

_BULLETS = {
    "type": "type",
    "required": "required",
    "description": "description",
    "options": "options, available options, allowed values, possible values, values, enum",
    "default": "default value, default",
    "range": "range",
    "minimum": "min, minimum, min value",
    "maximum": "max, maximum, max value",
    "step": "step",
    "min_length": "min length, minimum length",
    "max_length": "max length, maximum length",
    "min_items": "min items, minimum items, min files",
    "max_items": "max items, maximum items, max files, max count",
    "max_bytes": "max file size, max size, maximum file size",
    "accepts": "accepted file types, accepted types, file types",
    "is_multiple": "multiple files, multiple",
    "pattern": "pattern",
    "format": "format",
    "title": "title, label",
    "deprecated": "deprecated",
    "example": "example, examples, example value",
    "items": "object structure, item structure, item properties, properties, items",
}
"""Facts by the words that pages have for them."""
_FACTS = {word: fact for fact, words in _BULLETS.items() for word in words.split(", ")}
_NAME_COLUMNS = ("parameter", "name", "field", "property")

_BULLET = re.compile(
    r"^ {0,3}[-*+][ \t]+(?:\*\*|__)(?P<key>[^*_:`]{1,40}?):?(?:\*\*|__)[ \t]*:?[ \t]*(?P<value>.*)$"
)
_OPTION = re.compile(
    r"^[ \t]*[-*+][ \t]+`(?P<value>[^`]*)`(?:[ \t]*(?:[:\uff1a–—]|-(?=\s))[ \t]*(?P<label>.*))?$"
)
_BARE_OPTION = re.compile(
    r"^[ \t]+[-*+][ \t]+(?P<value>[^`\s:][^:]*?)(?:[ \t]*:[ \t]*(?P<label>.*))?$"
)
_FIELD = re.compile(
    r"^\s*[-*+]\s+`(?P<name>[^`]+)`\s*\((?P<type>[^)]*)\)\s*[:–—-]?\s*(?P<words>.*)$"
)
_CODE = re.compile(r"`([^`]*)`")
_RANGE = re.compile(
    rf"(?P<low>{NUMBER})\s*(?:-|–|—|to|\.\.\.?|~|,)\s*(?P<high>{NUMBER})", re.IGNORECASE
)
_STEP = re.compile(rf"\bstep\s*[:=]?\s*(?P<step>{NUMBER})", re.IGNORECASE)
_NO_VALUE = ("", "-", "–", "—", "null", "none", "undefined", "n/a")

_PAGE = re.compile(r"^(?=# \S)", re.MULTILINE)
_SECTION = re.compile(r"\binput\b.*\bparam|\bparam\w*\b.*\binput\b|^input$", re.IGNORECASE)
_MODEL_IDS = (
    re.compile(r"\*\*Format\*\*\s*\|\s*`([^`\n]+)`"),
    re.compile(r"^\|\s*`?model`?\s*\|[^\n]*?format:\s*`([^`\n]+)`", re.MULTILINE),
    re.compile(r"\"model\"\s*:\s*\"([^\"\n]+)\""),
    re.compile(r"\\\"model\\\"\s*:\s*\\\"([^\"\\\n]+)\\\""),
)


def read_markdown(text: str) -> tuple[DocumentedModel, ...]:
    """Return the models that a page describes: one, or one each of several pages in one text.

    Raises: UnreadablePage.
    """
    pages = [part for part in _PAGE.split(text) if _section(part.split("\n"))[1]]
    return tuple(_read_page(page) for page in (pages if len(pages) > 1 else [text]))


def _read_page(text: str) -> DocumentedModel:
    findings: list[str] = []
    blocks = _blocks(text, findings)[: MAX_PARAMETERS + 1]
    if not blocks:
        raise UnreadablePage(
            "No parameters were found on this page. Copy a model’s whole page from docs.kie.ai: "
            "the one with “input Object Parameters” or with an OpenAPI specification."
        )
    quotation = re.search(r"^>\s*(.+)$", text, re.MULTILINE)
    headings = (match_heading(line) for line in text[:MAX_TEXT].split("\n"))
    return DocumentedModel(
        model=_model_id(text),
        title=next((title for match in headings if match and (title := match["title"])), ""),
        parameters=tuple(_parameter(block, findings) for block in blocks),
        summary=first_sentence(quotation[1]) if quotation else "",
        results=addresses_of_results(text),
        warnings=tuple(findings),
    )


def _model_id(text: str) -> str:
    """Return the id: from the table of the page, or else from its examples."""
    for pattern in _MODEL_IDS:
        match = pattern.search(text)
        if match and match[1].strip():
            return match[1].strip()
    raise UnreadablePage("The page does not say which model it is about. Copy the whole page.")


@dataclass
class Block:
    """What a page has of one parameter: under its heading, or in its row of a table."""

    name: str
    facts: dict[str, list[str]] = field(default_factory=dict)
    """The lines of each bullet, by the fact that it states, or else by its own bold word."""

    @property
    def is_parameter(self) -> bool:
        """Whether the bullets are those of a parameter, and not of a note or an address."""
        return not self.facts.keys().isdisjoint(("type", "required"))

    def text(self, fact: str) -> str:
        """Return a fact's words, over several lines where they are."""
        lines = [line.rstrip() for line in self.facts.get(fact, [])]
        while len(lines) > 1 and set(lines[-1]) in (set(), {"-"}, {"*"}, {"_"}):
            lines.pop()  # a rule across the page, and blank lines
        return unescape("\n".join(lines).strip()[:MAX_TEXT])

    def line(self, fact: str) -> str:
        """Return the words on a bullet's own line."""
        return unescape(self.facts.get(fact, [""])[0].strip()[:MAX_LINE])

    def code(self, fact: str) -> str:
        """Return a bullet's code span, or else its words."""
        code = _only_code(self.line(fact))
        return self.line(fact) if code is None else code.strip()

    def is_yes(self, fact: str) -> bool | None:
        """Return what a bullet answers; None where there is none."""
        words = re.findall(r"\w+", self.line(fact).lower())
        return words[0] in ("yes", "true", "required", "y") if words else None

    def count(self, fact: str) -> int | None:
        """Return the number that a bullet begins with."""
        match = re.search(NUMBER, self.line(fact))
        return as_count(match[0]) if match else None


def _parameter(block: Block, findings: list[str]) -> DocumentedParameter:
    """Return what the bullets of one parameter state."""
    for key in block.facts.keys() - _BULLETS.keys():
        words = " ".join(" ".join(block.facts[key]).split())[:200]
        findings.append(f"{block.name}: “{key}: {words}” is not understood.")
    type_ = _type(block, findings)
    return DocumentedParameter(
        name=block.name,
        type=type_,
        required=block.is_yes("required") or False,
        options=_options(block, type_),
        default=_default(block),
        **_range(block, findings),
        min_length=block.count("min_length"),
        max_length=block.count("max_length"),
        min_items=block.count("min_items"),
        max_items=block.count("max_items"),
        max_bytes=bytes_in(block.line("max_bytes")),
        accepts=mime_types_in(block.line("accepts")),
        pattern=block.code("pattern"),
        items=_items(block) if type_ == "array" else None,
        description=block.text("description"),
        example=_example(block),
        title=block.line("title"),
        format=block.code("format").lower(),
        is_multiple=block.is_yes("is_multiple"),
        deprecated=block.is_yes("deprecated") or False,
    )


def _type(block: Block, findings: list[str]) -> str:
    """Return the page's word for the type, or else what its default is."""
    word = parse_type(block.code("type"))
    if word:
        return word
    guess = type_of_value(_default(block)) or "string"
    findings.append(f"The page gives no type for {block.name}: treated as a {guess}.")
    return guess


def _range(block: Block, findings: list[str]) -> dict[str, Any]:
    """Return minimum, maximum and step."""
    line = block.line("range").replace("`", "")
    step = _STEP.search(line)
    span = _RANGE.search(line.partition("(")[0] if step else line)
    if line and not span:
        findings.append(f"{block.name}: the range “{line[:100]}” is not understood.")
    return {
        "minimum": as_number(span["low"] if span else block.line("minimum")),
        "maximum": as_number(span["high"] if span else block.line("maximum")),
        "step": as_number(step["step"] if step else block.line("step").strip("` ")),
    }


def _default(block: Block) -> Any:
    """Return the default: JSON where it is JSON, and else its bare text."""
    first, *further = block.facts.get("default", [""])
    if _opens_code(first):
        end = next((n for n, line in enumerate(further, 1) if "`" in line), 0)
        first = "\n".join([first, *further[:end]])
    elif not first.strip():
        first = "\n".join(line for line in further if not line.lstrip().startswith("```"))
    return _parse_value(first.strip())


def _example(block: Block) -> Any:
    """Return the first example, on its bullet's own line or nested under it."""
    lines = (line.strip() for line in block.facts.get("example", []))
    first = next((line for line in lines if line and not line.startswith("```")), "")
    return _parse_value(unescape(first.removeprefix("- ")[:MAX_LINE]))


def _items(block: Block) -> DocumentedParameter | None:
    """Return the shape of a list's rows, where the page lists what they hold."""
    fields = tuple(
        DocumentedParameter(
            name=row["name"],
            type=parse_type(row["type"]) or "string",
            required="required" in row["type"].lower(),
            description=unescape(row["words"].strip()),
        )
        for row in map(_FIELD.match, block.facts.get("items", []))
        if row
    )
    return DocumentedParameter(name="item", type="object", fields=fields) if fields else None


def _options(block: Block, type_: str) -> tuple[DocumentedOption, ...]:
    """Return the values to choose from, nested under the bullet or on its line."""
    first, *nested = block.facts.get("options", [""])
    first = first[:MAX_TEXT]
    lines = (line for line in nested if len(line) <= MAX_LINE)
    matches = (_OPTION.match(line) or _BARE_OPTION.match(line) for line in lines)
    found = [(match["value"].strip(), match["label"] or "") for match in matches if match]
    if not found:
        words = _CODE.findall(first) or [w.strip(" \"'") for w in re.split(r"[,|/]", first)]
        found = [(word, "") for word in words]
    return tuple(
        DocumentedOption(_in_type(value.strip("\"'"), type_), unescape(label.strip()))
        for value, label in dict(found).items()
        if value
    )


def _in_type(text: str, type_: str) -> Any:
    """Return an option as the wire wants it: a number where the type is one."""
    number = as_number(text) if type_ in ("number", "integer") else None
    return text if number is None else number


def _only_code(text: str) -> str | None:
    """Return the content of a text's one code span, whatever remark comes after it."""
    mark = text[: len(text) - len(text.lstrip("`"))]
    end = text.rfind(mark, len(mark)) if mark else -1
    if end < 0 or "`" in text[end + len(mark) :]:
        return None
    return text[len(mark) : end]


def _parse_value(text: str) -> Any:
    """Return the value that a page writes, mostly in a code span; None for none."""
    code = _only_code(text)
    bare = text if code is None else code.strip()
    if code is None and bare.lower() in _NO_VALUE:
        return None
    try:
        return read_json(bare)
    except ValueError:
        return None if bare in ("undefined", "None") else bare


def _blocks(text: str, findings: list[str]) -> list[Block]:
    """Return the parameters of the section on the input, in their order."""
    lines = text.split("\n")
    start, level = _section(lines)
    found = list(_headed_blocks(lines[start:], level))
    names = {block.name for block in found}
    rows = _rows(lines[start:]) if level else ()
    found += [row for row in rows if row.name not in names]
    blocks: dict[str, Block] = {}
    for block in found or _headed_blocks(lines, 0):
        if block.name in blocks:
            findings.append(f"{block.name} is described twice: the first one is used.")
        blocks.setdefault(block.name, block)
    return list(blocks.values())


def _section(lines: list[str]) -> tuple[int, int]:
    """Return the line after the heading of the input's parameters, and that heading's level."""
    for number, line in enumerate(lines):
        match = match_heading(line)
        if match and _SECTION.search(match["title"]):
            return number + 1, len(match["marks"])
    return 0, 0


def _headed_blocks(lines: list[str], level: int) -> Iterator[Block]:
    """Yield the blocks under the headings of parameters, up to the end of their section."""
    block = Block("")
    fact: list[str] = []
    skip = 0
    for number, line in enumerate(lines):
        if skip:
            skip -= 1
        elif heading := match_heading(line):
            if block.is_parameter:
                yield block
            block, fact = Block(_name(heading["title"])), []
            if level and len(heading["marks"]) <= level:
                return
        elif (match := _BULLET.match(line)) and (key := _fact(match["key"])):
            skip = _further_lines_of_code(match["value"], lines, number + 1)
            fact = block.facts.setdefault(key, [])
            fact.extend([match["value"], *lines[number + 1 : number + 1 + skip]])
        else:
            fact.append(line)
    if block.is_parameter:
        yield block


def _fact(word: str) -> str:
    """Return the fact that a bold word means, or itself; empty in a description's own list."""
    key = word.strip().lower()
    return _FACTS.get(key, key if word[:1].isupper() else "")


def _rows(lines: list[str]) -> Iterator[Block]:
    """Yield the parameters of a table, up to the end of its section."""
    keys: list[str] = []
    for line in lines:
        if match_heading(line):
            return
        if not line.lstrip().startswith("|") or set(line) <= set("|-: "):
            continue
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))]
        if not keys:
            words = [cell.lower() for cell in cells]
            keys = ["name" if word in _NAME_COLUMNS else _FACTS.get(word, word) for word in words]
            continue
        facts = {key: [cell.replace("\\|", "|")] for key, cell in zip(keys, cells, strict=False)}
        block = Block(_name(facts.pop("name", [""])[0]), facts)
        if block.name and block.is_parameter:
            yield block


def _opens_code(value: str) -> bool:
    return value.startswith("`") and value.count("`") == 1


def _further_lines_of_code(value: str, lines: list[str], start: int) -> int:
    """Count the further lines of a value that opens a code span and closes it later."""
    if _opens_code(value):
        for count, line in enumerate(lines[start : start + 500], 1):
            if "`" in line:
                return count if line.rstrip().endswith("`") else 0
    return 0


def _name(title: str) -> str:
    """Return the parameter's name: the heading without Markdown, `input.` and remarks."""
    match = _CODE.search(title)
    name = match[1] if match else title.replace("**", "").replace("\\_", "_")
    name = re.sub(r"^\d+\.\s+", "", name.strip())
    return unescape(re.sub(r"\s*[(*].*$", "", name.removeprefix("input.")).strip())
