from pathlib import Path

import pytest

from kie_ui.media.images.convert import PictureLimits, prepare_picture

ASSETS = Path(__file__).parents[2] / "assets"
SAMPLES = sorted((ASSETS / "samples").rglob("*.jpg"))
KIE = PictureLimits(10_000_000, ("image/jpeg", "image/png", "image/webp"))


def test_every_sample_that_is_shown_or_simulated_is_there() -> None:
    """Four scenes to try the models with, and two Grok tasks of six pictures each."""
    names = {path.relative_to(ASSETS / "samples").with_suffix("").as_posix() for path in SAMPLES}

    assert names == {
        "lighthouse",
        "archway",
        "archway-end",
        "cafe",
        *(f"grok-{task}/{index}" for task in "ab" for index in range(6)),
    }


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_sample_is_light_and_needs_no_change(path: Path, tmp_path: Path) -> None:
    """A sample loads at once, and goes to a model byte for byte."""
    prepared = prepare_picture(path, tmp_path, KIE)

    assert prepared.changes == ()
    assert prepared.size_bytes < 200_000
    assert min(prepared.width_px, prepared.height_px) >= 640
