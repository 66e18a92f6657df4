"""The kinds of parameter that a model can document, as data.

A parameter knows its wire spelling (`name`), the words a person reads (`label`, `help`) and its
limits. What it does *not* know is how it is drawn or sent: the form, the validation, the request,
the simulator and the API endpoint each derive that from the same facts.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, Field, StrictFloat, StrictInt, StrictStr

from kie_ui.catalog.media_types import MediaKind

WireType = Literal["string", "number", "integer", "boolean", "array", "object"]
"""The type that a parameter has on the wire: every kind's `wire_type`."""

OptionValue = StrictStr | StrictInt | StrictFloat
"""A documented value of a choice, in the type of the wire."""


class _Parameter(BaseModel, frozen=True, extra="forbid", allow_inf_nan=False):
    """What every kind of parameter has in common."""

    name: str = Field(min_length=1)
    """The documented spelling, as sent."""
    label: str = Field(min_length=1)
    """What a person calls it."""
    help: str
    """What it means: in our own words, or in those of an imported page."""
    required: bool = False
    advanced: bool = False
    """Rarely needed: the form folds it away."""
    stated: dict[str, Any] = Field(default_factory=dict)
    """What the page states of it and this kind has no field for, by the names of `facts`."""

    def __hash__(self) -> int:
        """Hash by the name alone: among what is stated may be lists and objects."""
        return hash(self.name)


class TextParameter(_Parameter):
    """Free text, such as a prompt."""

    kind: Literal["text"] = "text"
    wire_type: ClassVar[WireType] = "string"
    min_length: int | None = Field(default=None, ge=0)
    max_length: int | None = Field(default=None, gt=0)
    """Characters."""
    pattern: str | None = None
    """A regular expression that is to be found in the text, as far as Rust's `regex` knows it."""
    multiline: bool = False
    names: Literal["image_task"] | None = None
    """What the text is the id of, where it is one; the simulator has some to try."""
    default: str | None = None
    sample: str | None = None
    """How the documentation's example begins, in one line; the form shows it while it is empty."""


class Option(BaseModel, frozen=True, extra="forbid"):
    """One of the documented values of a choice, with the documented label."""

    value: OptionValue
    label: str


class ChoiceParameter(_Parameter):
    """One of a documented list, or several; on the wire mostly strings, durations included."""

    kind: Literal["choice"] = "choice"
    options: tuple[Option, ...] = Field(min_length=1)
    default: OptionValue | tuple[OptionValue, ...] | None = None
    of: Literal["string", "number", "integer"] = "string"
    """The type of a value on the wire."""
    many: bool = False
    """Whether the wire wants a list of values."""
    min_items: int | None = Field(default=None, ge=0)
    max_items: int | None = Field(default=None, gt=0)
    unit: str | None = None
    """What the values count, such as `s`."""

    @property
    def wire_type(self) -> WireType:
        """The type of its value."""
        return "array" if self.many else self.of

    @property
    def values(self) -> tuple[OptionValue, ...]:
        """The documented values, in the documented order."""
        return tuple(option.value for option in self.options)


class NumberParameter(_Parameter):
    """A number within a documented range."""

    kind: Literal["number"] = "number"
    integer: bool = False
    """Whether the page calls it an integer."""
    minimum: float | None = None
    maximum: float | None = None
    step: float | None = Field(default=None, gt=0)
    default: float | None = None
    random_value: float | None = None
    """The value that lets the service choose for itself, such as -1 for a seed."""

    @property
    def wire_type(self) -> WireType:
        """The type of its value."""
        return "integer" if self.integer else "number"

    @property
    def is_whole(self) -> bool:
        """Whether only whole numbers fit the documented type or step."""
        return self.integer or (
            self.step is not None
            and self.step.is_integer()
            and (self.minimum is None or self.minimum.is_integer())
        )


class SwitchParameter(_Parameter):
    """Yes or no; without a default also neither, which leaves the choice to the service."""

    kind: Literal["switch"] = "switch"
    wire_type: ClassVar[WireType] = "boolean"
    default: bool | None = None


class MediaParameter(_Parameter):
    """Files that the service reads from web addresses: one, or a list of up to `max_items`."""

    kind: Literal["media"] = "media"
    media: MediaKind = "image"
    many: bool = False
    """Whether the wire wants a list of addresses, even of one."""
    min_items: int | None = Field(default=None, ge=0)
    max_items: int | None = Field(default=1, gt=0)
    """None where a list has no documented end."""
    max_bytes: int | None = Field(default=None, gt=0)
    accepts: tuple[str, ...] = ()
    """MIME types."""
    default: tuple[str, ...] = ()
    """The documented sample addresses; empty where the documentation says none."""
    sample: str | None = None
    """Our own picture, a path under `assets/`, with which the form starts."""

    @property
    def wire_type(self) -> WireType:
        """The type of its value."""
        return "array" if self.many else "string"


Column = Annotated[
    TextParameter | ChoiceParameter | NumberParameter | SwitchParameter,
    Field(discriminator="kind"),
]


class TableParameter(_Parameter):
    """A list of rows, each an object with a value a column, such as prompt and duration.

    Where `is_bare`, a row is not an object but the value of its one column.
    """

    kind: Literal["table"] = "table"
    wire_type: ClassVar[WireType] = "array"
    columns: tuple[Column, ...] = Field(min_length=1)
    is_bare: bool = False
    min_items: int | None = Field(default=None, ge=0)
    max_items: int | None = Field(default=None, gt=0)
    default: tuple[Any, ...] = ()
    """Rows as the wire wants them."""


class JsonParameter(_Parameter):
    """A value of any other shape, written as JSON and checked against the documented schema."""

    kind: Literal["json"] = "json"
    of: WireType = "object"
    """The type of the value on the wire, as the page calls it."""
    json_schema: dict[str, Any] = Field(default_factory=dict)
    default: Any = None

    @property
    def wire_type(self) -> WireType:
        """The type of its value."""
        return self.of


Parameter = Annotated[
    TextParameter
    | ChoiceParameter
    | NumberParameter
    | SwitchParameter
    | MediaParameter
    | TableParameter
    | JsonParameter,
    Field(discriminator="kind"),
]
