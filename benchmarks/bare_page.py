"""The least that a page with two tabs can be: what our start is measured against."""

import gradio as gr

with gr.Blocks() as page:
    for name in ("one", "two"):
        with gr.Tab(name):
            text = gr.Textbox(label="Text")
            gr.Button("Echo").click(lambda value: value, text, gr.Textbox(label="Echo"))

if __name__ == "__main__":
    page.launch()
