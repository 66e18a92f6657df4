"""Pages in plain Markdown: a heading for each parameter, with bullets under it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from kie_ui.catalog.docs_import.documented import (
    MAX_LINE,
    MAX_PARAMETERS,
    MAX_TEXT,
    NUMBER,
    DocumentedModel,
    DocumentedOption,
    DocumentedParameter,
    Findings,
    UnreadablePage,
    as_count,
    as_number,
    bytes_in,
    type_of_value,
    type_word,
)
from kie_ui.catalog.docs_import.markdown_text import (
    addresses_of_results,
    first_sentence,
    heading_of,
    unescaped,
)
from kie_ui.catalog.docs_import.media import mime_types_in
from kie_ui.catalog.docs_import.safe_yaml import read_json

_OPTION = re.compile(
    r"^[ \t]*[-*+][ \t]+`(?P<value>[^`]*)`(?:[ \t]*(?:[:\uff1a–—]|-(?=\s))[ \t]*(?P<label>.*))?$"
)
_BARE_OPTION = re.compile(
    r"^[ \t]+[-*+][ \t]+(?P<value>[^`\s:][^:]*?)(?:[ \t]*:[ \t]*(?P<label>.*))?$"
)
_CODE = re.compile(r"`([^`]*)`")
_RANGE = re.compile(
    rf"(?P<low>{NUMBER})\s*(?:-|–|—|to|\.\.\.?|~|,)\s*(?P<high>{NUMBER})", re.IGNORECASE
)
_STEP = re.compile(rf"\bstep\s*[:=]?\s*(?P<step>{NUMBER})", re.IGNORECASE)
_NOTHING = ("", "-", "–", "—", "null", "none", "undefined", "n/a")


@dataclass
class Block:
    """The lines that a page has of one parameter."""

    name: str
    facts: dict[str, list[str]] = field(default_factory=dict)
    """What stands after each bullet's bold word, with the lines that belong to it."""

    @property
    def is_parameter(self) -> bool:
        """Whether the bullets are those of a parameter, and not of a note or an address."""
        return not self.facts.keys().isdisjoint(("type", "required"))


def parameter_of(block: Block, findings: Findings) -> DocumentedParameter:
    """Return what the bullets of one parameter state."""
    facts = _Facts(block, findings)
    word = facts.type()
    options = facts.options(word)
    low, high, step = facts.range()
    return DocumentedParameter(
        name=block.name,
        type=word,
        required=facts.is_yes("required") or False,
        options=options,
        default=facts.default(),
        minimum=low,
        maximum=high,
        step=step,
        min_length=facts.count("min length", "minimum length"),
        max_length=facts.count("max length", "maximum length"),
        min_items=facts.count("min items", "minimum items", "min files"),
        max_items=facts.count("max items", "maximum items", "max files", "max count"),
        max_bytes=bytes_in(facts.line("max file size", "max size", "maximum file size")),
        accepts=mime_types_in(facts.line("accepted file types", "accepted types", "file types")),
        pattern=facts.code("pattern"),
        items=facts.items(word),
        description=facts.text("description"),
        example=facts.example(),
        title=facts.line("title", "label"),
        format=facts.code("format").lower(),
        is_multiple=facts.is_yes("multiple files", "multiple"),
        deprecated=facts.is_yes("deprecated") or False,
    )


class _Facts:
    """The bullets under one heading, each read as what it is."""

    def __init__(self, block: Block, findings: Findings) -> None:
        self._block = block
        self._findings = findings
        for key in block.facts.keys() - KEYS:
            words = " ".join(" ".join(block.facts[key]).split())[:200]
            findings.add(f"{block.name}: “{key}: {words}” is not understood.")

    def lines(self, *keys: str) -> list[str]:
        """Return the lines of the first of these bullets that there is."""
        return next((self._block.facts[key] for key in keys if key in self._block.facts), [])

    def text(self, *keys: str) -> str:
        """Return a bullet's words, over several lines where they are."""
        lines = [line.rstrip() for line in self.lines(*keys)]
        while len(lines) > 1 and set(lines[-1]) in (set(), {"-"}, {"*"}, {"_"}):
            lines.pop()  # a rule across the page, and blank lines
        return unescaped("\n".join(lines).strip()[:MAX_TEXT])

    def line(self, *keys: str) -> str:
        """Return the words on a bullet's own line."""
        return unescaped((self.lines(*keys) or [""])[0].strip()[:MAX_LINE])

    def code(self, *keys: str) -> str:
        """Return what stands in a bullet's code span, or else its words."""
        line = self.line(*keys)
        code = code_of(line)
        return line if code is None else code.strip()

    def is_yes(self, *keys: str) -> bool | None:
        """Return what a bullet answers; None where there is none."""
        words = re.findall(r"\w+", self.line(*keys).lower())
        return words[0] in ("yes", "true", "required", "y") if words else None

    def count(self, *keys: str) -> int | None:
        """Return the number that a bullet begins with."""
        match = re.search(NUMBER, self.line(*keys))
        return as_count(match[0]) if match else None

    def type(self) -> str:
        """Return the page's word for the type, or else what its default is."""
        word = type_word(self.code("type"))
        if word:
            return word
        guess = type_of_value(self.default()) or "string"
        self._findings.add(f"The page gives no type for {self._block.name}: taken for a {guess}.")
        return guess

    def range(self) -> tuple[int | float | None, int | float | None, int | float | None]:
        """Return lowest, highest and step."""
        line = self.line("range").replace("`", "")
        limits, _, _ = line.partition("(") if _STEP.search(line) else (line, "", "")
        span = _RANGE.search(limits)
        step = _STEP.search(line)
        low = span["low"] if span else self.line("min", "minimum", "min value")
        high = span["high"] if span else self.line("max", "maximum", "max value")
        if line and not span:
            self._findings.add(f"{self._block.name}: the range “{line[:100]}” is not understood.")
        stated = step["step"] if step else self.line("step")
        return as_number(low), as_number(high), as_number(stated.strip("` "))

    def default(self) -> Any:
        """Return the default: JSON where it is JSON, and else its bare text."""
        first, *further = self.lines("default value", "default") or [""]
        if first.startswith("`") and first.count("`") == 1:
            end = next((n for n, line in enumerate(further, 1) if "`" in line), 0)
            first = "\n".join([first, *further[:end]])
        elif not first.strip():
            first = "\n".join(line for line in further if not line.lstrip().startswith("```"))
        return default_in(first.strip())

    def example(self) -> Any:
        """Return the first example, on its bullet's own line or nested under it."""
        lines = (line.strip() for line in self.lines("example", "examples", "example value"))
        first = next((line for line in lines if line and not line.startswith("```")), "")
        return default_in(unescaped(first.removeprefix("- ")[:MAX_LINE]))

    def items(self, word: str) -> DocumentedParameter | None:
        """Return the shape of a list's rows, where the page lists what they hold."""
        rows = [match for line in self.lines(*_STRUCTURE) if (match := _FIELD.match(line))]
        if word != "array" or not rows:
            return None
        fields = tuple(
            DocumentedParameter(
                name=row["name"],
                type=type_word(row["type"]) or "string",
                required="required" in row["type"].lower(),
                description=unescaped(row["words"].strip()),
            )
            for row in rows
        )
        return DocumentedParameter(name="item", type="object", fields=fields)

    def options(self, word: str) -> tuple[DocumentedOption, ...]:
        """Return the values to choose from, nested under the bullet or on its line."""
        first, *nested = self.lines(*_OPTIONS) or [""]
        first, nested = first[:MAX_TEXT], [line for line in nested if len(line) <= MAX_LINE]
        found = [_option(line) for line in nested if line.strip()]
        if not any(found):
            found = [DocumentedOption(code) for code in _CODE.findall(first)]
        if first.strip() and not any(found):
            found = [DocumentedOption(part.strip(" \"'")) for part in re.split(r"[,|/]", first)]
        known = {option.value: option for option in found if option is not None and option.value}
        return tuple(
            DocumentedOption(_in_type(option.value, word), option.label)
            for option in known.values()
        )


_OPTIONS = ("options", "available options", "allowed values", "possible values", "values", "enum")
_STRUCTURE = ("object structure", "item structure", "item properties", "properties", "items")
_FIELD = re.compile(
    r"^\s*[-*+]\s+`(?P<name>[^`]+)`\s*\((?P<type>[^)]*)\)\s*[:–—-]?\s*(?P<words>.*)$"
)
KEYS = frozenset(
    (
        *_OPTIONS,
        *_STRUCTURE,
        *("type", "required", "description", "default", "default value", "range", "step"),
        *("min", "max", "minimum", "maximum", "min value", "max value", "pattern", "format"),
        *("min length", "minimum length", "max length", "maximum length", "title", "label"),
        *("min items", "minimum items", "max items", "maximum items", "min files", "max files"),
        *("max count", "max file size", "max size", "maximum file size", "multiple files"),
        *("accepted file types", "accepted types", "file types", "multiple", "deprecated"),
        *("example", "examples", "example value"),
    )
)


def code_of(text: str) -> str | None:
    """Return what stands in a text's one code span, whatever remark comes after it."""
    mark = text[: len(text) - len(text.lstrip("`"))]
    end = text.rfind(mark, len(mark)) if mark else -1
    if end < 0 or "`" in text[end + len(mark) :]:
        return None
    return text[len(mark) : end]


def default_in(text: str) -> Any:
    """Return the value that a page writes, mostly in a code span; None for none."""
    code = code_of(text)
    bare = text if code is None else code.strip()
    if code is None and bare.lower() in _NOTHING:
        return None
    try:
        return read_json(bare)
    except ValueError:
        return None if bare in ("undefined", "None") else bare


def _option(line: str) -> DocumentedOption | None:
    match = _OPTION.match(line) or _BARE_OPTION.match(line)
    if match is None:
        return None
    return DocumentedOption(match["value"].strip(), unescaped((match["label"] or "").strip()))


def _in_type(value: str, word: str) -> Any:
    """Return an option as the wire wants it: a number where the type is one."""
    text = value.strip("\"'")
    if word in ("number", "integer"):
        number = as_number(text)
        return text if number is None else number
    return text


_HEADING = re.compile(r"^ {0,3}(?P<marks>#{1,6})[ \t]+(?P<title>.*?)[ \t]*#*$")
_PAGE = re.compile(r"^(?=# \S)", re.MULTILINE)
_SECTION = re.compile(r"\binput\b.*\bparam|\bparam\w*\b.*\binput\b|^input$", re.IGNORECASE)
_FACT = re.compile(
    r"^ {0,3}[-*+][ \t]+(?:\*\*|__)(?P<key>[^*_:`]{1,40}?):?(?:\*\*|__)[ \t]*:?[ \t]*(?P<value>.*)$"
)
_CODE_MARKDOWN = re.compile(r"`([^`]*)`")
_IDS = (
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
    findings = Findings()
    blocks = _blocks(text, findings)[: MAX_PARAMETERS + 1]
    parameters = tuple(parameter_of(block, findings) for block in blocks)
    if not parameters:
        raise UnreadablePage(
            "No parameters were found on this page. Copy a model’s whole page from docs.kie.ai: "
            "the one with “input Object Parameters” or with an OpenAPI specification."
        )
    return DocumentedModel(
        model=_model_id(text),
        title=heading_of(text),
        parameters=parameters,
        summary=_summary(text),
        results=addresses_of_results(text),
        warnings=tuple(findings),
    )


def _model_id(text: str) -> str:
    """Return the id: from the table of the page, or else from its examples."""
    for pattern in _IDS:
        match = pattern.search(text)
        if match and match[1].strip():
            return match[1].strip()
    raise UnreadablePage("The page does not say which model it is about. Copy the whole page.")


def _summary(text: str) -> str:
    match = re.search(r"^>\s*(.+)$", text, re.MULTILINE)
    return first_sentence(match[1]) if match else ""


def _blocks(text: str, findings: Findings) -> list[Block]:
    """Return the parameters of the section on the input, in their order."""
    lines = text.split("\n")
    start, level = _section(lines)
    headed = list(_split(lines[start:], level))
    rows = list(_rows(lines[start:] if level else []))
    told = {block.name for block in headed}
    found = headed + [row for row in rows if row.name not in told] or list(_split(lines, 0))
    blocks: dict[str, Block] = {}
    for block in found:
        if block.name in blocks:
            findings.add(f"{block.name} is described twice: the first one counts.")
        blocks.setdefault(block.name, block)
    return list(blocks.values())


def _section(lines: list[str]) -> tuple[int, int]:
    """Return the line after the heading of the input's parameters, and that heading's level."""
    for number, line in enumerate(lines):
        match = _heading(line)
        if match and _SECTION.search(match["title"]):
            return number + 1, len(match["marks"])
    return 0, 0


def _heading(line: str) -> re.Match[str] | None:
    return _HEADING.match(line) if "#" in line[:4] and len(line) <= MAX_LINE else None


def _split(lines: list[str], level: int) -> Iterator[Block]:
    """Yield the blocks under the headings of parameters, up to the end of their section."""
    block = Block("")
    fact: list[str] = []
    skip = 0
    for number, line in enumerate(lines):
        if skip:
            skip -= 1
        elif heading := _heading(line):
            if block.is_parameter:
                yield block
            block, fact = Block(_name(heading["title"])), []
            if level and len(heading["marks"]) <= level:
                return
        elif (match := _FACT.match(line)) and _is_fact(match["key"]):
            fact = block.facts.setdefault(match["key"].strip().lower(), [])
            skip = _lines_of_code(match["value"], lines, number + 1)
            fact.extend([match["value"], *lines[number + 1 : number + 1 + skip]])
        else:
            fact.append(line)
    if block.is_parameter:
        yield block


def _is_fact(key: str) -> bool:
    """Tell a fact from a line of a description's own list, such as of values."""
    return key.strip().lower() in KEYS or key[:1].isupper()


_COLUMNS = {
    **dict.fromkeys(("parameter", "name", "field", "property"), "name"),
    "default": "default value",
}


def _rows(lines: list[str]) -> Iterator[Block]:
    """Yield the parameters of a table, up to the end of its section."""
    keys: list[str] = []
    for line in lines:
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))]
        if _heading(line):
            return
        if not line.lstrip().startswith("|") or set(line) <= set("|-: "):
            continue
        if not keys:
            keys = [_COLUMNS.get(cell.lower(), cell.lower()) for cell in cells]
            continue
        facts = {key: [cell.replace("\\|", "|")] for key, cell in zip(keys, cells, strict=False)}
        name = _name(facts.pop("name", [""])[0])
        block = Block(name, facts)
        if name and block.is_parameter:
            yield block


def _lines_of_code(value: str, lines: list[str], start: int) -> int:
    """Count the further lines of a value that opens a code span and closes it later."""
    if not value.startswith("`") or value.count("`") != 1:
        return 0
    for count, line in enumerate(lines[start : start + 500], 1):
        if "`" in line:
            return count if line.rstrip().endswith("`") else 0
    return 0


def _name(title: str) -> str:
    """Return the parameter's name: the heading without Markdown, `input.` and remarks."""
    match = _CODE_MARKDOWN.search(title)
    name = match[1] if match else title.replace("**", "").replace("\\_", "_")
    name = re.sub(r"^\d+\.\s+", "", name.strip())
    name = re.sub(r"\s*[(*].*$", "", name.removeprefix("input.")).strip()
    return unescaped(name)
