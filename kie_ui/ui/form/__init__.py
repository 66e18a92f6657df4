"""A spec → widgets → values."""
