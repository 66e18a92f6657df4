"""The database of runs, and everything that is read from it."""
