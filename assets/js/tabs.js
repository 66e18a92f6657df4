// The tabs: which one is open, again after a refresh and after the browser's Back; and what they are called.
(() => {
  const kieUi = (window.kieUi ??= {});
  const KEPT = "tab";
  const ARRANGE = "kie-arrange-tabs";
  const ARRANGED_WITHIN_MS = 3_000;
  const FIXED = new Set(["more-models", "models", "history"]);

  // They stand in what Gradio builds the page from, so they are there from the first moment.
  const components = window.gradio_config?.components ?? [];
  const items = components.filter(({ type, props }) => type === "tabitem" && typeof props.id === "string"); // those within a tab have no id
  const propsOf = new Map(items.map(({ props }) => [props.id, props]));
  const isShown = (id) => propsOf.has(id) && propsOf.get(id).visible !== "hidden";
  const first = () => [...propsOf.keys()].find(isShown);

  let open = null;
  let wanted = null;
  const listeners = new Set();

  // The first of them, as long as nobody has chosen another.
  kieUi.openTab = () => open ?? first();
  kieUi.onTab = (listener) => listeners.add(listener);
  kieUi.keepTab = (name) => {
    open = name;
    kieUi.remember(KEPT, name);
    const entry = kieUi.models().find(({ tab }) => tab === name && !FIXED.has(name));
    if (entry) kieUi.noteUsed(entry.model);
    listeners.forEach((listener) => listener(name));
    // An entry that leads to a tab leads to the one that was last open in it.
    if (history.state?.kieTab) history.replaceState({ ...history.state, kieTab: name }, "");
  };
  kieUi.chooseTab = async (name) => {
    wanted = name;
    await arranged;
    if (wanted === name) document.getElementById("kie-choose-tab")?.click();
  };
  kieUi.chosenTab = () => [{ __type__: "update", selected: wanted }];

  // A hidden model's tab is off the bar unless something led there; a renamed one's has its name.
  const visited = new Set();
  const labelOf = (id) => {
    const entry = kieUi.models().find(({ tab }) => tab === id);
    return entry && (!entry.is_hidden || visited.has(entry.model)) ? entry.title : null;
  };

  let isEarly = true; // Gradio has not yet built the page
  let arranged = Promise.resolve();
  let tabsAreArranged = null;
  kieUi.tabsAreArranged = () => tabsAreArranged?.();
  kieUi.tabUpdates = (ids) => ids.map((id) => ({ __type__: "update", visible: propsOf.get(id).visible ?? true, label: propsOf.get(id).label }));

  // Before Gradio builds the page, its configuration is changed; afterwards its own event, which takes a moment.
  function draw() {
    if (!kieUi.models().length) return;
    let hasChanged = false;
    for (const [id, props] of propsOf) {
      const label = FIXED.has(id) ? props.label : labelOf(id);
      const next = label === null ? { visible: "hidden" } : { visible: true, label };
      hasChanged ||= Object.entries(next).some(([name, value]) => props[name] !== value);
      Object.assign(props, next);
    }
    if (!hasChanged || isEarly) return;
    const isDone = new Promise((resolve) => (tabsAreArranged = resolve));
    arranged = Promise.race([isDone, new Promise((resolve) => setTimeout(resolve, ARRANGED_WITHIN_MS))]);
    kieUi.pressOnceThere(ARRANGE);
    if (open && !isShown(open)) kieUi.chooseTab(first());
  }
  kieUi.onModels(draw);
  isEarly = false;

  // The tab with the form of a model, which is about to be opened; nothing for one that is not here.
  function readyTab(model) {
    const tab = kieUi.tabOf(model);
    if (kieUi.model(model)?.is_hidden) {
      visited.add(model);
      draw();
    }
    if (tab === "more-models") kieUi.pickModel(model);
    return tab;
  }
  kieUi.goToModel = (model) => kieUi.goToTab(readyTab(model));
  kieUi.chooseModel = (model) => {
    const tab = readyTab(model);
    if (tab) kieUi.chooseTab(tab);
  };

  const remembered = kieUi.recall(KEPT);
  open = isShown(remembered) ? remembered : null;
  const tabs = components.find(({ props }) => props.elem_classes?.includes("kie-tabs"));
  if (tabs) tabs.props.selected = kieUi.openTab(); // Gradio would open the first one even where it is hidden

  // To another tab, with a way back: Back leads to the tab that was open, and to the run in it.
  kieUi.goToTab = (name) => {
    if (!name) return;
    const from = kieUi.openTab();
    if (name === from) return kieUi.closeRun?.();
    history.replaceState({ ...history.state, kieTab: from }, "");
    kieUi.leaveRun?.();
    history.pushState({ kieTab: name }, "", kieUi.runLink(null));
    kieUi.chooseTab(name);
  };
  addEventListener("popstate", ({ state }) => {
    if (isShown(state?.kieTab) && state.kieTab !== kieUi.openTab()) kieUi.chooseTab(state.kieTab);
  });
})();
