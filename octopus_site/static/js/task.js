// task.js: the page of a task while it runs: live lines and states, the keys of the log viewer.
// Without it the page shows the same lines, rendered by the server.

import { say, typing } from "./portal.js";

const task = document.getElementById("task");
const panel = document.getElementById("log-lines");
const MOST_LINES = 500;
const AT_ONCE = 5000;
const CLASSES = { warning: "line-warn", error: "line-error", fatal: "line-error", verbose: "line-verbose", highlight: "line-highlight" };
const WORDS = { warning: "Warning", error: "Error", fatal: "Fatal" };
const calm = matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth";

// Lines in the form of deployments/execution/web/lines.py.
const COLORS = { 1: "red", 2: "green", 3: "yellow", 4: "blue", 5: "blue", 6: "cyan" };
const SEQUENCE = /\x1b(?:\[([0-9;]*)m|\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-_])/g;
const CONTROL = /[\x00-\x08\x0b-\x1f\x7f]/g;

const after = (codes, classes) => {
  let current = new Set(classes);
  const parts = codes.split(";").map(Number);
  while (parts.length) {
    const code = parts.shift();
    const tens = Math.floor(code / 10);
    if (code === 0) current = new Set();
    else if (code === 1) current.add("ansi-bold");
    else if (code === 38 || code === 48) parts.splice(0, { 5: 2, 2: 4 }[parts[0]] ?? 0);
    if (tens === 3 || tens === 9) {
      current = new Set([...current].filter((name) => name === "ansi-bold"));
      if (COLORS[code % 10]) current.add(`ansi-${COLORS[code % 10]}`);
    }
  }
  return current;
};

const writeText = (parent, text) => {
  let classes = new Set();
  let position = 0;
  const piece = (part) => {
    const clean = part.replace(CONTROL, "");
    if (!clean) return;
    if (!classes.size) { parent.append(clean); return; }
    const colored = document.createElement("span");
    colored.className = [...classes].join(" ");
    colored.textContent = clean;
    parent.append(colored);
  };
  for (const match of text.matchAll(SEQUENCE)) {
    piece(text.slice(position, match.index));
    position = match.index + match[0].length;
    if (match[1] !== undefined) classes = after(match[1], classes);
  }
  piece(text.slice(position));
};

const makeLine = (prefix, segment) => {
  const line = document.createElement("div");
  line.className = `line ${CLASSES[segment.level] ?? ""}`.trim();
  line.id = `${prefix}-L${segment.number}`;
  const link = document.createElement("a");
  link.href = `#${line.id}`;
  link.tabIndex = -1;
  link.textContent = segment.number;
  const time = document.createElement("time");
  time.dateTime = new Date(segment.time_ms).toISOString();
  time.textContent = time.dateTime.slice(11, 19);
  const text = document.createElement("span");
  if (WORDS[segment.level]) {
    const level = document.createElement("span");
    level.className = "level";
    level.textContent = WORDS[segment.level];
    text.append(level, " ");
  }
  writeText(text, segment.text);
  line.append(link, time, text);
  return line;
};

const bodies = new Map();
const bodyOf = (node) => {
  const known = bodies.get(node);
  if (known?.isConnected) return known;
  const found = panel.querySelector(`.log-body[data-node="${node}"]`);
  if (found) bodies.set(node, found);
  return found;
};
const waiting = new Map();

const writeSegments = (node, segments) => {
  const body = bodyOf(node);
  if (!body) {
    waiting.set(node, [...(waiting.get(node) ?? []), ...segments]);
    refreshSoon();
    return;
  }
  const group = body.parentElement;
  if (group.hasAttribute("data-lazy")) return; // loaded whole when it is opened
  const prefix = node === "task" ? "task" : `exec-${node}`;
  for (const segment of segments) {
    const line = document.getElementById(`${prefix}-L${segment.number}`);
    if (line && !segment.begins) writeText(line.lastElementChild, segment.text);
    else if (!line) body.append(makeLine(prefix, segment));
  }
  const surplus = following ? body.childElementCount - MOST_LINES : 0;
  for (let index = 0; index < surplus; index += 1) body.firstElementChild.remove();
  if (surplus > 0) offerEarlier(group);
};

// Earlier lines, in ranges from the server.
const firstShown = (group) => Number(group.querySelector(".line > a")?.textContent ?? 0);
const offerEarlier = (group) => {
  const node = group.querySelector(".log-body").dataset.node;
  let link = group.querySelector("[data-earlier]");
  const earlier = firstShown(group) - 1;
  if (earlier < 1) { link?.remove(); return; }
  if (!link) {
    link = document.createElement("a");
    link.className = "log-earlier";
    group.querySelector("summary").after(link);
  }
  link.href = `?node=${node}&first=${Math.max(1, earlier - MOST_LINES)}#exec-${node}`;
  link.dataset.earlier = earlier;
  link.textContent = `Show earlier lines (${earlier})`;
};

const fetchLines = async (group, first, count) => {
  const node = group.querySelector(".log-body").dataset.node;
  const answer = await fetch(`${task.dataset.page}/lines?node=${node}&first=${first}&count=${count}`);
  if (!answer.ok) { say("The lines could not be loaded"); return null; }
  const parts = document.createElement("template");
  parts.innerHTML = await answer.text();
  return parts.content;
};

const showEarlier = async (group, link) => {
  const earlier = Number(link.dataset.earlier);
  const lazy = group.hasAttribute("data-lazy");
  const first = Math.max(1, earlier - (lazy ? MOST_LINES : AT_ONCE) + 1);
  const lines = await fetchLines(group, first, lazy ? AT_ONCE : earlier - first + 1);
  if (!lines) return;
  group.removeAttribute("data-lazy");
  const body = group.querySelector(".log-body");
  const anchor = body.firstElementChild;
  const before = anchor?.getBoundingClientRect().top ?? 0;
  for (const line of [...lines.children]) if (document.getElementById(line.id)) line.remove();
  body.prepend(lines);
  offerEarlier(group);
  if (anchor) panel.scrollTop += anchor.getBoundingClientRect().top - before;
};

const loadLazy = (group) => {
  const link = group.querySelector("[data-earlier]");
  if (link) return showEarlier(group, link);
  group.removeAttribute("data-lazy");
  return null;
};

panel.addEventListener("toggle", (event) => {
  if (event.target.open && event.target.hasAttribute("data-lazy")) loadLazy(event.target);
}, true);
panel.addEventListener("click", (event) => {
  const link = event.target.closest("[data-earlier]");
  if (!link) return;
  event.preventDefault();
  showEarlier(link.closest(".log-group"), link);
});

// A link to a node opens it; one to a line loads the line when it is not there.
const goToHash = async () => {
  const match = /^#(exec-\d+|task)(?:-log)?(?:-L(\d+))?$/.exec(location.hash);
  if (!match) return;
  const group = document.getElementById(match[1] === "task" ? "task-log" : match[1]);
  if (!group) return;
  group.open = true;
  if (group.hasAttribute("data-lazy")) await loadLazy(group);
  let line = match[2] && document.getElementById(`${match[1]}-L${match[2]}`);
  if (match[2] && !line && match[1] !== "task") {
    const lines = await fetchLines(group, Math.max(1, Number(match[2]) - 250), MOST_LINES);
    if (lines) { group.querySelector(".log-body").replaceChildren(lines); offerEarlier(group); }
    line = document.getElementById(`${match[1]}-L${match[2]}`);
  }
  follow(false);
  for (const marked of panel.querySelectorAll(".line-marked")) marked.classList.remove("line-marked");
  line?.classList.add("line-marked");
  const top = (line ?? group).getBoundingClientRect().top - panel.getBoundingClientRect().top;
  panel.scrollTo({ top: panel.scrollTop + top - 40, behavior: calm });
  panel.scrollIntoView({ block: "nearest" });
};
addEventListener("hashchange", goToHash);

// Following: the newest line stays in sight until the reader scrolls up.
const followButton = document.querySelector("[data-follow]");
let following = false;
let unseen = 0;
const label = (text) => { followButton.querySelector("span").textContent = text; };
const toEnd = () => { panel.scrollTop = panel.scrollHeight; };
function follow(on) {
  following = on;
  unseen = 0;
  followButton.setAttribute("aria-pressed", String(on));
  label(on ? "Following" : "Follow");
  if (on) toEnd();
}
followButton.addEventListener("click", () => follow(!following));
panel.addEventListener("wheel", (event) => { if (event.deltaY < 0 && following) follow(false); }, { passive: true });
panel.addEventListener("keydown", (event) => { if (["ArrowUp", "PageUp", "Home"].includes(event.key) && following) follow(false); });

// What changes while the task runs comes from the server as a whole and replaces its parts.
const PARTS = ["task-head", "task-waiting", "task-family", "task-questions", "task-failures", "task-grid", "task-artifacts", "task-outputs"];
let timer = 0;
let state = "";
const refreshSoon = () => { timer ||= setTimeout(refresh, 400); };

const replacePart = (id, fresh) => {
  const old = document.getElementById(id);
  const next = fresh.getElementById(id);
  if (!old || !next) return;
  // What the reader has unfolded stays so.
  for (const each of old.querySelectorAll("details[open][id]")) next.querySelector(`#${each.id}`)?.setAttribute("open", "");
  if (old.innerHTML === next.innerHTML) return;
  if (old.contains(document.activeElement)) {
    // An answer that is being written stays; a link keeps the focus.
    if (document.activeElement.matches("textarea, input") && next.querySelector("form")) return;
    const focused = document.activeElement.id;
    old.replaceChildren(...next.childNodes);
    if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
    return;
  }
  old.replaceChildren(...next.childNodes);
};

const takeGroups = (parts) => {
  document.getElementById("log-tree").replaceChildren(parts.querySelector("ul"));
  let previous = document.getElementById("task-log");
  for (const next of parts.querySelectorAll(".log-group")) {
    const old = document.getElementById(next.id);
    if (!old) previous.after(next);
    else {
      const was = old.querySelector(".group-state").textContent;
      old.querySelector("summary").replaceWith(next.querySelector("summary"));
      const now = old.querySelector(".group-state").textContent;
      const reason = next.querySelector(".log-reason");
      if (reason && !old.querySelector(".log-reason")) old.append(reason);
      if (was !== now && /Succeeded/.test(now) && !following) old.open = false;
      if (was !== now) say(`${old.querySelector("summary > span:nth-of-type(2)").textContent}: ${now}`);
    }
    previous = old ?? next;
  }
  for (const [node, segments] of [...waiting]) {
    if (!bodyOf(node)) continue;
    waiting.delete(node);
    writeSegments(node, segments);
  }
};

async function refresh() {
  timer = 0;
  const answer = await fetch(`${task.dataset.page}?part=state`, { headers: { "X-Requested-With": "fetch" } });
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  const title = fresh.querySelector("h1 .state")?.textContent;
  const words = fresh.getElementById("task-status").textContent;
  const status = document.getElementById("task-status");
  if (status.textContent !== words) status.textContent = words;
  for (const id of PARTS) replacePart(id, fresh);
  if (title) document.title = document.title.replace(/^[^:]*/, title);
  takeGroups(fresh.getElementById("log-parts").content);
  if (following) toEnd();
}

const listen = () => {
  let last = Number(task.dataset.after);
  const source = new EventSource(`${task.dataset.stream}?after=${last}`);
  source.addEventListener("log", (event) => {
    last = Number(event.lastEventId) || last;
    const { node, segments } = JSON.parse(event.data);
    writeSegments(node === null ? "task" : String(node), segments);
    if (following) toEnd();
    else { unseen += segments.length; label(`${unseen} new line${unseen === 1 ? "" : "s"}`); }
  });
  source.addEventListener("state", (event) => {
    if (event.data === state) return;
    state = event.data;
    refreshSoon();
  });
  source.addEventListener("end", () => {
    source.close();
    followButton.hidden = true;
    refreshSoon();
  });
  addEventListener("pagehide", () => source.close());
};

// Keys of the log viewer.
let at = -1;
const toError = (step) => {
  const errors = [...panel.querySelectorAll(".line-error")];
  if (!errors.length) { say("There is no error in the lines that are shown"); return; }
  at = Math.min(errors.length - 1, Math.max(0, at + step));
  errors[at].closest("details").open = true;
  history.replaceState(null, "", `#${errors[at].id}`);
  goToHash();
  panel.focus({ preventScroll: true });
  say(`Error ${at + 1} of ${errors.length}`);
};
const expander = document.querySelector("[data-expand]");
const expand = () => {
  const groups = [...panel.querySelectorAll(".log-group")];
  const open = !groups.every((group) => group.open);
  for (const group of groups) group.open = open;
  expander.textContent = open ? "Close all" : "Open all";
};
expander.addEventListener("click", expand);
document.querySelector("[data-error]").addEventListener("click", () => toError(1));
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event) || localStorage.getItem("shortcuts") === "off") return;
  const act = {
    f: () => followButton.hidden || follow(!following),
    n: () => toError(1),
    p: () => toError(-1),
    e: expand,
    r: () => document.querySelector("[data-raw]").click(),
  }[event.key];
  if (act && !event.defaultPrevented) { event.preventDefault(); act(); }
});

// The switches stick in this browser.
for (const field of document.querySelectorAll(".log-card .card-head input:not([type=search])")) {
  const key = `log:${field.id}`;
  const stored = localStorage.getItem(field.type === "radio" ? "log:level" : key);
  if (stored !== null) field.checked = field.type === "radio" ? stored === field.id : stored === "on";
  field.addEventListener("change", () => {
    if (field.type === "radio") localStorage.setItem("log:level", field.id);
    else localStorage.setItem(key, field.checked ? "on" : "off");
  });
}

document.querySelector("[data-needs-script]").hidden = false;
for (const group of panel.querySelectorAll(".log-group[data-lazy][open]")) loadLazy(group);
goToHash();
if (!("completed" in task.dataset)) {
  followButton.hidden = false;
  follow(!location.hash);
  listen();
}
