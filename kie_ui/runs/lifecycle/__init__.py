"""One coroutine a run: from its press to its result."""
