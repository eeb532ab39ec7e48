// upload.js: files go in pieces, with their progress, and go on where they were after a broken line or a closed page.
// Without it the form sends one file as it is.
import { say } from "./portal.js";

const PIECE = 8 * 1024 * 1024;
const WAITS = [1, 2, 5, 10, 20, 30];
const form = document.querySelector("form[data-upload]");
const input = form.querySelector("input[type=file]");
const list = document.querySelector("[data-uploads]");
const row = document.querySelector("template[data-upload-row]");
const start = form.dataset.upload;
const pages = form.dataset.pages;
const headers = { "X-Octopus-Csrf-Token": document.body.dataset.csrf };
const running = new Set();
let turn = Promise.resolve();

class Refused extends Error {
  constructor(status, body) {
    super(body.ErrorMessage || `The server answered ${status}.`);
    this.status = status;
    this.body = body;
  }
}
class Broken extends Error {}
class Stopped extends Error {}

const size = (bytes) => (bytes < 1048576 ? `${Math.max(1, Math.round(bytes / 1024))} KB` : `${(bytes / 1048576).toFixed(1)} MB`);

// XMLHttpRequest, because fetch does not tell how much of a body has gone.
const send = (upload, method, url, body = null, more = {}, onProgress = null) => new Promise((resolve, reject) => {
  const request = new XMLHttpRequest();
  request.open(method, url);
  for (const [name, value] of Object.entries({ ...headers, ...more })) request.setRequestHeader(name, value);
  if (onProgress) request.upload.addEventListener("progress", (event) => onProgress(event.loaded));
  request.addEventListener("load", () => {
    let answer = {};
    try { answer = JSON.parse(request.responseText); } catch { /* a page of a proxy */ }
    if (request.status < 300) resolve(answer);
    else if (request.status >= 500 || request.status === 429) reject(new Broken());
    else reject(new Refused(request.status, answer));
  });
  request.addEventListener("error", () => reject(new Broken()));
  request.addEventListener("abort", () => reject(new Stopped()));
  upload.request = request;
  request.send(body);
});

class Upload {
  constructor(file, mode) {
    Object.assign(this, { file, mode, key: `upload ${start} ${mode} ${file.name} ${file.size} ${file.lastModified}` });
    this.row = row.content.firstElementChild.cloneNode(true);
    this.part = (name) => this.row.querySelector(`[data-${name}]`);
    this.part("name").textContent = file.name;
    this.part("bar").setAttribute("aria-label", `Upload of ${file.name}`);
    this.part("cancel").addEventListener("click", () => this.stop());
    this.part("again").addEventListener("click", () => queue(this));
    this.part("meant").addEventListener("click", () => { this.meant = this.reading; queue(this); });
    list.append(this.row);
  }

  tell(text, { done = false, errors = [] } = {}) {
    this.part("text").textContent = text;
    this.part("bar").hidden = done;
    this.part("cancel").hidden = done;
    this.part("again").hidden = !errors.length;
    this.part("meant").hidden = true;
    this.part("errors").hidden = !errors.length;
    this.part("errors").replaceChildren(...errors.map((each) => Object.assign(document.createElement("p"), { textContent: each })));
  }

  show(count) {
    this.part("bar").value = (count / this.file.size) * 100;
    this.tell(`${size(count)} of ${size(this.file.size)}`);
  }

  stop() {
    this.stopped = true;
    this.wake?.();
    this.request?.abort();
  }

  // Until the line is there again, or the time has come to look.
  pause(seconds) {
    this.tell(`The line is broken. Going on in ${seconds} s, where it was.`);
    return new Promise((resolve) => {
      this.wake = () => { clearTimeout(timer); removeEventListener("online", this.wake); resolve(); };
      const timer = setTimeout(this.wake, seconds * 1000);
      addEventListener("online", this.wake);
    });
  }

  async begin() {
    const body = JSON.stringify({ Name: this.file.name, Size: this.file.size, OverwriteMode: this.mode, ...this.meant });
    const begun = await send(this, "POST", start, body, { "Content-Type": "application/json" });
    this.place = begun.Links.Self;
    localStorage.setItem(this.key, this.place);
    return begun;
  }

  async received() {
    this.place = localStorage.getItem(this.key);
    if (!this.place) return (await this.begin()).Received;
    try {
      return (await send(this, "GET", this.place)).Received;
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      return (await this.begin()).Received;
    }
  }

  async piece(from) {
    const to = Math.min(from + PIECE, this.file.size);
    const range = { "Content-Range": `bytes ${from}-${to - 1}/${this.file.size}`, "Content-Type": "application/octet-stream" };
    try {
      const body = this.file.slice(from, to);
      return (await send(this, "PUT", this.place, body, range, (sent) => this.show(Math.min(from + sent, to)))).Received;
    } catch (error) {
      if (error instanceof Refused && error.body.Received !== undefined) return error.body.Received;
      throw error;
    }
  }

  async go() {
    let count = await this.received();
    this.show(count);
    while (count < this.file.size) {
      count = await this.piece(count);
      this.failures = 0;
      this.show(count);
    }
    this.tell("Checking the file…");
    return send(this, "POST", `${this.place}/complete`);
  }

  async run() {
    this.failures = 0;
    this.stopped = false;
    while (!this.stopped) {
      try {
        return this.end(await this.go());
      } catch (error) {
        if (error instanceof Refused) return this.refuse(error);
        if (this.stopped) break;
        await this.pause(WAITS[Math.min(this.failures, WAITS.length - 1)]);
        this.failures += 1;
      }
    }
    if (this.place) send({}, "DELETE", this.place).catch(() => {}); // the server sweeps it after a day
    this.forget();
    this.row.remove();
    say(`The upload of ${this.file.name} was given up`);
  }

  end(stored) {
    this.forget();
    this.tell("", { done: true });
    const link = document.createElement("a");
    link.href = `${pages}/${encodeURIComponent(stored.PackageId)}/${encodeURIComponent(stored.Version)}`;
    link.textContent = `${stored.PackageId} ${stored.Version}`;
    this.part("text").replaceChildren("In the feed as ", link);
    this.row.classList.add("upload-done");
    say(`${stored.PackageId} ${stored.Version} is in the feed`);
  }

  refuse(error) {
    this.forget();
    const errors = error.body.Errors?.length ? error.body.Errors : [error.message];
    this.tell("Refused. Nothing was stored.", { done: true, errors });
    const { PackageId, Version } = error.body;
    if (PackageId) {
      this.reading = { PackageId, Version };
      this.part("meant").textContent = `It is version ${Version} of ${PackageId}`;
      this.part("meant").hidden = false;
      this.part("again").hidden = true;
    }
    this.part("errors").focus();
  }

  forget() {
    localStorage.removeItem(this.key);
    this.place = null;
  }
}

const queue = (upload) => {
  running.add(upload);
  upload.tell("Waits for its turn");
  turn = turn.then(() => upload.run()).finally(() => running.delete(upload));
};

const take = (files) => {
  for (const file of files) queue(new Upload(file, form.elements.mode.value));
  if (files.length) say(files.length > 1 ? `Uploading ${files.length} files` : `Uploading ${files[0].name}`);
};

input.multiple = true;
input.required = false;
input.addEventListener("change", () => { take([...input.files]); input.value = ""; });
form.querySelector("[data-send]").hidden = true;
form.addEventListener("submit", (event) => event.preventDefault());

const zone = form.querySelector("[data-drop]");
zone.querySelector("[data-drop-text]").hidden = false;
for (const name of ["dragenter", "dragover"]) {
  zone.addEventListener(name, (event) => { event.preventDefault(); zone.classList.add("drop-over"); });
}
for (const name of ["dragleave", "drop"]) zone.addEventListener(name, () => zone.classList.remove("drop-over"));
zone.addEventListener("drop", (event) => { event.preventDefault(); take([...event.dataTransfer.files]); });
addEventListener("beforeunload", (event) => { if (running.size) event.preventDefault(); });
