"""What a model does besides making something of a prompt, told from its name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from kie_ui.catalog.parameters import Parameter, TableParameter
from kie_ui.catalog.spec import ModelSpec
from kie_ui.simulator.roles import is_voice

_SPEECH = re.compile(r"speech|tts|dialogue|voice|narrat|talk")
_ENLARGING = re.compile(r"upscal|enhanc|super.?resol|enlarg")
_CUTTING_OUT = re.compile(r"remov\w*.?(bg|background)|(bg|background).?remov|matting|cut.?out|rmbg")


class Craft(NamedTuple):
    """What a model does, told from its name; for most, nothing is told."""

    speaks: bool
    enlarges: bool
    cuts_out: bool


def craft_of(spec: ModelSpec) -> Craft:
    """Tell what a model does from its id and title, and from whether it has voices."""
    words = f"{spec.model} {spec.title}".lower()
    has_voices = any(map(is_voice, _names_in(spec.parameters)))
    return Craft(
        speaks=has_voices or bool(_SPEECH.search(words)),
        enlarges=bool(_ENLARGING.search(words)),
        cuts_out=bool(_CUTTING_OUT.search(words)),
    )


def _names_in(parameters: tuple[Parameter, ...]) -> Iterator[str]:
    for parameter in parameters:
        yield parameter.name
        if isinstance(parameter, TableParameter):
            yield from (column.name for column in parameter.columns)
