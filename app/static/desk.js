// The desk's own behaviour. Everything is found by data attributes, so fragments work as pages do,
// and nothing here is needed to reach or change a record.
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
const on = (type, selector, run) =>
  document.addEventListener(type, (event) => {
    const found = event.target.closest?.(selector);
    if (found) run(event, found);
  });

// --- Notices ------------------------------------------------------------------------------------
function notify(text, kind = "info") {
  const model = document.querySelector("#notice-model");
  const tray = document.querySelector(".toasts");
  if (!model || !tray) return;
  const notice = model.content.firstElementChild.cloneNode(true);
  notice.classList.add(`notice-${kind}`);
  notice.querySelector(".notice-text").textContent = text;
  tray.append(notice);
  leaveLater(notice);
}

function leaveLater(notice) {
  // what asks for something stays, and so does what may be done for some seconds
  if (notice.matches(".notice-bad, .notice-time, [data-gone-after]")) return;
  let left = setTimeout(() => notice.remove(), 8000);
  notice.addEventListener("pointerenter", () => clearTimeout(left));
  notice.addEventListener("focusin", () => clearTimeout(left));
  notice.addEventListener("pointerleave", () => {
    left = setTimeout(() => notice.remove(), 4000);
  });
}

on("click", "[data-dismiss-notice]", (_event, button) => button.closest(".notice").remove());

// --- Theme --------------------------------------------------------------------------------------
function markTheme() {
  for (const button of $$("[data-theme]")) {
    button.setAttribute("aria-pressed", String(button.dataset.theme === window.deskTheme.get()));
  }
}

on("click", "[data-theme]", (_event, button) => {
  window.deskTheme.set(button.dataset.theme);
  markTheme();
});

// --- Rail on narrow screens, menus --------------------------------------------------------------
on("click", "[data-rail]", (event, link) => {
  event.preventDefault();
  const rail = document.querySelector(".rail");
  const open = link.dataset.rail === "open";
  rail.classList.toggle("is-open", open);
  (open ? rail.querySelector("a[data-rail]") : document.querySelector('[data-rail="open"]')).focus();
});

function closeMenus(except) {
  for (const menu of $$("details.menu[open]")) if (menu !== except) menu.open = false;
}

document.addEventListener("click", (event) => {
  closeMenus(event.target.closest("details.menu"));
  const rail = document.querySelector(".rail.is-open");
  if (rail && !event.target.closest(".rail, [data-rail]")) rail.classList.remove("is-open");
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const menu = event.target.closest?.("details.menu[open]");
  closeMenus();
  menu?.querySelector("summary").focus();
  document.querySelector(".rail.is-open")?.classList.remove("is-open");
});

// The arrows go from the search field through what it offers, and back.
document.addEventListener("keydown", (event) => {
  const form = event.target.closest?.(".topbar-search");
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!form || !step) return;
  const stops = [form.querySelector("#search"), ...form.querySelectorAll(".search-offer a")];
  event.preventDefault();
  stops[Math.min(stops.length - 1, Math.max(0, stops.indexOf(event.target) + step))].focus();
});

// --- Dialogs and the drawer ---------------------------------------------------------------------
on("click", "[data-dialog]", (event, opener) => {
  const dialog = document.getElementById(opener.dataset.dialog);
  if (!dialog) return;
  event.preventDefault();
  dialog.showModal();
});

on("click", "[data-close]", (event, button) => {
  event.preventDefault();
  button.closest("dialog").close();
});

document.addEventListener("click", (event) => {
  if (event.target.matches("dialog[open]")) {
    const box = event.target.getBoundingClientRect();
    const inside =
      event.clientX >= box.left && event.clientX <= box.right &&
      event.clientY >= box.top && event.clientY <= box.bottom;
    if (!inside && event.detail) event.target.close();
  }
});

// A link or mark opens rows in the drawer; without this script it opens them as a page.
async function openDrawer(url) {
  const drawer = document.querySelector("#drawer");
  const body = drawer.querySelector(".drawer-body");
  body.textContent = drawer.dataset.wait;
  if (!drawer.open) drawer.showModal();
  const reply = await fetch(url, { headers: { "HX-Request": "true", "X-Drawer": "1" } });
  if (!reply.ok) {
    body.textContent = drawer.dataset.failed;
    return;
  }
  const page = new DOMParser().parseFromString(await reply.text(), "text/html");
  body.replaceChildren(...(page.querySelector("main") ?? page.body).childNodes);
  drawer.querySelector(".drawer-page").href = url;
  window.htmx?.process(body);
}

on("click", "a[data-drawer]", (event, link) => {
  if (event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  openDrawer(link.href);
});

// --- Asking first, and sending once -------------------------------------------------------------
function ask(text, button) {
  const dialog = document.querySelector("#confirm");
  dialog.querySelector("[data-question]").textContent = text;
  const yes = dialog.querySelector("[value=yes]");
  yes.textContent = button?.dataset.confirmVerb || button?.textContent.trim() || yes.dataset.word;
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}

const confirmed = new WeakSet();

document.addEventListener("submit", async (event) => {
  const form = event.target;
  const button = event.submitter;
  const question = button?.dataset.confirm ?? form.dataset.confirm;
  if (question && !confirmed.has(form)) {
    event.preventDefault();
    event.stopImmediatePropagation();
    if (await ask(question, button)) {
      confirmed.add(form);
      form.requestSubmit(button);
    }
    return;
  }
  confirmed.delete(form);
  if (form.method === "dialog" || event.defaultPrevented) return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  if (form.method === "post" || button?.dataset.wait) sendOnce(form, button);
}, true);

function sendOnce(form, button) {
  form.dataset.sent = "1";
  button?.setAttribute("aria-busy", "true");
  const release = () => {
    delete form.dataset.sent;
    button?.removeAttribute("aria-busy");
  };
  form.addEventListener("htmx:afterRequest", release, { once: true });
  addEventListener("pageshow", release, { once: true });
  setTimeout(release, 20000);
  // What may take long says so, once it does.
  if (button?.dataset.wait) setTimeout(() => form.dataset.sent && notify(button.dataset.wait), 2000);
}

document.addEventListener("htmx:confirm", async (event) => {
  const question = event.target.dataset.confirm;
  if (!question || event.target.matches("form")) return;
  event.preventDefault();
  if (await ask(question, event.target)) event.detail.issueRequest(true);
});

document.addEventListener("htmx:responseError", (event) => {
  notify(event.detail.xhr.getResponseHeader("X-Problem") || document.body.dataset.failed, "bad");
});

// --- Keys: one registry feeds the table behind "?" ----------------------------------------------
const keys = new Map();

// addKey("e", "Assign to me", run): single keys, off while typing or when switched off. Without `run`
// the browser does it by itself.
function addKey(key, label, run) {
  keys.set(key, { label, run });
}

const typing = (node) => node.closest?.("input, textarea, select, [contenteditable], dialog[open]");
const keysOff = () => localStorage.getItem("keys") === "off";

// "Ctrl+Enter": works while one types, too, and is never switched off.
const named = (event) => event.ctrlKey || event.metaKey
  ? `Ctrl+${event.key.length === 1 ? event.key.toUpperCase() : event.key}`
  : event.key;

document.addEventListener("keydown", (event) => {
  const name = named(event);
  const isSingle = name === event.key;
  const entry = keys.get(name);
  if (!entry?.run || event.altKey) return;
  if (isSingle && (typing(event.target) || (keysOff() && name !== "?"))) return;
  event.preventDefault();
  entry.run(event);
});

function showKeys() {
  const dialog = document.querySelector("#keys");
  const rows = [...keys].map(([key, { label }]) => {
    const row = document.createElement("tr");
    row.innerHTML = "<td><kbd></kbd></td><td></td>";
    row.querySelector("kbd").textContent = key;
    row.lastElementChild.textContent = label;
    return row;
  });
  dialog.querySelector("tbody").replaceChildren(...rows);
  dialog.querySelector("#keys-off").checked = keysOff();
  dialog.showModal();
}

on("change", "#keys-off", (_event, box) => localStorage.setItem("keys", box.checked ? "off" : "on"));
on("click", "[data-keys]", showKeys);

function registerKeys() {
  if (document.querySelector("#keys")) addKey("?", document.body.dataset.keyHelp, showKeys);
  const search = document.querySelector("#search");
  const said = document.body.dataset;
  if (search) for (const key of ["/", "Ctrl+K"]) addKey(key, said.keySearch, () => search.focus());
  for (const node of $$("[data-key]")) {
    const label = node.dataset.keyLabel || node.getAttribute("aria-label") || node.textContent.trim();
    node.setAttribute("aria-keyshortcuts", node.dataset.key);
    addKey(node.dataset.key, label, () => (node.matches("input, textarea") ? node.focus() : node.click()));
  }
  if (document.querySelector("[data-send]")) {
    addKey("Ctrl+Enter", said.keySend, (event) => event.target.form?.querySelector("[data-send]")?.click());
  }
  const rows = () => $$("[data-row-keys] tbody tr");
  if (!rows().length) return;
  const current = () => rows().findIndex((row) => row.matches("[aria-current]"));
  const go = (step) => {
    const all = rows();
    const at = current();
    const next = all[Math.min(all.length - 1, Math.max(0, at < 0 ? 0 : at + step))];
    all[at]?.removeAttribute("aria-current");
    next.setAttribute("aria-current", "true");
    (next.querySelector("a[data-row-link], a") ?? next).focus();
  };
  addKey("j", said.keyNext, () => go(1));
  addKey("k", said.keyPrevious, () => go(-1));
  addKey("Enter", said.keyOpen);
  addKey("x", said.keySelect, () => rows()[current()]?.querySelector(".row-check")?.click());
}

// --- Copying, and what may not stay in the page ---------------------------------------------------
if (navigator.clipboard) for (const button of $$("[data-copy]")) button.hidden = false;

on("click", "[data-copy]", async (_event, button) => {
  const status = document.querySelector("[data-copied-status]");
  status.textContent = "";
  try {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
    status.textContent = button.dataset.copied;
  } catch {
    status.textContent = document.body.dataset.copyFailed;
  }
});

addEventListener("pagehide", () => {
  for (const part of $$("[data-secret]")) part.remove(); // the browser may keep the page for "back"
});

// --- Start --------------------------------------------------------------------------------------
markTheme();
registerKeys();
$$(".notice").forEach(leaveLater);
document.querySelector("[data-focus-first]")?.focus();
window.desk = { notify, ask, openDrawer, addKey };

// What may be done for some seconds only goes away after them.
for (const part of document.querySelectorAll("[data-gone-after]")) {
  setTimeout(() => part.remove(), Number(part.dataset.goneAfter) * 1000);
}
