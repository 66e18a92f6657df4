"""Kie UI: `python app.py` serves the playground; a Hugging Face Space runs this file as it is."""

import os

# No analytics are sent. Gradio reads this when it is imported.
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
# Nor are they summed up here, which would be repeated after every call.
os.environ.setdefault("GRADIO_ANALYTICS_CACHE_FREQUENCY", "1000000000")

from kie_ui.ui.app import launch

if __name__ == "__main__":
    launch()
