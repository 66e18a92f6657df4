"""Documentation pages of Kie's models → specs."""
