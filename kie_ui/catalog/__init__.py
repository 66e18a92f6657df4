"""What models accept, as data: no network, no Gradio."""
