// Which models have a tab: a few places on the tab bar, in which any of them may stand. The bar shows
// it at once; the form is built when its tab is opened.
(() => {
  const kieUi = (window.kieUi ??= {});
  const KEPT = "slots";
  const AT_FIRST = 3; // tabs of added models in a browser that was never here
  const SLOT = "slot-";
  const STAND_IN = "newer-";
  const ARRANGE = "kie-arrange-tabs";
  const SLOW_MS = 8_000;

  // They stand in what Gradio builds the page from, so they are there from the first moment.
  const items = (window.gradio_config?.components ?? []).filter(
    ({ type, props }) => type === "tabitem" && typeof props.id === "string", // others are within tabs
  );
  const propsOf = new Map(items.map(({ props }) => [props.id, props]));
  let isEarly = true; // nothing was built yet; later nobody knows until the page is there
  const slots = [...propsOf.keys()].filter((id) => id.startsWith(SLOT));

  const isPlace = (held) => typeof held?.model === "string" && Number.isFinite(held.at);
  const recalled = kieUi.recall(KEPT);
  let places = recalled && new Map(Object.entries(recalled).filter(([id, held]) => slots.includes(id) && isPlace(held)));
  const everShown = new Set(items.filter(({ props }) => props.visible !== false).map(({ props }) => props.id));
  let shown = {}; // what the bar shows: id → its label, or null where there is none
  const wanted = new Map(); // place → what is built in it, as Gradio is told
  const visited = new Set(); // built-in models that are hidden, and were opened all the same
  const turns = new Map(); // place → how often a form was built in it

  const keep = () => kieUi.remember(KEPT, Object.fromEntries(places));
  const builtInTab = (entry) => (entry.is_replaced ? STAND_IN : "") + entry.tab;
  const slotOf = (model) => [...(places ?? [])].find(([, held]) => held.model === model)?.[0];
  const modelIn = (id) => places?.get(id)?.model ?? kieUi.models().find((entry) => entry.is_built_in && builtInTab(entry) === id)?.model;

  kieUi.tabOf = (model) => {
    const entry = kieUi.model(model);
    return entry?.is_built_in ? builtInTab(entry) : slotOf(model);
  };
  kieUi.isPlaceOnDemand = (id) => slots.includes(id) || Boolean(id?.startsWith(STAND_IN));

  // In a browser that was never here the first few of the list have one.
  function fillAtFirst() {
    if (places || !kieUi.modelsTold()) return;
    const added = kieUi.models().filter((entry) => !entry.is_built_in && !entry.is_hidden);
    places = new Map(added.slice(0, AT_FIRST).map(({ model }, index) => [slots[index], { model, at: 0 }]));
    if (added.length) keep();
    else places = null;
  }

  // What was removed meanwhile has no tab any more.
  function dropUnknown() {
    if (!places || !kieUi.modelsTold()) return;
    const gone = [...places].filter(([, { model }]) => !kieUi.model(model));
    gone.forEach(([id]) => places.delete(id));
    if (gone.length) keep();
  }

  function plan() {
    const labels = Object.fromEntries([...propsOf.keys()].filter(kieUi.isPlaceOnDemand).map((id) => [id, null]));
    for (const entry of kieUi.models()) {
      if (!entry.is_built_in) continue;
      const isShown = !entry.is_hidden || visited.has(entry.model);
      labels[entry.tab] = isShown && !entry.is_replaced ? entry.title : null;
      labels[STAND_IN + entry.tab] = isShown && entry.is_replaced ? entry.title : null;
    }
    for (const [id, { model }] of places ?? []) labels[id] = kieUi.titleOf(model);
    return labels;
  }

  // Before Gradio builds the page it is told in what it builds from; then by its own event.
  function draw() {
    fillAtFirst();
    dropUnknown();
    const next = plan();
    const hasChanged = JSON.stringify(next) !== JSON.stringify(shown);
    if (!refreshWanted() && !hasChanged) return;
    shown = next;
    for (const [id, label] of Object.entries(shown)) {
      const props = propsOf.get(id);
      if (!props) continue;
      Object.assign(props, label === null ? { visible: false } : { visible: true, label });
      if (label !== null) everShown.add(id);
      else if (isEarly) everShown.delete(id);
    }
    arrange();
    leaveVanished();
  }

  // Gradio takes a moment to do as it is told, and opens no tab that is not yet on the bar.
  const LATEST_MS = 3_000;
  let waiting = [];
  let arranged = Promise.resolve();
  function arrange() {
    if (!waiting.length) arranged = new Promise((resolve) => waiting.push(resolve));
    kieUi.pressOnceThere(ARRANGE);
  }
  kieUi.isArranged = () => waiting.splice(0).forEach((resolve) => resolve());
  kieUi.tabIsThere = async (id) => {
    if (!kieUi.isPlaceOnDemand(id)) return;
    const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
    await Promise.race([arranged, wait(LATEST_MS)]);
    for (let ms = 0; ms < LATEST_MS && !document.getElementById(id); ms += 30) await wait(30);
    await new Promise((resolve) => requestAnimationFrame(resolve));
  };

  // A tab that was on the bar is taken off it as hidden: of one that is merely not visible Gradio
  // keeps the name there.
  const update = (props) => ({ __type__: "update", ...props });
  const everWanted = new Set();
  function look(id) {
    if (shown[id]) everShown.add(id);
    else return update(everShown.has(id) ? { visible: "hidden" } : {});
    return update({ visible: true, label: shown[id] });
  }
  kieUi.arrangement = (tabs, onDemand) => [
    ...tabs.map(look),
    ...onDemand.map((id) => wanted.get(id) ?? (everWanted.has(id) ? "" : update({}))),
  ];

  // A form is built anew where another model, or a newer version of it, is to stand.
  const request = (model) => ({ model, digest: kieUi.model(model)?.digest });
  function refreshWanted() {
    let hasChanged = false;
    for (const [id, text] of wanted) {
      const model = modelIn(id);
      const { turn: _, ...built } = JSON.parse(text);
      if (model && JSON.stringify(built) === JSON.stringify(request(model))) continue;
      wanted.delete(id);
      if (model && id === kieUi.openTab()) want(id);
      hasChanged = true;
    }
    return hasChanged;
  }

  function want(id) {
    kieUi.saveDraft(modelIn(id));
    everWanted.add(id);
    turns.set(id, (turns.get(id) ?? 0) + 1);
    wanted.set(id, JSON.stringify({ ...request(modelIn(id)), turn: turns.get(id) }));
    const tab = document.getElementById(id);
    tab?.setAttribute("data-waiting", "");
    offerAgainSoon(id);
  }

  function offerAgainSoon(id) {
    const built = wanted.get(id);
    setTimeout(() => {
      const tab = document.getElementById(id);
      const again = tab?.querySelector(".kie-slot-waiting button");
      if (again && wanted.get(id) === built && isWaiting(tab)) again.hidden = false;
    }, SLOW_MS);
  }
  const isWaiting = (tab) => tab.hasAttribute("data-waiting") || !tab.querySelector(".kie-model, .kie-slot-gone");

  // Called whenever a tab is opened.
  kieUi.buildOpened = (id) => {
    const model = modelIn(id);
    if (model) kieUi.noteUsed(model);
    if (!kieUi.isPlaceOnDemand(id)) return;
    const held = places?.get(id);
    if (held) {
      held.at = Date.now();
      keep();
    }
    if (wanted.has(id) || !modelIn(id)) return;
    want(id);
    arrange();
  };

  kieUi.rebuildTab = (id) => {
    if (!kieUi.isPlaceOnDemand(id) || !modelIn(id)) return;
    want(id);
    arrange();
  };


  kieUi.slotIsBuilt = (id) => document.getElementById(id)?.removeAttribute("data-waiting");

  kieUi.mountWaiting = (element, id) => {
    const again = element.querySelector("button");
    again.addEventListener("click", () => {
      again.hidden = true;
      kieUi.rebuildTab(id);
    });
    if (kieUi.openTab() === id) kieUi.buildOpened(id);
  };

  // The one that was not looked at for the longest time makes room.
  function makeRoom() {
    const free = slots.find((id) => !places.has(id));
    if (free) return free;
    const [id, { model }] = [...places]
      .filter(([id]) => id !== kieUi.openTab())
      .reduce((oldest, place) => (place[1].at < oldest[1].at ? place : oldest));
    kieUi.say([`The tab of “${kieUi.titleOf(model)}” made room. What you typed in it is kept.`], { kind: "room" });
    return id;
  }

  kieUi.freePlaces = () => slots.length - (places?.size ?? 0);

  // Gives a model a tab if it has none, and tells which; nothing for one that is not here.
  kieUi.ensureTab = (model) => {
    const entry = kieUi.model(model);
    if (!entry) return undefined;
    if (entry.is_built_in) {
      if (entry.is_hidden) visited.add(model);
    } else if (!slotOf(model)) {
      places ??= new Map();
      const id = makeRoom();
      places.set(id, { model, at: Date.now() });
      keep();
    }
    draw();
    return kieUi.tabOf(model);
  };

  kieUi.hasOpenTab = (model) => Boolean(kieUi.model(model) && shown[kieUi.tabOf(model)]);

  kieUi.closeTab = (id) => {
    const model = modelIn(id);
    kieUi.saveDraft(model);
    places?.delete(id);
    visited.delete(model);
    if (places) keep();
    draw();
  };

  // A tab that is gone from under its reader leads to the one that took its place, or to the first.
  function leaveVanished() {
    const bar = document.querySelector(".kie-tabs [role=tablist]");
    const open = bar?.querySelector("[aria-selected=true]")?.dataset.tabId;
    if (!bar || (open !== undefined && shown[open] !== null)) return;
    const instead = kieUi.models().find(({ tab }) => tab && open?.endsWith(tab));
    const first = [...propsOf.keys()].find((id) => shown[id] !== null);
    kieUi.chooseTab(instead && shown[builtInTab(instead)] ? builtInTab(instead) : first);
  }

  kieUi.chooseTabOf = (model) => {
    const tab = kieUi.ensureTab(model);
    if (tab) kieUi.chooseTab(tab);
  };

  // The middle button closes a tab, as in browsers.
  document.addEventListener("auxclick", (event) => {
    const id = event.button === 1 && event.target.closest?.("[role=tab]")?.dataset.tabId;
    if (!id || !slots.includes(id)) return;
    event.preventDefault();
    kieUi.closeTab(id);
  });

  kieUi.openTab ??= () => undefined;
  kieUi.onModels(draw);
  isEarly = false;
  kieUi.mountSlots = async () => {
    arrange();
    await arranged;
    leaveVanished();
    kieUi.buildOpened(kieUi.openTab());
  };
})();
