from __future__ import annotations

import os
import stat
from pathlib import Path

import gradio as gr
import pytest

from kie_ui.ui.asgi.uploads import (
    FOLDER_VARIABLE,
    KEEP_FILE_S,
    OwnedFiles,
    claim_uploads,
    delete_old_files,
    files_of_page,
    folder_of,
    is_in_cache,
)
from kie_ui.ui.page import build_page
from kie_ui.ui.services import Services

NOW_S = 2_000_000_000.0


@pytest.fixture
def _unclaimed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave Gradio's folder to the program, as an operator usually does."""
    monkeypatch.setenv(FOLDER_VARIABLE, "")


def aged(path: Path, age_s: float) -> Path:
    """Make a file of an age."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"picture")
    os.utime(path, (NOW_S - age_s, NOW_S - age_s))
    os.utime(path.parent, (NOW_S - age_s, NOW_S - age_s))
    return path


@pytest.mark.usefixtures("_unclaimed")
def test_uploads_lie_privately_in_the_data_folder(tmp_path: Path) -> None:
    """They survive a restart, and nobody else on the computer reads them."""
    folder = claim_uploads(tmp_path / "data")
    assert folder == tmp_path / "data" / "uploads"
    assert os.environ[FOLDER_VARIABLE] == str(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_an_operators_own_folder_is_left_alone(tmp_path: Path) -> None:
    """It is neither replaced nor cleaned."""
    before = os.environ[FOLDER_VARIABLE]
    assert claim_uploads(tmp_path / "data") is None
    assert os.environ[FOLDER_VARIABLE] == before
    assert not (tmp_path / "data").exists()


@pytest.mark.usefixtures("_unclaimed")
def test_an_unusable_data_folder_keeps_no_page_from_opening(tmp_path: Path) -> None:
    """The page itself reports it; uploads go where Gradio puts them."""
    (tmp_path / "taken").write_text("a file")
    assert claim_uploads(tmp_path / "taken") is None
    assert not os.environ[FOLDER_VARIABLE]


def test_files_older_than_a_week_are_deleted(tmp_path: Path) -> None:
    """But not what the page itself shows; folders left empty go too."""
    old = aged(tmp_path / "a" / "old.png", KEEP_FILE_S + 1)
    young = aged(tmp_path / "b" / "young.png", KEEP_FILE_S - 1)
    sample = aged(tmp_path / "c" / "sample.png", KEEP_FILE_S + 1)
    assert delete_old_files(tmp_path, NOW_S - KEEP_FILE_S, {sample}) == 1
    assert not old.exists()
    assert young.exists()
    assert sample.exists()


def test_cleaning_stays_inside_its_folder(tmp_path: Path) -> None:
    """A link inside is deleted, what it points to is not."""
    outside = aged(tmp_path / "outside" / "mine.png", KEEP_FILE_S + 1)
    folder = tmp_path / "uploads"
    folder.mkdir()
    (folder / "link").symlink_to(outside.parent)
    delete_old_files(folder, NOW_S - KEEP_FILE_S)
    assert outside.exists()


def test_a_missing_folder_is_no_error(tmp_path: Path) -> None:
    """Someone may have deleted it by hand."""
    assert delete_old_files(tmp_path / "none", NOW_S) == 0


async def test_the_samples_of_the_page_are_known(live: Services, uploads: Path) -> None:
    """They are copied once, when the page is built, and shown for as long as it runs."""
    page: gr.Blocks = build_page(live)
    kept = files_of_page(page)
    copies = {Path(parent, name) for parent, _, names in os.walk(uploads) for name in names}
    assert copies
    assert copies <= kept


@pytest.fixture
def files(tmp_path: Path) -> OwnedFiles:
    """Give a fresh list of owners."""
    return OwnedFiles(tmp_path / "data" / "owners")


async def test_a_file_is_seen_by_those_it_was_given_to(files: OwnedFiles, uploaded: Path) -> None:
    """By every one of them, and by nobody else."""
    await files.give("ada", [uploaded])
    await files.give("ben", [str(uploaded)])
    seen = [await files.is_owned(owner, uploaded) for owner in ("ada", "ben", "cleo", "")]
    assert seen == [True, True, False, False]


async def test_what_is_made_beside_a_file_is_its_owners(files: OwnedFiles, uploaded: Path) -> None:
    """The picture that is shown in place of one that no browser shows lies there."""
    await files.give("ada", [uploaded])
    assert await files.is_owned("ada", uploaded.with_name("shown-instead.jpg"))
    assert not await files.is_owned("ada", uploaded.parents[2] / "another" / uploaded.name)


async def test_owners_are_known_after_a_restart(
    files: OwnedFiles, uploaded: Path, tmp_path: Path
) -> None:
    """A draft still shows its picture then."""
    await files.give("ada", [uploaded])
    again = OwnedFiles(tmp_path / "data" / "owners")
    assert await again.is_owned("ada", uploaded)


async def test_owners_lie_privately_in_the_data_folder(
    files: OwnedFiles, uploaded: Path, tmp_path: Path
) -> None:
    """Nobody else on the computer reads who has which files."""
    await files.give("ada", [uploaded])
    made = (tmp_path / "data", *(tmp_path / "data").rglob("*"))
    assert [stat.S_IMODE(path.stat().st_mode) & 0o077 for path in made] == [0] * 4


async def test_a_name_that_no_file_can_have_is_nobodys(files: OwnedFiles, uploads: Path) -> None:
    """A longer one than the disk takes is no error."""
    assert not await files.is_owned("ada", uploads / ("x" * 300) / "a.png")


async def test_an_owner_is_forgotten_long_after_the_file(uploaded: Path, tmp_path: Path) -> None:
    """Unless the file was given again meanwhile."""
    files = OwnedFiles(tmp_path / "owners")
    await files.give("ada", [uploaded])
    await files.give("ben", [uploaded])
    for owner in ("ada", "ben"):
        os.utime(tmp_path / "owners" / owner / uploaded.parent.name, (0, 0))
    await files.give("ben", [uploaded])
    files.delete_old()
    assert [await files.is_owned(owner, uploaded) for owner in ("ada", "ben")] == [False, True]


async def test_without_a_place_for_it_owners_are_remembered_meanwhile(
    uploaded: Path, tmp_path: Path
) -> None:
    """An unusable data folder neither locks owners out nor lets others in."""
    blocked = tmp_path / "a file"
    blocked.write_text("")
    files = OwnedFiles(blocked / "owners")
    await files.give("ada", [uploaded])
    assert await files.is_owned("ada", uploaded)
    assert not await files.is_owned("ben", uploaded)


def test_only_what_lies_in_the_cache_has_a_folder(uploads: Path, uploaded: Path) -> None:
    """Whatever way leads there; a link out of it still counts as inside."""
    assert folder_of(uploaded) == uploaded.parent.name
    assert folder_of(f"{uploads}/x/../{uploaded.parent.name}/{uploaded.name}") == "0f1e"
    assert folder_of(uploads) is None
    assert folder_of("/etc/passwd") is None
    assert folder_of(f"{uploads}/\0") is None
    link = uploads / "link"
    link.symlink_to("/etc")
    assert folder_of(link / "passwd") is None
    assert is_in_cache(str(link / "passwd"))
    assert is_in_cache(str(uploads))
    assert not is_in_cache("/etc/passwd")
    assert not is_in_cache("https://a.test/b.png")
    assert not is_in_cache("\0")
