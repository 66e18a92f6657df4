"""One coroutine per run, from submitting it to its stored result."""
