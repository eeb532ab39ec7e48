// artifact_upload.js: an upload that shows its progress; without it the form is sent as it is.
import { say } from "./portal.js";

const form = document.querySelector("form[data-upload]");
const part = form.querySelector("[data-progress]");
const bar = part.querySelector("progress");
const text = part.querySelector("[data-progress-text]");
const button = form.querySelector("button[type=submit]");

const megabytes = (size) => `${(size / 1048576).toFixed(1)} MB`;

const refuse = (errors) => {
  const box = document.createElement("div");
  box.className = "notice notice-bad";
  box.tabIndex = -1;
  box.setAttribute("role", "alert");
  const list = document.createElement("ul");
  for (const error of errors) list.append(Object.assign(document.createElement("li"), { textContent: error }));
  box.append(list);
  document.getElementById("upload-errors").replaceChildren(box);
  box.focus();
  part.hidden = true;
  button.disabled = false;
};

const answer = (request) => {
  let body = {};
  try { body = JSON.parse(request.responseText); } catch { /* an error page */ }
  if (request.status === 200 && body.url) location.assign(body.url);
  else refuse(body.errors ?? [`The server answered ${request.status}. Nothing was stored.`]);
};

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const request = new XMLHttpRequest();
  request.open("POST", form.action || location.href);
  request.setRequestHeader("X-Requested-With", "XMLHttpRequest");
  request.setRequestHeader("X-Octopus-Csrf-Token", document.body.dataset.csrf);
  request.upload.addEventListener("progress", ({ loaded, total }) => {
    bar.value = total ? (loaded / total) * 100 : 0;
    text.textContent = loaded < total ? `${megabytes(loaded)} of ${megabytes(total)}` : "Checking the file…";
  });
  request.addEventListener("load", () => answer(request));
  request.addEventListener("error", () => refuse(["The connection broke. Nothing was stored; try again."]));
  document.getElementById("upload-errors").replaceChildren();
  part.hidden = false;
  button.disabled = true;
  say("Uploading");
  request.send(new FormData(form));
});
