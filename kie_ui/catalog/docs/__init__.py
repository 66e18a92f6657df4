"""Documentation pages of Kie's models → specs."""

from kie_ui.catalog.docs.page import (
    DocumentedModel,
    DocumentedOption,
    DocumentedParameter,
    UnreadablePage,
)
from kie_ui.catalog.docs.reading import ReadModel, read_page

__all__ = [
    "DocumentedModel",
    "DocumentedOption",
    "DocumentedParameter",
    "ReadModel",
    "UnreadablePage",
    "read_page",
]
