from __future__ import annotations

from kie_ui.runs.run import Step
from kie_ui.ui.services import Services
from tests.ui.api.visitors import Visitor, planted


async def test_only_what_failed_after_the_task_was_made_can_be_tried_again(
    services: Services, ada: Visitor
) -> None:
    """Anything else makes no sense at that step, and says so."""
    done = await planted(services, ada.owner)
    nameless = await planted(services, ada.owner, step=Step.UNKNOWN)
    assert (await ada.post(f"/kie-ui/runs/{done.id}/fetch-again")).status_code == 409
    answer = await ada.post(f"/kie-ui/runs/{nameless.id}/watch-again")
    assert answer.status_code == 409
    assert "kie.ai/logs" in answer.json()["message"]
    assert (await ada.post("/kie-ui/runs/none/fetch-again")).status_code == 404
    assert (await ada.get(f"/kie-ui/runs/{done.id}/fetch-again")).status_code == 405


async def test_nothing_else_can_be_done_again(services: Services, ada: Visitor) -> None:
    """Above all no create: only fetching and watching are free."""
    unknown = await planted(services, ada.owner, step=Step.UNKNOWN, task_id="281e5b0")
    assert (await ada.post(f"/kie-ui/runs/{unknown.id}/create-again")).status_code == 404
    kept = await (await services.runs()).run(ada.owner, unknown.id)
    assert kept.step is Step.UNKNOWN


async def test_a_task_that_was_not_to_be_found_is_watched_again(
    services: Services, ada: Visitor
) -> None:
    """It goes on from where it stood."""
    lost = await planted(services, ada.owner, step=Step.UNKNOWN, task_id="281e5b0")
    answer = await ada.post(f"/kie-ui/runs/{lost.id}/watch-again")
    assert answer.status_code == 200
    run = await (await services.runs()).run(ada.owner, lost.id)
    assert run.step is Step.WAITING
