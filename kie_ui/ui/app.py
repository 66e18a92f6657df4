"""The program: settings → services → page → server, until it is stopped."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from threading import Event
from typing import Any

import gradio as gr
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from kie_ui.catalog.library import Library
from kie_ui.runs.clock import SYSTEM_CLOCK, Clock
from kie_ui.settings import ASSETS, Settings
from kie_ui.ui import assets
from kie_ui.ui.api.requests import build_route
from kie_ui.ui.api.wire import ROUTES
from kie_ui.ui.asgi.browser_security import SameOriginMiddleware, SecurityHeadersMiddleware
from kie_ui.ui.asgi.gradio_assets import build_gradio_asset_routes, needed_files
from kie_ui.ui.asgi.gradio_isolation import GradioIsolationMiddleware
from kie_ui.ui.asgi.identity import IdentityMiddleware
from kie_ui.ui.asgi.page_html import PageHtmlMiddleware
from kie_ui.ui.asgi.uploads import claim_uploads
from kie_ui.ui.page import build_page, build_theme
from kie_ui.ui.services import Services

MAX_EVENTS = 4000
"""Events that may run at once. Gradio's default of 40 would let the 41st caller wait."""

MAX_SESSIONS = 500
"""Pages whose components and rendered forms Gradio keeps: a third of a megabyte each, and a quarter
more for every form that is picked in More models. A page beyond them has its form built again."""


def launch(clock: Clock = SYSTEM_CLOCK) -> None:
    """Read the settings, build the page and serve it until it is stopped.

    Raises: SystemExit, with a sentence, if a setting is invalid.
    """
    try:
        settings = Settings()
        library = Library.of_settings(settings)
    except ValidationError as invalid:
        problems = (f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in invalid.errors())
        raise SystemExit("A setting cannot be used. " + "; ".join(problems)) from None
    services = Services(settings, library, clock, uploads=claim_uploads(settings.data_path))
    page = build_page(services)
    page.launch(prevent_thread_lock=True, **launch_options(services, _types_of(page)))
    _serve_until_stopped(page, services)


def _serve_until_stopped(page: gr.Blocks, services: Services) -> None:
    """Wait for Ctrl+C or SIGTERM, then shut down in order.

    Gradio's own wait cuts the server off after five seconds while pages and runs are still open.
    """
    is_stopped = Event()
    signal.signal(signal.SIGTERM, lambda _signal, _frame: is_stopped.set())
    with suppress(KeyboardInterrupt):
        while page.is_running and not is_stopped.wait(0.1):
            pass
    services.begin_shutdown()
    page.close(verbose=False)


def _types_of(page: gr.Blocks) -> frozenset[str]:
    """Return the types of a page's components, each of which has scripts of its own."""
    return frozenset(block.get_block_name() for block in page.blocks.values())


def launch_options(services: Services, types: frozenset[str] = frozenset()) -> dict[str, Any]:
    """Return the arguments of `Blocks.launch`; `types` are those of the page's components.

    Gradio's own environment variables say where the server listens.
    """
    return {
        "auth": services.users.admit if services.users else None,
        "theme": build_theme(),
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
            "routes": build_routes(services, types),
            "middleware": build_middleware(services, types),
            "exception_handlers": {
                RequestValidationError: _not_understood,
                KeyError: _event_is_unknown,
            },
        },
    }


async def _not_understood(_request: Request, _error: Exception) -> Response:
    """Refuse an invalid request to Gradio's routes without repeating it: it may hold a key."""
    sentence = "This server does not accept this request."
    return JSONResponse({"detail": sentence}, status_code=422)


async def _event_is_unknown(request: Request, error: Exception) -> Response:
    """Refuse an event of a page that was loaded before the program was changed."""
    if "/gradio_api/" not in request.url.path:
        raise error
    sentence = "This page is older than the program: load it anew. What you typed is kept."
    return JSONResponse({"error": sentence}, status_code=410)


def build_routes(services: Services, types: frozenset[str]) -> list[Route]:
    """Build our own routes beside Gradio's."""
    of_files = [assets.build_asset_route(), *build_gradio_asset_routes(needed_files(types))]
    return [*of_files, *(build_route(services, route) for route in ROUTES)]


def build_middleware(services: Services, types: frozenset[str]) -> list[Middleware]:
    """Build the middleware, outermost first."""
    settings, users = services.settings, services.users
    is_framed, has_many = bool(settings.space_id), settings.has_many_visitors
    middleware = [
        Middleware(SecurityHeadersMiddleware, is_framed=is_framed),
        Middleware(SameOriginMiddleware, hosts=settings.hosts),
        Middleware(IdentityMiddleware, has_many=has_many, is_framed=is_framed, users=users),
    ]
    if has_many:
        middleware.append(Middleware(GradioIsolationMiddleware, files=services.files))
    needed = needed_files(types)
    html = Middleware(PageHtmlMiddleware, head=assets.head(), needed=needed, has_users=bool(users))
    return [*middleware, html]


def _allowed_paths() -> list[str]:
    """Add our samples to the folders that Gradio is configured to serve."""
    configured = os.environ.get("GRADIO_ALLOWED_PATHS", "").split(",")
    return [str(ASSETS / "samples"), *filter(None, map(str.strip, configured))]
