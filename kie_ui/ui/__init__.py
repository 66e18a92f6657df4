"""The Gradio page, and only Gradio."""
