"""Models that people added: kept, shared, sanitized."""
