from __future__ import annotations

import asyncio
from typing import Any

import pytest

from kie_ui.catalog.registry import Registry, UnknownModel, built_in_registry
from kie_ui.catalog.rules import EXTRA
from kie_ui.catalog.spec import ModelSpec
from kie_ui.runs.accounts import Backends
from kie_ui.runs.run import Run, Step
from kie_ui.runs.service import RunService
from tests.fake_kie import FakeKie
from tests.runs.harness import GROK, OWNER, StartAnother, error_of, held_until, reached, until

SPEC = built_in_registry().spec(GROK)


class ModelCollection:
    """A catalog in which each owner has models of their own, which come and go."""

    def __init__(self) -> None:
        self.owned: dict[str, tuple[ModelSpec, ...]] = {}
        self.known: tuple[ModelSpec, ...] = ()

    def of(self, owner: str) -> Registry:
        return Registry(self.owned.get(owner, ()))

    def collection_name(self, owner: str) -> str:
        return owner

    def versions(self, model: str, collection: str = "") -> tuple[ModelSpec, ...]:
        return tuple(spec for spec in self.known if spec.model == model)


@pytest.fixture
def collection() -> ModelCollection:
    """Return a catalog in which the one owner has one model."""
    collection = ModelCollection()
    collection.owned[OWNER] = collection.known = (SPEC,)
    return collection


@pytest.fixture
async def service(start_another: StartAnother, collection: ModelCollection) -> RunService:
    """Return a started service over that catalog."""
    return await start_another(catalog=collection)


@pytest.fixture
def upload(fake: FakeKie) -> asyncio.Event:
    """Return what has to be set before an upload goes on."""
    released = asyncio.Event()
    fake.outages["upload"] = held_until(released)
    return released


@pytest.fixture
async def run(
    service: RunService, fake: FakeKie, upload: asyncio.Event, values: dict[str, Any]
) -> Run:
    """Return a run whose upload has begun, with a parameter that no page documents."""
    run = await service.submit(OWNER, GROK, values | {EXTRA: {"new": 1}}, "live")
    await until(lambda: fake.counts["upload"] == 1)
    return run


async def test_a_press_knows_the_models_of_its_owner_alone(
    service: RunService, backends: Backends, values: dict[str, Any]
) -> None:
    """What one visitor added is no model of another's."""
    backends.set_key("eve", "eves-key")
    with pytest.raises(UnknownModel):
        await service.submit("eve", GROK, values, "live")


async def test_a_model_removed_after_the_press_is_still_sent(
    service: RunService, fake: FakeKie, collection: ModelCollection, upload: asyncio.Event, run: Run
) -> None:
    """A run goes on with a version that was known when it was pressed."""
    collection.owned.clear()
    upload.set()
    await reached(service, run, Step.DONE)
    assert fake.bodies[0]["input"]["mode"] == "fun"


async def test_a_model_replaced_after_the_press_is_sent_as_it_was_pressed(
    service: RunService, fake: FakeKie, collection: ModelCollection, upload: asyncio.Event, run: Run
) -> None:
    """Where the newer page lacks what was given, the former page says how it is sent."""
    kept = tuple(p for p in SPEC.parameters if p.name not in ("image_urls", "task_id", "index"))
    newer = SPEC.model_copy(update={"parameters": kept, "rules": (), "price": None})
    collection.owned[OWNER] = (newer,)
    collection.known = (newer, SPEC)
    upload.set()
    await reached(service, run, Step.DONE)
    assert isinstance(fake.bodies[0]["input"]["image_urls"], list)
    assert fake.bodies[0]["input"]["new"] == 1
    assert next(iter(fake.bodies[0]["input"])) == "image_urls"


async def test_a_model_of_which_nothing_is_known_any_more_fails_its_run(
    service: RunService, fake: FakeKie, collection: ModelCollection, upload: asyncio.Event, run: Run
) -> None:
    """Nothing leaves, and the run says why."""
    collection.owned.clear()
    collection.known = ()
    upload.set()
    failed = await reached(service, run, Step.FAILED)
    assert error_of(failed).kind == "UnknownModel"
    assert fake.bodies == []
