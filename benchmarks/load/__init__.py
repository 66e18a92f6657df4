"""A thousand runs at once: Kie UI beside a plain Gradio app, under the same load."""
