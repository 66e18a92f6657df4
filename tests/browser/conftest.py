from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser.pages import KiePage, Watch
from tests.wire.app_process import AppProcess
from tests.wire.fake_kie import FakeKie, serving
from tests.wire.instant_renderer import tiny_clip

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
WAIT_MS = 15_000

expect.set_options(timeout=WAIT_MS)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test of this folder."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def chromium() -> str:
    """Find Chromium; where there is none the tests are skipped, unless one is demanded."""
    path = os.environ.get("KIE_UI_CHROMIUM") or shutil.which("chromium")
    if path is not None:
        return path
    reason = "Chromium is not installed (apt-get install chromium, or set KIE_UI_CHROMIUM)"
    if os.environ.get("KIE_UI_REQUIRE_BROWSER") == "1":
        raise RuntimeError(reason)
    pytest.skip(reason)


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    """Start a browser for each module.

    Not for the whole session: as long as Playwright is open, its event loop counts as running,
    and no test of another folder could run one of its own.
    """
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def fake() -> Iterator[FakeKie]:
    """Serve a Kie for those who type a key."""
    with serving(FakeKie(tiny_clip())) as kie:
        yield kie


@pytest.fixture(scope="session")
def app(chromium: str, fake: FakeKie, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run the program once, so that every browser context is a visitor of its own."""
    settings = {"KIE_UI_SIMULATOR_SPEED": "20", "KIE_UI_VISITORS": "many", **fake.environment}
    with AppProcess(tmp_path_factory.mktemp("page"), **settings) as app:
        yield app.url


@pytest.fixture
def watch(app: str) -> Watch:
    """Note what the browser asks for, and what it complains about."""
    return Watch(app)


@pytest.fixture
def kie(browser: Browser, app: str, watch: Watch) -> Iterator[KiePage]:
    """Open the page in a fresh context; in the end nothing may have come from elsewhere."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(WAIT_MS)
    page: Page = context.new_page()
    watch.follow(page)
    opened = KiePage(page, app)
    opened.open()
    yield opened
    context.close()
    assert watch.foreign == []
    assert watch.complaints == []


@pytest.fixture(scope="session")
def jpeg(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a photograph as cameras write it."""
    path = tmp_path_factory.mktemp("given") / "photo.jpg"
    Image.linear_gradient("L").resize((640, 400)).convert("RGB").save(path)
    return path


@pytest.fixture(scope="session")
def heic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a photograph as telephones write it, which no Chromium shows."""
    from pillow_heif import from_pillow  # noqa: PLC0415 - its import takes a while

    path = tmp_path_factory.mktemp("given") / "photo.heic"
    picture = Image.linear_gradient("L").resize((320, 200)).convert("RGB")
    from_pillow(picture).save(path)
    return path
