// New runs: at the top of the list they come in by themselves. Whoever has scrolled down finds
// nothing moved under the pointer: they wait behind a button above the grid.
(() => {
  const kieUi = (window.kieUi ??= {});
  const { h, number } = kieUi;

  class Arrivals {
    // `top` is what stands above `list`; `insert` takes a run in.
    constructor({ top, list, insert, goToTop }) {
      this.list = list;
      this.insert = insert;
      this.held = new Map();
      this.button = h("button", { type: "button", class: "kie-button kie-primary" });
      this.button.addEventListener("click", () => {
        this.letIn();
        goToTop();
      });
      this.node = h("div", { class: "kie-arrivals", role: "status", hidden: true }, this.button);
      new IntersectionObserver(([entry]) => entry.isIntersecting && this.letIn()).observe(top);
    }

    take(run) {
      const isScrolled = this.list.checkVisibility() && this.list.getBoundingClientRect().top < 0;
      if (!isScrolled && !this.held.size) return this.insert(run);
      this.held.set(run.id, run);
      this.draw();
    }

    drop(id) {
      if (this.held.delete(id)) this.draw();
    }

    clear() {
      this.held.clear();
      this.draw();
    }

    letIn() {
      const runs = [...this.held.values()];
      this.clear();
      runs.forEach((run) => this.insert(run));
    }

    draw() {
      const count = this.held.size;
      this.node.hidden = count === 0;
      this.button.textContent = `${number(count)} new ${count === 1 ? "run" : "runs"}`;
    }
  }
  kieUi.Arrivals = Arrivals;
})();
