from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from kie_ui.simulator.intent.dimensions import Extent, read_extent
from kie_ui.simulator.intent.plan import ImageOrder, Picture
from kie_ui.simulator.render.picture import BrokenInput, cut_out, make_image, treat
from tests.simulator.harness import draw_picture

SMALL = read_extent("96x64")


def make(folder: Path, **fields: Any) -> Image.Image:
    """Make a picture and read it."""
    usual: dict[str, Any] = {"work": "draw", "seed": 3, "prompt": "a lake"}
    output = folder / "made"
    make_image(ImageOrder(**{**usual, **fields}), output)
    with Image.open(output) as image:
        image.load()
        return image


@pytest.mark.parametrize(
    ("file_format", "read_as"), [("jpeg", "JPEG"), ("png", "PNG"), ("webp", "WEBP")]
)
def test_a_picture_has_the_asked_size_and_format(
    tmp_path: Path, file_format: str, read_as: str
) -> None:
    """A drawn picture is a real file of that format."""
    image = make(tmp_path, extent=read_extent("320x200"), format=file_format)
    assert (image.size, image.format) == ((320, 200), read_as)


def test_the_same_order_gives_the_same_bytes(tmp_path: Path, picture_path: Path) -> None:
    """Neither time nor chance enters a picture."""
    for source in (None, Picture(path=picture_path)):
        work = "edit" if source else "draw"
        one, other = (
            make(tmp_path, source=source, work=work, extent=SMALL).tobytes() for _ in range(2)
        )
        assert one == other


def test_several_pictures_of_one_prompt_differ(tmp_path: Path, picture_path: Path) -> None:
    """Each of them is another one, drawn or treated."""
    for source in (None, Picture(path=picture_path)):
        work = "edit" if source else "draw"
        made = {
            make(tmp_path, source=source, work=work, number=number, extent=SMALL).tobytes()
            for number in range(4)
        }
        assert len(made) == 4


def test_a_treated_picture_is_still_itself(tmp_path: Path, picture_path: Path) -> None:
    """It keeps its size and what is in it, and looks different."""
    image = make(tmp_path, work="edit", source=Picture(path=picture_path), prompt="warm sunset")
    with Image.open(picture_path) as source:
        assert image.size == source.size
        before, after = (np.asarray(i.convert("L"), float).ravel() for i in (source, image))
    assert np.corrcoef(before, after)[0, 1] > 0.5
    assert np.abs(before - after).mean() > 4


WORDS = ("pencil sketch", "oil painting", "noir", "night", "sunset", "winter", "vintage", "poster")


@pytest.mark.parametrize("words", WORDS)
@pytest.mark.parametrize("size", [(2, 2), (40, 3), (160, 120)])
def test_every_treatment_takes_any_size(words: str, size: tuple[int, int]) -> None:
    """The smallest pictures are treated too, and keep their size."""
    assert treat(draw_picture(1, size), words, 1, 0).size == size


def test_words_choose_the_treatment() -> None:
    """Each of the styles looks different."""
    picture = draw_picture(1, (120, 80))
    assert len({treat(picture, words, 1, 0).tobytes() for words in WORDS}) == len(WORDS)


def test_a_second_picture_lends_its_colours(tmp_path: Path, picture_path: Path) -> None:
    """With a red reference the result is redder."""
    red = tmp_path / "red.png"
    Image.new("RGB", (20, 20), (220, 40, 40)).save(red)
    plain, toned = (
        np.asarray(
            make(tmp_path, work="edit", source=Picture(path=picture_path), prompt="noir", palette=p)
            if p is None
            else make(
                tmp_path, work="edit", source=Picture(path=picture_path), prompt="winter", palette=p
            ),
            float,
        )
        for p in (None, Picture(path=red))
    )
    assert (toned[..., 0] - toned[..., 2]).mean() > (plain[..., 0] - plain[..., 2]).mean() + 10


@pytest.mark.parametrize(("factor", "size"), [(2.0, (1200, 800)), (8.0, (4096, 2731))])
def test_enlarging_makes_it_larger(
    tmp_path: Path, picture_path: Path, factor: float, size: tuple[int, int]
) -> None:
    """By the asked factor, up to what is made."""
    source = Picture(path=picture_path)
    image = make(tmp_path, work="enlarge", source=source, factor=factor, extent=Extent())
    assert image.size == size


def test_a_cut_out_is_transparent_around_what_it_shows(tmp_path: Path) -> None:
    """The corners go, what stands in the middle stays."""
    path = tmp_path / "thing.png"
    picture = Image.new("RGB", (300, 200), (210, 220, 230))
    ImageDraw.Draw(picture).ellipse((100, 50, 200, 160), fill=(180, 40, 30))
    picture.save(path)
    image = make(tmp_path, work="cut_out", source=Picture(path=path), format="png")
    alpha = np.asarray(image.getchannel("A"))
    assert alpha[:20, :20].max() < 20
    assert alpha[80:130, 130:170].min() > 240


@pytest.mark.parametrize("size", [(2, 2), (5, 90), (64, 64)])
def test_anything_can_be_cut_out(size: tuple[int, int]) -> None:
    """Tiny and narrow pictures do not break it."""
    assert cut_out(draw_picture(1, size)).size == size


@pytest.mark.parametrize("work", ["draw", "edit", "enlarge"])
def test_every_picture_is_marked(tmp_path: Path, work: str) -> None:
    """The lower right corner says "simulated"."""
    path = tmp_path / "grey.png"
    Image.new("RGB", (300, 200), (100, 100, 100)).save(path)
    source = None if work == "draw" else Picture(path=path)
    image = make(tmp_path, work=work, source=source, extent=read_extent("300x200"), prompt="noir")
    level = np.asarray(image.convert("L"), float)
    corner = level[-20:, -70:]
    assert corner.max() - np.median(corner) > 25


def test_a_card_stands_in_for_a_picture_elsewhere(tmp_path: Path) -> None:
    """A picture that is not fetched is worked on as its card."""
    image = make(tmp_path, work="enlarge", source=Picture(stand_in_host="a.example"), factor=1.0)
    assert image.size == (1440, 1080)


def test_a_broken_picture_says_so(tmp_path: Path) -> None:
    """What cannot be read is refused in words for people."""
    path = tmp_path / "broken.png"
    path.write_bytes(b"no picture")
    with pytest.raises(BrokenInput, match="The picture"):
        make(tmp_path, work="edit", source=Picture(path=path))
