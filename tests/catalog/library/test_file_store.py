from __future__ import annotations

import json
import logging
import multiprocessing
import os
import stat
from pathlib import Path

import pytest

from kie_ui.catalog.library import file_store as shelves_module
from kie_ui.catalog.library.collection import Shelf, Stored, with_added
from kie_ui.catalog.library.file_store import MAX_IN_MEMORY, Change, ShelfProblem, Shelves
from tests.catalog.added import a_spec, another_version

ROOM = 1_000_000
NAME = "someone"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder that is not there yet."""
    return tmp_path / "data" / "models"


@pytest.fixture
def shelves(folder: Path) -> Shelves:
    """Return the shelves of that folder."""
    return Shelves(folder)


def adding(model: str) -> Change:
    """Return the change that adds a model."""
    return lambda shelf: with_added(shelf, a_spec(model), None, 1)


def models(shelf: Shelf) -> list[str]:
    """List the ids of what is on a shelf."""
    return list(shelf.stored)


def test_a_shelf_that_was_never_begun_is_empty_and_makes_no_file(
    shelves: Shelves, folder: Path
) -> None:
    """Looking costs nothing on the disk."""
    assert shelves.shelf(NAME) == Shelf()
    assert shelves.stamp(NAME) is None
    assert list(shelves.names()) == []
    assert shelves.total_bytes() == 0
    assert not folder.exists()


def test_a_change_is_kept_for_whoever_comes_next(shelves: Shelves, folder: Path) -> None:
    """Another program on the folder reads it."""
    shelves.change(NAME, adding("a"), ROOM)
    assert models(Shelves(folder).shelf(NAME)) == ["a"]
    assert list(shelves.names()) == [NAME]


def test_a_change_by_another_process_shows_without_a_restart(
    shelves: Shelves, folder: Path
) -> None:
    """A shelf is read anew when its file has changed."""
    shelves.change(NAME, adding("a"), ROOM)
    assert models(shelves.shelf(NAME)) == ["a"]
    Shelves(folder).change(NAME, adding("b"), ROOM)
    assert models(shelves.shelf(NAME)) == ["a", "b"]


def test_what_did_not_change_is_not_read_again(shelves: Shelves) -> None:
    """Looking twice gives the very same objects, which others keep things by."""
    shelves.change(NAME, adding("a"), ROOM)
    assert shelves.shelf(NAME) is shelves.shelf(NAME)


def test_a_change_that_changes_nothing_writes_nothing(shelves: Shelves, folder: Path) -> None:
    """Not even a file for whoever has none."""
    shelves.change(NAME, lambda shelf: shelf, ROOM)
    assert list(shelves.names()) == []


@pytest.mark.skipif(os.name == "nt", reason="permissions of Unix")
def test_what_visitors_added_is_for_the_server_alone(shelves: Shelves, folder: Path) -> None:
    """Other users of the machine may not read it."""
    shelves.change(NAME, adding("a"), ROOM)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / f"{NAME}.json").stat().st_mode) == 0o600


def _add_many(folder: Path, first: int) -> None:
    for number in range(first, first + 20):
        Shelves(folder).change(NAME, adding(f"m{number}"), ROOM)


def test_two_processes_at_once_lose_nothing(folder: Path) -> None:
    """Each change builds on the one before, whoever made it."""
    start = multiprocessing.get_context("spawn").Process
    others = [start(target=_add_many, args=(folder, first)) for first in (0, 100)]
    for other in others:
        other.start()
    for other in others:
        other.join(60)
        assert other.exitcode == 0
    kept = models(Shelves(folder).shelf(NAME))
    assert sorted(kept) == sorted(f"m{n}" for n in (*range(20), *range(100, 120)))
    assert not list(folder.glob("*.new"))


def test_who_waits_too_long_for_another_is_told(
    shelves: Shelves, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody hangs for ever on a program that was stopped in the middle."""
    monkeypatch.setattr(shelves_module, "LOCK_WAIT_S", 0.05)

    def meddle(shelf: Shelf) -> Shelf:
        with pytest.raises(ShelfProblem, match="Another program"):
            Shelves(shelves.folder).change(NAME, adding("b"), ROOM)
        return adding("a")(shelf)

    assert models(shelves.change(NAME, meddle, ROOM)) == ["a"]


@pytest.mark.parametrize("damage", [b"", b"{", b"\x00" * 100, b"[" * 10_000, b'{"a": 1}'])
def test_a_damaged_file_is_set_aside_as_it_is(
    shelves: Shelves, folder: Path, caplog: pytest.LogCaptureFixture, damage: bytes
) -> None:
    """The page goes on without it, says so, and nothing in the file is changed."""
    folder.mkdir(parents=True)
    (folder / f"{NAME}.json").write_bytes(damage)
    with caplog.at_level(logging.WARNING):
        assert shelves.shelf(NAME) == Shelf()
    (aside,) = folder.glob(f"{NAME}.json.damaged-*")
    assert aside.read_bytes() == damage
    warning = shelves.warning(NAME) or ""
    assert aside.name in warning
    assert warning in caplog.text
    shelves.change(NAME, adding("a"), ROOM)
    assert models(shelves.shelf(NAME)) == ["a"]
    assert shelves.warning(NAME) is None
    assert aside.read_bytes() == damage


def test_a_change_sets_a_damaged_file_aside_too(shelves: Shelves, folder: Path) -> None:
    """Even if nobody looked before."""
    folder.mkdir(parents=True)
    (folder / f"{NAME}.json").write_bytes(b"{")
    shelves.change(NAME, adding("a"), ROOM)
    assert len(list(folder.glob("*.damaged-*"))) == 1
    assert shelves.warning(NAME) is not None


def test_what_a_newer_program_wrote_is_left_alone(shelves: Shelves, folder: Path) -> None:
    """It is neither read nor overwritten."""
    folder.mkdir(parents=True)
    path = folder / f"{NAME}.json"
    path.write_text('{"format": "kie-ui-shelf", "version": 9}')
    assert shelves.shelf(NAME) == Shelf()
    assert "newer" in (shelves.warning(NAME) or "")
    with pytest.raises(ShelfProblem, match="newer"):
        shelves.change(NAME, adding("a"), ROOM)
    assert path.read_text() == '{"format": "kie-ui-shelf", "version": 9}'


def test_a_person_is_told_of_what_cannot_be_read(shelves: Shelves, folder: Path) -> None:
    """One entry that no longer fits costs that entry, and a sentence."""
    shelves.change(NAME, adding("a"), ROOM)
    path = folder / f"{NAME}.json"
    told = json.loads(path.read_bytes())
    told["models"].append({"model": "b", "spec": {"spell": 1}})
    path.write_text(json.dumps(told))
    assert models(shelves.shelf(NAME)) == ["a"]
    assert "One of the added models" in (shelves.warning(NAME) or "")


def test_a_shelf_that_grows_too_large_is_refused_and_stays(shelves: Shelves) -> None:
    """What was there is there still."""
    shelves.change(NAME, adding("a"), ROOM)
    with pytest.raises(ShelfProblem, match="no room"):
        shelves.change(NAME, adding("b"), 700)
    assert models(shelves.shelf(NAME)) == ["a"]


def test_for_room_what_is_least_missed_goes_first(shelves: Shelves, folder: Path) -> None:
    """Former versions, then removed models; never one that is there."""

    def many(shelf: Shelf) -> Shelf:
        for number in range(5):
            shelf = with_added(shelf, another_version(a_spec("a"), f"{number}" * 500), None, 1)
        shelf = with_added(shelf, another_version(a_spec("b"), "b" * 500), None, 1)
        return shelf.with_(shelf.of("b").but(removed_at_ms=1))

    full = shelves.change(NAME, many, ROOM)
    size = len((folder / f"{NAME}.json").read_bytes())
    assert len(full.of("a").former) == 4
    slim = shelves.change(NAME, lambda s: s.with_(Stored(model="c")), size - 1)
    assert slim.of("a").former == ()
    assert slim.of("b").spec is not None
    size = len((folder / f"{NAME}.json").read_bytes())
    slim = shelves.change(NAME, lambda s: s.with_(Stored(model="d")), size - 1)
    assert list(slim.stored) == ["a", "c", "d"]


def test_a_file_in_the_place_of_the_folder_is_told_of(shelves: Shelves, folder: Path) -> None:
    """Whatever stands in the way, it is a sentence."""
    folder.parent.mkdir()
    folder.write_text("no folder")
    assert shelves.shelf(NAME) == Shelf()
    with pytest.raises(ShelfProblem, match="cannot be kept"):
        shelves.change(NAME, adding("a"), ROOM)


def test_a_folder_in_the_place_of_a_file_is_told_of(shelves: Shelves, folder: Path) -> None:
    """It is not damaged, and is left where it is."""
    (folder / f"{NAME}.json").mkdir(parents=True)
    assert shelves.shelf(NAME) == Shelf()
    assert "cannot be read" in (shelves.warning(NAME) or "")
    with pytest.raises(ShelfProblem, match="cannot be read"):
        shelves.change(NAME, adding("a"), ROOM)


def test_not_every_shelf_stays_in_memory(shelves: Shelves) -> None:
    """However many visitors look, those of late are held."""
    for number in range(MAX_IN_MEMORY + 5):
        shelves.shelf(f"visitor-{number}")
    assert len(shelves._read) == MAX_IN_MEMORY


def test_what_a_killed_process_left_behind_is_written_over(shelves: Shelves, folder: Path) -> None:
    """Nothing gathers in the folder, however often that happens."""
    shelves.change(NAME, adding("maker/first"), ROOM)
    (folder / f"{NAME}.new").write_bytes(b'{"half')
    shelves.change(NAME, adding("maker/second"), ROOM)
    assert models(shelves.shelf(NAME)) == ["maker/first", "maker/second"]
    assert not list(folder.glob("*.new"))
