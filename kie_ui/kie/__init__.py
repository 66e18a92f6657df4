"""Kie's remote API over HTTP, and nothing else."""
