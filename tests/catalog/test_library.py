from __future__ import annotations

from pathlib import Path

import pytest

from kie_ui.catalog import library as library_module
from kie_ui.catalog.collection import CollectionProblem
from kie_ui.catalog.exchange import read_models
from kie_ui.catalog.library import EVERYONE, NOTES_OPENED_EVERY_MS, Library, MayNotAdd
from kie_ui.catalog.registry import UnknownModel
from kie_ui.catalog.sanitize import UnusableSpec
from kie_ui.catalog.spec import ModelSpec
from kie_ui.settings import Settings
from tests.catalog.added import a_spec, another_version, extended
from tests.catalog.documented import GROK, LITE

ADA = "visitor-ada"
EVE = "visitor-eve"


class Time:
    """A clock that is put forward by hand."""

    def __init__(self) -> None:
        self.now_ms = 1_000_000

    def __call__(self) -> int:
        self.now_ms += 1
        return self.now_ms


@pytest.fixture
def clock() -> Time:
    """Return the clock of the libraries."""
    return Time()


@pytest.fixture
def alone(tmp_path: Path, clock: Time) -> Library:
    """Return the library of a server for one person."""
    return Library(tmp_path / "models", now_ms=clock)


@pytest.fixture
def shared(tmp_path: Path, clock: Time) -> Library:
    """Return the library of a server with many visitors, on the same folder."""
    return Library(tmp_path / "models", is_for_one=False, now_ms=clock)


def models(library: Library, owner: str = ADA) -> list[str]:
    """List the ids of an owner's models."""
    return [entry.model for entry in library.entries(owner)]


# What there is


def test_at_first_there_are_the_built_in_models(alone: Library, tmp_path: Path) -> None:
    """In their curated order; looking leaves nothing on the disk."""
    assert models(alone) == [GROK, LITE]
    assert all(entry.is_built_in and not entry.is_own for entry in alone.entries(ADA))
    assert [spec.model for spec in alone.of(ADA)] == [GROK, LITE]
    assert list(tmp_path.iterdir()) == []


def test_what_is_added_comes_behind_the_built_in_models(alone: Library) -> None:
    """In the order of the additions, with its facts as the page gave them."""
    added = alone.add(ADA, (a_spec(model) for model in ("b/two", "a/one")))
    assert [entry.is_new for entry in added] == [True, True]
    assert models(alone) == [GROK, LITE, "b/two", "a/one"]
    entry = alone.entry(ADA, "a/one")
    assert entry.spec == a_spec("a/one")
    assert entry.title == "One"
    assert (entry.is_own, entry.is_built_in, entry.is_replaced) == (True, False, False)
    assert entry.added_at_ms > 1_000_000


def test_all_are_added_or_none(alone: Library) -> None:
    """One that can't be taken in keeps the others out, so that nobody has to count."""
    with pytest.raises(UnusableSpec):
        alone.add(ADA, [a_spec("good"), a_spec("../bad")])
    assert models(alone) == [GROK, LITE]


def test_an_added_spec_includes_what_the_built_in_model_lends(
    alone: Library, grok: ModelSpec
) -> None:
    """The outcome of each page says whether it is new, and holds its spec as it is kept."""
    page = extended(grok).model_copy(update={"rules": (), "price": None})
    added = alone.add(ADA, [a_spec(), page])
    assert [each.is_new for each in added] == [True, False]
    assert added[1].spec.rules == grok.rules


def test_an_unchanged_catalog_gives_the_very_same_objects(alone: Library) -> None:
    """What others derive from a spec and keep stays theirs."""
    alone.add(ADA, [a_spec()])
    assert alone.of(ADA) is alone.of(ADA)
    assert alone.entries(ADA) is alone.entries(ADA)


# Newer pages


def test_a_newer_page_takes_the_place_of_the_former(alone: Library) -> None:
    """The caller learns what it replaced; its place in the order stays."""
    alone.add(ADA, [a_spec("a"), a_spec("b")])
    (added,) = alone.add(ADA, [another_version(a_spec("a"))])
    assert added.replaces == a_spec("a")
    assert not added.is_same
    assert models(alone)[2:] == ["a", "b"]
    assert alone.of(ADA).spec("a") == another_version(a_spec("a"))


def test_the_same_page_again_is_the_same(alone: Library) -> None:
    """Nothing is replaced by itself."""
    alone.add(ADA, [a_spec()])
    (again,) = alone.add(ADA, [a_spec()])
    assert again.is_same
    assert alone.versions("maker/one") == (a_spec(),)


def test_a_built_in_model_is_replaced_and_had_back(alone: Library, grok: ModelSpec) -> None:
    """It stays built in, first, and comes back as it came with the program."""
    newer = extended(grok)
    (added,) = alone.add(ADA, [newer])
    assert added.replaces == grok
    entry = alone.entries(ADA)[0]
    assert (entry.is_built_in, entry.is_replaced, entry.is_own) == (True, True, True)
    assert entry.spec == newer
    alone.restore(ADA, GROK)
    entry = alone.entries(ADA)[0]
    assert (entry.is_replaced, entry.is_own) == (False, False)
    assert entry.spec is grok
    assert alone.versions(GROK) == (grok, newer)


def test_the_page_that_a_built_in_model_came_with_restores_it(
    alone: Library, grok: ModelSpec
) -> None:
    """In its own words, which are the better ones; no copy is kept beside it."""
    (same,) = alone.add(ADA, [another_version(grok)])
    assert same.is_same
    assert same.spec is grok
    alone.add(ADA, [extended(grok)])
    (back,) = alone.add(ADA, [another_version(grok)])
    assert back.replaces == extended(grok)
    assert back.spec is grok
    assert not alone.entries(ADA)[0].is_replaced


@pytest.mark.parametrize("model", [GROK, "maker/one"])
def test_there_is_nothing_to_go_back_to_without_a_replacement(alone: Library, model: str) -> None:
    """Neither where nothing was replaced, nor where nothing lies beneath."""
    alone.add(ADA, [a_spec()])
    with pytest.raises(CollectionProblem, match="nothing to go back to"):
        alone.restore(ADA, model)


# Titles, order, sight


def test_a_title_is_given_and_given_back(alone: Library) -> None:
    """It shows wherever the model does; an empty one is the page's own."""
    alone.add(ADA, [a_spec()])
    alone.rename(ADA, "maker/one", "  My\nmodel ")
    assert alone.of(ADA).spec("maker/one").title == "My model"
    assert alone.of(ADA).spec("maker/one").digest == a_spec().digest
    alone.rename(ADA, "maker/one", " ")
    assert alone.entry(ADA, "maker/one").title == "One"


def test_a_built_in_model_has_a_title_too(alone: Library) -> None:
    """Renamed, it is not replaced."""
    alone.rename(ADA, GROK, "My Grok")
    entry = alone.entry(ADA, GROK)
    assert (entry.title, entry.is_replaced) == ("My Grok", False)


@pytest.mark.parametrize(
    ("model", "before", "order"),
    [
        ("c", "a", "cab"),
        ("a", None, "bca"),
        ("a", "c", "bac"),
        ("b", "b", "acb"),
        ("b", "gone", "acb"),
        ("c", GROK, "cab"),
    ],
)
def test_models_are_moved(alone: Library, model: str, before: str | None, order: str) -> None:
    """Before another, or to the end; the built-in ones stay first, and an addition comes last."""
    alone.add(ADA, [a_spec("a"), a_spec("b"), a_spec("c")])
    alone.move(ADA, model, before)
    alone.add(ADA, [a_spec("d")])
    assert models(alone) == [GROK, LITE, *order, "d"]
    with pytest.raises(CollectionProblem, match="stay first"):
        alone.move(ADA, GROK)


def test_a_hidden_model_is_still_known(alone: Library) -> None:
    """Out of sight, it runs and its old runs are read all the same."""
    for model in (GROK, "maker/one"):
        alone.add(ADA, [a_spec()])
        alone.hide(ADA, model)
        assert alone.entry(ADA, model).is_hidden
        assert model in [spec.model for spec in alone.of(ADA)]
        alone.show(ADA, model)
        assert not alone.entry(ADA, model).is_hidden


def test_when_a_model_was_opened_is_kept_now_and_then(alone: Library, clock: Time) -> None:
    """Recent ones come first, without a write at every click."""
    alone.add(ADA, [a_spec()])
    assert alone.entry(ADA, "maker/one").opened_at_ms is None
    alone.opened(ADA, "maker/one")
    first = alone.entry(ADA, "maker/one").opened_at_ms
    assert first
    alone.opened(ADA, "maker/one")
    assert alone.entry(ADA, "maker/one").opened_at_ms == first
    clock.now_ms += NOTES_OPENED_EVERY_MS
    alone.opened(ADA, "maker/one")
    assert (alone.entry(ADA, "maker/one").opened_at_ms or 0) > first


def test_who_changed_nothing_leaves_nothing(shared: Library, tmp_path: Path) -> None:
    """A visitor who only opens tabs has no file."""
    shared.opened(ADA, GROK)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("change", ["rename", "hide", "show", "move", "remove", "put_back"])
def test_a_model_that_there_is_not_cannot_be_changed(
    alone: Library, tmp_path: Path, change: str
) -> None:
    """It is unknown, and nothing is kept of it."""
    with pytest.raises(UnknownModel):
        getattr(alone, change)(ADA, "gone", *(["x"] if change == "rename" else []))
    assert not list(tmp_path.glob("models/*.json"))


# Removing


def test_a_removed_model_is_gone_and_can_be_had_back(alone: Library) -> None:
    """At its place, with its title."""
    alone.add(ADA, [a_spec("a"), a_spec("b")])
    alone.rename(ADA, "a", "Mine")
    alone.remove(ADA, "a")
    assert models(alone)[2:] == ["b"]
    with pytest.raises(UnknownModel):
        alone.of(ADA).spec("a")
    alone.put_back(ADA, "a")
    assert models(alone)[2:] == ["a", "b"]
    assert alone.entry(ADA, "a").title == "Mine"


def test_a_built_in_model_is_never_removed(alone: Library, grok: ModelSpec) -> None:
    """Not even one that was replaced."""
    for _ in range(2):
        with pytest.raises(CollectionProblem, match="hidden, not removed"):
            alone.remove(ADA, GROK)
        alone.add(ADA, [extended(grok)])


def test_versions_know_what_was_removed_or_replaced(alone: Library) -> None:
    """The newest first, so that runs under way are understood to their end."""
    newest = another_version(a_spec(), "Newest.")
    for spec in (a_spec(), another_version(a_spec()), newest):
        alone.add(ADA, [spec])
    kept = (newest, another_version(a_spec()), a_spec())
    assert alone.versions("maker/one") == kept
    alone.remove(ADA, "maker/one")
    assert alone.versions("maker/one") == kept
    assert alone.versions("gone") == ()
    assert len(alone.versions(GROK)) == 1


# Many visitors


def test_each_visitor_has_their_own_models(shared: Library) -> None:
    """No other sees them, and each has everyone's beside them."""
    shared.add(EVERYONE, [a_spec("everyones")])
    shared.add(ADA, [a_spec("adas")])
    assert models(shared, ADA) == [GROK, LITE, "everyones", "adas"]
    assert models(shared, EVE) == [GROK, LITE, "everyones"]
    assert [e.is_own for e in shared.entries(ADA)] == [False, False, False, True]
    assert [e.is_own for e in shared.entries(EVERYONE)] == [False, False, True]


def test_no_file_names_a_visitor(shared: Library, tmp_path: Path) -> None:
    """A listing of the folder names nobody, and no owner leads out of it."""
    shared.add("../../user:Ada", [a_spec()])
    (path,) = (tmp_path / "models").glob("*.json")
    assert path.stem.isalnum()
    assert "Ada" not in path.read_text()


def test_a_visitor_hides_renames_and_moves_everyones_for_themselves(shared: Library) -> None:
    """Nobody else sees any of it."""
    shared.add(EVERYONE, [a_spec("a"), a_spec("b")])
    shared.hide(ADA, "a")
    shared.rename(ADA, "b", "Mine")
    shared.move(ADA, "b", "a")
    assert models(shared, ADA)[2:] == ["b", "a"]
    assert shared.entry(ADA, "a").is_hidden
    assert shared.entry(ADA, "b").title == "Mine"
    assert models(shared, EVE)[2:] == ["a", "b"]
    assert not any(e.is_hidden or e.title == "Mine" for e in shared.entries(EVE))


def test_what_the_operator_hid_a_visitor_may_show(shared: Library) -> None:
    """For themselves."""
    shared.hide(EVERYONE, LITE)
    assert shared.entry(ADA, LITE).is_hidden
    shared.show(ADA, LITE)
    assert not shared.entry(ADA, LITE).is_hidden
    assert shared.entry(EVE, LITE).is_hidden


def test_a_visitor_cannot_remove_everyones(shared: Library) -> None:
    """It can be hidden, and their own version of it removed."""
    shared.add(EVERYONE, [a_spec()])
    with pytest.raises(CollectionProblem, match="the server’s"):
        shared.remove(ADA, "maker/one")
    shared.add(ADA, [extended(a_spec())])
    assert shared.of(ADA).spec("maker/one") == extended(a_spec())
    shared.remove(ADA, "maker/one")
    assert shared.of(ADA).spec("maker/one") == a_spec()


def test_versions_are_ones_own_and_everyones(shared: Library) -> None:
    """Present and former, each once; what a stranger adds is not among them."""
    shared.add(EVERYONE, [a_spec()])
    former = extended(a_spec(), "older")
    shared.add(ADA, [former])
    shared.add(ADA, [extended(a_spec())])
    shared.add(EVE, [a_spec("else")])
    own = shared.collection_name(ADA)
    assert shared.versions("maker/one", own) == (extended(a_spec()), a_spec(), former)
    assert shared.versions("maker/one", shared.collection_name(EVE)) == (a_spec(),)
    assert shared.versions("maker/one") == (a_spec(),)
    assert shared.versions("else", own) == ()


def test_a_stranger_displaces_no_model(shared: Library, grok: ModelSpec) -> None:
    """However many versions of it they add."""
    for number in range(10):
        shared.add(
            EVE, [another_version(extended(grok)).model_copy(update={"summary": f"{number}"})]
        )
    assert shared.versions(GROK, shared.collection_name(ADA)) == (grok,)


def test_a_collection_is_named_once_there_is_one(shared: Library, alone: Library) -> None:
    """The name says nothing of its owner, and no other text is one."""
    assert shared.collection_name(ADA) == ""
    shared.add(ADA, [a_spec()])
    assert ADA not in shared.collection_name(ADA)
    assert shared.versions("maker/one", shared.collection_name(ADA)) == (a_spec(),)
    assert shared.versions("maker/one", "../everyone") == ()
    alone.add(ADA, [a_spec()])
    assert alone.collection_name(ADA) == ""


def test_only_the_operator_adds_where_the_operator_says_so(tmp_path: Path) -> None:
    """Visitors have what the command line adds; a server for one person has no other operator."""
    library = Library(tmp_path / "models", is_for_one=False, visitors_add=False)
    assert not library.may_add(ADA)
    with pytest.raises(MayNotAdd, match="only its operator"):
        library.add(ADA, [a_spec()])
    library.add(EVERYONE, [a_spec()])
    assert models(library)[2:] == ["maker/one"]
    assert Library(tmp_path / "models", visitors_add=False).may_add(ADA)


def test_who_has_not_signed_in_changes_nothing(shared: Library) -> None:
    """Nobody is no owner, and least of all everyone."""
    with pytest.raises(MayNotAdd):
        shared.add("", [a_spec()])
    with pytest.raises(MayNotAdd):
        shared.hide("", GROK)
    assert models(shared, "") == [GROK, LITE]


def test_there_is_room_for_so_many_models(shared: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    """One more is refused, until one is removed; had back it needs room again."""
    monkeypatch.setattr(library_module, "MAX_MODELS", 2)
    shared.add(ADA, [a_spec("a"), a_spec("b")])
    with pytest.raises(CollectionProblem, match="room for 2"):
        shared.add(ADA, [a_spec("c")])
    shared.add(ADA, [another_version(a_spec("a"))])
    shared.remove(ADA, "a")
    shared.add(ADA, [a_spec("c")])
    with pytest.raises(CollectionProblem, match="room for 2"):
        shared.put_back(ADA, "a")
    shared.add(EVERYONE, [a_spec("x"), a_spec("y"), a_spec("z")])


def test_a_visitor_has_so_much_room_and_all_together(
    shared: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many visitors a program pretends to be; everyone's models have room of their own."""
    monkeypatch.setattr(library_module, "MAX_COLLECTION_BYTES", 500)
    with pytest.raises(CollectionProblem, match="no room for more models"):
        shared.add(ADA, [a_spec()])
    shared.add(EVERYONE, [a_spec()])
    monkeypatch.undo()
    shared.add(ADA, [a_spec()])
    monkeypatch.setattr(library_module, "MAX_BYTES_OF_ALL", 100)
    with pytest.raises(CollectionProblem, match="tell its operator"):
        shared.add(EVE, [a_spec()])


def test_a_change_by_another_process_shows_at_once(shared: Library, tmp_path: Path) -> None:
    """The command line adds to a server that runs."""
    assert models(shared) == [GROK, LITE]
    shared.add(ADA, [a_spec("adas")])
    Library(tmp_path / "models").add(EVERYONE, [a_spec()])
    assert models(shared) == [GROK, LITE, "maker/one", "adas"]
    assert models(shared, EVE) == [GROK, LITE, "maker/one"]


def test_a_damaged_collection_warns_its_owner(shared: Library, tmp_path: Path) -> None:
    """Everyone of everyone's file, and nobody else of a visitor's."""
    shared.add(ADA, [a_spec()])
    (path,) = (tmp_path / "models").glob("*.json")
    path.write_bytes(b"{")
    assert models(shared) == [GROK, LITE]
    assert len(shared.warnings(ADA)) == 1
    assert shared.warnings(EVE) == ()
    (tmp_path / "models" / "everyone.json").write_bytes(b"{")
    assert models(shared, EVE) == [GROK, LITE]
    assert len(shared.warnings(EVE)) == 1


# Sharing


def test_all_that_was_added_is_one_file(alone: Library, grok: ModelSpec, tmp_path: Path) -> None:
    """Models with their titles, replaced ones too, for another library to read."""
    alone.add(ADA, [a_spec("a"), a_spec("b"), extended(grok)])
    alone.rename(ADA, "a", "Mine")
    file = alone.export(ADA)
    other = Library(tmp_path / "other")
    other.add(EVERYONE, read_models(file).specs)
    assert models(other) == [GROK, LITE, "a", "b"]
    assert other.entry(EVERYONE, "a").title == "Mine"
    assert other.of(EVERYONE).spec(GROK) == extended(grok)


def test_some_models_are_one_file_in_the_requested_order(alone: Library) -> None:
    """Built-in ones as well."""
    alone.add(ADA, [a_spec("a"), a_spec("b")])
    file = alone.export(ADA, ["b", GROK])
    assert [spec.model for spec in read_models(file).specs] == ["b", GROK]


def test_nothing_cannot_be_exported(alone: Library) -> None:
    """A file without models would be a riddle."""
    with pytest.raises(CollectionProblem, match="nothing to export"):
        alone.export(ADA)
    with pytest.raises(UnknownModel):
        alone.export(ADA, ["gone"])


def test_the_settings_say_whose_models_there_are(tmp_path: Path) -> None:
    """One person's folder and rights follow from the settings of the server."""
    alone = Library.of_settings(Settings(data_dir=tmp_path, visitors="one"))
    alone.add(ADA, [a_spec()])
    assert (tmp_path / "models" / "everyone.json").is_file()
    many = Library.of_settings(Settings(data_dir=tmp_path, visitors="many", add_models="operator"))
    assert models(many, EVE)[2:] == ["maker/one"]
    assert not many.may_add(EVE)
    assert Library.of_settings(Settings(data_dir=tmp_path, visitors="many")).may_add(EVE)
