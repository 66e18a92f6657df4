from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from kie_ui.catalog.registry import built_in_registry
from kie_ui.catalog.validate import InvalidValues
from kie_ui.catalog.values import FileRef, UrlRef
from kie_ui.media.storage import Storage
from kie_ui.runs.lifecycle.submit import InputPreparer
from tests.runs.harness import files_below

SPEC = built_in_registry().spec("bytedance/v1-lite-image-to-video")


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    """Return an empty storage."""
    return Storage(tmp_path / "files")


def a_file(path: Path) -> FileRef:
    """Return a file as a form gives it."""
    return FileRef(path=str(path), name=path.name)


def with_picture(picture: Any, **more: Any) -> dict[str, Any]:
    """Return the values of a form that is filled in rightly."""
    return {"prompt": "x", "image_url": picture, "duration": "5", "resolution": "720p"} | more


async def test_a_picture_is_held_under_a_name_in_the_storage(
    storage: Storage, picture: Path
) -> None:
    """A run never points to a file of the caller's."""
    taken = await InputPreparer(storage).prepare(SPEC, with_picture(a_file(picture)))
    (ref,) = taken.values["image_url"]
    assert isinstance(ref, FileRef)
    assert ref.name == "given.png"
    kept = storage.resolve(ref.path)
    assert kept.is_relative_to(storage.root)
    assert files_below(storage.root) == [kept]
    assert taken.estimated_credits == 22.5


async def test_addresses_and_files_may_be_mixed(storage: Storage, picture: Path) -> None:
    """A start from the web and an end from this computer are both taken."""
    given = with_picture("https://example.com/a.png", end_image_url=a_file(picture))
    taken = await InputPreparer(storage).prepare(SPEC, given)
    assert taken.values["image_url"] == (UrlRef(url="https://example.com/a.png"),)
    assert isinstance(taken.values["end_image_url"][0], FileRef)


async def test_each_bad_picture_is_a_problem_of_its_own(storage: Storage, tmp_path: Path) -> None:
    """Two bad pictures are reported at once, beside what else is wrong."""
    text = tmp_path / "a.png"
    text.write_bytes(b"hello")
    gone = tmp_path / "gone.png"
    given = with_picture(a_file(text), end_image_url=a_file(gone), duration="99")
    with pytest.raises(InvalidValues) as caught:
        await InputPreparer(storage).prepare(SPEC, given)
    problems = {problem.parameter: problem.message for problem in caught.value.problems}
    assert set(problems) == {"image_url", "end_image_url", "duration"}
    assert all(message.endswith(".") for message in problems.values())


async def test_nothing_is_kept_of_a_press_that_is_refused(storage: Storage, picture: Path) -> None:
    """A good picture beside a bad value leaves no file behind."""
    given = with_picture(a_file(picture), duration="99")
    with pytest.raises(InvalidValues):
        await InputPreparer(storage).prepare(SPEC, given)
    assert files_below(storage.root) == []


async def test_what_was_done_to_a_picture_is_said_once(storage: Storage, tmp_path: Path) -> None:
    """A picture that serves twice is worked on once."""
    bitmap = tmp_path / "a.bmp"
    Image.new("RGB", (80, 60)).save(bitmap)
    ref = a_file(bitmap)
    taken = await InputPreparer(storage).prepare(SPEC, with_picture(ref, end_image_url=ref))
    assert len(taken.changes) == len(set(taken.changes)) > 0
    assert taken.values["image_url"] == taken.values["end_image_url"]


@pytest.mark.parametrize("junk", [7, {"kind": "file"}, ["ftp://x"], object(), [None]])
async def test_what_is_no_medium_is_a_problem_not_a_crash(storage: Storage, junk: Any) -> None:
    """Whatever a caller of the API sends gets a sentence in answer."""
    with pytest.raises(InvalidValues) as caught:
        await InputPreparer(storage).prepare(SPEC, with_picture(junk))
    assert [problem.parameter for problem in caught.value.problems] == ["image_url"]
