from __future__ import annotations

import os
import stat
from pathlib import Path

import gradio as gr
import pytest

from kie_ui.ui.asgi.upload_cleanup import (
    FOLDER_VARIABLE,
    KEPT_S,
    Sweeper,
    claim_uploads,
    files_of_page,
    sweep,
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
    """It is neither replaced nor swept."""
    before = os.environ[FOLDER_VARIABLE]
    assert claim_uploads(tmp_path / "data") is None
    assert os.environ[FOLDER_VARIABLE] == before
    assert not (tmp_path / "data").exists()


@pytest.mark.usefixtures("_unclaimed")
def test_an_unusable_data_folder_keeps_no_page_from_opening(tmp_path: Path) -> None:
    """The page itself tells about it; uploads go where Gradio puts them."""
    (tmp_path / "taken").write_text("a file")
    assert claim_uploads(tmp_path / "taken") is None
    assert not os.environ[FOLDER_VARIABLE]


def test_what_is_a_week_old_is_swept_and_nothing_else(tmp_path: Path) -> None:
    """Neither what is younger, nor what the page itself shows; empty folders go too."""
    old = aged(tmp_path / "a" / "old.png", KEPT_S + 1)
    young = aged(tmp_path / "b" / "young.png", KEPT_S - 1)
    sample = aged(tmp_path / "c" / "sample.png", KEPT_S + 1)
    assert sweep(tmp_path, {sample}, NOW_S) == 1
    assert not old.exists()
    assert young.exists()
    assert sample.exists()


def test_a_sweep_does_not_leave_its_folder(tmp_path: Path) -> None:
    """A link inside goes, what it leads to stays."""
    outside = aged(tmp_path / "outside" / "mine.png", KEPT_S + 1)
    folder = tmp_path / "uploads"
    folder.mkdir()
    (folder / "link").symlink_to(outside.parent)
    sweep(folder, (), NOW_S)
    assert outside.exists()


def test_a_sweep_of_nothing_is_no_trouble(tmp_path: Path) -> None:
    """The folder may have been tidied away by hand."""
    assert sweep(tmp_path / "none", (), NOW_S) == 0


def test_the_sweeper_sweeps_at_the_start_and_stops_at_the_end(tmp_path: Path) -> None:
    """No thread is left behind."""
    old = tmp_path / "old.png"
    old.write_bytes(b"")
    os.utime(old, (0, 0))
    with Sweeper(tmp_path, ()) as sweeper:
        while old.exists():
            sweeper._thread.join(0.01)
    assert not sweeper._thread.is_alive()


async def test_the_samples_of_the_page_are_known(live: Services, uploads: Path) -> None:
    """They are copied once, when the page is built, and shown for as long as it runs."""
    page: gr.Blocks = build_page(live)
    kept = files_of_page(page)
    copies = {Path(parent, name) for parent, _, names in os.walk(uploads) for name in names}
    assert copies
    assert copies <= kept
