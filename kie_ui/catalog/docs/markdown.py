"""Pages in plain Markdown: a heading for each parameter, with bullets under it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kie_ui.catalog.docs.bullets import KEYS, Block, parameter_of
from kie_ui.catalog.docs.page import (
    MAX_LINE,
    MAX_PARAMETERS,
    DocumentedModel,
    Findings,
    UnreadablePage,
)
from kie_ui.catalog.docs.text import addresses_of_results, first_sentence, heading_of, unescaped

_HEADING = re.compile(r"^ {0,3}(?P<marks>#{1,6})[ \t]+(?P<title>.*?)[ \t]*#*$")
_PAGE = re.compile(r"^(?=# \S)", re.MULTILINE)
_SECTION = re.compile(r"\binput\b.*\bparam|\bparam\w*\b.*\binput\b|^input$", re.IGNORECASE)
_FACT = re.compile(
    r"^ {0,3}[-*+][ \t]+(?:\*\*|__)(?P<key>[^*_:`]{1,40}?):?(?:\*\*|__)[ \t]*:?[ \t]*(?P<value>.*)$"
)
_CODE = re.compile(r"`([^`]*)`")
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
    match = _CODE.search(title)
    name = match[1] if match else title.replace("**", "").replace("\\_", "_")
    name = re.sub(r"^\d+\.\s+", "", name.strip())
    name = re.sub(r"\s*[(*].*$", "", name.removeprefix("input.")).strip()
    return unescaped(name)
