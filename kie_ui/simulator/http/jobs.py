"""The endpoints that create and query tasks, and the balance.

Source: Kie documentation, "Create Generation Task" and "Query Task Status"; observed live,
"createTask", "recordInfo" and "Balance and download".
"""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import JSONResponse

from kie_ui.catalog.request import estimate_credits
from kie_ui.catalog.roles import image_task_parameter
from kie_ui.simulator.faults import ForcedOutcome
from kie_ui.simulator.files import NoMedia, sample_image_task
from kie_ui.simulator.http.context import (
    SimulatorState,
    account_of,
    base_url_of,
    collection_of,
    state_of,
)
from kie_ui.simulator.plan import build_plan
from kie_ui.simulator.responses import Refused, accepted, read_json_object
from kie_ui.simulator.store import InsufficientCredits
from kie_ui.simulator.tasks import sample_record
from kie_ui.simulator.validation import CheckedRequest, check_file, check_request


async def create_task(request: Request) -> JSONResponse:
    """Create a task and answer its id."""
    state = state_of(request)
    account = account_of(request, state.config)
    state.create_limit.check(account)
    body = await read_json_object(request)
    # In a thread: models are read from the disk.
    checked = await asyncio.to_thread(
        check_request, state.config.find_versions, body, collection_of(request)
    )
    _check_media(state, account, checked, base_url_of(request))
    # A model whose price is not known costs nothing.
    price = estimate_credits(checked.spec, checked.values) or 0.0
    try:
        task = state.tasks.create(
            account, checked, body, price, base_url_of(request), _forced_outcome(request)
        )
    except InsufficientCredits:
        raise Refused(
            402, f"Insufficient credits: this task costs {price:g}. Top up to continue."
        ) from None
    return accepted({"taskId": task.task_id})


async def record_info(request: Request) -> JSONResponse:
    """Answer the state of one task; another account's task does not exist."""
    state = state_of(request)
    account = account_of(request, state.config)
    task_id = request.query_params.get("taskId", "")
    sample = sample_image_task(task_id)
    if sample is not None:
        return accepted(sample_record(sample, base_url_of(request)))
    task = state.store.task(task_id)
    if task is None or task.account != account:
        raise Refused(422, "recordInfo is null")
    return accepted(state.tasks.record(task, base_url_of(request)))


async def credit(request: Request) -> JSONResponse:
    """Answer the balance."""
    state = state_of(request)
    account = account_of(request, state.config)
    return accepted(round(state.store.balance(account, initial_credits=state.config.credits), 4))


def _forced_outcome(request: Request) -> ForcedOutcome | None:
    fault = request.scope.get("simulator.fault")
    return fault.outcome if fault is not None else None


def _check_media(
    state: SimulatorState, account: str, checked: CheckedRequest, base_url: str
) -> None:
    """Refuse media that are known to be unfit before the task exists."""
    _check_earlier_task(state, account, checked)
    for parameter in checked.spec.media_parameters:
        for url in checked.values.get(parameter.name, []):
            found = state.files.own_file(url, base_url)
            if found is not None:
                check_file(parameter, *found)


def _check_earlier_task(state: SimulatorState, account: str, checked: CheckedRequest) -> None:
    plan = build_plan(checked.spec, checked.values)
    if plan.task_id is None:
        return
    image_task = image_task_parameter(checked.spec)
    names_image_task = image_task is not None and image_task.name in checked.values
    wants_picture = plan.produces == "video" and names_image_task
    noun = "Grok image task" if wants_picture else "finished task of yours"
    try:
        mime, _ = state.files.result_of_task(account, plan.task_id, plan.index)
    except NoMedia as error:
        raise Refused(422, f"There is no {noun} with the task_id {plan.task_id}. {error}") from None
    if wants_picture and not mime.startswith("image/"):
        raise Refused(422, f"There is no {noun} with the task_id {plan.task_id}.")
