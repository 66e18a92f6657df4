"""The simulator's side of Kie's wire protocol."""
