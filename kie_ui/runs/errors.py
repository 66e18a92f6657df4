"""What can go wrong with runs themselves, apart from what Kie says.

* RunsProblem
  x UnknownRun     there is no such run, or it is someone else's
  x KeyMissing     there is no key for a live run
  x WrongStep      this cannot be done at the run's present step
  x StoreProblem   the database cannot be read or written
"""

from __future__ import annotations


class RunsProblem(Exception):
    """The text is a sentence for the person."""


class UnknownRun(RunsProblem):
    """There is no such run, or it is another owner's: the sentence is the same."""

    def __init__(self) -> None:
        super().__init__("There is no such run.")


class KeyMissing(RunsProblem):
    """There is no key to make a live run with."""

    def __init__(self, *, of_server: bool = False) -> None:
        super().__init__(
            "The server's Kie API key, which pays for this, is gone."
            if of_server
            else "There is no Kie API key: enter one, or use the demo."
        )


class WrongStep(RunsProblem):
    """This cannot be done at the run's present step."""


class StoreProblem(RunsProblem):
    """The database of runs cannot be opened, read or written."""
