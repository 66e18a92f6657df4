import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageStat

from kie_ui.media.images import PictureLimits, prepare_picture

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


def test_the_script_draws_the_samples_that_are_kept(tmp_path: Path) -> None:
    """What lies in the folder is what the code draws: a smaller drawing matches a smaller copy."""
    names = ["archway", "grok-a/1"]
    command = [sys.executable, str(ASSETS / "draw_samples.py"), *names]
    subprocess.run([*command, "--scale", "0.25", "--into", str(tmp_path)], check=True)

    for name in names:
        with (
            Image.open(tmp_path / f"{name}.jpg") as drawn,
            Image.open(ASSETS / "samples" / f"{name}.jpg") as kept,
        ):
            difference = ImageChops.difference(drawn, kept.resize(drawn.size, Image.Resampling.BOX))
        assert max(ImageStat.Stat(difference).mean) < 4
