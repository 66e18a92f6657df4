"""Runs: kept in a database, and watched until they end."""
