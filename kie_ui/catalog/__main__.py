"""Models from the command line: `python -m kie_ui.catalog import PAGE…`."""

from __future__ import annotations

import sys

from kie_ui.catalog.cli import main

if __name__ == "__main__":
    sys.exit(main())
