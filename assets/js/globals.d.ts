interface Window {
  /** Gradio's description of the page; missing on the page of the login. */
  gradio_config?: {
    root?: string;
    api_prefix?: string;
    components?: GradioComponent[];
  };
  /** Calls a function of ours that `main.js` lists: the only way in for Gradio's components. */
  kieUi(name: string, ...args: unknown[]): Promise<unknown>;
}

interface GradioComponent {
  id: number;
  type: string;
  props: { id?: string | null; elem_classes?: string[]; [name: string]: unknown };
}
