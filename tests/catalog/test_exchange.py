from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import assume, given

from kie_ui.catalog.describe import differences, facts_of_model
from kie_ui.catalog.exchange import (
    FORMAT,
    MAX_FILE_BYTES,
    MAX_MODELS,
    UnreadableModels,
    looks_like_models,
    read_models,
    write_models,
)
from kie_ui.catalog.parameters import MediaParameter
from kie_ui.catalog.sanitize import sanitize_spec
from kie_ui.catalog.spec import ModelSpec
from tests.catalog.added import a_spec
from tests.catalog.spec_strategies import specs


def file_of(*models: Any, **rest: Any) -> str:
    """Return a file that holds these models as they are."""
    return json.dumps({"format": FORMAT, "version": 1, "models": models, **rest})


def raw(**facts: Any) -> dict[str, Any]:
    """Return a model as it is in a file, with some of it changed."""
    return {**a_spec().model_dump(mode="json"), **facts}


def parameter(**facts: Any) -> dict[str, Any]:
    """Return a parameter as it is in a file, with some of it changed."""
    return {"kind": "text", "name": "prompt", "label": "Prompt", "help": "", **facts}


def test_what_was_written_is_read_again(grok: ModelSpec, lite: ModelSpec) -> None:
    """Every fact of a model survives; our own sample pictures are not among them."""
    read = read_models(write_models([a_spec(), grok, lite]))

    assert read.problems == ()
    assert [spec.model for spec in read.specs] == ["maker/one", grok.model, lite.model]
    assert read.specs[0] == a_spec()
    assert all(p.sample is None for spec in read.specs for p in spec.media_parameters)


def test_a_file_of_models_is_distinguished_from_a_page() -> None:
    """By its beginning, with or without a byte order mark; a page may hold braces anywhere."""
    written = write_models([a_spec()])
    assert looks_like_models(written)
    assert looks_like_models(written.decode())
    assert looks_like_models("\ufeff" + written.decode())
    assert not looks_like_models("# Model\n\n```json\n{}\n```")
    assert not looks_like_models('{"openapi": "3.0.1"}')


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "damaged, or not JSON"),
        ("{", "damaged, or not JSON"),
        ("[" * 100_000, "damaged, or not JSON"),
        ('{"a":' * 100_000, "damaged, or not JSON"),
        ('{"format": "kie-ui-models", "version": 1, "models": [NaN]}', "damaged, or not JSON"),
        ('{"format": "kie-ui-models", "version": ' + "9" * 5000 + "}", "damaged, or not JSON"),
        ('{"format": "kie-ui-models\\ud800"}', "damaged, or not JSON"),
        ("[]", "not a file of models"),
        ("7", "not a file of models"),
        ('{"models": []}', "not a file of models"),
        (file_of(version=2), "newer Kie UI"),
        (file_of(), "no model in this file"),
        (file_of(models={}), "holds at most"),
        (file_of(*[None] * (MAX_MODELS + 1)), "holds at most"),
        (file_of(None), "Model 1 of the file cannot be added"),
        (file_of(raw(model=7)), "Model 1 of the file cannot be added: model"),
        (file_of(raw(model="../x")), "“../x” cannot be added"),
        (file_of(raw(parameters=[])), "cannot be added: parameters"),
        (file_of(raw(parameters=[{"kind": "spell"}])), "cannot be added: parameters.0"),
        (file_of(raw(run="rm -rf")), "cannot be added: run"),
        (file_of(raw(rules=[{"rule": "only_with", "parameter": "a", "needs": "b"}])), "rules name"),
        (" " * (MAX_FILE_BYTES + 1), "too large"),
        ("\ud800", "damaged, or not JSON"),
    ],
)
def test_what_is_no_file_of_models_is_refused_with_a_sentence(text: str, sentence: str) -> None:
    """Whatever a stranger hands over, it is read or refused, and never does more."""
    with pytest.raises(UnreadableModels, match=sentence):
        read_models(text)


def test_a_model_that_cannot_be_taken_in_does_not_keep_the_others_out() -> None:
    """The file says which one, and the rest is read, also behind a byte order mark."""
    read = read_models("\ufeff" + file_of(raw(model="a/b"), raw(model="../c"), raw(model="d/e")))

    assert [spec.model for spec in read.specs] == ["a/b", "d/e"]
    assert read.problems == ("“../c” cannot be added: “../c” cannot be the id of a model.",)


def test_a_sample_from_outside_is_dropped() -> None:
    """No file names one of ours."""
    picture = parameter(kind="media", name="image", sample="/etc/passwd")
    (spec,) = read_models(file_of(raw(parameters=[picture]))).specs
    (got,) = spec.parameters
    assert isinstance(got, MediaParameter)
    assert got.sample is None


def test_numbers_beyond_all_bounds_are_none() -> None:
    """A limit of 1e999 is no limit."""
    text = file_of(raw(parameters=[parameter(kind="number", maximum=1)])).replace(
        '"maximum": 1', '"maximum": 1e999'
    )
    (spec,) = read_models(text).specs
    assert spec.parameters[0].model_dump()["maximum"] is None


JUNK = {
    "__class__": "x",
    "$ref": "file:///etc/passwd",
    "name": "other",
    "widget": "<script>",
    "minimum": {"deep": [[[]]]},
    "max_bytes": "10 MB",
    "max_length": True,
    "options": "all",
    "required": 1,
    "description": ["x"],
}
STATED = {"minimum": 1.5, "max_items": None, "type": "string[]", "default": [{"a": None}]}


def test_junk_among_what_is_stated_is_dropped() -> None:
    """What no page can state is no fact; what one can, is, also where it is silent."""
    (spec,) = read_models(file_of(raw(parameters=[parameter(stated=JUNK | STATED)]))).specs
    assert spec.parameters[0].stated == STATED | {"minimum": 1.5}
    assert read_models(write_models([spec])).specs == (spec,)


@pytest.mark.parametrize("name", JUNK)
def test_no_junk_keeps_a_model_from_being_compared(name: str) -> None:
    """Each alone does no harm, in words or as JSON."""
    one, plain = parameter(stated={name: JUNK[name]}), parameter()
    (spec,) = read_models(file_of(raw(parameters=[one]))).specs
    (same,) = read_models(file_of(raw(parameters=[plain]))).specs
    assert not differences(spec, same)
    assert json.dumps(facts_of_model(spec))


@given(specs())
def test_every_spec_survives_being_shared(spec: ModelSpec) -> None:
    """But for what only the program itself may say."""
    assume(not any(parameter.name[0].isdecimal() for parameter in spec.parameters))
    assert read_models(write_models([spec])).specs == (sanitize_spec(spec),)


def test_the_last_of_two_with_one_id_counts() -> None:
    """A file may say a model twice; there is one all the same."""
    read = read_models(file_of(raw(title="First"), raw(title="Second")))
    assert [spec.title for spec in read.specs] == ["Second"]
