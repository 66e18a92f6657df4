from __future__ import annotations

import json
import logging
import multiprocessing
import os
import stat
from pathlib import Path

import pytest

from kie_ui.catalog import collection as collection_module
from kie_ui.catalog.collection import (
    MAX_FORMER,
    MAX_IN_MEMORY,
    Change,
    CollectionFiles,
    CollectionProblem,
    DamagedCollection,
    ModelCollection,
    NewerCollection,
    Stored,
    dump_collection,
    parse_collection,
    with_added,
)
from tests.catalog.added import a_spec, another_version, text

ROOM = 1_000_000
NAME = "someone"


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


def test_adding_a_page_again_only_shows_a_hidden_model() -> None:
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
    data = json.loads(dump_collection(collection))
    data["models"][0]["spec"]["parameters"] = [{"kind": "spell"}]
    read = parse_collection(json.dumps(data).encode())
    assert list(read.stored) == ["b"]
    assert json.loads(dump_collection(read))["models"][1] == data["models"][0]


def test_adding_its_page_anew_takes_the_place_of_what_cannot_be_read() -> None:
    """Then there is one entry of the model again."""
    collection = ModelCollection(unreadable=({"model": "a", "junk": 1}, "more junk"))
    assert with_added(collection, a_spec("a"), None, 1).unreadable == ("more junk",)


def test_a_former_version_that_no_longer_fits_costs_no_model() -> None:
    """The present version counts."""
    collection = with_added(ModelCollection(), a_spec(), None, 1)
    data = json.loads(dump_collection(collection))
    data["models"][0]["former"] = [{"junk": 1}]
    assert parse_collection(json.dumps(data).encode()) == collection


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder that is not there yet."""
    return tmp_path / "data" / "models"


@pytest.fixture
def collections(folder: Path) -> CollectionFiles:
    """Return the collections of that folder."""
    return CollectionFiles(folder)


def adding(model: str) -> Change:
    """Return the change that adds a model."""
    return lambda collection: with_added(collection, a_spec(model), None, 1)


def models(collection: ModelCollection) -> list[str]:
    """List the ids of what is on a collection."""
    return list(collection.stored)


def test_a_collection_that_was_never_begun_is_empty_and_makes_no_file(
    collections: CollectionFiles, folder: Path
) -> None:
    """Neither a look nor a change that changes nothing costs anything on the disk."""
    assert collections.collection(NAME) == ModelCollection()
    assert collections.stamp(NAME) is None
    assert collections.total_bytes() == 0
    assert not folder.exists()
    collections.change(NAME, lambda collection: collection, ROOM)
    assert list(collections.names()) == []


def test_an_unreadable_folder_is_a_problem_and_not_an_empty_collection(
    collections: CollectionFiles, folder: Path
) -> None:
    """Its size is not zero, nothing is kept in it, and the page says why no model is shown."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.write_bytes(b"a file in its place")
    assert collections.collection(NAME) == ModelCollection()
    assert collections.warning(NAME)
    for look in (collections.names, collections.total_bytes):
        with pytest.raises(CollectionProblem):
            look()
    with pytest.raises(CollectionProblem, match="cannot be saved"):
        collections.change(NAME, adding("a"), ROOM)


def test_a_change_by_another_process_shows_without_a_restart(
    collections: CollectionFiles, folder: Path
) -> None:
    """A collection is read anew when its file has changed, and not before."""
    collections.change(NAME, adding("a"), ROOM)
    assert list(collections.names()) == [NAME]
    assert models(collections.collection(NAME)) == ["a"]
    assert collections.collection(NAME) is collections.collection(NAME)
    CollectionFiles(folder).change(NAME, adding("b"), ROOM)
    assert models(collections.collection(NAME)) == ["a", "b"]


@pytest.mark.skipif(os.name == "nt", reason="permissions of Unix")
def test_what_visitors_added_is_for_the_server_alone(
    collections: CollectionFiles, folder: Path
) -> None:
    """Other users of the machine may not read it."""
    collections.change(NAME, adding("a"), ROOM)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / f"{NAME}.json").stat().st_mode) == 0o600


def _add_many(folder: Path, first: int) -> None:
    for number in range(first, first + 20):
        CollectionFiles(folder).change(NAME, adding(f"m{number}"), ROOM)


def test_two_processes_at_once_lose_nothing(folder: Path) -> None:
    """Each change builds on the one before, from whichever process."""
    start = multiprocessing.get_context("spawn").Process
    others = [start(target=_add_many, args=(folder, first)) for first in (0, 100)]
    for other in others:
        other.start()
    for other in others:
        other.join(60)
        assert other.exitcode == 0
    kept = models(CollectionFiles(folder).collection(NAME))
    assert sorted(kept) == sorted(f"m{n}" for n in (*range(20), *range(100, 120)))
    assert not list(folder.glob("*.new"))


def test_a_change_does_not_wait_for_ever(
    collections: CollectionFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program that was stopped in the middle blocks nobody for good."""
    monkeypatch.setattr(collection_module, "LOCK_WAIT_S", 0.05)

    def meddle(collection: ModelCollection) -> ModelCollection:
        with pytest.raises(CollectionProblem, match="Another program"):
            CollectionFiles(collections.folder).change(NAME, adding("b"), ROOM)
        return adding("a")(collection)

    assert models(collections.change(NAME, meddle, ROOM)) == ["a"]


@pytest.mark.parametrize("is_read_first", [True, False])
@pytest.mark.parametrize("damage", [b"", b"{", b"\x00" * 100, b"[" * 10_000, b'{"a": 1}'])
def test_a_damaged_file_is_kept_under_another_name(
    collections: CollectionFiles,
    folder: Path,
    caplog: pytest.LogCaptureFixture,
    damage: bytes,
    *,
    is_read_first: bool,
) -> None:
    """The page goes on without it, says so once, and nothing in the file is changed."""
    folder.mkdir(parents=True)
    (folder / f"{NAME}.json").write_bytes(damage)
    with caplog.at_level(logging.WARNING):
        if is_read_first:
            assert collections.collection(NAME) == ModelCollection()
        else:
            collections.change(NAME, adding("a"), ROOM)
    (damaged,) = folder.glob(f"{NAME}.json.damaged-*")
    assert damaged.read_bytes() == damage
    warning = collections.warning(NAME) or ""
    assert damaged.name in warning
    assert warning in caplog.text
    collections.change(NAME, adding("a"), ROOM)
    assert models(collections.collection(NAME)) == ["a"]
    assert collections.warning(NAME) is None
    assert damaged.read_bytes() == damage


def test_what_a_newer_program_wrote_is_left_alone(
    collections: CollectionFiles, folder: Path
) -> None:
    """It is neither read nor overwritten."""
    folder.mkdir(parents=True)
    path = folder / f"{NAME}.json"
    path.write_text('{"format": "kie-ui-shelf", "version": 9}')
    assert collections.collection(NAME) == ModelCollection()
    assert "newer" in (collections.warning(NAME) or "")
    with pytest.raises(CollectionProblem, match="newer"):
        collections.change(NAME, adding("a"), ROOM)
    assert path.read_text() == '{"format": "kie-ui-shelf", "version": 9}'


def test_an_unreadable_entry_gives_a_warning(collections: CollectionFiles, folder: Path) -> None:
    """One entry that no longer fits costs that entry, and a sentence."""
    collections.change(NAME, adding("a"), ROOM)
    path = folder / f"{NAME}.json"
    data = json.loads(path.read_bytes())
    data["models"].append({"model": "b", "spec": {"spell": 1}})
    path.write_text(json.dumps(data))
    assert models(collections.collection(NAME)) == ["a"]
    assert "One of the added models" in (collections.warning(NAME) or "")


def test_a_collection_that_grows_too_large_is_refused_and_stays(
    collections: CollectionFiles,
) -> None:
    """What was there is there still."""
    collections.change(NAME, adding("a"), ROOM)
    with pytest.raises(CollectionProblem, match="no room"):
        collections.change(NAME, adding("b"), 700)
    assert models(collections.collection(NAME)) == ["a"]


def test_for_room_what_is_least_missed_goes_first(
    collections: CollectionFiles, folder: Path
) -> None:
    """Former versions, then removed models; never one that is there."""

    def many(collection: ModelCollection) -> ModelCollection:
        for number in range(5):
            collection = with_added(
                collection, another_version(a_spec("a"), f"{number}" * 500), None, 1
            )
        collection = with_added(collection, another_version(a_spec("b"), "b" * 500), None, 1)
        return collection.with_model(collection.of("b").changed(removed_at_ms=1))

    full = collections.change(NAME, many, ROOM)
    size = len((folder / f"{NAME}.json").read_bytes())
    assert len(full.of("a").former) == 4
    slim = collections.change(NAME, lambda s: s.with_model(Stored(model="c")), size - 1)
    assert slim.of("a").former == ()
    assert slim.of("b").spec is not None
    size = len((folder / f"{NAME}.json").read_bytes())
    slim = collections.change(NAME, lambda s: s.with_model(Stored(model="d")), size - 1)
    assert list(slim.stored) == ["a", "c", "d"]


def test_a_folder_in_the_place_of_a_file_is_a_problem(
    collections: CollectionFiles, folder: Path
) -> None:
    """It is not damaged, and is left where it is."""
    (folder / f"{NAME}.json").mkdir(parents=True)
    assert collections.collection(NAME) == ModelCollection()
    assert "cannot be read" in (collections.warning(NAME) or "")
    with pytest.raises(CollectionProblem, match="cannot be read"):
        collections.change(NAME, adding("a"), ROOM)


def test_not_every_collection_stays_in_memory(collections: CollectionFiles) -> None:
    """However many visitors look, those of late are held."""
    for number in range(MAX_IN_MEMORY + 5):
        collections.collection(f"visitor-{number}")
    assert len(collections._read) == MAX_IN_MEMORY


def test_what_a_killed_process_left_behind_is_written_over(
    collections: CollectionFiles, folder: Path
) -> None:
    """Nothing gathers in the folder, however often that happens."""
    collections.change(NAME, adding("maker/first"), ROOM)
    (folder / f"{NAME}.new").write_bytes(b'{"half')
    collections.change(NAME, adding("maker/second"), ROOM)
    assert models(collections.collection(NAME)) == ["maker/first", "maker/second"]
    assert not list(folder.glob("*.new"))
