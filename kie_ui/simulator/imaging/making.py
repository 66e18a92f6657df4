"""An order for a picture → a file."""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageFilter

from kie_ui.simulator.imaging.cutting import cut_out
from kie_ui.simulator.imaging.treatments import treat, with_colours_of
from kie_ui.simulator.loading import cover, load_picture
from kie_ui.simulator.look import stamp
from kie_ui.simulator.orders import ImageOrder, Picture, Scene
from kie_ui.simulator.scenery.scene import draw_scene
from kie_ui.simulator.sizes import Extent, image_size
from kie_ui.simulator.stand_in import CARD_SIZE, draw_card

MAX_WORK_SIDE_PX = 2048
"""The longer side up to which a picture is treated; beyond that the result is enlarged."""


def make_image(order: ImageOrder, output: Path) -> None:
    """Make one picture. The same order on the same pictures gives the same bytes.

    Raises: BrokenInput.
    """
    picture = stamp(_made(order))
    if order.format == "jpeg":
        picture.convert("RGB").save(output, "JPEG", quality=92, subsampling=0)
    elif order.format == "webp":
        picture.save(output, "WEBP", quality=92, method=4)
    else:
        picture.save(output, "PNG", compress_level=4)


def open_picture(picture: Picture, side_px: int, shape: float = 1.5) -> Image.Image:
    """Read, or draw, a picture whose short side has about so many pixels, or more.

    `shape` is the proportion of a scene, which has none of its own. Raises: BrokenInput.
    """
    if picture.path is not None:
        return load_picture(picture.path, side_px)
    if picture.scene is not None:
        long = side_px if shape < 1 else round(side_px * shape)
        return draw_scene(picture.scene, (long, max(2, round(long / shape))))
    return draw_card(picture.stand_in_host)


def _made(order: ImageOrder) -> Image.Image:
    if order.source is None or order.work == "draw":
        scene = Scene(prompt=order.prompt, seed=order.seed, number=order.number)
        return draw_scene(scene, image_size(order.extent))
    source = open_picture(order.source, MAX_WORK_SIDE_PX)
    if order.work == "enlarge":
        return _enlarged(source, order)
    size = image_size(order.extent, source.size)
    if order.work == "cut_out":
        return cut_out(source.resize(size, Image.Resampling.LANCZOS))
    return _edited(source, order, size)


def _enlarged(source: Image.Image, order: ImageOrder) -> Image.Image:
    """Enlarge with crisp edges: by the asked factor, as far as that is made."""
    told = order.extent.mean_side_px or order.extent.short_side_px
    grown = (round(source.width * order.factor), round(source.height * order.factor))
    size = image_size(order.extent if told else Extent(exact=grown), source.size)
    large = source.resize(size, Image.Resampling.LANCZOS)
    return large.filter(ImageFilter.UnsharpMask(radius=1.6, percent=110, threshold=2))


def _edited(source: Image.Image, order: ImageOrder, size: tuple[int, int]) -> Image.Image:
    scale = min(1.0, MAX_WORK_SIDE_PX / max(size))
    work = (max(2, round(size[0] * scale)), max(2, round(size[1] * scale)))
    picture = cover(source, work)
    if order.palette is not None:
        picture = with_colours_of(picture, open_picture(order.palette, CARD_SIZE[1]))
    treated = treat(picture, order.prompt, order.seed, order.number)
    return treated if work == size else treated.resize(size, Image.Resampling.BICUBIC)
