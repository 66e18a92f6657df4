from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from kie_ui.simulator.render.picture import BrokenInput, draw_placeholder, make_image
from kie_ui.simulator.render.requests import ImageRequest, Placeholder
from kie_ui.simulator.sizes import SizeHint, read_size

SMALL = read_size("96x64")
LAKE = Placeholder(text="a lake", seed=3)


def make(folder: Path, **fields: Any) -> Image.Image:
    """Make a picture and read it."""
    output = folder / "made"
    make_image(ImageRequest(**{"source": LAKE, **fields}), output)
    with Image.open(output) as image:
        image.load()
        return image


@pytest.mark.parametrize(
    ("file_format", "read_as"), [("jpeg", "JPEG"), ("png", "PNG"), ("webp", "WEBP")]
)
def test_a_picture_has_the_requested_size_and_format(
    tmp_path: Path, file_format: str, read_as: str
) -> None:
    """A placeholder is a real file of that format."""
    image = make(tmp_path, size=read_size("320x200"), format=file_format)
    assert (image.size, image.format) == ((320, 200), read_as)


def test_the_same_request_gives_the_same_bytes(tmp_path: Path, picture_path: Path) -> None:
    """Neither time nor chance enters a picture."""
    for source in (LAKE, picture_path):
        one, other = (make(tmp_path, source=source, size=SMALL).tobytes() for _ in range(2))
        assert one == other


def test_several_pictures_of_one_prompt_differ(tmp_path: Path, picture_path: Path) -> None:
    """Each differs from the others, with a given picture and without."""
    for source in (None, picture_path):
        made = {
            make(
                tmp_path,
                source=source or LAKE.model_copy(update={"number": number}),
                number=number,
            ).tobytes()
            for number in range(4)
        }
        assert len(made) == 4


def test_a_placeholder_is_decided_by_text_and_seed() -> None:
    """The same words and seed give the same pixels, others give others."""
    drawn = [
        draw_placeholder(Placeholder(text=text, seed=seed, number=number), (96, 64)).tobytes()
        for text, seed, number in (("sea", 1, 0), ("sea", 1, 0), ("sea", 2, 0), ("sea", 1, 1))
    ]
    assert drawn[0] == drawn[1]
    assert len(set(drawn)) == 3
    assert draw_placeholder(Placeholder(text="city", seed=1), (96, 64)).tobytes() != drawn[0]


@pytest.mark.parametrize("size", [(16, 16), (64, 16), (16, 64), (33, 47), (160, 90)])
@pytest.mark.parametrize("text", ["", "a boat at sea", "x" * 3000, "你好,世界"])
def test_a_placeholder_has_any_size(text: str, size: tuple[int, int]) -> None:
    """However small or narrow it is, and whatever is written on it."""
    assert draw_placeholder(Placeholder(text=text, caption="Not fetched."), size).size == size


def test_a_given_picture_stays_itself(tmp_path: Path, picture_path: Path) -> None:
    """It keeps its size and all that is in it, but for the mark."""
    image = make(tmp_path, source=picture_path)
    with Image.open(picture_path) as source:
        assert image.size == source.size
        before, after = (np.asarray(i.convert("L"), float)[:-60] for i in (source, image))
    assert np.abs(before - after).mean() < 3


@pytest.mark.parametrize(("factor", "size"), [(2.0, (1200, 800)), (8.0, (4096, 2731))])
def test_enlarging_makes_it_larger(
    tmp_path: Path, picture_path: Path, factor: float, size: tuple[int, int]
) -> None:
    """By the requested factor, up to what is made."""
    image = make(tmp_path, source=picture_path, factor=factor, size=SizeHint())
    assert image.size == size


@pytest.mark.parametrize("is_given", [True, False])
def test_every_picture_is_marked(tmp_path: Path, *, is_given: bool) -> None:
    """The lower right corner says "simulated"."""
    path = tmp_path / "grey.png"
    Image.new("RGB", (300, 200), (100, 100, 100)).save(path)
    source = path if is_given else LAKE
    image = make(tmp_path, source=source, size=read_size("300x200"))
    level = np.asarray(image.convert("L"), float)
    corner = level[-20:, -70:]
    assert corner.max() - np.median(corner) > 25


def test_a_broken_picture_says_so(tmp_path: Path) -> None:
    """What cannot be read is refused in words for people."""
    path = tmp_path / "broken.png"
    path.write_bytes(b"no picture")
    with pytest.raises(BrokenInput, match="The picture"):
        make(tmp_path, source=path)
