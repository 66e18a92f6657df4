"""Faults and the journal over HTTP, for clients that are not written in Python.

Served only where the config says so: these endpoints ask for no key.
"""

from __future__ import annotations

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from kie_ui.simulator.faults import Fault
from kie_ui.simulator.http.responses import Refused, accepted, read_json_object
from kie_ui.simulator.state import state_of


async def list_faults(request: Request) -> JSONResponse:
    """Answer the faults that are armed."""
    return accepted([fault.model_dump(mode="json") for fault in state_of(request).faults])


async def add_fault(request: Request) -> JSONResponse:
    """Arm the fault in the body; see `faults.Fault` for its fields."""
    try:
        fault = Fault.model_validate(await read_json_object(request))
    except ValidationError as error:
        raise Refused(422, str(error), http_status=422) from error
    state_of(request).faults.add(fault)
    return accepted(fault.model_dump(mode="json"))


async def clear_faults(request: Request) -> JSONResponse:
    """Disarm all faults."""
    state_of(request).faults.clear()
    return accepted(None)


async def show_journal(request: Request) -> JSONResponse:
    """Answer the requests that arrived, and how many for each path."""
    journal = state_of(request).journal
    entries = [entry._asdict() for entry in journal.entries]
    return accepted({"counts": journal.counts(), "requests": entries})


async def clear_journal(request: Request) -> JSONResponse:
    """Forget the requests that arrived."""
    state_of(request).journal.clear()
    return accepted(None)


ROUTES = (
    Route("/simulator/faults", list_faults, methods=["GET"]),
    Route("/simulator/faults", add_fault, methods=["POST"]),
    Route("/simulator/faults", clear_faults, methods=["DELETE"]),
    Route("/simulator/journal", show_journal, methods=["GET"]),
    Route("/simulator/journal", clear_journal, methods=["DELETE"]),
)
