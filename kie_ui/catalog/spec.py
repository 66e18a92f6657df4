"""A model as data: its parameters, the rules between them, and its price."""

from __future__ import annotations

import hashlib
import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, model_validator

from kie_ui.catalog.parameters import MediaParameter, Parameter

MAX_PARAMETERS = 150
"""Of one model, however its spec is made; far more than any model has."""
MAX_OPTIONS = 1_000
"""Of one choice."""
MAX_TITLE = 120
"""Characters."""
MAX_ID = 200
"""Characters."""


class Alternative(BaseModel, frozen=True, extra="forbid"):
    """One way to give what an `ExactlyOne` rule asks for."""

    parameter: str
    label: str


class ExactlyOne(BaseModel, frozen=True, extra="forbid"):
    """Of these parameters one is given, and no second."""

    rule: Literal["exactly_one"] = "exactly_one"
    label: str
    """What the alternatives are for, such as "Source picture"."""
    alternatives: tuple[Alternative, ...] = Field(min_length=2)

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names that exclude each other."""
        return tuple(alternative.parameter for alternative in self.alternatives)


class OnlyWith(BaseModel, frozen=True, extra="forbid"):
    """A parameter that means nothing, and is not sent, unless another is given."""

    rule: Literal["only_with"] = "only_with"
    parameter: str
    needs: str


class Becomes(BaseModel, frozen=True, extra="forbid"):
    """A value that the service replaces by itself when another parameter is given.

    We replace it ourselves before sending, and say so, so that the result is not a surprise.
    """

    rule: Literal["becomes"] = "becomes"
    parameter: str
    value: str
    becomes: str
    given: str
    """The parameter whose presence causes it."""
    notice: str
    """The sentence that the person reads beforehand."""


Rule = Annotated[ExactlyOne | OnlyWith | Becomes, Field(discriminator="rule")]


def names_in(rule: Rule) -> set[str]:
    """Return the parameters that a rule mentions."""
    match rule:
        case ExactlyOne():
            return set(rule.parameters)
        case OnlyWith():
            return {rule.parameter, rule.needs}
        case Becomes():
            return {rule.parameter, rule.given}


MAX_CREDITS_PER_SECOND = 100_000.0


class Price(BaseModel, frozen=True, extra="forbid"):
    """Credits per second of result, by the value of one parameter, as seen on one day.

    Prices change without notice: they are shown as an estimate with their date.
    """

    credits_per_second: dict[str, Annotated[float, Field(ge=0, le=MAX_CREDITS_PER_SECOND)]]
    """By the value of `by`."""
    by: str
    duration: str
    """The parameter that holds the seconds."""
    seen: str = Field(pattern=r"^\d{4}-(0[1-9]|1[0-2])$")
    """Year and month."""


Produces = Literal["video", "image", "audio", "text"]
"""What comes out of a model; `text` includes objects."""


class Example(BaseModel, frozen=True, extra="forbid"):
    """Settings to try a model with; of our own, no part of its documentation."""

    title: str
    values: dict[str, Any]
    """By documented name, the most telling first. Pictures are paths below `assets/`."""


class ModelSpec(BaseModel, frozen=True, extra="forbid"):
    """Everything that is documented about one model."""

    model: str = Field(min_length=1)
    """Kie's id, such as `grok-imagine/image-to-video`."""
    title: str
    maker: str
    summary: str
    produces: Produces = "video"
    documentation: str
    """Address of the page that the spec was made from; empty where it did not say."""
    parameters: tuple[Parameter, ...] = Field(min_length=1)
    rules: tuple[Rule, ...] = ()
    price: Price | None = None
    warnings: tuple[str, ...] = ()
    """What an imported page left open, in sentences."""
    examples: tuple[Example, ...] = ()

    @model_validator(mode="after")
    def _names_exist_once(self) -> ModelSpec:
        """Refuse a spec whose other facts mention a parameter that it does not have."""
        names = [parameter.name for parameter in self.parameters]
        repeated = {name for name in names if names.count(name) > 1}
        if repeated:
            raise ValueError(f"parameters documented twice: {', '.join(sorted(repeated))}")
        unknown = self._names_mentioned() - set(names)
        if unknown:
            raise ValueError(f"rules name unknown parameters: {', '.join(sorted(unknown))}")
        return self

    def _names_mentioned(self) -> set[str]:
        names = set[str]().union(*map(names_in, self.rules), *(e.values for e in self.examples))
        return names | ({self.price.by, self.price.duration} if self.price else set())

    def __hash__(self) -> int:
        """Hash by the id alone, so that what is derived from a spec can be cached."""
        return hash(self.model)

    @property
    def digest(self) -> str:
        """Identify this version of a model's spec, by 16 hexadecimal digits.

        The title that a person chose is not part of it, nor are examples.
        """
        facts = self.model_dump_json(exclude={"title", "examples"})
        return hashlib.sha256(facts.encode()).hexdigest()[:16]

    @property
    def api_name(self) -> str:
        """The name of this model's REST endpoint: the id with everything unusual as `_`."""
        return re.sub(r"[^a-z0-9_]", "_", self.model.lower())

    def parameter(self, name: str) -> Parameter:
        """Return the parameter of that documented name. Raises: KeyError."""
        return {parameter.name: parameter for parameter in self.parameters}[name]

    @property
    def media_parameters(self) -> tuple[MediaParameter, ...]:
        """The parameters that take files."""
        return tuple(p for p in self.parameters if isinstance(p, MediaParameter))

    def exclusive_with(self, name: str) -> frozenset[str]:
        """Return the parameters that may not be given beside `name`."""
        groups = (rule.parameters for rule in self.rules if isinstance(rule, ExactlyOne))
        return frozenset(other for group in groups if name in group for other in group) - {name}
