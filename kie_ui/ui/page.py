"""The page, put together."""

from __future__ import annotations

import os
import signal
from contextlib import ExitStack, suppress
from threading import Event
from typing import Any

import gradio as gr
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from kie_ui.catalog.library.library import Library
from kie_ui.runs.clock import SYSTEM_CLOCK, Clock
from kie_ui.settings import Settings
from kie_ui.ui.api.event_stream import build_routes
from kie_ui.ui.asgi.gradio_isolation import GradioIsolationMiddleware
from kie_ui.ui.asgi.identity import IdentityMiddleware
from kie_ui.ui.asgi.same_origin import SameOriginMiddleware
from kie_ui.ui.asgi.security_headers import SecurityHeadersMiddleware
from kie_ui.ui.asgi.upload_cleanup import Sweeper, claim_uploads, files_of_page
from kie_ui.ui.endpoints import build_endpoint, build_generate
from kie_ui.ui.form.drafts import wire_drafts, wire_filling
from kie_ui.ui.services import Services
from kie_ui.ui.tabs import models
from kie_ui.ui.tabs.account import build_head, build_key, build_track, build_tracked_feed
from kie_ui.ui.tabs.added_model import SLOT, SLOTS, STAND_IN, FormPutAside, Slots
from kie_ui.ui.tabs.generate import ModelTab, build_model_tab
from kie_ui.ui.tabs.history import TAB, build_history, build_layer
from kie_ui.ui.theme import ASSETS, build_theme, head, stylesheets

MAX_EVENTS = 4000
"""Events that may run at once. Gradio's default of 40 would let the 41st caller wait."""


MAX_SESSIONS = 200
"""Pages of which Gradio remembers how their components were changed: it copies a quarter of a
megabyte for each, and for us remembers nothing that the page does not."""


def build_page(services: Services) -> gr.Blocks:
    """Build the Blocks app of a set of services."""
    page: gr.Blocks
    with gr.Blocks(title="Kie UI", analytics_enabled=False, fill_width=True) as page:
        build_head(services)
        with gr.Row(elem_classes="kie-folds", equal_height=False):
            with gr.Column(min_width=320):
                build_key(services)
            with gr.Column(min_width=320):
                build_track()
        model_tabs: dict[str, ModelTab] = {}
        bar: dict[str, gr.Tab] = {}
        slots = Slots(services)
        with gr.Tabs(elem_classes="kie-tabs") as tabs:
            for spec in services.built_in:
                with gr.Tab(spec.title, id=spec.api_name) as bar[spec.api_name]:
                    model_tabs[spec.api_name] = build_model_tab(spec, services)
                slots.build(STAND_IN + spec.api_name)
            for number in range(1, SLOTS + 1):
                slots.build(f"{SLOT}{number}")
            with gr.Tab("Models", id=models.TAB, alignment="right") as chooser:
                models.build_models(slots)
            with gr.Tab("History", id=TAB, alignment="right") as history:
                build_history()
        for name, tab in {**bar, **slots.tabs, models.TAB: chooser, TAB: history}.items():
            _remember(tab, name)
        slots.wire(page, bar)
        build_tracked_feed()
        build_layer()
        _let_scripts_choose(tabs)
        for model_tab in model_tabs.values():
            wire_drafts(page, model_tab.spec, model_tab.form)
            wire_filling(model_tab.spec, model_tab.form, model_tab.has_pressed)
        for spec in services.built_in:
            build_endpoint(spec, services)
        build_generate(services)
    return page


def _remember(tab: gr.Tab, name: str) -> None:
    """Have the browser open this tab again after a refresh; see `assets/js/drafts.js`."""
    tab.select(
        None, None, None, js=f"() => window.kieUi.keepTab('{name}')", api_visibility="private"
    )


def _let_scripts_choose(tabs: gr.Tabs) -> None:
    """Let our scripts open a tab, also one that Gradio has folded into a menu."""
    choice = gr.Button(visible="hidden", elem_id="kie-choose-tab")
    choice.click(None, None, tabs, js="() => window.kieUi.chosenTab()", api_visibility="private")


def launch_options(services: Services) -> dict[str, Any]:
    """Return what `Blocks.launch` needs to serve the page as ours.

    Where the server listens is left to Gradio's own environment variables.
    """
    return {
        "auth": services.users.admit if services.users else None,
        "theme": build_theme(),
        "css_paths": stylesheets(),
        "head": head(),
        "favicon_path": ASSETS / "favicon.png",
        "allowed_paths": _allowed_paths(),
        "footer_links": ["api"],
        "run_history": False,
        "enable_monitoring": False,
        "ssr_mode": False,
        "max_threads": MAX_EVENTS,
        "state_session_capacity": MAX_SESSIONS,
        "max_file_size": "100mb",
        "app_kwargs": {
            "lifespan": services.lifespan,
            "routes": build_routes(services),
            "middleware": build_middleware(services),
            "exception_handlers": {
                RequestValidationError: _not_understood,
                FormPutAside: _put_aside,
            },
        },
    }


async def _not_understood(_request: Request, _error: Exception) -> Response:
    """Refuse what Gradio's routes do not take, without repeating it: it may hold a key."""
    sentence = "This request is not one that this server takes."
    return JSONResponse({"detail": sentence}, status_code=422)


async def _put_aside(_request: Request, aside: Exception) -> Response:
    """Tell of a form whose events are forgotten; its page builds it anew."""
    return JSONResponse({"detail": str(aside)}, status_code=410)


def build_middleware(services: Services) -> list[Middleware]:
    """Build what every request passes on its way in, the outermost first."""
    settings = services.settings
    is_framed, has_many = bool(settings.space_id), settings.is_reachable_by_others
    users = services.users
    passed = [
        Middleware(SecurityHeadersMiddleware, is_framed=is_framed),
        Middleware(SameOriginMiddleware, hosts=settings.hosts),
        Middleware(IdentityMiddleware, has_many=has_many, is_framed=is_framed, users=users),
    ]
    return (
        [*passed, Middleware(GradioIsolationMiddleware, files=services.files)]
        if has_many
        else passed
    )


def _allowed_paths() -> list[str]:
    """Let our samples be shown wherever the program was started, beside what Gradio is told."""
    told = os.environ.get("GRADIO_ALLOWED_PATHS", "")
    return [str(ASSETS / "samples"), *(path.strip() for path in told.split(",") if path.strip())]


def launch(clock: Clock = SYSTEM_CLOCK) -> None:
    """Read the settings, build the page and serve it until it is stopped.

    Raises: SystemExit, with a sentence, where a setting makes no sense.
    """
    try:
        settings = Settings()
        services = Services(settings, Library.of_settings(settings), clock)
    except ValidationError as invalid:
        problems = (f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in invalid.errors())
        raise SystemExit("A setting cannot be used. " + "; ".join(problems)) from None
    uploads = claim_uploads(services.settings.data_path)
    page = build_page(services)
    with ExitStack() as until_the_end:
        if uploads is not None:
            until_the_end.enter_context(Sweeper(uploads, files_of_page(page)))
        page.launch(prevent_thread_lock=True, **launch_options(services))
        _wait_for_the_end(page, services)


def _wait_for_the_end(page: gr.Blocks, services: Services) -> None:
    """Wait for Ctrl+C or to be told to end (SIGTERM), then stop in order.

    Gradio's own wait would give the server five seconds to see off its open pages, which it never
    does, and then cut it off with the runs still open.
    """
    is_over = Event()
    signal.signal(signal.SIGTERM, lambda _signal, _frame: is_over.set())
    with suppress(KeyboardInterrupt):
        while page.is_running and not is_over.wait(0.1):
            pass
    services.begin_shutdown()
    page.close(verbose=False)
