"""Pictures: opened, converted, encoded."""
