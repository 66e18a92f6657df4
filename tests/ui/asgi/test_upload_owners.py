from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kie_ui.ui.asgi.upload_owners import KEPT_MS, OwnedFiles, folder_of, lies_in_cache


@pytest.fixture
def files(tmp_path: Path) -> Iterator[OwnedFiles]:
    """Give a fresh list of owners."""
    files = OwnedFiles(tmp_path / "data" / "uploads.sqlite3")
    yield files
    files.close()


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
    files.close()
    again = OwnedFiles(tmp_path / "data" / "uploads.sqlite3")
    assert await again.is_owned("ada", uploaded)
    again.close()


async def test_an_owner_is_forgotten_long_after_the_file(uploaded: Path, tmp_path: Path) -> None:
    """Unless the file was given again meanwhile."""
    now_ms = [0]
    files = OwnedFiles(tmp_path / "uploads.sqlite3", now_ms=lambda: now_ms[0])
    await files.give("ada", [uploaded])
    await files.give("ben", [uploaded])
    now_ms[0] = KEPT_MS - 1
    await files.give("ben", [uploaded])
    now_ms[0] = KEPT_MS + 1
    await files.give("cleo", [uploaded])
    seen = [await files.is_owned(owner, uploaded) for owner in ("ada", "ben", "cleo")]
    assert seen == [False, True, True]
    files.close()


async def test_without_a_place_for_it_owners_are_remembered_meanwhile(
    uploaded: Path, tmp_path: Path
) -> None:
    """An unusable data folder closes no door and opens none."""
    blocked = tmp_path / "a file"
    blocked.write_text("")
    files = OwnedFiles(blocked / "uploads.sqlite3")
    await files.give("ada", [uploaded])
    assert await files.is_owned("ada", uploaded)
    assert not await files.is_owned("ben", uploaded)
    files.close()


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
    assert lies_in_cache(str(link / "passwd"))
    assert lies_in_cache(str(uploads))
    assert not lies_in_cache("/etc/passwd")
    assert not lies_in_cache("https://a.test/b.png")
    assert not lies_in_cache("\0")
