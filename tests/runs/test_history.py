from __future__ import annotations

import asyncio
import csv
import io
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kie_ui.catalog.values import FileRef
from kie_ui.media.export import Entry, zip_stream
from kie_ui.media.storage import Storage
from kie_ui.runs.clock import Clock
from kie_ui.runs.errors import UnknownRun, WrongStep
from kie_ui.runs.history import NAME_SEPARATOR, History, clip_name, clip_names, short_model
from kie_ui.runs.lifecycle.download import Posters
from kie_ui.runs.run import Clip, Run, Step
from kie_ui.runs.storage.run_store import RunStore, sqlite_url
from kie_ui.runs.storage.search import HistoryQuery
from kie_ui.runs.storage.tables import setting_of
from tests.runs.harness import OWNER, FastClock, a_run, make_older_database

DAY_MS = 24 * 3600 * 1000


def history_of(store: RunStore, folder: Path) -> History:
    """Return the history over a store, whose files lie in a folder."""
    storage = Storage(folder)
    return History(store, storage, Posters(store, storage))


@pytest.fixture
def history(store: RunStore, fast: FastClock, tmp_path: Path) -> History:
    """Return the history over an empty store."""
    store.clock = fast.clock
    return history_of(store, tmp_path / "files")


async def fill(store: RunStore, *prompts: str, **fields: Any) -> list[str]:
    """Keep a done run a prompt, and return their ids."""
    runs = [
        a_run(number, values={"prompt": prompt}, **{"step": Step.DONE, **fields})
        for number, prompt in enumerate(prompts, 1)
    ]
    return [(await store.add(run)).id for run in runs]


async def found(history: History, query: HistoryQuery, owner: str = OWNER) -> list[int]:
    """Return the numbers of all that a query finds, page by page."""
    numbers: list[int] = []
    before = None
    while True:
        page = await history.page(owner, query, before=before, limit=3)
        numbers += [int(run.id, 16) for run in page.runs]
        before = page.next
        if before is None:
            return numbers


@pytest.mark.parametrize(
    ("query_text", "numbers"),
    [
        ("", [5, 4, 3, 2, 1]),
        ("fox", [2, 1]),
        ("fo", [2, 1]),
        ("FÓX run", [2]),
        ("runs fox", [2]),
        ("ox", []),
        ('"fox" OR (cat*', []),
        ("NEAR(", [4]),
        ("女の", [3]),
        ("子", [3]),
        ("の女", []),
        ("🦊", [2]),
        ("l'ete", [5]),
        ("\0", [5, 4, 3, 2, 1]),
    ],
)
async def test_a_search_finds_what_it_says(
    history: History, store: RunStore, query_text: str, numbers: list[int]
) -> None:
    """Every word must occur, the last being only begun; nothing that is typed is an operator."""
    await fill(store, "A fox.", "The 🦊 fox runs", "女の子が走る", 'near the "cat"', "L’été")
    assert await found(history, HistoryQuery(query_text)) == numbers


async def test_filters_and_words_go_together(history: History, store: RunStore) -> None:
    """Models and states are alternatives among themselves; all kinds of filter must be met."""
    for number, (model, step) in enumerate(
        [("a/b", Step.DONE), ("c/d", Step.FAILED), ("a/b", Step.FAILED), ("a/b", Step.QUEUING)], 1
    ):
        await store.add(a_run(number, model=model, step=step, is_favourite=number == 3))
    assert await found(history, HistoryQuery(models=("a/b",))) == [4, 3, 1]
    assert await found(history, HistoryQuery(steps=(Step.FAILED, Step.DONE))) == [3, 2, 1]
    assert await found(history, HistoryQuery(steps=(Step.QUEUING, Step.DONE))) == [4, 1]
    assert await found(history, HistoryQuery(steps=(Step.WAITING,))) == []
    assert await found(history, HistoryQuery("wav", ("a/b",), (Step.FAILED,))) == [3]
    assert await found(history, HistoryQuery(only_favourites=True)) == [3]
    assert await history.models(OWNER) == ("a/b", "c/d")


_WORDS = st.text("ab éA女の🦊\"'*- ", max_size=6)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    prompts=st.lists(_WORDS, max_size=8),
    user_note=_WORDS,
    query_text=_WORDS,
    steps=st.lists(st.sampled_from(list(Step)), max_size=2),
    favourites=st.booleans(),
)
async def test_the_database_finds_what_looking_at_every_run_finds(
    tmp_path_factory: pytest.TempPathFactory,
    prompts: list[str],
    user_note: str,
    query_text: str,
    steps: list[Step],
    favourites: bool,  # noqa: FBT001 - hypothesis gives it
) -> None:
    """The index is a shortcut and nothing else, whatever is written and searched for."""
    folder = tmp_path_factory.mktemp("found")
    store = RunStore(sqlite_url(folder / "runs.sqlite3"), clock=Clock(now_ms=lambda: 5_000))
    await store.open()
    history = history_of(store, folder)
    runs = [
        a_run(
            number,
            values={"prompt": prompt},
            user_note=user_note if number % 2 else "",
            is_favourite=number % 3 == 0,
            step=list(Step)[number % len(Step)],
        )
        for number, prompt in enumerate(prompts)
    ]
    for run in runs:
        await store.add(run)
    query = HistoryQuery(query_text, steps=tuple(steps), only_favourites=favourites)
    expected = [int(run.id, 16) for run in reversed(runs) if _is_meant(run, query)]
    assert await found(history, query) == expected
    matching = await history.matching(OWNER, query, [run.id for run in runs])
    assert [int(run.id, 16) for run in matching] == expected
    await store.close()


def _is_meant(run: Run, query: HistoryQuery) -> bool:
    """Look at one run, as a person would."""
    text = _folded(f"{run.values['prompt']} {run.user_note}")
    pieces = _folded(query.text).split()
    words = text.split()
    spoken = all(
        piece in text if _is_unspaced(piece[0]) else piece in words for piece in pieces[:-1]
    ) and all(
        piece in text if _is_unspaced(piece[0]) else any(w.startswith(piece) for w in words)
        for piece in pieces[-1:]
    )
    at_step = not query.steps or run.step in query.steps
    return spoken and at_step and (run.is_favourite or not query.only_favourites)


def _folded(text: str) -> str:
    """Fold by hand what the alphabet above holds; runs of one script stand by themselves."""
    text = text.lower().replace("é", "e")
    for sign in "\"'*-":
        text = text.replace(sign, " ")
    parted = ""
    for before, each in zip(" " + text, text, strict=False):
        is_new = _is_unspaced(before) != _is_unspaced(each) or "🦊" in (before, each)
        parted += f" {each}" if is_new else each
    return parted


def _is_unspaced(character: str) -> bool:
    return character in "女の"


async def test_what_is_noted_is_found(history: History, store: RunStore) -> None:
    """The person's own words count like the prompt; what is rewritten is found no more."""
    (run_id,) = await fill(store, "A fox.")
    run = await history.change(OWNER, run_id, user_note="Best \ud800 of all", is_favourite=True)
    assert (run.user_note, run.is_favourite) == ("Best ? of all", True)
    assert await found(history, HistoryQuery("best fox")) == [1]
    await history.change(OWNER, run_id, user_note="", is_favourite=False)
    assert await found(history, HistoryQuery("best")) == []
    assert await found(history, HistoryQuery(only_favourites=True)) == []


async def test_a_run_that_ends_is_found_by_its_end(history: History, store: RunStore) -> None:
    """A filter by state follows the run."""
    (run_id,) = await fill(store, "A fox.", step=Step.GENERATING)
    await store.change(run_id, step=Step.DONE)
    assert await found(history, HistoryQuery(steps=(Step.DONE,))) == [1]
    assert await found(history, HistoryQuery(steps=(Step.GENERATING,))) == []


async def is_unknown(history: History, owner: str, run_id: str) -> None:
    """Claim that to an owner there is no such run, whatever is wanted of it."""
    for answer in (
        history.page(owner, HistoryQuery(), before=run_id),
        history.neighbours(owner, run_id, HistoryQuery()),
        history.change(owner, run_id, user_note="mine"),
        history.delete(owner, [run_id]),
        history.restore(owner, [run_id]),
        history.poster_file(owner, run_id),
        history.clip_entries(owner, [run_id]),
    ):
        with pytest.raises(UnknownRun):
            await answer


async def test_nothing_of_anyone_elses_is_found_or_changed(
    history: History, store: RunStore
) -> None:
    """To anyone but its owner there is no such run."""
    (run_id,) = await fill(store, "A fox.")
    assert await found(history, HistoryQuery("fox"), "eve") == []
    assert await history.models("eve") == ()
    await is_unknown(history, "eve", run_id)


async def test_neighbours_are_those_of_the_same_search(history: History, store: RunStore) -> None:
    """Arrow keys go through what is looked at, and stop at its ends."""
    ids = await fill(store, "fox 1", "cat", "fox 2", "fox 3")
    fox = HistoryQuery("fox")
    assert await history.neighbours(OWNER, ids[2], fox) == (ids[3], ids[0])
    assert await history.neighbours(OWNER, ids[3], fox) == (None, ids[2])
    assert await history.neighbours(OWNER, ids[0], HistoryQuery()) == (ids[1], None)


async def test_a_page_leaves_out_what_only_the_run_in_full_shows(
    history: History, store: RunStore
) -> None:
    """Raw records are read when a run is opened, not forty at a time."""
    run = await store.add(a_run(record={"state": "success"}, request={"a": 1}))
    (listed,) = (await history.page(OWNER, HistoryQuery())).runs
    assert listed == run.model_copy(update={"record": None, "request": None})


async def test_deleted_runs_are_nowhere_until_it_is_undone(
    history: History, store: RunStore
) -> None:
    """A deletion reaches open pages at once, and undoing it restores everything."""
    ids = await fill(store, "fox 1", "fox 2", task_id="task-1")
    with store.events.subscribe(OWNER) as changed:
        assert await history.delete(OWNER, ids) == tuple(ids)
        assert (await anext(changed)).deleted_at_ms is not None
    assert await found(history, HistoryQuery()) == await found(history, HistoryQuery("fox")) == []
    assert await store.runs_of(OWNER, limit=9) == ()
    assert await store.run_of_task(OWNER, "task-1") is None
    with pytest.raises(UnknownRun):
        await store.run(ids[0])
    with pytest.raises(UnknownRun):
        await store.change(ids[0], status_note="x")
    assert await history.delete(OWNER, ids) == ()
    assert await history.restore(OWNER, ids) == tuple(ids)
    assert await found(history, HistoryQuery("fox")) == [2, 1]
    assert (await store.run(ids[0])).deleted_at_ms is None


async def test_what_is_under_way_is_not_deleted(history: History, store: RunStore) -> None:
    """Of several the ended ones go; where none has ended, that is said."""
    (busy,) = await fill(store, "fox", step=Step.GENERATING)
    ended = (await store.add(a_run(7, step=Step.FAILED))).id
    assert await history.delete(OWNER, [busy, ended]) == (ended,)
    with pytest.raises(WrongStep):
        await history.delete(OWNER, [busy])


async def test_a_deletion_cannot_be_undone_once_the_files_may_be_gone(
    history: History, store: RunStore, fast: FastClock
) -> None:
    """After an hour the run is gone; until then it can be restored."""
    ids = await fill(store, "fox")
    await history.delete(OWNER, ids)
    fast.jump(3_500)
    assert await history.restore(OWNER, ids) == tuple(ids)
    await history.delete(OWNER, ids)
    fast.jump(3_601)
    with pytest.raises(UnknownRun):
        await history.restore(OWNER, ids)


async def test_spending_is_added_up_by_day_and_model(
    history: History, store: RunStore, fast: FastClock
) -> None:
    """Days are those of the person; failed runs cost what their records say; a demo costs none.

    What was cancelled before it was sent is no run that could have cost something.
    """
    now_ms = fast.now_ms()
    noon_ms = now_ms // DAY_MS * DAY_MS + DAY_MS // 2 - DAY_MS
    made: list[dict[str, Any]] = [
        {"step": Step.DONE, "credits_used": 10.5, "created_at_ms": noon_ms},
        {"step": Step.FAILED, "credits_used": 0.0, "created_at_ms": noon_ms + 1},
        {"step": Step.DONE, "created_at_ms": noon_ms + 2},
        {"step": Step.DONE, "credits_used": 2, "created_at_ms": noon_ms - DAY_MS, "model": "x/y"},
        {"step": Step.DONE, "credits_used": 99, "created_at_ms": noon_ms, "backend": "demo"},
        {"step": Step.DONE, "credits_used": 99, "created_at_ms": noon_ms - 40 * DAY_MS},
        {"step": Step.CANCELLED, "created_at_ms": noon_ms + 3},
        {"step": Step.CANCELLED, "created_at_ms": noon_ms - 2 * DAY_MS},
    ]
    for number, fields in enumerate(made, 1):
        await store.add(a_run(number, **fields))
    newer, older = await history.spending(OWNER)
    assert (newer.runs, newer.credits, newer.failed_runs, newer.failed_credits) == (3, 10.5, 1, 0)
    assert (newer.unknown_runs, older.model, older.credits) == (1, "x/y", 2)
    shifted = await history.spending(OWNER, utc_offset_minutes=13 * 60)
    assert [day.date > newer.date for day in shifted] == [True, False]
    assert await history.spending("eve") == ()


async def add_timed(store: RunStore, seconds: int, **values: Any) -> None:
    """Keep a done run that took Kie so many seconds."""
    record = {"createTime": 1_000, "completeTime": 1_000 + seconds * 1_000}
    await store.add(a_run(seconds, step=Step.DONE, values=values, record=record))


async def test_usual_times_are_of_one_model_at_one_setting(
    history: History, store: RunStore
) -> None:
    """Kie's own times count; the prompt and the seed do not make another setting."""
    for number in range(1, 12):
        await add_timed(store, number, prompt=f"fox {number}", seed=number, duration="6")
    await store.add(a_run(99, step=Step.DONE, values={"duration": "10"}))
    usual = await history.usual_time(OWNER, a_run().model, {"prompt": "cat", "duration": "6"})
    assert usual is not None
    assert (usual.median_s, usual.low_s, usual.high_s, usual.runs) == (6, 2, 10, 11)
    assert await history.usual_time(OWNER, a_run().model, {"duration": "10"}) is None
    assert await history.usual_times(OWNER) == ((a_run().model, {"duration": "6"}, usual),)


def test_a_setting_is_what_the_time_depends_on() -> None:
    """Choices and numbers; no pictures, no free text, and no switches."""
    values = {
        "image_urls": (FileRef(path="a", name="a"),),
        "prompt": "dance",
        "seed": 5,
        "resolution": "480p",
        "camera_fixed": True,
        "style": "a long description of it all",
    }
    assert setting_of(values) == '{"resolution": "480p"}'


async def test_runs_with_and_without_a_still_camera_count_together(
    history: History, store: RunStore
) -> None:
    """A switch says what is made, not how long that takes."""
    for number, is_still in enumerate((True, False), 1):
        await add_timed(store, number, camera_fixed=is_still, duration="5")
    usual = await history.usual_time(OWNER, a_run().model, {"duration": "5", "camera_fixed": True})
    assert usual is not None
    assert usual.runs == 2
    assert [setting for _, setting, _ in await history.usual_times(OWNER)] == [{"duration": "5"}]


async def test_clips_are_taken_along_under_readable_names(
    history: History, store: RunStore, tmp_path: Path
) -> None:
    """Names say when, with what and from which words; the table has the rest."""
    clips = (Clip(name="clips/a.mp4"), Clip(name="clips/b.mp4", is_dropped=True))
    values = {"prompt": "=A fox/", "image_urls": (FileRef(path="inputs/a/b.png", name="fox.png"),)}
    await store.add(a_run(1, step=Step.DONE, clips=clips, values=values, task_id="t1"))
    clip, table = await history.clip_entries(OWNER, [f"{1:032x}"])
    assert clip.source == tmp_path / "files" / "clips" / "a.mp4"
    assert clip.name == "1970-01-01 00.00.01 grok-imagine =A fox 000000.mp4"
    assert clip.name == clip_name(await store.run(f"{1:032x}"), 0, ".mp4")
    assert isinstance(table.source, bytes)
    (row,) = csv.DictReader(io.StringIO(table.source.decode("utf-8-sig")))
    assert (row["file"], row["image_urls"], row["prompt"]) == (clip.name, "fox.png", "'=A fox/")
    assert OWNER not in row.values()


async def taken_along(history: History, runs: list[Run]) -> tuple[list[str], list[str]]:
    """Return the names in the table, and those of the files in the archive."""
    entries = await history.clip_entries(OWNER, [run.id for run in runs])
    for entry in entries[:-1]:
        assert isinstance(entry.source, Path)
        entry.source.parent.mkdir(parents=True, exist_ok=True)
        entry.source.write_bytes(b"clip")
    table = entries[-1].source
    assert isinstance(table, bytes)
    lines = csv.DictReader(io.StringIO(table.decode("utf-8-sig"), newline=""))
    listed = [name for line in lines for name in line["file"].split(NAME_SEPARATOR) if name]
    with zipfile.ZipFile(io.BytesIO(b"".join(zip_stream(entries)))) as archive:
        return listed, archive.namelist()[:-1]


def with_clips(number: int, prompt: str, clips: int = 1, run_id: str = "", **fields: Any) -> Run:
    """Return a done run of the very same second, with so many clips."""
    run_id = run_id or f"{number:032x}"
    names = [Clip(name=f"clips/{run_id}{index}.mp4") for index in range(clips)]
    made = {"values": {"prompt": prompt}, "created_at_ms": 1_000, "clips": tuple(names)}
    return a_run(number, id=run_id, step=Step.DONE, **{**made, **fields})


async def test_the_table_calls_each_clip_as_the_archive_does(
    history: History, store: RunStore
) -> None:
    """Equal long prompts in one second, several clips of one run, any script: none is mixed up."""
    long = "狐が森を走る " * 40
    runs = [with_clips(n, long, 3, f"{n:06x}{0:026x}") for n in range(1, 5)]
    runs += [with_clips(n, long) for n in (7, 8)]  # ids that begin alike
    runs.append(with_clips(9, "A fox; a cat | a dog.", 2, model="someone/" + "long-" * 30))
    for run in runs:
        await store.add(run)
    listed, kept = await taken_along(history, runs)
    assert listed == kept
    assert len({name.casefold() for name in kept}) == 16
    assert listed[1] == clip_name(runs[0], 1, ".mp4")
    assert listed[1].endswith(" 000001-2.mp4")
    assert "狐が森を走る 狐" in listed[0]


async def test_a_clip_keeps_its_name_when_another_of_its_run_is_dropped(
    history: History, store: RunStore
) -> None:
    """What was taken along before, and alone, is called the same now."""
    run = with_clips(1, "A fox.", 2)
    first = run.clips[0].model_copy(update={"is_dropped": True})
    run = await store.add(run.model_copy(update={"clips": (first, run.clips[1])}))
    listed, kept = await taken_along(history, [run])
    assert listed == kept == [clip_name(run, 1, ".mp4")]


@settings(max_examples=50, suppress_health_check=list(HealthCheck), deadline=None)
@given(
    made=st.lists(
        st.tuples(st.text() | st.just("🦊" * 60), st.integers(0, 3), st.text(max_size=30)),
        max_size=5,
    )
)
def test_whatever_the_prompt_the_table_and_the_archive_agree(
    made: list[tuple[str, int, str]],
) -> None:
    """Every name in the table is that of a file in the archive, and all are unique."""
    names: list[str] = []
    taken: set[str] = set()
    for number, (prompt, clips, model) in enumerate(made):
        run = with_clips(number, prompt, clips, model=model)
        names += clip_names(run, dict.fromkeys(range(clips), ".mp4"), taken)
    stream = zip_stream(Entry(name, b"", 1_000) for name in names)
    with zipfile.ZipFile(io.BytesIO(b"".join(stream))) as archive:
        assert archive.namelist() == names
    assert len({name.casefold() for name in names}) == len(names)
    assert all(NAME_SEPARATOR not in name for name in names)


@pytest.mark.parametrize(
    ("model", "short"),
    [
        ("grok-imagine/image-to-video", "grok-imagine"),
        ("bytedance/v1-lite-image-to-video", "v1-lite"),
        ("veo3", "veo3"),
        ("text-to-video", "text-to-video"),
        ("a/b/c", "c"),
    ],
)
def test_a_model_is_called_by_its_short_name(model: str, short: str) -> None:
    """The prompt needs the room more than the maker does."""
    assert short_model(model) == short


@pytest.mark.parametrize("run_id", ["\ud800", "", "x" * 32, "../etc", "a\0", "A" * 32, "é"])
async def test_an_id_that_is_none_is_an_unknown_run(history: History, run_id: str) -> None:
    """Half characters too: whatever comes from outside gets an answer."""
    await is_unknown(history, OWNER, run_id)
    assert await history.pictures_of_task(OWNER, run_id) == {}


async def test_runs_of_older_databases_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was kept before there was a history is found like the rest, once it is opened."""
    url = sqlite_url(tmp_path / "old.sqlite3")
    runs = [a_run(n, step=Step.DONE, values={"prompt": f"fox {n}"}) for n in (2, 1)]
    columns = make_older_database(monkeypatch, url, 5, *runs)
    assert "is_favourite" not in columns
    store = RunStore(url)
    await store.open()
    history = history_of(store, tmp_path)
    assert await found(history, HistoryQuery("fox")) == [2, 1]
    await store.close()


async def test_other_databases_look_through_the_runs(
    history: History, store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without SQLite's full-text search the same is found, if slower."""
    await fill(store, "A fox.", "A cat.", "Two foxes.")
    monkeypatch.setattr("kie_ui.runs.storage.search.has_words", lambda _connection: False)
    assert await found(history, HistoryQuery("fox")) == [3, 1]
    assert await found(history, HistoryQuery("a fox", steps=(Step.DONE,))) == [1]


async def test_searches_and_changes_do_not_disturb_each_other(
    history: History, store: RunStore
) -> None:
    """Pages are read while marks are written."""
    ids = await fill(store, *(f"fox {number}" for number in range(5)))
    await asyncio.gather(
        *(history.change(OWNER, run_id, is_favourite=True) for run_id in ids),
        *(history.page(OWNER, HistoryQuery("fox")) for _ in ids),
    )
    assert await found(history, HistoryQuery("fox", only_favourites=True)) == [5, 4, 3, 2, 1]
