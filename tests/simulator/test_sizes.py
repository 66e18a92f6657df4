from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kie_ui.simulator.sizes import (
    MAX_CLIP_SHORT_SIDE_PX,
    MAX_IMAGE_SIDE_PX,
    MIN_SIDE_PX,
    SizeHint,
    clip_short_side_px,
    image_size,
    merge_sizes,
    quality_px,
    read_size,
)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("1:1", (1024, 1024)),
        ("16:9", (1360, 768)),
        ("9:16", (768, 1360)),
        ("square_hd", (1024, 1024)),
        ("square", (512, 512)),
        ("portrait_4_3", (768, 1024)),
        ("landscape_16_9", (1024, 576)),
        ("landscape", (1360, 768)),
        ("1K", (1024, 1024)),
        ("2K", (2048, 2048)),
        ("4k", (4096, 4096)),
        ("0.5K", (512, 512)),
        ("4 MP", (2000, 2000)),
        ("1024x1536", (1024, 1536)),
        ("1024*1536", (1024, 1536)),
        ("768P", (768, 768)),
        ("2 megapixels", (1408, 1408)),
        ("auto", (1024, 1024)),
        ("0:0", (1024, 1024)),
        ("9" * 400 + ":" + "9" * 400, (1024, 1024)),
        ("", (1024, 1024)),
    ],
)
def test_every_spelling_of_a_size_is_read(text: str, size: tuple[int, int]) -> None:
    """A picture has the requested size; what says nothing leaves the usual one."""
    assert image_size(read_size(text)) == size


@pytest.mark.parametrize(
    ("text", "short_side_px"),
    [
        ("480p", 480),
        ("768P", 768),
        ("1080p", 1080),
        ("720", 720),
        ("1024x576", 576),
        ("1K", 768),
        ("8K", MAX_CLIP_SHORT_SIDE_PX),
        ("99999p", MAX_CLIP_SHORT_SIDE_PX),
        ("16:9", 480),
    ],
)
def test_a_clip_has_the_requested_short_side(text: str, short_side_px: int) -> None:
    """However it is spelt, up to what is rendered."""
    assert clip_short_side_px(read_size(text)) == short_side_px


def test_names_of_qualities_are_sizes_of_clips() -> None:
    """Some models are requested `high` and `standard`; other words are no quality."""
    assert (quality_px("high"), quality_px("Standard"), quality_px("normal")) == (1080, 720, None)


def test_several_values_tell_one_size() -> None:
    """A shape and a resolution are combined; of two resolutions the first counts."""
    size = merge_sizes(map(read_size, ["landscape_16_9", "2K", "4K"]))
    assert image_size(size) == (2736, 1536)


def test_a_picture_that_is_worked_on_keeps_its_own_shape() -> None:
    """Without a word about size it keeps its size, with a resolution its proportions."""
    assert image_size(SizeHint(), (600, 400)) == (600, 400)
    assert image_size(read_size("1K"), (600, 400)) == (1254, 836)
    assert image_size(read_size("1:1"), (600, 400)) == (496, 496)


@given(
    st.text(max_size=20)
    | st.from_regex(r"[0-9]{1,9}(x|:|_)[0-9]{1,9}", fullmatch=True)
    | st.from_regex(r"[0-9]{0,400}(k|mp|p|:|/)[0-9]{0,400}", fullmatch=True)
)
def test_no_spelling_leads_beyond_the_limits(text: str) -> None:
    """Whatever is written, both sides stay within what is made."""
    hint = read_size(text)
    for side in image_size(hint):
        assert MIN_SIDE_PX <= side <= MAX_IMAGE_SIDE_PX
    assert 16 <= clip_short_side_px(hint) <= MAX_CLIP_SHORT_SIDE_PX
