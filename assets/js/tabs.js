// Which tab is open: open again after a refresh, and after the browser's Back.
(() => {
  const kieUi = (window.kieUi ??= {});
  const KEPT = "tab";

  // It stands in what Gradio builds the page from, so it is there from the first moment.
  const components = () => window.gradio_config?.components ?? [];
  const isName = (id) => typeof id === "string"; // those within a tab have none
  const items = () =>
    components()
      .filter(({ type, props }) => type === "tabitem" && isName(props.id) && props.visible !== false)
      .map(({ props }) => props.id);
  const isTab = (name) => items().includes(name);

  let open = null;
  let wanted = null;

  // The first of them, as long as nobody has chosen another.
  kieUi.openTab = () => open ?? items()[0];
  kieUi.keepTab = (name) => {
    open = name;
    kieUi.remember(KEPT, name);
    kieUi.buildOpened(name);
    // An entry that leads to a tab leads to the one that was last open in it.
    if (history.state?.kieTab) history.replaceState({ ...history.state, kieTab: name }, "");
  };
  kieUi.chooseTab = async (name) => {
    wanted = name;
    await kieUi.tabIsThere(name);
    if (wanted === name) document.getElementById("kie-choose-tab")?.click();
  };
  kieUi.chosenTab = () => [{ __type__: "update", selected: wanted }];

  const remembered = kieUi.recall(KEPT);
  const tabs = components().find(({ props }) => props.elem_classes?.includes("kie-tabs"));
  if (tabs && isTab(remembered)) {
    tabs.props.selected = remembered;
    open = remembered;
  } else if (tabs) {
    tabs.props.selected = items()[0]; // Gradio would open the first one even where it is hidden
  }

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
    if (isTab(state?.kieTab) && state.kieTab !== kieUi.openTab()) kieUi.chooseTab(state.kieTab);
  });
})();
