from __future__ import annotations

from hypothesis import given, settings

from kie_ui.catalog.describe import facts_of
from kie_ui.catalog.docs_import.documented import DocumentedModel
from kie_ui.catalog.docs_import.read_page import to_spec
from tests.catalog.docs_import.documented_strategies import models, of_markdown, of_openapi
from tests.catalog.docs_import.reading import only
from tests.catalog.docs_import.writers import markdown_page, openapi_page


@settings(max_examples=60)
@given(models(of_openapi()))
def test_a_spec_written_as_a_specification_is_read_as_the_same(page: DocumentedModel) -> None:
    """Spec → OpenAPI page → import gives the same parameters, of every kind."""
    spec = to_spec(page)
    assert only(openapi_page(spec)).parameters == spec.parameters


@settings(max_examples=60)
@given(models(of_markdown()))
def test_a_spec_written_in_bullets_is_read_as_the_same(page: DocumentedModel) -> None:
    """Spec → Markdown page → import gives the same parameters."""
    spec = to_spec(page)
    assert only(markdown_page(spec)).parameters == spec.parameters


@settings(max_examples=60)
@given(models(of_markdown()))
def test_both_formats_say_the_same(page: DocumentedModel) -> None:
    """One spec written in both formats is read as one and the same spec."""
    spec = to_spec(page)
    assert only(markdown_page(spec)) == only(openapi_page(spec))


@settings(max_examples=60)
@given(models(of_openapi()))
def test_no_fact_of_a_page_is_lost_in_its_spec(page: DocumentedModel) -> None:
    """The facts of the spec are what the page states, whatever kind a parameter became."""
    for documented, made in zip(page.parameters, to_spec(page).parameters, strict=True):
        shown = facts_of(made)
        del shown["widget"]
        assert shown == documented.facts
