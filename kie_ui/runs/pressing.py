"""A press → a run that is kept, and goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from kie_ui.catalog.registry import Catalog
from kie_ui.media.storage import explain_os_error
from kie_ui.runs.backends import Backends
from kie_ui.runs.errors import KeyMissing, StoreProblem
from kie_ui.runs.intake import Intake, Taken
from kie_ui.runs.journal import Journal
from kie_ui.runs.journeys import Journeys
from kie_ui.runs.quota import Quota
from kie_ui.runs.run import BackendKind, Payer, Run, Step, StepChange


class Pressing:
    """Takes presses in, for the process that will hold their runs."""

    def __init__(
        self,
        catalog: Catalog,
        backends: Backends,
        journal: Journal,
        journeys: Journeys,
        intake: Intake,
        quota: Quota,
        holder: str,
    ) -> None:
        self._catalog = catalog
        self._backends = backends
        self._journal = journal
        self._journeys = journeys
        self._intake = intake
        self._quota = quota
        self._holder = holder

    async def press(
        self, owner: str, model: str, values: Mapping[str, Any], backend: BackendKind
    ) -> Run:
        """Check and keep a new run, and have it go on; see `RunService.submit`.

        Raises: InvalidValues, UnknownModel, KeyMissing, QuotaUsedUp, StoreProblem.
        """
        spec = self._catalog.of(owner).spec(model)
        paid_by = await self._payer(owner, backend)
        try:
            taken = await self._intake.take(spec, values)
        except OSError as exc:
            raise StoreProblem(explain_os_error(exc)) from exc
        new = self._new_run(owner, model, taken, backend, paid_by)
        # Kept and gone on with, both or neither: a press that is broken off in between would
        # otherwise be a run that surprises at the next start.
        return await asyncio.shield(self._keep_and_go_on(new))

    async def press_again(self, old: Run) -> Run:
        """Make a new run of one of unknown fate, paid by the same key; see `RunService.send_again`.

        Raises: WrongStep, KeyMissing, QuotaUsedUp, StoreProblem.
        """
        paid_by = await self._payer(old.owner, old.backend, old.paid_by)
        taken = Taken(old.values, old.notices, old.changes, old.estimated_credits)
        new = self._new_run(old.owner, old.model, taken, old.backend, paid_by)
        new = new.model_copy(update={"uploads": old.uploads})
        return await asyncio.shield(self._replace_and_go_on(old, new))

    async def _keep_and_go_on(self, new: Run) -> Run:
        async with self._quota.counting(new):
            run = await self._journal.add(new)
        self._journeys.go_on(run)
        return run

    async def _replace_and_go_on(self, old: Run, new: Run) -> Run:
        async with self._quota.counting(new):
            new = await self._journal.add_in_place_of(old, new)
        self._journeys.go_on(new)
        return new

    async def _payer(
        self, owner: str, backend: BackendKind, settled: Payer | None = None
    ) -> Payer | None:
        """Settle whose key pays for a run. Raises: KeyMissing."""
        paid_by = settled or self._backends.payer(owner, backend)
        if await self._backends.backend(owner, backend, paid_by) is None:
            raise KeyMissing(of_server=paid_by == "server")
        return paid_by

    def _new_run(
        self,
        owner: str,
        model: str,
        taken: Taken,
        backend: BackendKind,
        paid_by: Payer | None,
    ) -> Run:
        now_ms = self._journal.clock.now_ms()
        return Run(
            id=uuid4().hex,
            owner=owner,
            holder=self._holder,
            backend=backend,
            paid_by=paid_by,
            model=model,
            values=taken.values,
            notices=taken.notices,
            changes=taken.changes,
            estimated_credits=taken.estimated_credits,
            step_changes=(StepChange(Step.PREPARING, now_ms),),
            created_at_ms=now_ms,
            updated_at_ms=now_ms,
        )
