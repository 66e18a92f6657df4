"""A page's text → the models that it documents."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from kie_ui.catalog.docs.markdown import read_markdown
from kie_ui.catalog.docs.openapi import is_openapi, read_openapi
from kie_ui.catalog.docs.page import (
    MAX_PAGE_CHARACTERS,
    DocumentedModel,
    Findings,
    UnreadablePage,
)
from kie_ui.catalog.docs.prose import completed
from kie_ui.catalog.docs.to_spec import to_spec
from kie_ui.catalog.spec import ModelSpec

MAX_MODELS = 50
_UNPRINTABLE = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x84\x86-\x9f\ud800-\udfff\ufeff\ufffe\uffff]"
)
_HTML = re.compile(
    r"\s*(?:<\?xml[^>]*>\s*)?(?:<!--.{0,2000}?-->\s*)?<(?:!doctype\s+html|html|head|body)\b",
    re.IGNORECASE | re.DOTALL,
)


@dataclass(frozen=True)
class ReadModel:
    """One model of a page: what the page states, and the spec that this makes."""

    documented: DocumentedModel
    spec: ModelSpec


def read_page(text: str, source: str = "") -> tuple[ReadModel, ...]:
    """Read a documentation page, of either format; `source` is its address or file name.

    Mostly it documents one model, and some pages several. What is not understood stands among
    the warnings of the spec.

    Raises: UnreadablePage, with a sentence that says what to do.
    """
    if len(text) > MAX_PAGE_CHARACTERS:
        raise UnreadablePage(
            "This is too long for a documentation page: half a million characters at most."
        )
    plain = _UNPRINTABLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    if not plain.strip():
        raise UnreadablePage("The page is empty. Copy a model’s whole page from docs.kie.ai.")
    if _HTML.match(plain):
        raise UnreadablePage(
            "This is a page saved as HTML. Use the page’s Markdown instead: add “.md” to its "
            "address, or press “Copy page” on it."
        )
    pages = read_openapi(plain) if is_openapi(plain) else read_markdown(plain)
    return tuple(_read(page, source) for page in pages[:MAX_MODELS])


def _read(page: DocumentedModel, source: str) -> ReadModel:
    findings = Findings(page.warnings)
    parameters = tuple(completed(parameter, findings) for parameter in page.parameters)
    documented = replace(page, parameters=parameters, warnings=tuple(findings))
    return ReadModel(documented, to_spec(documented, source))
