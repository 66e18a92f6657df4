"""What can go wrong with runs themselves, apart from what Kie says.

* RunsProblem
  x UnknownRun     there is no such run, or it is someone else's
  x KeyMissing     a live run was asked for without a key
  x WrongStep      what was asked for makes no sense at the run's present step
  x StoreProblem   the database cannot be read or written
"""

from __future__ import annotations


class RunsProblem(Exception):
    """The text is a sentence for the person."""


class UnknownRun(RunsProblem):
    """There is no such run, or it is someone else's: the two are told apart for nobody."""

    def __init__(self) -> None:
        super().__init__("There is no such run.")


class KeyMissing(RunsProblem):
    """A live run was asked for, and there is no key to make it with."""

    def __init__(self, *, of_server: bool = False) -> None:
        super().__init__(
            "The server's Kie API key, which pays for this, is gone."
            if of_server
            else "There is no Kie API key: enter one, or use the demo."
        )


class WrongStep(RunsProblem):
    """What was asked for makes no sense at the run's present step."""


class StoreProblem(RunsProblem):
    """The database of runs cannot be opened, read or written."""
