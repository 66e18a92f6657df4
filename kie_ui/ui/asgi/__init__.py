"""Middleware in front of the page."""
