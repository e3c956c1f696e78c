// The panel of a drill in the browser: plain DOM, no library, nothing from a network.
//
// The kernel says what there is: parts of HTML that are safe to insert, buttons, one open form, a line of status.
// The browser changes only what differs. Rows carry `data-key`, so that a focused button, a selected id and an open
// fold survive every update.

const TEXT = 3;

function make(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

/** Make `node` hold this HTML by changing what differs; what was focused in it stays so, wherever it moves. */
function patch(node, html) {
  const wanted = document.createElement("template");
  wanted.innerHTML = html;
  for (const scroller of wanted.content.querySelectorAll('[data-key^="scrolls"]')) {
    scroller.tabIndex = 0; // who has no mouse scrolls it, too
    scroller.setAttribute("role", "group");
    scroller.setAttribute("aria-label", scroller.querySelector("caption").textContent);
  }
  const focused = node.contains(document.activeElement) ? document.activeElement : null;
  patchChildren(node, wanted.content);
  if (focused?.isConnected) focused.focus({ preventScroll: true });
}

function patchChildren(node, wanted) {
  const keyed = new Map();
  for (const child of node.children) if (child.dataset.key) keyed.set(child.dataset.key, child);
  let place = node.firstChild;
  for (const child of [...wanted.childNodes]) {
    const found = counterpart(place, child, keyed);
    if (!found) {
      node.insertBefore(child, place);
      continue;
    }
    if (found === place) place = place.nextSibling;
    else node.insertBefore(found, place);
    patchNode(found, child);
  }
  while (place) {
    const next = place.nextSibling;
    place.remove();
    place = next;
  }
}

function counterpart(place, child, keyed) {
  const key = child.dataset?.key;
  if (key) return keyed.get(key);
  return place && !place.dataset?.key && place.nodeName === child.nodeName ? place : null;
}

function patchNode(node, wanted) {
  if (node.isEqualNode(wanted)) return;
  if (node.nodeType === TEXT) {
    node.data = wanted.data;
    return;
  }
  for (const { name } of [...node.attributes]) {
    if (!wanted.hasAttribute(name) && name !== "open") node.removeAttribute(name); // a person opened it
  }
  for (const { name, value } of wanted.attributes) {
    if (node.getAttribute(name) !== value) node.setAttribute(name, value);
  }
  patchChildren(node, wanted);
}

/** The parts of the board, one node each; a part that is the same string is not even looked at. */
function drawParts(node, parts, drawn) {
  while (node.children.length > parts.length) node.lastChild.remove();
  parts.forEach((html, index) => {
    if (!node.children[index]) node.append(make("div", { class: "drs-part" }));
    if (drawn[index] !== html) patch(node.children[index], html);
  });
  return [...parts];
}

/** For a narrow window, where each row is a block: the head of its column before each cell, once for tables alike. */
function tellHeads(board, sheet) {
  const rules = new Map();
  for (const scroller of board.querySelectorAll('[data-key^="scrolls"]')) {
    const { key } = scroller.dataset;
    if (rules.has(key)) continue;
    const heads = [...scroller.querySelectorAll("thead th")].slice(1);
    rules.set(key, heads.map(({ textContent }, index) =>
      `.drs-panel [data-key="${key}"] td:nth-child(${index + 2})::before { content: ${JSON.stringify(`${textContent}: `)}; }`
    ).join("\n"));
  }
  const told = `@media (max-width: 700px) {\n${[...rules.values()].join("\n")}\n}`;
  if (sheet.textContent !== told) sheet.textContent = told;
}

function drawButtons(bar, buttons, send) {
  const focused = bar.contains(document.activeElement) ? document.activeElement : null;
  const wanted = new Set(buttons.map(({ key }) => key));
  for (const node of [...bar.children]) if (!wanted.has(node.dataset.key)) node.remove();
  const present = new Map([...bar.children].map((node) => [node.dataset.key, node]));
  buttons.forEach((button, index) => {
    let node = present.get(button.key);
    if (!node) {
      node = make("button", { type: "button", "data-key": button.key, class: `drs-button drs-${button.key}` });
      node.addEventListener("click", () => send({ do: "press", key: button.key }));
    }
    if (bar.children[index] !== node) bar.insertBefore(node, bar.children[index] ?? null);
    if (node.textContent !== button.label) node.textContent = button.label;
    node.dataset.tone = button.tone;
    node.disabled = button.disabled;
  });
  bar.hidden = buttons.length === 0;
  if (focused) focusNear(focused, bar); // its button went: stay where one was
}

/** The focus to a button, else to the row where it stood, else to the panel: the browser would drop it. */
function focusNear(button, bar) {
  const home = bar.hidden ? bar.closest(".drs-panel") : button?.isConnected && !button.disabled ? button : bar;
  home.focus({ preventScroll: true });
}

function drawSelects(node, selects, send) {
  const present = new Map([...node.children].map((child) => [child.dataset.key, child]));
  for (const { key, label, value, groups } of selects) {
    let named = present.get(key);
    present.delete(key);
    if (!named) {
      const select = make("select");
      select.addEventListener("change", () => send({ do: "choose", key, value: select.value }));
      named = make("label", { "data-key": key }, make("span", {}, label), select);
      node.append(named);
    }
    const select = named.querySelector("select");
    const told = JSON.stringify(groups);
    if (select.dataset.told !== told) {
      select.dataset.told = told;
      select.replaceChildren(...groups.flatMap(optionsOf));
    }
    if (select.value !== value) select.value = value;
  }
  for (const gone of present.values()) gone.remove();
  node.hidden = selects.length === 0;
}

function optionsOf({ name, options }) {
  const made = options.map((option) => make("option", { value: option.value }, option.label));
  if (!name) return made;
  const group = make("optgroup", { label: name });
  group.append(...made);
  return [group];
}

/** One question at a time. It is built when another one opens; while it stands, what was typed stays. */
function drawForm(node, form, send, root) {
  const same = node.dataset.key === (form.key ?? "");
  if (!form.key) {
    const had = node.contains(document.activeElement);
    node.replaceChildren();
    node.dataset.key = "";
    node.hidden = true;
    if (had) giveBack(root, node.dataset.from);
    return;
  }
  if (!same) {
    const had = node.contains(document.activeElement);
    const from = node.dataset.from;
    buildForm(node, form, send);
    if (had && !form.focus) giveBack(root, from);
  }
  patch(node.querySelector(".drs-asked"), form.html);
  const about = node.querySelector("select");
  const told = JSON.stringify(form.about);
  if (about.dataset.told !== told) {
    const chosen = about.value;
    about.dataset.told = told;
    about.replaceChildren(...form.about.map(({ value, label }) => make("option", { value }, label)));
    if (form.about.some(({ value }) => value === chosen)) about.value = chosen;
    about.parentNode.hidden = form.about.length < 2;
  }
  node.querySelector(".drs-confirm").disabled = false;
  node.asked = form;
  tellAnswer(node);
  if (!same && form.focus) (node.querySelector("label:not([hidden]) > input") ?? node.querySelector("button")).focus();
}

/** The focus, back to the button that opened a question, or to where it stood. */
function giveBack(root, key) {
  const bar = root.querySelector(".drs-bar");
  focusNear(bar.querySelector(`[data-key="${key}"]`), bar);
}

/** What the chosen command would come to, in the engine's own words. */
function tellAnswer(node) {
  const { about } = node.asked;
  const chosen = about.find(({ value }) => value === node.querySelector("select").value) ?? about[0];
  node.querySelector(".drs-answer").textContent = chosen?.answer ? `What happens: ${chosen.answer}` : "";
}

function buildForm(node, form, send) {
  node.dataset.key = form.key;
  node.dataset.from = form.from;
  node.hidden = false;
  const about = make("select");
  const reason = make("input", { type: "text", placeholder: form.placeholder, class: "drs-reason", maxlength: 500 });
  reason.required = form.needed;
  const typed = make("input", { type: form.secret ? "password" : "text", class: "drs-typed", maxlength: 500,
    autocomplete: form.secret ? "one-time-code" : "off", spellcheck: "false" });
  typed.required = Boolean(form.type);
  const yes = make("button", { type: "submit", class: "drs-button drs-confirm", "data-tone": form.tone }, form.confirm);
  const no = make("button", { type: "button", class: "drs-button drs-back", "data-tone": "plain" }, "Back");
  no.hidden = form.stays;
  const asking = make("form", { "aria-label": form.title, autocomplete: "off", tabindex: "-1" },
    make("p", { class: "drs-title" }, form.title),
    make("div", { class: "drs-asked" }),
    make("label", {}, make("span", {}, "What "), about),
    make("p", { class: "drs-answer" }),
    make("label", {}, make("span", {}, form.needed ? "Reason (needed) " : "Reason "), reason),
    make("label", {}, make("span", {}, `${form.type} `), typed),
    make("div", { class: "drs-answers" }, yes, no));
  reason.parentNode.hidden = form.silent;
  typed.parentNode.hidden = !form.type;
  asking.addEventListener("submit", (event) => {
    event.preventDefault();
    if (form.needed && !reason.value.trim()) {
      reason.value = "";
      reason.reportValidity();
      return;
    }
    if (document.activeElement === yes) asking.focus({ preventScroll: true }); // the browser would drop it
    yes.disabled = true; // until the kernel has said what came of it
    send({ do: "confirm", key: form.key, about: about.value, reason: reason.value, typed: typed.value });
    if (form.secret) typed.value = ""; // nothing of it stays in the page
  });
  about.addEventListener("change", () => tellAnswer(node));
  const close = () => send({ do: "close", key: form.key });
  no.addEventListener("click", close);
  asking.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !form.stays) close();
  });
  node.replaceChildren(asking);
}

function render({ model, el }) {
  const send = (message) => model.send(message);
  const root = make("div", { class: "drs-panel", role: "group", "aria-label": model.get("name"), tabindex: "-1",
    "data-lm-suppress-shortcuts": "true" }); // JupyterLab would take Enter for its own
  const mode = make("div", { class: "drs-mode" });
  const selects = make("div", { class: "drs-selects" });
  const bar = make("div", { class: "drs-bar", role: "toolbar", "aria-label": "What you can do", tabindex: "-1" });
  const form = make("div", { class: "drs-form" });
  const status = make("div", { class: "drs-status" });
  const board = make("div", { class: "drs-board" });
  const looks = make("style");
  const heads = make("style");
  root.append(looks, heads, mode, selects, bar, form, status, board);
  root.addEventListener("keydown", (event) => event.stopPropagation());
  board.addEventListener("click", (event) => {
    const pressed = event.target.closest("[data-press]");
    if (pressed) send({ do: "press", key: pressed.dataset.press });
  });
  let drawn = [];
  const draw = {
    looks: () => {
      if (looks.textContent !== model.get("looks")) looks.textContent = model.get("looks");
    },
    parts: () => {
      const began = performance.now();
      const [first, ...rest] = model.get("parts");
      patch(mode, first ?? "");
      drawn = drawParts(board, rest, drawn);
      tellHeads(board, heads);
      root.dataset.took = (performance.now() - began).toFixed(2);
    },
    selects: () => drawSelects(selects, model.get("selects"), send),
    buttons: () => drawButtons(bar, model.get("buttons"), send),
    form: () => drawForm(form, model.get("form"), send, root),
    status: () => patch(status, model.get("status")),
  };
  for (const [name, work] of Object.entries(draw)) {
    model.on(`change:${name}`, work);
    work();
  }
  el.append(root);
  return () => Object.entries(draw).forEach(([name, work]) => model.off(`change:${name}`, work));
}

export default { render };
