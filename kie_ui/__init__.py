"""Kie UI: a browser playground for Kie's generation API."""

__version__ = "0.2.0"
