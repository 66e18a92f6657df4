from __future__ import annotations

import json

import pytest

from kie_ui.catalog.library.collection import (
    MAX_FORMER,
    DamagedCollection,
    ModelCollection,
    NewerCollection,
    dump_collection,
    parse_collection,
    with_added,
)
from tests.catalog.added import a_spec, another_version, text


def test_a_collection_survives_its_file() -> None:
    """What is written is read: models, titles, former versions, the order."""
    collection = with_added(ModelCollection(), a_spec(), None, 5)
    collection = with_added(collection, another_version(a_spec()), None, 6)
    collection = collection.with_model(
        collection.of("maker/one").changed(title="Mine", opened_at_ms=7)
    )
    collection = ModelCollection(collection.stored, ("maker/one",), ())
    assert parse_collection(dump_collection(collection)) == collection


def test_a_newer_page_keeps_the_former_one_and_the_title() -> None:
    """A replaced version is still known, and the person's own title stays."""
    collection = with_added(ModelCollection(), a_spec(), None, 1)
    collection = collection.with_model(collection.of("maker/one").changed(title="Mine"))
    collection = with_added(collection, another_version(a_spec()), None, 2)
    stored = collection.of("maker/one")
    assert stored.versions == (another_version(a_spec()), a_spec())
    assert stored.title == "Mine"
    assert stored.added_at_ms == 2


def test_only_a_few_former_versions_are_kept() -> None:
    """The newest ones."""
    collection = ModelCollection()
    for number in range(MAX_FORMER + 3):
        collection = with_added(collection, another_version(a_spec(), f"{number}"), None, number)
    kept = [spec.parameters[0].help for spec in collection.of("maker/one").versions]
    assert kept == [f"{number}" for number in range(MAX_FORMER + 2, 1, -1)]


def test_going_to_and_fro_between_two_versions_keeps_two() -> None:
    """A version is not kept twice."""
    collection = ModelCollection()
    for number in range(6):
        spec = a_spec() if number % 2 else another_version(a_spec())
        collection = with_added(collection, spec, None, number)
    assert len(collection.of("maker/one").versions) == 2


def test_what_is_there_already_changes_nothing_but_comes_to_sight() -> None:
    """Adding a page twice is no new version."""
    once = with_added(ModelCollection(), a_spec(), None, 1)
    hidden = once.with_model(once.of("maker/one").changed(is_hidden=True))
    assert with_added(hidden, a_spec(), None, 2) == once


def test_what_is_there_without_the_collection_is_not_kept_on_it() -> None:
    """A page that says what is there anyway, if in other words, puts it back to that."""
    other = a_spec(parameters=(*a_spec().parameters, text("more")))
    newer = with_added(ModelCollection(), other, a_spec(), 1)
    assert newer.of("maker/one").own_spec == other
    back = with_added(newer, another_version(a_spec()), a_spec(), 2)
    assert back.of("maker/one").own_spec is None
    assert back.of("maker/one").former == (other,)


def test_a_removed_model_that_is_added_anew_goes_behind_all() -> None:
    """It is a new one, with its page's title."""
    collection = with_added(ModelCollection(), a_spec("a"), None, 1)
    collection = with_added(collection, a_spec("b"), None, 2)
    collection = collection.with_model(collection.of("a").changed(removed_at_ms=3, title="Mine"))
    collection = with_added(collection, a_spec("a"), None, 4)
    assert list(collection.stored) == ["b", "a"]
    assert collection.of("a").title is None


def test_the_oldest_removed_are_forgotten() -> None:
    """By when they were removed, not by when they were added."""
    collection = ModelCollection()
    for number in range(4):
        collection = with_added(collection, a_spec(f"m{number}"), None, number)
    for number, model in enumerate(("m2", "m0", "m1")):
        collection = collection.with_model(collection.of(model).changed(removed_at_ms=number))
    assert set(collection.without_the_oldest_removed(1).stored) == {"m1", "m3"}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[]",
        b"null",
        b"[" * 10_000,
        b'{"format": "kie-ui-models"}',
        b'{"format":"kie-ui-shelf","version":1}',
        b'{"format":"kie-ui-shelf","version":1,"models":{},"order":[]}',
    ],
)
def test_what_is_no_collection_is_damaged(data: bytes) -> None:
    """Nothing else is taken for an empty collection."""
    with pytest.raises(DamagedCollection):
        parse_collection(data)


def test_a_collection_of_a_newer_program_is_not_guessed_at() -> None:
    """It is neither damaged nor understood."""
    with pytest.raises(NewerCollection):
        parse_collection(b'{"format":"kie-ui-shelf","version":2,"models":[],"order":[]}')


def test_an_entry_that_no_longer_fits_is_passed_over_and_kept() -> None:
    """The others are read, and what was not understood is written again as it was."""
    collection = with_added(
        with_added(ModelCollection(), a_spec("a"), None, 1), a_spec("b"), None, 2
    )
    told = json.loads(dump_collection(collection))
    told["models"][0]["spec"]["parameters"] = [{"kind": "spell"}]
    read = parse_collection(json.dumps(told).encode())
    assert list(read.stored) == ["b"]
    assert json.loads(dump_collection(read))["models"][1] == told["models"][0]


def test_adding_its_page_anew_takes_the_place_of_what_cannot_be_read() -> None:
    """Then there is one entry of the model again."""
    collection = ModelCollection(unreadable=({"model": "a", "junk": 1}, "more junk"))
    assert with_added(collection, a_spec("a"), None, 1).unreadable == ("more junk",)


def test_a_former_version_that_no_longer_fits_costs_no_model() -> None:
    """The present version counts."""
    collection = with_added(ModelCollection(), a_spec(), None, 1)
    told = json.loads(dump_collection(collection))
    told["models"][0]["former"] = [{"junk": 1}]
    assert parse_collection(json.dumps(told).encode()) == collection
