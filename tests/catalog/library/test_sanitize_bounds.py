from __future__ import annotations

import pytest

from kie_ui.catalog.library.sanitize import (
    MAX_OPTIONS,
    MAX_PARAMETERS,
    MAX_TITLE,
    Unfit,
    clean_title,
    fitted,
)
from kie_ui.catalog.parameters import (
    ChoiceParameter,
    MediaParameter,
    Option,
    Parameter,
    TableParameter,
)
from kie_ui.catalog.spec import ModelSpec
from tests.catalog.added import a_spec, another_version, extended, text


def test_what_a_page_gives_is_taken_in_as_it_is() -> None:
    """A spec of a usual page comes out the same."""
    assert fitted(a_spec()) == a_spec()


@pytest.mark.parametrize(
    "model", ["grok-imagine/image-to-video", "Qwen/z-image", "wan/2.2-t2v", "kling-2.6", "a:b"]
)
def test_the_ids_that_kie_gives_are_ids(model: str) -> None:
    """Words, digits, dots, dashes and slashes make an id."""
    assert fitted(a_spec(model)).model == model


@pytest.mark.parametrize(
    "model",
    [
        "../../etc/passwd",
        "a/../b",
        "a/./b",
        "a//b",
        "/etc/passwd",
        "a/",
        "..",
        "a\\b",
        "a\0b",
        "a\nb",
        "<script>alert(1)</script>",
        "a" * 201,
        "файл",
    ],
)
def test_an_id_with_tricks_is_refused(model: str) -> None:
    """What could be a way out of a folder, or markup, is no id."""
    with pytest.raises(Unfit, match="cannot be the id"):
        fitted(a_spec(model))


def test_no_spec_from_outside_names_a_file_of_ours() -> None:
    """The sample with which a form starts is never what a page or a file says."""
    picture = MediaParameter(name="image", label="Picture", help="", sample="../../.env")
    (got,) = fitted(a_spec(parameters=(picture,))).media_parameters
    assert got.sample is None


def test_a_built_in_model_lends_its_sample_to_a_newer_page(grok: ModelSpec) -> None:
    """The form of a newer page starts with the same picture, and estimates the same price."""
    bare = tuple(
        p.model_copy(update={"sample": None}) if isinstance(p, MediaParameter) else p
        for p in grok.parameters
    )
    page = grok.model_copy(update={"parameters": bare, "price": None, "rules": ()})
    got = fitted(page, grok)
    assert got.media_parameters[0].sample == grok.media_parameters[0].sample
    assert got.price == grok.price
    assert got.rules == grok.rules


def test_rules_of_what_a_page_no_longer_has_are_not_lent(grok: ModelSpec) -> None:
    """Each rule that still fits is kept, and no other."""

    def rules(**changed: Parameter | None) -> list[str]:
        parameters = tuple(changed.get(p.name, p) for p in grok.parameters)
        kept = tuple(p for p in parameters if p is not None)
        page = grok.model_copy(update={"parameters": kept, "price": None, "rules": ()})
        return [rule.rule for rule in fitted(page, grok).rules]

    known = {p.name: p for p in grok.parameters}
    mode = known["mode"]
    assert isinstance(mode, ChoiceParameter)
    calm = mode.model_copy(update={"options": mode.options[:2]})
    required = known["task_id"].model_copy(update={"required": True})
    assert rules(newer=text("newer")) == ["exactly_one", "only_with", "becomes"]
    assert rules(task_id=None) == ["becomes"]
    assert rules(mode=calm) == ["exactly_one", "only_with"]
    assert rules(mode=text("mode")) == ["exactly_one", "only_with"]
    assert rules(task_id=required) == ["becomes"]


def test_a_page_with_rules_of_its_own_is_lent_none(grok: ModelSpec) -> None:
    """What is shared with its rules keeps them."""
    page = extended(grok).model_copy(update={"rules": grok.rules[:1]})
    assert fitted(page, grok).rules == grok.rules[:1]


def test_a_newer_page_of_a_built_in_model_keeps_its_name(grok: ModelSpec) -> None:
    """The tab that people know is still found."""
    page = grok.model_copy(update={"title": "Grok Imagine Image To Video"})
    assert fitted(page, grok).title == "Grok Imagine"


def test_a_price_by_what_a_page_no_longer_has_is_not_lent(grok: ModelSpec) -> None:
    """Without the parameter that it depends on there is no estimate."""
    kept = tuple(p for p in grok.parameters if p.name != "resolution")
    page = grok.model_copy(update={"parameters": kept, "price": None, "rules": ()})
    assert fitted(page, grok).price is None


def test_a_built_in_model_lends_the_rules_that_still_apply(grok: ModelSpec) -> None:
    """A newer page says in prose alone what excludes what: the form still asks for one of them."""
    page = grok.model_copy(update={"rules": ()})
    assert fitted(page, grok).rules == grok.rules
    without_index = tuple(p for p in grok.parameters if p.name != "index")
    page = grok.model_copy(update={"parameters": without_index, "rules": ()})
    assert [rule.rule for rule in fitted(page, grok).rules] == ["exactly_one", "becomes"]


def test_a_rule_is_not_lent_against_what_the_page_says(grok: ModelSpec) -> None:
    """What is required cannot exclude anything; what is no option is never sent instead."""
    required = tuple(
        p.model_copy(update={"required": True}) if p.name == "image_urls" else p
        for p in grok.parameters
    )
    page = grok.model_copy(update={"parameters": required, "rules": ()})
    assert "exactly_one" not in [rule.rule for rule in fitted(page, grok).rules]
    fewer = tuple(
        p.model_copy(update={"options": p.options[:1]}) if isinstance(p, ChoiceParameter) else p
        for p in grok.parameters
    )
    page = grok.model_copy(update={"parameters": fewer, "rules": ()})
    assert "becomes" not in [rule.rule for rule in fitted(page, grok).rules]


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", "file:///etc/passwd", "data:text/html,"]
)
def test_a_link_leads_to_the_web_or_nowhere(address: str) -> None:
    """An address of another kind is left out."""
    assert fitted(a_spec(documentation=address)).documentation == ""


def test_too_many_parameters_are_refused() -> None:
    """A form of that size would stop a browser."""
    parameters = tuple(text(f"p{number}") for number in range(MAX_PARAMETERS + 1))
    with pytest.raises(Unfit, match="parameters"):
        fitted(a_spec(parameters=parameters))


def test_too_many_options_are_refused_in_a_column_too() -> None:
    """A list of options ends somewhere, wherever it stands."""
    options = tuple(Option(value=f"{n}", label=f"{n}") for n in range(MAX_OPTIONS + 1))
    choice = ChoiceParameter(name="voice", label="Voice", help="", options=options)
    for parameter in (choice, TableParameter(name="t", label="T", help="", columns=(choice,))):
        with pytest.raises(Unfit, match="“voice” has more than 1,000 options"):
            fitted(a_spec(parameters=(parameter,)))


def test_too_many_columns_are_refused() -> None:
    """A table has as many columns as can be shown."""
    table = TableParameter(
        name="t", label="T", help="", columns=tuple(text(f"c{n}") for n in range(21))
    )
    with pytest.raises(Unfit, match="columns"):
        fitted(a_spec(parameters=(table,)))


@pytest.mark.parametrize(
    "name", ["a" * 65, "a\nb", "a\0", "", "1a", "__proto__", "<b>", "a b", "+extra"]
)
def test_a_name_that_nobody_could_read_is_refused(name: str) -> None:
    """A parameter's name is one line of a sensible length."""
    unchecked = text("a").model_copy(update={"name": name})
    with pytest.raises(Unfit, match="name of a parameter"):
        fitted(a_spec(parameters=(unchecked,)))


def test_a_spec_of_absurd_size_is_refused() -> None:
    """However it comes to be so large."""
    huge = another_version(a_spec(), "x" * 500_000)
    with pytest.raises(Unfit, match="more than any page"):
        fitted(huge)


@pytest.mark.parametrize(
    ("given", "title"),
    [
        ("  A\n title\t", "A title"),
        ("a\u202eb\0c", "a b c"),
        ("x" * 200, "x" * (MAX_TITLE - 1) + "…"),
        ("", ""),
    ],
)
def test_a_title_is_one_line(given: str, title: str) -> None:
    """Breaks and invisible characters are blanks, and what is too long is cut."""
    assert clean_title(given) == title


def test_a_model_without_a_title_is_called_by_its_id() -> None:
    """Every tab has a name."""
    assert fitted(a_spec(title=" \n")).title == "maker/one"
