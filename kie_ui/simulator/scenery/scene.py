"""A prompt and a seed → a picture."""

from __future__ import annotations

import numpy as np
from PIL import Image

from kie_ui.simulator.intent.plan import Scene
from kie_ui.simulator.scenery.built import paint_city, paint_forest
from kie_ui.simulator.scenery.canvas import Pixels, clouded, distance, f32, grid, paint, to_image
from kie_ui.simulator.scenery.figures import add_figures
from kie_ui.simulator.scenery.land import paint_dunes, paint_meadow, paint_mountains
from kie_ui.simulator.scenery.light import light_of
from kie_ui.simulator.scenery.outlook import Outlook, Place, Weather, dice_of, outlook_of
from kie_ui.simulator.scenery.sky import paint_sky, place_sun, sprinkle
from kie_ui.simulator.scenery.space import paint_space
from kie_ui.simulator.scenery.stage import Size, Stage
from kie_ui.simulator.scenery.water import paint_water

MAX_DRAWN_PX = 1536
"""The longer side up to which a scene is drawn; beyond that it is enlarged, being all soft."""


def draw_scene(scene: Scene, size: Size) -> Image.Image:
    """Draw what a prompt asks for, as far as places, hours and weathers go, in RGB."""
    scale = min(1.0, MAX_DRAWN_PX / max(size))
    drawn = (max(2, round(size[0] * scale)), max(2, round(size[1] * scale)))
    outlook = outlook_of(scene.prompt, scene.seed, scene.number)
    dice = dice_of("scene", scene.prompt, scene.seed, scene.number)
    canvas = _paint(scene, outlook, dice, drawn)
    _finish(canvas, drawn, dice)
    image = to_image(canvas)
    return image if drawn == size else image.resize(size, Image.Resampling.BICUBIC)


def _paint(scene: Scene, outlook: Outlook, dice: np.random.Generator, size: Size) -> Pixels:
    if outlook.place == "space":
        return paint_space(dice, size)
    light = light_of(outlook, dice)
    horizon = _HORIZONS[outlook.place] + float(dice.uniform(-0.04, 0.04))
    sun = place_sun(dice, horizon, is_low=outlook.hour in ("dawn", "dusk"))
    clouds = {"clear": 0.75, "mist": 0.4, "snow": 1.0, "rain": 1.0}[outlook.weather]
    canvas = paint_sky(dice, size, light, sun, horizon=horizon, clouds=clouds)
    stage = Stage(dice, canvas, light, sun, horizon)
    _paint_place(outlook.place, stage)
    add_figures(scene.prompt, outlook.place, stage)
    _paint_weather(outlook.weather, stage)
    return canvas


_HORIZONS: dict[Place, float] = {
    "mountains": 0.6,
    "sea": 0.5,
    "city": 0.72,
    "forest": 0.5,
    "desert": 0.5,
    "meadow": 0.48,
}


def _paint_place(place: Place, stage: Stage) -> None:
    match place:
        case "mountains":
            paint_mountains(stage, has_snow=True)
        case "desert":
            paint_dunes(stage)
        case "meadow":
            paint_meadow(stage)
        case "forest":
            paint_forest(stage)
        case "city":
            paint_city(stage)
            paint_water(stage)
        case _:
            paint_mountains(stage._replace(horizon=stage.horizon - 0.02), has_snow=False)
            paint_water(stage)


def _paint_weather(weather: Weather, stage: Stage) -> None:
    if weather == "mist":
        _, y = grid(stage.size)
        veil = clouded(stage.dice, stage.size, cells=3, stretch=4.0)
        thick = np.exp(-(((y - 0.62) / 0.28) ** 2)) * (0.35 + 0.5 * veil)
        paint(stage.canvas, f32(thick * 0.85), stage.light.haze)
    elif weather == "snow":
        _let_it_snow(stage.dice, stage.canvas)
    elif weather == "rain":
        _let_it_rain(stage.dice, stage.canvas, stage.size)


def _let_it_snow(dice: np.random.Generator, canvas: Pixels) -> None:
    height, width = canvas.shape[:2]
    unit = min(width, height) / 1000
    for _ in range(round(420 * width / height)):
        radius = unit * (1.2 + 5.5 * dice.random() ** 3)
        sprinkle(canvas, (dice.random() * width, dice.random() * height), radius, 0.75)


def _let_it_rain(dice: np.random.Generator, canvas: Pixels, size: Size) -> None:
    width, height = size
    streaks = (dice.random((max(2, height // 26), width)) ** 60).astype(np.float32)
    drawn = Image.fromarray(streaks).resize(size, Image.Resampling.BILINEAR)
    leaning = drawn.transform(
        size, Image.Transform.AFFINE, (1, 0.12, 0, 0, 1, 0), Image.Resampling.BILINEAR
    )
    paint(canvas, f32(leaning) * 0.3, (0.86, 0.9, 0.96))


def _finish(canvas: Pixels, size: Size, dice: np.random.Generator) -> None:
    """Darken the corners a little, and add the grain that keeps soft colours from banding."""
    far = distance(size, (0.5, 0.5))
    canvas *= (1 - 0.2 * np.clip(far - 0.35, 0, 1) ** 1.5)[..., None]
    grain = dice.standard_normal(canvas.shape[:2], dtype=np.float32) * 0.009
    canvas += grain[..., None]
