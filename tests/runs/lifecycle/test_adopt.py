from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from kie_ui.kie.errors import KieError, TaskNotFound
from kie_ui.runs.accounts import Backends
from kie_ui.runs.errors import KeyMissing, UnknownRun, WrongStep
from kie_ui.runs.lifecycle.adopt import clean_task_id
from kie_ui.runs.run import BackendKind, Run, Step
from kie_ui.runs.service import RunService
from tests.fake_kie import FakeKie, Fault, dropped, status
from tests.runs.harness import (
    GROK,
    KEY,
    NOT_FOUND,
    OWNER,
    FastClock,
    Restart,
    StartAnother,
    error_of,
    held_until,
    idle,
    make_shared_backends,
    missing,
    press,
    reached,
    until,
)
from tests.wire.tiny_media import shows

ELSEWHERE = "task-made-elsewhere"


def made_with(prompt: str = "A cat.", model: str = GROK, **more: Any) -> dict[str, Any]:
    """Return what a task's record says about how it was made."""
    inputs = {"prompt": prompt, "image_urls": ["https://example.com/a.png"], "duration": "6"}
    param = json.dumps({"model": model, "input": inputs, **more})
    return {"model": model, "param": param, "createTime": 1_790_000_000_000}


async def of_unknown_outcome(
    service: RunService, fake: FakeKie, values: dict[str, Any], owner: str = OWNER
) -> Run:
    """Press Generate, and lose the create's answer."""
    fake.faults["create"] = [dropped()]
    return await press(service, values, Step.UNKNOWN, owner=owner)


# Track an existing task


async def adopted(service: RunService, step: Step = Step.DONE) -> Run:
    """Track a task made elsewhere, and wait until its run is at a step."""
    return await reached(service, await service.track(OWNER, ELSEWHERE, "live"), step)


async def test_a_task_made_elsewhere_is_adopted_and_fetched(
    service: RunService, fake: FakeKie
) -> None:
    """Its id is enough: nothing is created or billed, and the clip is fetched."""
    fake.record = made_with()
    run = await service.track(OWNER, f"  {ELSEWHERE}\n", "live")
    assert (run.task_id, run.model, run.is_tracked, run.is_final) == (ELSEWHERE, GROK, True, False)
    assert run.values["prompt"] == "A cat."
    assert run.sent_at_ms == 1_790_000_000_000
    assert run.request == json.loads(fake.record["param"])
    run = await reached(service, run, Step.DONE)
    assert shows(service.clip_of(await service.run(OWNER, run.id)).read_bytes(), fake.clip)
    assert (fake.counts["create"], fake.counts["upload"]) == (0, 0)


async def test_a_task_that_has_succeeded_is_fetched_at_once(
    service: RunService, fake: FakeKie
) -> None:
    """Nobody waits for a poll that has nothing to wait for."""
    fake.polls_until_success = 0
    assert (await adopted(service)).clips


async def test_a_task_that_has_failed_says_why(service: RunService, fake: FakeKie) -> None:
    """It is adopted all the same: the person wants to know what became of it."""
    fake.record = {"state": "fail", "failCode": "500", "failMsg": "The picture shows nothing."}
    run = await adopted(service, Step.FAILED)
    assert "The picture shows nothing" in error_of(run).message


BARE: tuple[dict[str, Any], ...] = (
    {},
    {"param": "no json"},
    {"param": "[]"},
    {"param": '{"input":1}'},
)


@pytest.mark.parametrize(
    ("record", "model", "values"),
    [
        (made_with("A dog.", model="someone/else's"), "someone/else's", {"prompt": "A dog."}),
        *((record, "unknown model", {}) for record in BARE),
    ],
)
async def test_a_task_is_adopted_whatever_is_known_of_its_model(
    service: RunService, fake: FakeKie, record: dict[str, Any], model: str, values: dict[str, Any]
) -> None:
    """A model without a form shows what can be shown, and a record may be bare."""
    fake.record = record
    run = await adopted(service)
    assert (run.model, run.values) == (model, values)


@pytest.mark.parametrize(("fault", "error"), [(NOT_FOUND, TaskNotFound), (status(503), KieError)])
async def test_nothing_is_adopted_of_which_kie_says_nothing(
    service: RunService, fake: FakeKie, fault: Fault, error: type[KieError]
) -> None:
    """A mistyped id, or a Kie that does not answer, leaves no run behind."""
    fake.outages["record"] = fault
    with pytest.raises(error):
        await service.track(OWNER, ELSEWHERE, "live")
    assert await service.recent(OWNER, 9) == ()


async def test_without_a_key_nothing_can_be_adopted(
    service: RunService, fake: FakeKie, backends: Backends
) -> None:
    """Kie gets no request."""
    backends.forget_key(OWNER)
    with pytest.raises(KeyMissing):
        await service.track(OWNER, ELSEWHERE, "live")
    assert fake.counts["record"] == 0


async def test_a_task_that_is_followed_already_is_shown_and_not_followed_twice(
    service: RunService, fake: FakeKie, values: dict[str, Any]
) -> None:
    """Whatever its run is at, it is neither polled nor fetched once more."""
    held = asyncio.Event()
    fake.outages["media"] = held_until(held)
    run = await press(service, values, Step.FETCHING)
    await until(lambda: fake.counts["media"] == 1)
    for _ in range(3):
        assert (await service.track(OWNER, run.task_id or "", "live")).id == run.id
    held.set()
    run = await reached(service, run, Step.DONE)
    await idle(service)
    assert (await service.track(OWNER, run.task_id or "", "live")).id == run.id
    assert fake.counts["media"] == 1
    assert len(await service.recent(OWNER, 9)) == 1


async def test_two_that_track_the_same_at_once_are_one_run(
    service: RunService, fake: FakeKie
) -> None:
    """A button pressed twice, or in two windows, makes one run."""
    tracked = await asyncio.gather(*(service.track(OWNER, ELSEWHERE, "live") for _ in range(5)))
    assert len({run.id for run in tracked}) == 1
    assert len(await service.recent(OWNER, 9)) == 1
    await reached(service, tracked[0], Step.DONE)
    assert fake.counts["media"] == 1


async def test_a_task_that_someone_else_follows_may_be_followed_too(
    service: RunService, fake: FakeKie, backends: Backends
) -> None:
    """Who has a key that may see the task sees it; the other's run is not shown."""
    backends.set_key("eve", "eves-key")
    adas = await service.track(OWNER, ELSEWHERE, "live")
    eves = await service.track("eve", ELSEWHERE, "live")
    assert adas.id != eves.id
    with pytest.raises(UnknownRun):
        await service.run("eve", adas.id)


DAY_S = 24 * 3600


@pytest.fixture
def shared() -> Backends:
    """Give a server whose one key all visitors use."""
    return make_shared_backends()


@pytest.fixture
async def of_many(start_another: StartAnother, shared: Backends) -> RunService:
    """Give a service whose visitors share a backend."""
    return await start_another(backends=shared)


async def unknown_to(service: RunService, fake: FakeKie, task_id: str, kind: BackendKind) -> None:
    """Claim that Eve gets the same answer about a task as about one that does not exist."""
    with pytest.raises(TaskNotFound) as hidden:
        await service.track("eve", task_id, kind)
    before = fake.counts["record"]
    fake.faults["record"] = [NOT_FOUND]
    with pytest.raises(TaskNotFound) as real:
        await service.track("eve", "task-of-nobody", kind)
    assert str(hidden.value) == str(real.value)
    assert (hidden.value.code, hidden.value.may_retry) == (real.value.code, real.value.may_retry)
    assert fake.counts["record"] == before + 1
    assert await service.recent("eve", 9) == ()


@pytest.mark.parametrize("kind", ["demo", "live"])
async def test_a_task_of_another_visitor_does_not_exist(
    of_many: RunService, fake: FakeKie, values: dict[str, Any], kind: BackendKind
) -> None:
    """Task ids stand in clips: who learns one gets neither prompt nor clip with it."""
    run = await press(of_many, values, Step.DONE, backend=kind)
    await unknown_to(of_many, fake, run.task_id or "", kind)
    assert (await of_many.track(OWNER, run.task_id or "", kind)).id == run.id


@pytest.mark.parametrize("kind", ["demo", "live"])
async def test_a_task_stays_its_visitors_when_its_run_is_deleted(
    of_many: RunService, fake: FakeKie, fast: FastClock, values: dict[str, Any], kind: BackendKind
) -> None:
    """In the trash and after it; the owner may adopt the task again."""
    run = await press(of_many, values, Step.DONE, backend=kind)
    await of_many.history.delete(OWNER, [run.id])
    await unknown_to(of_many, fake, run.task_id or "", kind)
    fast.jump(DAY_S)
    await of_many._retention.empty_trash()
    with pytest.raises(UnknownRun):
        await of_many.history.restore(OWNER, [run.id])
    await unknown_to(of_many, fake, run.task_id or "", kind)
    assert (await of_many.track(OWNER, run.task_id or "", kind)).id != run.id


async def test_a_task_of_another_visitor_is_given_to_no_run_of_unknown_outcome(
    of_many: RunService, fake: FakeKie, values: dict[str, Any]
) -> None:
    """The answer does not even say whether it is of the same model."""
    theirs = await press(of_many, values, Step.DONE)
    fake.record = made_with("Another prompt.", model="another/model")
    run = await of_unknown_outcome(of_many, fake, values, "eve")
    with pytest.raises(TaskNotFound):
        await of_many.give_task_id("eve", run.id, theirs.task_id or "")
    run = await of_many.run("eve", run.id)
    assert (run.step, run.task_id) == (Step.UNKNOWN, None)


async def test_a_typed_key_does_not_open_the_servers_tasks_to_their_next_visitor(
    of_many: RunService, fake: FakeKie, shared: Backends, values: dict[str, Any]
) -> None:
    """Who made a task with the server's key stays its owner, whatever key they have now."""
    run = await press(of_many, values, Step.DONE)
    shared.set_key(OWNER, KEY)
    await unknown_to(of_many, fake, run.task_id or "", "live")


async def test_two_visitors_with_the_same_typed_key_share_an_account(
    of_many: RunService, fake: FakeKie, shared: Backends, values: dict[str, Any]
) -> None:
    """But not each other's runs; a key that nobody else uses sees what Kie shows it."""
    shared.set_key(OWNER, KEY)
    run = await press(of_many, values, Step.DONE)
    shared.set_key("eve", KEY)
    await unknown_to(of_many, fake, run.task_id or "", "live")
    shared.set_key("eve", "eves-own-key")
    assert (await of_many.track("eve", run.task_id or "", "live")).task_id == run.task_id


async def test_an_adopted_task_survives_a_restart(
    restart: Restart, fake: FakeKie, values: dict[str, Any]
) -> None:
    """It is watched like every other."""
    fake.polls_until_success = 10**6
    service = await restart()
    run = await service.track(OWNER, ELSEWHERE, "live")
    service = await restart()
    fake.polls_until_success = 0
    await reached(service, run, Step.DONE)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  ",
        "two words",
        "../../credit",
        "a?b=c",
        "a" * 201,
        "a\x00b",
        "täsk",
        "a/b",
        "-a",
        "a\nb",
    ],
)
def test_what_is_no_task_id_is_said_and_not_sent(text: str) -> None:
    """A pasted address or sentence reaches neither Kie nor the database."""
    with pytest.raises(WrongStep, match=r"https://kie\.ai/logs"):
        clean_task_id(text)


@pytest.mark.parametrize("text", ["task-1", "a", "A_b.c:d-9", "f" * 200, "  281e5b0f39b9\n"])
def test_what_can_be_a_task_id_is_taken_without_its_surroundings(text: str) -> None:
    """Blanks that come along when pasting do no harm."""
    assert clean_task_id(text) == text.strip()


# Enter a task id for a run of unknown outcome


async def test_a_run_of_unknown_outcome_follows_the_task_that_the_person_found(
    service: RunService, fake: FakeKie, values: dict[str, Any]
) -> None:
    """It goes on as if its answer had come, and nothing is sent again."""
    run = await of_unknown_outcome(service, fake, values)
    fake.record = made_with("She waves.")
    given = await service.give_task_id(OWNER, run.id, " task-of-hers ")
    assert (given.id, given.step, given.task_id, given.error) == (
        run.id, Step.WAITING, "task-of-hers", None,
    )  # fmt: skip
    assert (await reached(service, run, Step.DONE)).clips
    assert fake.counts["create"] == 1


@pytest.mark.parametrize(
    ("record", "words"),
    [
        (made_with("She waves.", model="bytedance/v1-lite-image-to-video"), "uses the model"),
        (made_with("He sleeps."), "another prompt"),
    ],
)
async def test_a_task_that_cannot_be_the_runs_own_is_refused(
    service: RunService, fake: FakeKie, values: dict[str, Any], record: dict[str, Any], words: str
) -> None:
    """The sentence says why; the run stays of unknown outcome."""
    run = await of_unknown_outcome(service, fake, values)
    fake.record = record
    with pytest.raises(WrongStep, match=words):
        await service.give_task_id(OWNER, run.id, ELSEWHERE)
    assert (await service.run(OWNER, run.id)).step is Step.UNKNOWN


async def test_a_task_that_does_not_exist_is_not_given(
    service: RunService, fake: FakeKie, values: dict[str, Any]
) -> None:
    """Kie says so in its own words."""
    run = await of_unknown_outcome(service, fake, values)
    fake.outages["record"] = NOT_FOUND
    with pytest.raises(TaskNotFound):
        await service.give_task_id(OWNER, run.id, ELSEWHERE)
    assert (await service.run(OWNER, run.id)).task_id is None


async def test_a_task_of_another_run_is_not_given(
    service: RunService, fake: FakeKie, values: dict[str, Any]
) -> None:
    """Two runs do not share a clip that was paid once."""
    run = await of_unknown_outcome(service, fake, values)
    tracked = await service.track(OWNER, ELSEWHERE, "live")
    with pytest.raises(WrongStep, match="already follows this task"):
        await service.give_task_id(OWNER, run.id, tracked.task_id or "")


async def test_a_task_id_is_given_once(
    service: RunService, fake: FakeKie, values: dict[str, Any]
) -> None:
    """Of two windows one wins; a run that needs none takes none, nor does someone else's."""
    run = await of_unknown_outcome(service, fake, values)
    tries = await asyncio.gather(
        *(service.give_task_id(OWNER, run.id, f"task-{n}") for n in range(3)),
        return_exceptions=True,
    )
    assert sum(isinstance(outcome, Run) for outcome in tries) == 1
    assert sum(isinstance(outcome, WrongStep) for outcome in tries) == 2
    with pytest.raises(WrongStep, match="needs no task id"):
        await service.give_task_id(OWNER, run.id, "task-9")
    with pytest.raises(UnknownRun):
        await service.give_task_id("eve", run.id, "task-9")
    await reached(service, run, Step.DONE)


async def test_without_a_key_no_task_id_can_be_checked(
    service: RunService, fake: FakeKie, backends: Backends, values: dict[str, Any]
) -> None:
    """What cannot be checked is not believed."""
    run = await of_unknown_outcome(service, fake, values)
    backends.forget_key(OWNER)
    with pytest.raises(KeyMissing):
        await service.give_task_id(OWNER, run.id, ELSEWHERE)


# Send again knowingly


async def test_a_run_of_unknown_outcome_is_sent_again_knowingly(
    service: RunService, fake: FakeKie, values: dict[str, Any]
) -> None:
    """A new run is made of it, and the old one says which; its picture is not uploaded again."""
    old = await of_unknown_outcome(service, fake, values)
    new = await service.send_again(OWNER, old.id)
    assert new.id != old.id
    assert (new.values, new.model) == (old.values, old.model)
    assert (await service.run(OWNER, old.id)).sent_again_as == new.id
    new = await reached(service, new, Step.DONE)
    assert (await service.run(OWNER, old.id)).step is Step.UNKNOWN
    assert (fake.counts["create"], fake.counts["upload"]) == (2, 1)


async def test_an_upload_that_has_expired_is_made_again(
    service: RunService, fake: FakeKie, fast: FastClock, values: dict[str, Any]
) -> None:
    """The day after, Kie may have thrown the picture away."""
    old = await of_unknown_outcome(service, fake, values)
    fast.jump(24 * 3600)
    await reached(service, await service.send_again(OWNER, old.id), Step.DONE)
    assert fake.counts["upload"] == 2


async def test_it_is_sent_again_once_however_often_that_is_pressed(
    service: RunService, fake: FakeKie, values: dict[str, Any]
) -> None:
    """Pressing in two windows at the same moment does not pay twice more."""
    old = await of_unknown_outcome(service, fake, values)
    tries = await asyncio.gather(
        *(service.send_again(OWNER, old.id) for _ in range(5)), return_exceptions=True
    )
    assert sum(isinstance(outcome, Run) for outcome in tries) == 1
    assert sum(isinstance(outcome, WrongStep) for outcome in tries) == 4
    with pytest.raises(WrongStep, match="already been sent again"):
        await service.send_again(OWNER, old.id)
    for run in await service.recent(OWNER, 9):
        await reached(service, run, Step.DONE, Step.UNKNOWN)
    assert fake.counts["create"] == 2


async def test_only_what_is_of_unknown_outcome_is_sent_again(
    service: RunService, fake: FakeKie, values: dict[str, Any], backends: Backends
) -> None:
    """A run that is known to be done, or whose task is known, is not; nor someone else's."""
    done = await press(service, values, Step.DONE)
    with pytest.raises(WrongStep):
        await service.send_again(OWNER, done.id)
    old = await of_unknown_outcome(service, fake, values)
    with pytest.raises(UnknownRun):
        await service.send_again("eve", old.id)
    backends.forget_key(OWNER)
    with pytest.raises(KeyMissing):
        await service.send_again(OWNER, old.id)
    assert len(await service.recent(OWNER, 9)) == 2


async def test_a_missing_task_is_asked_about_again_and_not_sent_again(
    service: RunService, fake: FakeKie, fast: FastClock, values: dict[str, Any]
) -> None:
    """A run with a task id may have been paid: the sentence says what to do instead."""
    run = await missing(service, fake, fast, values)
    with pytest.raises(WrongStep, match="ask Kie about it again"):
        await service.send_again(OWNER, run.id)
