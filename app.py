"""Kie UI: `python app.py` serves the playground; a Hugging Face Space runs this file as it is."""

import os

# Nothing is reported to anyone; Gradio reads this when it is imported.
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
# Nor is it counted here: a table of all calls would be summed up again after every one of them.
os.environ.setdefault("GRADIO_ANALYTICS_CACHE_FREQUENCY", "1000000000")

from kie_ui.ui.app import launch

if __name__ == "__main__":
    launch()
