"""Documentation pages of Kie's models → specs."""

from kie_ui.catalog.docs_import.documented import (
    DocumentedModel,
    DocumentedOption,
    DocumentedParameter,
    UnreadablePage,
)
from kie_ui.catalog.docs_import.read_page import ReadModel, read_page

__all__ = [
    "DocumentedModel",
    "DocumentedOption",
    "DocumentedParameter",
    "ReadModel",
    "UnreadablePage",
    "read_page",
]
