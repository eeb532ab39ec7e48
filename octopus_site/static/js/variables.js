// variables.js: the form of one value inside of the table. One is open at a time; a link without it opens the page's.
import { say } from "./portal.js";

const open = () => document.getElementById("variable-form");
let typed = false;
document.addEventListener("input", (event) => { if (event.target.closest("#variable-form")) typed = true; });

document.addEventListener("click", (event) => {
  const link = event.target.closest("[data-opens-form]");
  if (!link || !open()) return;
  if (typed && !window.confirm("The value that is open has changes that are not saved. Drop them?")) {
    event.preventDefault();
    event.stopImmediatePropagation();
    return;
  }
  typed = false;
  (open().closest(".row-form") ?? open()).remove();
}, true);

// What was saved is said, and the focus stays at the name that it belongs to.
document.addEventListener("saved-value", (event) => {
  typed = false;
  say(event.detail.words);
});
document.addEventListener("htmx:afterSwap", (event) => {
  const group = document.getElementById(event.detail.target?.id);
  if (group?.matches("tbody") && !open()) group.querySelector("summary")?.focus({ preventScroll: true });
});
