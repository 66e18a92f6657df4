from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import (
    Browser,
    BrowserContext,
    Error,
    Page,
    ViewportSize,
    expect,
    sync_playwright,
)

from kie_ui.ui.asgi.identity import COOKIE, owner_of_secret
from tests.browser.pages import KiePage, Watch
from tests.browser.past import Past
from tests.fake_kie import FakeKie, serving
from tests.wire.app_process import AppProcess, with_fast_clock
from tests.wire.tiny_media import tiny_clip

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
WAIT_MS = 30_000

expect.set_options(timeout=WAIT_MS)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test of this folder."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Say of a test that failed what stood on its pages, and what they complained about."""
    report = yield
    fixtures = getattr(item, "funcargs", {})
    if report.when == "call" and report.failed and "unopened" in fixtures:
        watch: Watch = fixtures["watch"]
        report.sections.append(("The pages' complaints", "\n".join(watch.complaints)))
        pages: list[Page] = fixtures["context"].pages
        report.sections.extend((f"What stood on {page.url}", _told_by(page)) for page in pages[1:])
    return report


def _told_by(page: Page) -> str:
    try:
        return page.locator("body").aria_snapshot(timeout=5_000)
    except Error as error:  # the page is gone, or too busy to answer
        return str(error)


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


@pytest.fixture(scope="package")
def browser(chromium: str) -> Iterator[Browser]:
    """Start a browser for the tests of this folder.

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
    with serving(FakeKie(tiny_clip(), is_strict=True, polls_until_success=0)) as kie:
        yield kie


@pytest.fixture(scope="session")
def program(
    chromium: str, fake: FakeKie, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[AppProcess]:
    """Run the program once; every test is a visitor of its own."""
    settings = {"KIE_UI_SIMULATOR_SPEED": "20", "KIE_UI_VISITORS": "many", **fake.environment}
    with AppProcess(tmp_path_factory.mktemp("page"), with_fast_clock(5), **settings) as program:
        yield program


@pytest.fixture(scope="session")
def _mortal(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppProcess]:
    # Uploads lie where they do by themselves: in the data folder.
    with AppProcess(tmp_path_factory.mktemp("mortal"), GRADIO_TEMP_DIR="") as program:
        yield program


@pytest.fixture
def mortal(_mortal: AppProcess) -> AppProcess:
    """Give another program, which a test may end and start again."""
    _mortal.start()
    return _mortal


@pytest.fixture
def app(program: AppProcess) -> str:
    """Give the address of the program."""
    return program.url


@pytest.fixture(scope="package")
def _lent(browser: Browser) -> Iterator[BrowserContext]:
    """Open a context with a window that stays: scripts are kept, and no window is built twice.

    It wants no motion: a press on what still moves ends on something else and is none.
    """
    size: ViewportSize = {"width": 1280, "height": 900}
    context = browser.new_context(viewport=size, reduced_motion="reduce")
    context.set_default_timeout(WAIT_MS)
    context.new_page()
    yield context
    context.close()


@pytest.fixture
def context(_lent: BrowserContext) -> Iterator[BrowserContext]:
    """Give a context that knows nothing of earlier tests but what is the same for everyone."""
    yield _lent
    first, *opened = _lent.pages
    for page in opened:
        page.close()
    devtools = _lent.new_cdp_session(first)
    devtools.send("Storage.clearDataForOrigin", {"origin": "*", "storageTypes": "all"})
    devtools.detach()
    _lent.clear_cookies()
    _lent.clear_permissions()
    _lent.set_offline(offline=False)


@pytest.fixture
def watch(app: str) -> Watch:
    """Note what the browser asks for, and what it complains about."""
    return Watch(app)


@pytest.fixture
def unopened(context: BrowserContext, app: str, watch: Watch) -> Iterator[KiePage]:
    """Give the page before it is opened; in the end nothing may have come from elsewhere."""
    page = context.new_page()
    watch.follow(page)
    yield KiePage(page, app)
    watch.close(page)
    assert watch.foreign == []
    assert watch.missing == []
    assert watch.unexpected == []


@pytest.fixture
def kie(unopened: KiePage) -> KiePage:
    """Open the page."""
    unopened.open()
    return unopened


@pytest.fixture
def past(context: BrowserContext, program: AppProcess) -> Past:
    """Be a visitor who was here before; what is kept for them is there when the page opens."""
    secret = secrets.token_urlsafe(32)
    context.add_cookies([{"name": COOKIE, "value": secret, "url": program.url}])
    return Past(program.folder / "data", owner_of_secret(secret))


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
