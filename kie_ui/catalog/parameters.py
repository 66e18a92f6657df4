"""The kinds of parameter that a model can document, as data.

A parameter knows its wire spelling (`name`), the words a person reads (`label`, `help`) and its
limits. What it does *not* know is how it is drawn or sent: the form, the validation, the request,
the simulator and the API endpoint each derive that from the same facts.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

WireType = Literal["string", "number", "integer", "boolean", "array"]


class _Parameter(BaseModel):
    """What every kind of parameter has in common."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1)
    """The documented spelling, as sent."""
    label: str = Field(min_length=1)
    """What a person calls it."""
    help: str
    """What it means, in our own words."""
    required: bool = False
    advanced: bool = False
    """Rarely needed: the form folds it away."""


class TextParameter(_Parameter):
    """Free text, such as a prompt."""

    kind: Literal["text"] = "text"
    max_length: int | None = Field(default=None, gt=0)
    """Characters."""
    multiline: bool = False
    names: Literal["image_task"] | None = None
    """What the text is the id of, where it is one; the simulator has some to try."""
    default: str | None = None

    @property
    def wire_type(self) -> WireType:
        """The type this parameter has on the wire."""
        return "string"


class Option(BaseModel):
    """One of the documented values of a choice, with the documented label."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: str
    label: str


class ChoiceParameter(_Parameter):
    """One of a documented list; always a string on the wire, durations included."""

    kind: Literal["choice"] = "choice"
    options: tuple[Option, ...] = Field(min_length=1)
    default: str | None = None
    unit: str | None = None
    """What the values count, such as `s`."""

    @property
    def wire_type(self) -> WireType:
        """The type this parameter has on the wire."""
        return "string"

    @property
    def values(self) -> tuple[str, ...]:
        """The documented values, in the documented order."""
        return tuple(option.value for option in self.options)


class NumberParameter(_Parameter):
    """A number within a documented range."""

    kind: Literal["number"] = "number"
    minimum: float | None = None
    maximum: float | None = None
    step: float | None = Field(default=None, gt=0)
    default: float | None = None
    random_value: float | None = None
    """The value by which the service is asked to choose for itself, such as -1 for a seed."""

    @property
    def wire_type(self) -> WireType:
        """The type this parameter has on the wire."""
        return "number"

    @property
    def is_whole(self) -> bool:
        """Whether only whole numbers fit the documented step."""
        return (
            self.step is not None
            and self.step.is_integer()
            and (self.minimum is None or self.minimum.is_integer())
        )


class SwitchParameter(_Parameter):
    """Yes or no."""

    kind: Literal["switch"] = "switch"
    default: bool | None = None

    @property
    def wire_type(self) -> WireType:
        """The type this parameter has on the wire."""
        return "boolean"


class MediaParameter(_Parameter):
    """Files that the service reads from web addresses: one, or a list of up to `max_items`."""

    kind: Literal["media"] = "media"
    media: Literal["image"] = "image"
    many: bool = False
    """Whether the wire wants a list of addresses, even of one."""
    max_items: int = Field(default=1, gt=0)
    max_bytes: int | None = Field(default=None, gt=0)
    accepts: tuple[str, ...] = ()
    """MIME types."""
    default: tuple[str, ...] = ()
    """The documented sample addresses; empty where the documentation says none."""
    sample: str | None = None
    """Our own picture, a path under `assets/`, with which the form starts."""

    @property
    def wire_type(self) -> WireType:
        """The type this parameter has on the wire."""
        return "array" if self.many else "string"


Parameter = Annotated[
    TextParameter | ChoiceParameter | NumberParameter | SwitchParameter | MediaParameter,
    Field(discriminator="kind"),
]
