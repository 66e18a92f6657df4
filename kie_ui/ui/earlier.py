"""Runs that a page does not hold: page by page towards the oldest.

A page that opens is told only of the newest runs and of those that are not finished (see
`routes.py`); the rest is asked for here when somebody wants to see it.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from kie_ui.runs.errors import RunsProblem
from kie_ui.ui.actions import refused
from kie_ui.ui.services import Services
from kie_ui.ui.visitors import owner_of

RUNS_A_PAGE = 40
"""Runs that are told at once."""

_FRESH = {"Cache-Control": "no-store"}


def build_earlier_routes(services: Services, prefix: str) -> list[Route]:
    """Build the routes of one server."""

    async def listed(request: Request) -> Response:
        """List the owner's runs, the newest first: of `model`, older than the run `before`.

        Both are left out for all models, and to begin with the newest.
        """
        model, before = request.query_params.get("model"), request.query_params.get("before")
        try:
            runs = await services.runs()
            found = await runs.recent(owner_of(request), RUNS_A_PAGE, model=model, before=before)
        except RunsProblem as problem:
            return refused(problem)
        return JSONResponse([run.public() for run in found], headers=_FRESH)

    return [Route(f"{prefix}/runs", listed)]
