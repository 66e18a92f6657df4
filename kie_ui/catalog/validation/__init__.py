"""Values → problems in words."""
