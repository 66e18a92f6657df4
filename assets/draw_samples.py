"""Draw the sample pictures anew: `python assets/draw_samples.py [name …]`.

They are ours, drawn by the code in `drawing/`, and the same each time. Without names, all of them
are drawn over those in `assets/samples/`; a scale below 1 draws smaller ones, which is quicker.
"""

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path

from drawing import archway, balloon, boat, cafe, lighthouse
from PIL import Image

SAMPLES = Path(__file__).parent / "samples"
QUALITY = 86

SCENES: dict[str, Callable[..., Image.Image]] = {
    "lighthouse": lighthouse.draw,
    "archway": archway.draw_setting_out,
    "archway-end": archway.draw_arriving,
    "cafe": cafe.draw,
    **{f"grok-a/{number}": partial(boat.draw, number) for number in range(6)},
    **{f"grok-b/{number}": partial(balloon.draw, number) for number in range(6)},
}


def main() -> None:
    """Draw what the command line asks for."""
    parser = argparse.ArgumentParser(description="Draw the sample pictures anew.")
    parser.add_argument("names", nargs="*", choices=[[], *SCENES], metavar="name")
    parser.add_argument("--into", type=Path, default=SAMPLES)
    parser.add_argument("--scale", type=float, default=1.0)
    asked = parser.parse_args()
    for name in asked.names or SCENES:
        path = asked.into / f"{name}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        SCENES[name](scale=asked.scale).save(path, quality=QUALITY, optimize=True, progressive=True)
        print(f"{path}  {path.stat().st_size // 1000} kB")


if __name__ == "__main__":
    main()
