from __future__ import annotations

import asyncio
import logging
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.applications import Starlette

from kie_ui.catalog.library import EVERYONE, MayNotAdd
from kie_ui.runs.errors import StoreProblem
from kie_ui.runs.run import Step
from kie_ui.simulator.server import SimulatorServer
from kie_ui.ui.services import MORE_MODELS, Services
from tests.catalog.added import a_spec, extended
from tests.ui.driving import GROK, V1_LITE, DrivenForm, MakeServices, make_site, opened_stream


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the server open the runs without waiting for its first page."""
    monkeypatch.setattr("kie_ui.ui.services.OPEN_AFTER_S", 0)


class TestTabs:
    """Which models have tabs of their own is settled when the program starts."""

    def test_the_operator_names_models_of_everyone(
        self, make_services: MakeServices, caplog: pytest.LogCaptureFixture
    ) -> None:
        """After the built-in ones; what nobody has is said in the log."""
        first = make_services(visitors="many")
        first.library.add(EVERYONE, [a_spec("maker/heron"), a_spec("maker/otter")])
        names = " maker/otter , maker/unknown"
        services = make_services(visitors="many", tabs=names)
        assert list(services.tabs) == [GROK.model, V1_LITE.model, "maker/otter"]
        assert services.tab_of(services.tabs["maker/otter"]) == "maker_otter"
        assert services.tab_of(a_spec("maker/heron")) == MORE_MODELS
        assert "“maker/unknown”" in caplog.text

    def test_the_one_person_here_chooses_for_the_next_start(
        self, make_services: MakeServices
    ) -> None:
        """And may take the tab away again."""
        services = make_services()
        services.library.add("me", [a_spec("maker/heron")])
        services.library.choose_tab("me", "maker/heron", has_own_tab=True)
        assert "maker/heron" not in services.tabs
        assert "maker/heron" in make_services().tabs
        services.library.choose_tab("me", "maker/heron", has_own_tab=False)
        assert "maker/heron" not in make_services().tabs

    def test_on_a_shared_server_nobody_chooses(self, make_services: MakeServices) -> None:
        """Its operator does, for everyone."""
        services = make_services(visitors="many")
        services.library.add("ada", [a_spec("maker/heron")])
        with pytest.raises(MayNotAdd, match="operator"):
            services.library.choose_tab("ada", "maker/heron", has_own_tab=True)

    def test_a_newer_page_of_a_built_in_model_has_its_tab_from_the_next_start(
        self, make_services: MakeServices
    ) -> None:
        """Until then its form is in More models: a tab holds one version of a model."""
        services = make_services()
        services.library.add("me", [extended(GROK)])
        added = services.catalog.of("me").spec(GROK.model)
        assert services.tab_of(GROK) == GROK.api_name
        assert services.tab_of(added) == MORE_MODELS
        assert make_services().tab_of(added) == GROK.api_name


def a_file(folder: Path) -> Path:
    """Put a file where the data folder should be."""
    folder.write_text("a file")
    return folder


def a_taken_database(folder: Path) -> Path:
    """Put a folder where the database should be."""
    (folder / "runs.sqlite3").mkdir(parents=True)
    return folder


def another_programs_file(folder: Path) -> Path:
    """Put something else under the database's name."""
    folder.mkdir()
    (folder / "runs.sqlite3").write_text("notes of another program\n" * 100)
    return folder


def a_folder_that_cannot_be_made(folder: Path) -> Path:
    """Name a folder in a place that takes none."""
    return Path("/proc/kie-ui")


UNUSABLE = [a_file, a_taken_database, another_programs_file, a_folder_that_cannot_be_made]


@pytest.mark.parametrize("spoil", UNUSABLE)
async def test_where_the_runs_cannot_be_kept_the_page_and_the_press_say_why(
    make_services: MakeServices, tmp_path: Path, spoil: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """One sentence for people on the stream and at the press, one line for the log."""
    services = make_services(data_dir=spoil(tmp_path / "spoilt"))
    with caplog.at_level(logging.ERROR):
        async with services.lifespan(), opened_stream(make_site(services)) as stream:
            _, shown = (await stream.events_until("trouble"))[-1]
            with pytest.raises(StoreProblem) as refused:
                await DrivenForm(GROK, services).press()
    for sentence in (shown["message"], str(refused.value)):
        assert sentence.endswith((".", "KIE_UI_DATA_DIR."))
        assert not {"Traceback", "Error", "Errno", "sqlalchemy"} & set(sentence.split())
    assert any("cannot be opened" in record.message for record in caplog.records)
    assert not any(record.exc_info for record in caplog.records)


async def test_a_failed_opening_is_tried_again(make_services: MakeServices, tmp_path: Path) -> None:
    """Who makes room, or plugs the disk in, need not restart the server."""
    folder = a_file(tmp_path / "spoilt")
    services = make_services(data_dir=folder)
    with pytest.raises(StoreProblem):
        await services.runs()
    folder.unlink()
    assert await (await services.runs()).recent("ada", 1) == ()


async def test_everyone_waits_for_one_opening(make_services: MakeServices) -> None:
    """Two pages that open at once do not open two databases; one that leaves stops none."""
    services = make_services()
    first = asyncio.create_task(services.runs())
    second = asyncio.create_task(services.runs())
    await asyncio.sleep(0)
    first.cancel()
    assert await services.runs() is await second


async def test_the_server_opens_the_runs_by_itself(make_services: MakeServices) -> None:
    """What a restart interrupted goes on without anyone looking."""
    services = make_services()
    async with asyncio.timeout(10), services.lifespan(Starlette()):
        while services._opening is None:  # noqa: ASYNC110 - it happens by itself, or never
            await asyncio.sleep(0)
        assert await services._opening is await services.runs()


async def test_the_server_deletes_old_uploads_from_its_start_on(
    make_services: MakeServices, uploads: Path
) -> None:
    """Those in the folder that is its own, but not what its page shows."""
    services = make_services()
    services.uploads = uploads
    app = SimpleNamespace(get_blocks=lambda: SimpleNamespace(blocks={}))
    old = uploads / "old.png"
    old.write_bytes(b"")
    os.utime(old, (0, 0))
    async with asyncio.timeout(10), services.lifespan(app):
        while old.exists():  # noqa: ASYNC110 - it happens by itself, or never
            await asyncio.sleep(0)


async def test_the_data_folder_is_its_users_alone(make_services: MakeServices) -> None:
    """Runs and pictures are nobody else's business on a shared computer."""
    services = make_services()
    await services.runs()
    assert services.settings.data_path.stat().st_mode & 0o077 == 0


async def test_the_server_stops_while_a_run_is_under_way_and_the_run_goes_on(
    make_services: MakeServices,
) -> None:
    """Within a moment; the next server takes the run to its end."""
    before = make_services(simulator_speed=1000)
    tab = DrivenForm(V1_LITE, before)
    async with before.lifespan():
        await tab.press(prompt="[fail]", resolution="480p", duration="3")
        (run,) = await (await before.runs()).recent("ada", 1)
    after = make_services(simulator_speed=1000)
    async with asyncio.timeout(30), after.lifespan():
        run = await (await after.runs()).ended("ada", run.id)
    assert run.step is Step.FAILED


async def test_the_server_stops_although_a_page_is_open(demo: Services) -> None:
    """An open stream does not hold the runs open."""
    async with opened_stream(make_site(demo)) as stream, asyncio.timeout(5), demo.lifespan():
        await stream.events_until("ready")


async def test_a_server_about_to_stop_sends_its_pages_away(demo: Services) -> None:
    """It would wait for their streams, which have no end of their own."""
    async with demo.lifespan(), opened_stream(make_site(demo)) as stream:
        await stream.events_until("ready")
        demo.begin_shutdown()
        async with asyncio.timeout(5):
            await stream.has_ended.wait()


async def test_where_the_simulator_cannot_start_the_press_says_so(
    make_services: MakeServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sentence, not a fault: the runs themselves are fine."""

    def start(server: SimulatorServer) -> str:
        raise RuntimeError("the simulator could not start")

    monkeypatch.setattr(SimulatorServer, "start", start)
    services = make_services()
    with pytest.raises(StoreProblem, match="demo"):
        await DrivenForm(GROK, services).press()
