from __future__ import annotations

import pytest
from hypothesis import settings

from kie_ui.catalog.registry import built_in_registry
from kie_ui.catalog.spec import ModelSpec
from tests.catalog.documented import GROK, LITE

# How long an example takes says nothing of the law it tries, least of all on a busy computer.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture(scope="session")
def grok() -> ModelSpec:
    """Return the spec of Grok Imagine."""
    return built_in_registry().spec(GROK)


@pytest.fixture(scope="session")
def lite() -> ModelSpec:
    """Return the spec of V1 Lite."""
    return built_in_registry().spec(LITE)
