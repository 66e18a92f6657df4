from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kie_ui.media.recipe import read_recipe
from kie_ui.runs import retention
from kie_ui.runs.errors import UnknownRun, WrongStep
from kie_ui.runs.run import Run, Step
from kie_ui.runs.service import Limits, RunService
from kie_ui.runs.storage.run_store import TRASH_KEPT_MS
from kie_ui.runs.storage.search import HistoryQuery
from tests.runs.harness import GROK, KEY, OWNER, FastClock, Restart, files_below, press, until

LIMITS = Limits()


async def made(service: RunService, values: dict[str, Any], prompt: str = "A fox.") -> Run:
    """Press Generate and wait for the clip, and for its still."""
    run = await press(service, values | {"prompt": prompt}, Step.DONE)
    await until(lambda: run.id not in service._engine._running)
    return await service.run(OWNER, run.id)


async def test_a_clip_carries_its_recipe_and_has_a_poster(
    service: RunService, values: dict[str, Any]
) -> None:
    """How it was made is in the file, by names alone; neither key nor owner is."""
    run = await made(service, values)
    kept = service.clip_of(await service.run(OWNER, run.id))
    recipe = read_recipe(kept)
    assert recipe is not None
    assert (recipe.model, recipe.task_id) == (GROK, run.task_id)
    assert recipe.values == {**run.values, "image_urls": ["given.png"]}
    assert KEY.encode() not in kept.read_bytes()
    assert run.clips[0].size_bytes == kept.stat().st_size
    assert (await service.history.poster_file(OWNER, run.id)).suffix == ".webp"


@pytest.mark.parametrize("fault", ["write_recipe", "make_poster"])
async def test_what_fails_beside_a_clip_never_costs_it(
    service: RunService,
    values: dict[str, Any],
    fault: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Whatever goes wrong with a recipe or a poster is said in the log; the clip is kept."""

    def fail(*_args: object, **_options: object) -> None:
        raise MemoryError("planted")

    home = {"write_recipe": "recipe", "make_poster": "poster"}[fault]
    monkeypatch.setattr(f"kie_ui.media.{home}.{fault}", fail)
    run = await made(service, values)
    if fault == "make_poster":
        with pytest.raises(WrongStep, match="no picture"):
            await service.history.poster_file(OWNER, run.id)
    assert service.clip_of(await service.run(OWNER, run.id)).is_file()
    assert "planted" in caplog.text


async def test_what_was_deleted_is_gone_for_good_after_its_hour(
    service: RunService, fast: FastClock, values: dict[str, Any], tmp_path: Path
) -> None:
    """Row, words, clip, poster and picture go; what another run uses stays, and so do the sums."""
    first, second = await made(service, values), await made(service, values, "A cat.")
    await service.history.delete(OWNER, [first.id])
    await service._retention.empty_trash()
    assert await service.history.restore(OWNER, [first.id]) == (first.id,)
    await service.history.delete(OWNER, [first.id])
    fast.jump(TRASH_KEPT_MS / 1000 + 1)
    await service._retention.empty_trash()
    with pytest.raises(UnknownRun):
        await service.history.restore(OWNER, [first.id])
    assert not files_below(tmp_path / "files", f"{first.id}*")
    assert (await service.input_file(OWNER, second.id, second.files[0].path)).is_file()
    assert (await service.history.page(OWNER, HistoryQuery("fox"))).runs == ()
    (day,) = await service.history.spending(OWNER)
    assert day.runs == 2


async def test_a_picture_that_was_just_given_again_outlives_its_last_run(
    service: RunService,
    fast: FastClock,
    values: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A run that is only coming may use it; once none came, it goes."""
    run = await made(service, values)
    await service.history.delete(OWNER, [run.id])
    fast.jump(TRASH_KEPT_MS / 1000 + 1)
    await service._retention.empty_trash()
    assert files_below(tmp_path / "files" / "inputs")
    monkeypatch.setattr("kie_ui.runs.retention.JUST_GIVEN_S", -1.0)
    await service._retention.empty_trash()
    assert not files_below(tmp_path / "files" / "inputs")


async def test_the_oldest_clips_are_dropped_first_and_never_a_favourites(
    restart: Restart, values: dict[str, Any], tmp_path: Path
) -> None:
    """The record stays and says so, with its poster; the newest run keeps its clip."""
    service = await restart()
    runs = [await made(service, values, f"Fox {number}.") for number in range(4)]
    await service.history.change(OWNER, runs[0].id, is_favourite=True)
    await service._retention._measure_files()
    used = await service._store.read(retention.stored_bytes)
    folders = (tmp_path / "files" / kind for kind in ("clips", "posters", "inputs"))
    assert used == sum(path.stat().st_size for folder in folders for path in files_below(folder))
    service = await restart(replace(LIMITS, max_disk_bytes=used - 1))
    await service._retention.keep_disk_limit()
    assert await _dropped(service, runs) == [False, True, False, False]
    with pytest.raises(WrongStep, match="disk limit"):
        service.clip_of(await service.run(OWNER, runs[1].id))
    assert (await service.history.poster_file(OWNER, runs[1].id)).is_file()
    service = await restart(replace(LIMITS, max_disk_bytes=1))
    await service._retention.keep_disk_limit()
    assert await _dropped(service, runs) == [False, True, True, False]


async def test_a_deleted_run_keeps_its_clip_and_does_not_stop_the_limit(
    restart: Restart, fast: FastClock, values: dict[str, Any]
) -> None:
    """Until it is gone for good it can be restored whole; the next oldest gives way."""
    service = await restart()
    runs = [await made(service, values, f"Fox {number}.") for number in range(3)]
    fast.speed = 1  # the hour in the trash would pass within seconds
    await service.history.delete(OWNER, [runs[0].id])
    service = await restart(replace(LIMITS, max_disk_bytes=1))
    await service._retention.keep_disk_limit()
    assert await _dropped(service, runs[1:]) == [True, False]
    service = await restart()
    await service.history.restore(OWNER, [runs[0].id])
    assert service.clip_of(await service.run(OWNER, runs[0].id)).is_file()


async def test_results_from_before_sizes_were_saved_are_measured(
    restart: Restart, values: dict[str, Any]
) -> None:
    """Results of older databases count for the disk limit as well."""
    service = await restart(replace(LIMITS, max_disk_bytes=10**9))
    run = await made(service, values)
    unmeasured = [clip.model_copy(update={"size_bytes": None}) for clip in run.clips]
    await service._store.change(run.id, clips=tuple(unmeasured))
    service = await restart(replace(LIMITS, max_disk_bytes=10**9))
    await service._retention.keep_disk_limit()
    assert (await service.run(OWNER, run.id)).clips == run.clips


async def test_the_limit_is_kept_after_each_fetch(restart: Restart, values: dict[str, Any]) -> None:
    """A clip that comes makes room for itself."""
    service = await restart(replace(LIMITS, max_disk_bytes=1))
    first = await made(service, values)
    await made(service, values, "A cat.")
    async with service.subscribe(OWNER) as changed:
        while not (await service.run(OWNER, first.id)).clips[0].is_dropped:
            await anext(changed)


async def _dropped(service: RunService, runs: list[Run]) -> list[bool]:
    return [(await service.run(OWNER, run.id)).clips[0].is_dropped for run in runs]
