// process.js: parts of a step's form that depend on another field, names of variables, and Tab inside scripts.
import { complete, completing } from "./complete.js";

const value = (form, name) => {
  const field = form.elements[name];
  return field?.type === "checkbox" ? (field.checked ? "True" : "False") : (field?.value ?? "");
};

const arrange = (form) => {
  for (const part of form.querySelectorAll("[data-shown-when]")) {
    const { shownWhen, shownValue, shownFor } = part.dataset; // one value, or several words
    const wanted = (shownFor?.split(" ") ?? [shownValue]).map((each) => each.toLowerCase());
    part.hidden = !wanted.includes(value(form, shownWhen).toLowerCase());
  }
  for (const part of form.querySelectorAll("[data-hidden-when]")) {
    part.hidden = value(form, part.dataset.hiddenWhen) === part.dataset.hiddenValue;
  }
};

// Forms of the page, and those that htmx brings later.
const prepare = (part) => {
  for (const form of part.querySelectorAll("form[data-guard]")) arrange(form);
  for (const area of part.querySelectorAll("textarea[data-completes]")) complete(area);
};
document.addEventListener("change", (event) => {
  const form = event.target.closest?.("form[data-guard]");
  if (form) arrange(form);
});
document.addEventListener("htmx:afterSwap", (event) => {
  const brought = document.getElementById(event.detail.target?.id);
  if (brought?.matches("tbody")) prepare(brought);
});
prepare(document);

// Tab indents in a script; Escape first lets the keyboard leave it (WCAG 2.1.2).
let leaves = false;
document.addEventListener("keydown", (event) => {
  const area = event.target.closest?.("textarea[data-code]");
  if (!area || completing(area)) return;
  if (event.key === "Escape") { leaves = true; return; }
  if (event.key === "Tab" && !event.shiftKey && !leaves) {
    event.preventDefault();
    area.setRangeText("  ", area.selectionStart, area.selectionEnd, "end");
    area.dispatchEvent(new Event("input", { bubbles: true }));
  }
  leaves = false;
});

// Alt with an arrow moves the step that has the focus; afterwards the focus is on it again.
document.addEventListener("keydown", (event) => {
  const step = event.target.closest?.(".process .step");
  const way = { ArrowUp: "up", ArrowDown: "down" }[event.key];
  if (!step || !way || !event.altKey || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  step.querySelector(`button[name="what"][value="${way}"]:not(:disabled)`)?.click();
});
// Only when the browser has gone to the place of the step itself, which takes the focus away.
addEventListener("load", () => requestAnimationFrame(() => {
  if (location.hash.startsWith("#step-")) document.getElementById(location.hash.slice(1))?.querySelector(".step-name")?.focus();
}));

// Packages of another feed are suggested as its own search finds them, while one types.
const name = document.querySelector("input[list=known-packages]");
const feed = document.getElementById("feed");
if (name && feed) {
  const list = name.list;
  const own = [...list.children];
  const isOwn = () => feed.selectedIndex === 0;
  let timer = 0;
  const suggest = async () => {
    const term = name.value.trim();
    const asked = feed.value;
    list.replaceChildren(...(isOwn() ? own : []));
    if (isOwn() || term.length < 2) return;
    const query = new URLSearchParams({ term, take: 20 });
    const found = await fetch(`${name.dataset.feeds}/${encodeURIComponent(asked)}/packages/search?${query}`)
      .then((answer) => (answer.ok ? answer.json() : null))
      .catch(() => null);
    if (!found || term !== name.value.trim() || asked !== feed.value) return; // another was asked meanwhile
    list.replaceChildren(...found.Items.map((each) => new Option("", each.Id)));
  };
  name.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(suggest, 300); });
  feed.addEventListener("change", () => { clearTimeout(timer); suggest(); });
  if (!isOwn()) list.replaceChildren();
}
