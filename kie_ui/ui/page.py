"""The page, put together."""

from __future__ import annotations

import os
import time
from typing import Any

import gradio as gr
from pydantic import ValidationError
from starlette.middleware import Middleware

from kie_ui.catalog.registry import built_in_registry
from kie_ui.settings import Settings
from kie_ui.ui.account import build_account
from kie_ui.ui.endpoint import build_endpoint
from kie_ui.ui.generate import build_model_tab
from kie_ui.ui.routes import build_routes
from kie_ui.ui.services import Services
from kie_ui.ui.theme import ASSETS, build_theme, head, stylesheets
from kie_ui.ui.visitors import VisitorMiddleware

CACHE_AGE_S = (3600, 2 * 24 * 3600)
"""How often Gradio's copies of uploads are looked through, and how old they may become: a run holds
its own."""

MOST_EVENTS = 4000
"""Events that may run at once. Gradio's default of 40 would let the 41st caller wait."""


def build_page(services: Services) -> gr.Blocks:
    """Build the Blocks app of a set of services."""
    page: gr.Blocks
    with gr.Blocks(
        title="Kie UI", analytics_enabled=False, fill_width=True, delete_cache=CACHE_AGE_S
    ) as page:
        build_account(services)
        with gr.Tabs(elem_classes="kie-tabs"):
            for spec in services.registry:
                with gr.Tab(spec.title):
                    build_model_tab(spec, services)
        for spec in services.registry:
            build_endpoint(spec, services)
    return page


def launch_options(services: Services) -> dict[str, Any]:
    """Return what `Blocks.launch` needs to serve the page as ours.

    Where the server listens is left to Gradio's own environment variables.
    """
    settings = services.settings
    visitors = Middleware(
        VisitorMiddleware,
        has_many=settings.is_reachable_by_others,
        is_framed=bool(settings.space_id),
    )
    return {
        "theme": build_theme(),
        "css_paths": stylesheets(),
        "head": head(),
        "favicon_path": ASSETS / "favicon.png",
        "allowed_paths": _allowed_paths(),
        "footer_links": ["api"],
        "run_history": False,
        "enable_monitoring": False,
        "ssr_mode": False,
        "max_threads": MOST_EVENTS,
        "max_file_size": "100mb",
        "app_kwargs": {
            "lifespan": services.lifespan,
            "routes": build_routes(services),
            "middleware": [visitors],
        },
    }


def _allowed_paths() -> list[str]:
    """Let our samples be shown wherever the program was started, beside what Gradio is told."""
    told = os.environ.get("GRADIO_ALLOWED_PATHS", "")
    return [str(ASSETS / "samples"), *(path.strip() for path in told.split(",") if path.strip())]


def launch() -> None:
    """Read the settings, build the page and serve it until it is stopped.

    Raises: SystemExit, with a sentence, where a setting makes no sense.
    """
    try:
        services = Services(Settings(), built_in_registry())
    except ValidationError as invalid:
        problems = (f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in invalid.errors())
        raise SystemExit("A setting cannot be used. " + "; ".join(problems)) from None
    page = build_page(services)
    page.launch(prevent_thread_lock=True, **launch_options(services))
    _wait_for_the_end(page, services)


def _wait_for_the_end(page: gr.Blocks, services: Services) -> None:
    """Wait for Ctrl+C, then stop in order.

    Gradio's own wait would give the server five seconds to see off its open pages, which it never
    does, and then cut it off with the runs still open.
    """
    try:
        while page.is_running:
            time.sleep(0.1)
    except KeyboardInterrupt:
        services.say_goodbye()
        page.close(verbose=False)
