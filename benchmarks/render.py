"""What rendering a clip costs beyond encoding it.

For every clip the same frames are encoded twice: once ready-made, once while they are being made
from the picture. Both use the encoder settings of the simulator and are timed in turns, so that
other load on the machine meets both alike. Run: `python -m benchmarks.render`.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from kie_ui.simulator.render.clip import encode_clip, make_frames, render_clip
from kie_ui.simulator.render.requests import ClipRequest

LIMIT = 1.5
CLIPS = ((480, 6.0), (480, 10.0), (720, 5.0), (720, 10.0), (1080, 5.0), (1080, 12.0))


def main() -> None:
    """Time all clips and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    print(f"{'clip':<28}{'frames':>7}{'encode':>9}{'render':>9}{'ratio':>7}   (limit {LIMIT})")
    with tempfile.TemporaryDirectory() as folder:
        picture, end = Path(folder, "start.jpg"), Path(folder, "end.jpg")
        draw_picture(1).save(picture, quality=92)
        draw_picture(2).save(end, quality=92)
        for short_side_px, duration_s in CLIPS:
            request = ClipRequest(
                start=picture,
                duration_s=duration_s,
                short_side_px=short_side_px,
                seed=7,
            )
            report(f"{short_side_px}p {duration_s:g} s", request, Path(folder), rounds)
        still = request.model_copy(update={"short_side_px": 720, "duration_s": 5.0})
        fixed = still.model_copy(update={"is_camera_fixed": True})
        report("720p 5 s, still camera", fixed, Path(folder), rounds)
        for mode in ("fun", "spicy"):
            moody = still.model_copy(update={"mode": mode})
            report(f"720p 5 s, {mode}", moody, Path(folder), rounds)
        ending = still.model_copy(update={"end": end})
        report("720p 5 s, end picture", ending, Path(folder), rounds)


def report(name: str, request: ClipRequest, folder: Path, rounds: int) -> None:
    """Time one clip both ways and print its line."""
    size, making = make_frames(request, request.duration_s or 0)
    frames = list(making)
    encode_s: list[float] = []
    render_s: list[float] = []
    for _ in range(rounds):
        encode_s.append(timed(lambda: encode_clip(iter(frames), size, folder / "encoded.mp4")))
        render_s.append(timed(lambda: render_clip(request, folder / "rendered.mp4")))
    encode, render = statistics.median(encode_s), statistics.median(render_s)
    title = f"{name}, {size[0]}×{size[1]}"
    times = f"{encode:>7.2f} s{render:>7.2f} s{render / encode:>7.2f}"
    print(f"{title:<28}{len(frames):>7}{times}", flush=True)


def timed(work: Callable[[], None]) -> float:
    """Return how many seconds some work takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def draw_picture(seed: int) -> Image.Image:
    """Draw a picture with what pictures have: gradients, edges, fine lines and grain."""
    rng = np.random.default_rng(seed)
    width, height = 2400, 1600
    x, y = np.linspace(0, 1, width)[None, :], np.linspace(0, 1, height)[:, None]
    layers = (200 * (1 - y) + 50 * x, 120 + 80 * np.sin(3 * x + 2 * y), 90 + 140 * y + 0 * x)
    picture = Image.fromarray(np.stack(layers, -1).clip(0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(picture)
    for _ in range(60):
        left, top, radius = rng.integers(0, (width, height, 120))
        box = (int(left - radius), int(top - radius), int(left + radius), int(top + radius))
        draw.ellipse(box, fill=tuple(int(level) for level in rng.integers(30, 230, 3)))
    for step in range(40):
        draw.line((step * 60, 0, step * 60 + 30, 500), fill="white", width=1 + step % 4)
    grain = rng.normal(0, 14, (height, width, 1))
    grainy = (np.asarray(picture) + grain).clip(0, 255).astype(np.uint8)
    return Image.fromarray(grainy).filter(ImageFilter.GaussianBlur(0.8))


if __name__ == "__main__":
    main()
