"""A page's text → the models that it documents."""

from __future__ import annotations

import re
from dataclasses import replace

from kie_ui.catalog.docs_import.documented import (
    MAX_PAGE_CHARACTERS,
    DocumentedModel,
    UnreadablePage,
)
from kie_ui.catalog.docs_import.limits_in_prose import add_limits
from kie_ui.catalog.docs_import.markdown_page import read_markdown
from kie_ui.catalog.docs_import.naming import maker_of, produces, title_of
from kie_ui.catalog.docs_import.openapi_page import read_openapi
from kie_ui.catalog.docs_import.to_parameters import to_parameter
from kie_ui.catalog.parameters import Parameter
from kie_ui.catalog.spec import MAX_ID, MAX_PARAMETERS, ModelSpec
from kie_ui.catalog.values import is_web_address

MAX_MODELS = 50
MAX_WARNINGS = 40
MAX_WARNING_CHARACTERS = 500
_MODEL_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:+-]*(?:/[A-Za-z0-9][A-Za-z0-9._:+-]*){0,4}\Z")
_NAME = re.compile(r"(?!__proto__\Z)[^\W\d][\w.-]{0,63}\Z")
_UNPRINTABLE = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x84\x86-\x9f\ud800-\udfff\ufeff\ufffe\uffff]"
)
_HTML = re.compile(
    r"\s*(?:<\?xml[^>]*>\s*)?(?:<!--.{0,2000}?-->\s*)?<(?:!doctype\s+html|html|head|body)\b",
    re.IGNORECASE | re.DOTALL,
)


def read_page(text: str, source: str = "") -> tuple[ModelSpec, ...]:
    """Return the specs of a documentation page; `source` is its address or file name.

    What is not understood becomes a warning of the spec.
    Raises: UnreadablePage, with a sentence that says what to do.
    """
    return tuple(to_spec(model, source) for model in read_models(text))


def read_models(text: str) -> tuple[DocumentedModel, ...]:
    """Read a documentation page, of either format: mostly one model, on some pages several.

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
    pages = read_openapi(plain) or read_markdown(plain)
    return tuple(map(_with_limits_in_prose, pages[:MAX_MODELS]))


def _with_limits_in_prose(page: DocumentedModel) -> DocumentedModel:
    findings = list(page.warnings)
    parameters = tuple(add_limits(parameter, findings) for parameter in page.parameters)
    return replace(page, parameters=parameters, warnings=tuple(findings))


def to_spec(page: DocumentedModel, source: str = "") -> ModelSpec:
    """Return the spec of a documented model.

    Raises: UnreadablePage.
    """
    if len(page.model) > MAX_ID or not _MODEL_ID.match(page.model) or ".." in page.model:
        raise UnreadablePage(
            f"{page.model[:MAX_ID]!r} is not a model id. One looks like “maker/model-name”."
        )
    findings = list(page.warnings)
    parameters = _parameters(page, findings)
    product = produces(page)
    if product is None:
        findings.append("The page does not say what the model makes: a video is assumed.")
    return ModelSpec(
        model=page.model,
        title=title_of(page),
        maker=maker_of(page.model),
        summary=page.summary,
        produces=product or "video",
        documentation=source if is_web_address(source) else "",
        parameters=parameters,
        warnings=_warnings(findings),
    )


def _parameters(page: DocumentedModel, findings: list[str]) -> tuple[Parameter, ...]:
    parameters: list[Parameter] = []
    for documented in page.parameters:
        if not _NAME.match(documented.name):
            findings.append(
                f"{documented.name[:60]!r} can’t be the name of a field. If it is one, send it "
                "with the extra input."
            )
        elif len(parameters) == MAX_PARAMETERS:
            findings.append(
                f"The page has more than {MAX_PARAMETERS} parameters; the others can be sent with "
                "the extra input."
            )
            break
        else:
            parameters.append(to_parameter(documented, findings))
    if not parameters:
        raise UnreadablePage("The page documents no parameters of the model.")
    return tuple(parameters)


def _warnings(findings: list[str]) -> tuple[str, ...]:
    """Return the sentences, each once, and as many as a person would read."""
    sentences = tuple(sentence[:MAX_WARNING_CHARACTERS] for sentence in dict.fromkeys(findings))
    if len(sentences) <= MAX_WARNINGS:
        return sentences
    return (*sentences[:MAX_WARNINGS], f"And {len(sentences) - MAX_WARNINGS} more remarks.")
