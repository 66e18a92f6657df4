"""Gradio's components, taught to leave web addresses alone.

The stock ones have the server fetch every address that comes in as a file. Here only the browser
looks at an address, and Kie; our server passes it on as it is.
"""

from __future__ import annotations

from abc import ABCMeta
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.blocks import Block
from gradio.component_meta import ComponentMeta
from gradio.components.api_component import Api
from gradio.data_classes import ImageData

from kie_ui.catalog.values import MediaRef
from kie_ui.ui.form.media_input import NotAPicture, is_address, media_ref


class WithoutStub(ComponentMeta):
    """Makes a component class without the `.pyi` that Gradio would write beside our source.

    For a class with no `__init__` and no `EVENTS` of its own that is all the stock metaclass does.
    """

    def __new__(  # noqa: D102 - the class says it
        cls, name: str, bases: tuple[type, ...], attributes: dict[str, Any]
    ) -> WithoutStub:
        return ABCMeta.__new__(cls, name, bases, attributes)


class KeepsAddresses(Block):
    """A block that hands web addresses on instead of fetching them."""

    async def async_move_resource_to_block_cache(
        self, url_or_file_path: str | Path | None
    ) -> str | None:
        """Keep a web address as it is, and let Gradio see to everything else."""
        if is_address(url_or_file_path):
            return str(url_or_file_path)
        return await super().async_move_resource_to_block_cache(url_or_file_path)


class PictureInput(KeepsAddresses, gr.Image, metaclass=WithoutStub):
    """The picture widget, handing files over untouched: the stock one would decode them."""

    def get_block_name(self) -> str:
        """Pass for the stock widget in the browser."""
        return "image"

    def preprocess(self, payload: ImageData | None) -> MediaRef | None:  # type: ignore[override]
        """Return where the picture is; the stock widget's type speaks of arrays.

        What stands for no picture comes out as none: the form says which one is missing.
        """
        try:
            return None if payload is None else media_ref(payload.model_dump())
        except NotAPicture:
            return None


class NumberSlider(gr.Slider, metaclass=WithoutStub):
    """The slider that leaves limits to the form's own check, which says them in words."""

    def get_block_name(self) -> str:
        """Pass for the stock widget in the browser."""
        return "slider"

    def preprocess(self, payload: float | None) -> float | None:  # type: ignore[override]
        """Hand on what was typed, also nothing; the stock widget raises instead."""
        return payload


class NumberField(gr.Number, metaclass=WithoutStub):
    """The number field that may be empty, and leaves limits to the form's own check.

    The stock one turns nothing into 0, raises beyond its limits, and rounds in silence.
    """

    def get_block_name(self) -> str:
        """Pass for the stock widget in the browser."""
        return "number"

    def preprocess(self, payload: float | str | None) -> float | None:
        """Hand on what was typed."""
        return None if isinstance(payload, str) else payload

    def postprocess(self, value: float | None) -> Any:
        """Show a number, or the one emptiness that the browser leaves alone."""
        return "" if value is None else super().postprocess(value)


class ApiParameter(KeepsAddresses, Api, metaclass=WithoutStub):
    """A parameter of an endpoint, without a face on the page."""

    def get_block_name(self) -> str:
        """Pass for the stock one in the browser."""
        return "api"
