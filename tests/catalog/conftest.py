from __future__ import annotations

import pytest

from kie_ui.catalog.registry import built_in_registry
from kie_ui.catalog.spec import ModelSpec
from tests.catalog.documented import GROK, LITE


@pytest.fixture(scope="session")
def grok() -> ModelSpec:
    """Return the spec of Grok Imagine."""
    return built_in_registry().spec(GROK)


@pytest.fixture(scope="session")
def lite() -> ModelSpec:
    """Return the spec of V1 Lite."""
    return built_in_registry().spec(LITE)
