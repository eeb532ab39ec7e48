// complete.js: names of variables to choose from while one is typed between #{ and }, and filters behind a bar. They
// come once, when the first is typed; the list is a listbox that the text field controls, so the focus stays where the
// reader types.

const MOST = 8;
const opened = /#\{(?:(?:if|unless|elseif|calc)\s+|each\s+[^{}]*?\sin\s+)?([^#{}|\s=!"][^#{}|="\n]*)?$/i;
const filtered = /#\{[^{}\n]*\|\s*([a-z0-9]*)$/i;
const NOTHING = { Names: [], Filters: [] };
let known = null;
const learn = (area) => {
  known ??= fetch(area.form.dataset.names, { headers: { Accept: "application/json" } })
    .then((answer) => (answer.ok ? answer.json() : Promise.reject(new Error(answer.statusText))))
    .catch(() => { known = null; return NOTHING; }); // the next letter asks again
  return known;
};

// What begins with the text first, then what has it anywhere.
const fitting = (all, typed) => {
  const wanted = typed.toLowerCase();
  const starts = all.filter((name) => name.toLowerCase().startsWith(wanted));
  const inside = all.filter((name) => name.toLowerCase().indexOf(wanted) > 0);
  return [...starts, ...inside].slice(0, MOST);
};

export const completing = (area) => "completing" in area.dataset;

export const complete = (area) => {
  const frame = document.createElement("div");
  frame.className = "completion";
  area.before(frame);
  const list = document.createElement("ul");
  list.id = `${area.id}-names`;
  list.className = "completion-list";
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", "Variables");
  list.hidden = true;
  frame.append(area, list);
  area.setAttribute("aria-autocomplete", "list");
  area.setAttribute("aria-controls", list.id);
  let typed = "";
  let isFilter = false;

  const close = () => {
    list.hidden = true;
    list.replaceChildren();
    delete area.dataset.completing;
    area.removeAttribute("aria-activedescendant");
  };
  const mark = (at) => {
    [...list.children].forEach((option, number) => option.setAttribute("aria-selected", String(number === at)));
    area.setAttribute("aria-activedescendant", list.children[at].id);
    list.children[at].scrollIntoView({ block: "nearest" });
  };
  const marked = () => [...list.children].findIndex((option) => option.getAttribute("aria-selected") === "true");
  const take = (option) => {
    const end = area.selectionStart;
    const rest = area.value.slice(end);
    const closing = rest.startsWith("}") ? "" : "}";
    close();
    area.setRangeText(option.textContent + closing, end - typed.length, end, "end");
    // Behind a filter its options may follow, or another filter.
    if (isFilter) area.selectionStart = area.selectionEnd -= closing.length;
    else if (!closing) area.selectionStart = area.selectionEnd += 1;
    area.dispatchEvent(new Event("input", { bubbles: true }));
  };
  // Below the line of the caret; all letters of such a field are equally wide.
  const place = (before) => {
    const style = getComputedStyle(area);
    const lines = before.slice(0, before.length - typed.length).split("\n");
    const top = lines.length * parseFloat(style.lineHeight) + parseFloat(style.paddingTop) - area.scrollTop;
    const letter = parseFloat(style.fontSize) * 0.6;
    const left = lines.at(-1).length * letter + parseFloat(style.paddingLeft) - area.scrollLeft;
    list.style.top = `${Math.min(Math.max(top, 0), area.offsetHeight)}px`;
    list.style.left = `${Math.max(0, Math.min(left, area.offsetWidth - list.offsetWidth))}px`;
  };
  const look = async () => {
    const before = area.value.slice(0, area.selectionStart);
    const filter = filtered.exec(before.slice(-300));
    const found = filter ?? opened.exec(before.slice(-300));
    if (!found || area.selectionStart !== area.selectionEnd) { close(); return; }
    const { Names, Filters } = await learn(area);
    if (area.value.slice(0, area.selectionStart) !== before) return; // typed on meanwhile
    typed = found[1] ?? "";
    isFilter = filter !== null;
    list.setAttribute("aria-label", isFilter ? "Filters" : "Variables");
    const fit = fitting(isFilter ? Filters : Names, typed);
    if (!fit.length || (fit.length === 1 && fit[0] === typed)) { close(); return; }
    list.replaceChildren(...fit.map((name, number) => {
      const option = document.createElement("li");
      option.id = `${list.id}-${number}`;
      option.setAttribute("role", "option");
      option.textContent = name;
      return option;
    }));
    list.hidden = false;
    area.dataset.completing = "";
    place(before);
    mark(0);
  };

  area.addEventListener("input", look);
  area.addEventListener("blur", close);
  list.addEventListener("pointerdown", (event) => {
    event.preventDefault(); // keeps the focus in the field
    const option = event.target.closest("li");
    if (option) take(option);
  });
  area.addEventListener("keydown", (event) => {
    if (!completing(area)) return;
    const count = list.children.length;
    const act = {
      ArrowDown: () => mark((marked() + 1) % count),
      ArrowUp: () => mark((marked() + count - 1) % count),
      Enter: () => take(list.children[marked()]),
      Tab: () => take(list.children[marked()]),
      Escape: close,
    }[event.key];
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  });
};
