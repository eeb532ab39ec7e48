// portal.js: the little that HTML cannot do alone. Pages read and submit without it.

const root = document.documentElement;
const within = (event, selector) => event.target.closest?.(selector);
export const say = (text) => { document.getElementById("announce").textContent = text; };
export const typing = (event) => within(event, "input, textarea, select, [contenteditable]");

// Theme: system until the reader chooses; the choice is kept in this browser.
const toggleTheme = () => {
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const now = root.dataset.theme || (dark ? "dark" : "light");
  root.dataset.theme = now === "dark" ? "light" : "dark";
  localStorage.setItem("theme", root.dataset.theme);
};

// On narrow screens the navigations scroll sideways: show where the reader is.
for (const here of document.querySelectorAll(":is(.rail ul, .main-nav, .tabs) [aria-current]")) {
  const list = here.closest("ul, nav");
  const start = here.offsetLeft - list.offsetLeft;
  if (start + here.offsetWidth > list.clientWidth) list.scrollLeft = start - 8;
}

// One listener for what parts of pages ask for with data attributes, also those that htmx brings.
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
  if (within(event, "[data-theme-toggle]")) toggleTheme();
  const opener = within(event, "[data-opens]");
  if (opener) document.getElementById(opener.dataset.opens).showModal();
  const copier = within(event, "[data-copy]");
  if (copier) navigator.clipboard.writeText(copier.dataset.copy).then(() => say("Copied"));
  if (within(event, "[data-full-screen]")) root.requestFullscreen();
});

document.addEventListener("change", (event) => {
  const field = within(event, "[data-submits]");
  if (field) field.form.requestSubmit();
});

// Writes by htmx carry the session's token.
document.addEventListener("htmx:configRequest", (event) => {
  event.detail.headers["X-Octopus-Csrf-Token"] = document.body.dataset.csrf;
});

// Unsaved changes of forms that ask for it: <form data-guard>.
let changed = Boolean(document.querySelector("form[data-guard=changed]"));
document.addEventListener("input", (event) => { if (within(event, "form[data-guard]")) changed = true; });
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.submitter?.formMethod === "dialog") return; // closes a dialog, sends nothing
  changed = false;
  if (form.matches("[data-theme-form]")) localStorage.removeItem("theme"); // the account's choice counts
  // A second click must not deploy twice.
  if (form.method === "post") setTimeout(() => form.querySelectorAll("button[type=submit]").forEach((each) => { each.disabled = true; }));
});
document.addEventListener("htmx:afterSwap", () => { if (!document.querySelector("form[data-guard]")) changed = false; });
addEventListener("beforeunload", (event) => { if (changed) event.preventDefault(); });
addEventListener("pageshow", (event) => {
  if (event.persisted) document.querySelectorAll("form button[type=submit]").forEach((each) => { each.disabled = false; });
});

// Keyboard: g + letter goes, the others act on the page. Off by the reader's choice (WCAG 2.1.4).
const shortcuts = document.querySelector("[data-shortcuts]");
const enabled = () => localStorage.getItem("shortcuts") !== "off";
if (shortcuts) {
  shortcuts.checked = enabled();
  shortcuts.addEventListener("change", () => localStorage.setItem("shortcuts", shortcuts.checked ? "on" : "off"));
}
const base = document.querySelector(".brand")?.pathname.replace(/\/dashboard$/, "");
const places = { d: "dashboard", p: "projects", t: "tasks", i: "infrastructure/targets" };
const moveRow = (step) => {
  const rows = [...document.querySelectorAll("main tbody th[scope=row] a")];
  if (!rows.length) return;
  const at = rows.indexOf(document.activeElement);
  rows[Math.min(rows.length - 1, Math.max(0, at + step))].focus();
};
const search = () => {
  const field = document.querySelector("[data-search]");
  if (field) field.focus();
  else document.querySelector("[data-jump]")?.click();
};
// In the search, arrows walk through what was found and Enter does what was typed, once the list is that of the text.
const walk = (event) => {
  const field = document.querySelector("[data-search]");
  const inField = Boolean(field) && event.target === field;
  if (!inField && !within(event, "#hits")) return;
  if (event.key === "Enter" && inField) {
    const act = document.querySelector("#hits [data-act]");
    if (!act || document.getElementById("hits").dataset.text !== field.value.trim()) return;
    event.preventDefault();
    act.click();
  } else if (event.key === "ArrowUp" && event.target === document.querySelector("#hits th a")) {
    event.preventDefault();
    field.focus();
  } else if (event.key === "ArrowDown" || (event.key === "ArrowUp" && !inField)) {
    event.preventDefault();
    moveRow(event.key === "ArrowDown" ? 1 : -1);
  }
};
let going = false;
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
    return;
  }
  walk(event);
  if (event.ctrlKey && event.key === "k") { event.preventDefault(); document.querySelector("[data-jump]")?.click(); return; }
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event) || !enabled()) return;
  if (going) {
    going = false;
    if (base && places[event.key]) { event.preventDefault(); location.assign(`${base}/${places[event.key]}`); }
    return;
  }
  const act = {
    g: () => { going = true; setTimeout(() => { going = false; }, 1000); },
    "/": () => search(),
    "?": () => document.getElementById("keyboard-help")?.showModal(),
    c: () => document.querySelector("[data-key=c]")?.click(),
    d: () => document.querySelector("[data-key=d]")?.click(),
    j: () => moveRow(1),
    k: () => moveRow(-1),
  }[event.key];
  if (act) { event.preventDefault(); act(); }
});

// Ages of times grow while the page is open.
const units = [[31536000, "y"], [2592000, "mo"], [86400, "d"], [3600, "h"], [60, "min"]];
setInterval(() => {
  for (const time of document.querySelectorAll("time[data-age]")) {
    const seconds = (Date.now() - Date.parse(time.dateTime)) / 1000;
    const unit = units.find(([size]) => seconds >= size);
    const ago = time.textContent.endsWith(" ago") ? " ago" : "";
    time.textContent = unit ? `${Math.floor(seconds / unit[0])} ${unit[1]}${ago}` : "now";
  }
}, 30000);

// Boards and lists of tasks are drawn anew when the server says that something has changed. A hidden page does not
// listen: browsers allow few connections, and it looks again when it is shown.
const live = document.querySelector("[data-live]");
if (live) {
  const drawAnew = () => live.querySelector("[hx-trigger^=changed]")?.dispatchEvent(new CustomEvent("changed"));
  let source = null;
  // A wall says when it hears nothing. The server ends each connection after a while, so a short gap means nothing.
  const lost = live.querySelector("[data-lost]");
  let losing = 0;
  const hears = (well) => {
    if (!lost) return;
    clearTimeout(losing);
    if (well) lost.hidden = true;
    else losing = setTimeout(() => { lost.hidden = false; }, 10000);
  };
  const listen = () => {
    source = new EventSource(live.dataset.live);
    source.addEventListener("changed", drawAnew);
    source.addEventListener("open", () => hears(true));
    source.addEventListener("error", () => hears(false));
  };
  const leave = () => { source?.close(); source = null; };
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) leave();
    else if (!source) { drawAnew(); listen(); }
  });
  addEventListener("pagehide", leave);
  addEventListener("pageshow", (event) => { if (event.persisted && !source) { drawAnew(); listen(); } });
  if (!document.hidden) listen();
}

// Errors of a form take the focus, else the button that the page leads to.
(document.querySelector("[data-errors]") ?? document.querySelector("[data-first]"))?.focus({ preventScroll: true });
