"""Specs of models that other pages document, with parameters of every kind."""

from __future__ import annotations

from kie_ui.catalog.parameters import (
    ChoiceParameter,
    JsonParameter,
    MediaParameter,
    NumberParameter,
    Option,
    SwitchParameter,
    TableParameter,
    TextParameter,
)
from kie_ui.catalog.spec import ModelSpec


def options(*values: str | float) -> tuple[Option, ...]:
    """Make options that are called what they are."""
    return tuple(Option(value=value, label=str(value)) for value in values)


PROMPT = TextParameter(
    name="prompt",
    label="Prompt",
    help="What is to be seen.",
    required=True,
    multiline=True,
    max_length=2_000,
)
VOICES = ChoiceParameter(
    name="voice",
    label="Voice",
    help="Who speaks.",
    options=options(*(f"voice-{number}" for number in range(1, 101))),
    default="voice-7",
)
STEPS = ChoiceParameter(
    name="steps", label="Steps", help="How often.", of="integer", options=options(4, 8, 16, 32)
)
STYLES = ChoiceParameter(
    name="styles",
    label="Styles",
    help="All that shall be mixed.",
    options=options("pencil", "oil", "photo", "clay"),
    many=True,
    max_items=2,
)
STRENGTH = NumberParameter(
    name="strength",
    label="Strength",
    help="How much is changed.",
    minimum=0,
    maximum=1,
    step=0.05,
    default=0.5,
)
SCALE = NumberParameter(
    name="scale", label="Scale", help="How large.", integer=True, minimum=1, maximum=8
)
CHECKER = SwitchParameter(name="nsfw_checker", label="Nsfw checker", help="Looks at the result.")
PICTURES = MediaParameter(
    name="image_urls",
    label="Pictures",
    help="What the new picture is made from.",
    many=True,
    max_items=3,
    max_bytes=10_000_000,
    accepts=("image/jpeg", "image/png", "image/webp"),
)
VIDEO = MediaParameter(
    name="video_url",
    label="Video",
    help="The clip that is continued.",
    media="video",
    max_bytes=50_000_000,
    accepts=("video/mp4",),
    default=("https://media.example/clip.mp4",),
)
AUDIO = MediaParameter(
    name="audio_urls",
    label="Sounds",
    help="What is heard.",
    media="audio",
    many=True,
    max_items=None,
    accepts=("audio/mpeg", "audio/wav"),
)
SHOTS = TableParameter(
    name="shots",
    label="Shots",
    help="What happens, one after the other.",
    columns=(
        TextParameter(name="prompt", label="Prompt", help="", required=True, multiline=True),
        NumberParameter(
            name="duration", label="Duration", help="Seconds.", integer=True, minimum=1, maximum=12
        ),
        ChoiceParameter(
            name="camera", label="Camera", help="", options=options("still", "pan", "zoom")
        ),
    ),
    max_items=4,
)
COLOURS = TableParameter(
    name="colours",
    label="Colours",
    help="Of the palette.",
    columns=(TextParameter(name="colour", label="Colour", help=""),),
    is_bare=True,
)
BOXES = JsonParameter(
    name="boxes",
    label="Boxes",
    help="Where things are.",
    of="array",
    json_schema={"type": "array", "items": {"type": "array", "items": {"type": "integer"}}},
)
WORD = TextParameter(
    name="word", label="Word", help="A short one.", max_length=20, pattern="^[a-z]+$", advanced=True
)

EVERY_KIND = ModelSpec(
    model="example/every-kind",
    title="Every kind",
    maker="Example",
    summary="Makes a picture of whatever there is.",
    produces="image",
    documentation="",
    parameters=(
        BOXES,
        VOICES,
        PROMPT,
        STEPS,
        STYLES,
        STRENGTH,
        SCALE,
        CHECKER,
        PICTURES,
        VIDEO,
        AUDIO,
        SHOTS,
        COLOURS,
        WORD,
    ),
)

EVIL = (
    '<img src=x onerror="window.hit=1"></script><script>window.hit=2</script>'
    "${window.hit=3} {{#each value}}{{/each}} `b` [l](javascript:window.hit=4) **b** <b>b</b>"
)
"""Text that each of the places where it is shown could take for markup or for code."""

_EVIL = {"label": EVIL, "help": EVIL}
_EVIL_OPTIONS = tuple(Option(value=f"{EVIL}{number}", label=EVIL) for number in range(5))

HOSTILE = ModelSpec(
    model="example/hostile",
    title="Hostile",
    maker=EVIL,
    summary=EVIL,
    produces="image",
    documentation="",
    parameters=(
        TextParameter(name="text", default=EVIL, multiline=True, max_length=900, **_EVIL),
        TextParameter(name="self", pattern=".*", **_EVIL),
        ChoiceParameter(name="few", options=_EVIL_OPTIONS[:2], **_EVIL),
        ChoiceParameter(name="some", options=_EVIL_OPTIONS, many=True, **_EVIL),
        NumberParameter(name="number", **_EVIL),
        SwitchParameter(name="three", **_EVIL),
        SwitchParameter(name="two", default=True, **_EVIL),
        MediaParameter(name="picture", default=(f"https://a.test/{EVIL}",), **_EVIL),
        MediaParameter(name="clips", media="video", many=True, accepts=(EVIL,), **_EVIL),
        TableParameter(
            name="rows",
            columns=(
                TextParameter(name="cell", default=EVIL, **_EVIL),
                ChoiceParameter(name="choice", options=_EVIL_OPTIONS, **_EVIL),
                SwitchParameter(name="switch", **_EVIL),
            ),
            default=({"cell": EVIL, "choice": f"{EVIL}0"},),
            **_EVIL,
        ),
        JsonParameter(name="json", default={EVIL: EVIL}, **_EVIL),
    ),
)
