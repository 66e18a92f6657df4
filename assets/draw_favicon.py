"""Draw the page's icon: a picture's hills with a play mark rising over them.

python assets/draw_favicon.py
"""

from pathlib import Path

from PIL import Image, ImageDraw

SIZE_PX = 128
OVERSAMPLING = 8


def draw() -> Image.Image:
    """Draw at a multiple of the size and scale down, so that every edge is smooth."""
    size = SIZE_PX * OVERSAMPLING
    sky = Image.linear_gradient("L").resize((size, size))
    picture = Image.composite(
        Image.new("RGB", (size, size), "#0d6963"), Image.new("RGB", (size, size), "#2cc0ae"), sky
    )
    pen = ImageDraw.Draw(picture)

    def at(*points: float) -> list[tuple[float, float]]:
        return [(x * size, y * size) for x, y in zip(points[::2], points[1::2], strict=True)]

    pen.polygon(at(0, 0.86, 0.3, 0.62, 0.56, 0.84, 0.74, 0.7, 1, 0.9, 1, 1, 0, 1), fill="#032a29")
    pen.polygon(at(0.36, 0.17, 0.36, 0.67, 0.77, 0.42), fill="#effcf9")
    mask = Image.new("L", (size, size), 0)
    ImageDraw.Draw(mask).rounded_rectangle((0, 0, size - 1, size - 1), radius=size * 0.22, fill=255)
    picture.putalpha(mask)
    return picture.resize((SIZE_PX, SIZE_PX), Image.Resampling.LANCZOS)


if __name__ == "__main__":
    draw().save(Path(__file__).with_name("favicon.png"), optimize=True)
