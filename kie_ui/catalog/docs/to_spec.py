"""What a page states → the spec from which the form, the checks and the request are made."""

from __future__ import annotations

import re

from kie_ui.catalog.docs.kinds import Maker
from kie_ui.catalog.docs.naming import maker_of, produces, title_of
from kie_ui.catalog.docs.page import MAX_PARAMETERS, DocumentedModel, Findings, UnreadablePage
from kie_ui.catalog.media import is_web_address
from kie_ui.catalog.parameters import Parameter
from kie_ui.catalog.spec import ModelSpec

MAX_WARNINGS = 40
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:+-]*(?:/[A-Za-z0-9][A-Za-z0-9._:+-]*){0,4}\Z")
_NAME = re.compile(r"(?!__proto__\Z)[^\W\d][\w.-]{0,63}\Z")


def to_spec(page: DocumentedModel, source: str = "") -> ModelSpec:
    """Return the spec of a documented model.

    Raises: UnreadablePage.
    """
    if len(page.model) > 100 or not _ID.match(page.model) or ".." in page.model:
        raise UnreadablePage(
            f"{page.model[:100]!r} is no model id. One looks like “maker/model-name”."
        )
    findings = Findings(page.warnings)
    parameters = _parameters(page, findings)
    made = produces(page)
    if made is None:
        findings.add("The page does not tell what the model makes: taken for a video.")
    return ModelSpec(
        model=page.model,
        title=title_of(page),
        maker=maker_of(page.model),
        summary=page.summary,
        produces=made or "video",
        documentation=source if is_web_address(source) else page.address,
        parameters=parameters,
        warnings=_bounded(findings),
    )


def _parameters(page: DocumentedModel, findings: Findings) -> tuple[Parameter, ...]:
    parameters: list[Parameter] = []
    for documented in page.parameters:
        if not _NAME.match(documented.name):
            findings.add(
                f"{documented.name[:60]!r} can’t be the name of a field. If it is one, send it "
                "with the extra input."
            )
        elif len(parameters) == MAX_PARAMETERS:
            findings.add(
                f"The page has more than {MAX_PARAMETERS} parameters; the others can be sent with "
                "the extra input."
            )
            break
        else:
            parameters.append(Maker(documented, findings).parameter())
    if not parameters:
        raise UnreadablePage("The page documents no parameters of the model.")
    return tuple(parameters)


def _bounded(findings: Findings) -> tuple[str, ...]:
    """Return the sentences, as many as a person would read."""
    sentences = tuple(sentence[:500] for sentence in findings)
    if len(sentences) <= MAX_WARNINGS:
        return sentences
    return (*sentences[:MAX_WARNINGS], f"And {len(sentences) - MAX_WARNINGS} more remarks.")
