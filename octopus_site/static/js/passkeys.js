// passkeys.js: forms that ask the browser for a passkey before they are sent.

const asks = {
  get: async (options) => navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) }),
  create: async (options) => navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) }),
};

const tell = (form, text) => {
  const problem = form.querySelector("[data-passkey-problem]");
  problem.textContent = text;
  problem.hidden = !text;
  for (const button of form.querySelectorAll("button[type=submit]")) setTimeout(() => { button.disabled = false; });
};

const send = async (form) => {
  const answer = await fetch(form.dataset.options, { method: "POST", body: new FormData(form) });
  const { options, csrf_token: token, error } = await answer.json();
  if (!answer.ok) throw new Error(error);
  const credential = await asks[form.dataset.passkey](options);
  form.elements.answer.value = JSON.stringify(credential.toJSON());
  form.elements.csrf_token.value = token; // asking may have begun a session
  form.submit();
};

for (const form of document.querySelectorAll("form[data-passkey]")) {
  form.hidden = !window.PublicKeyCredential?.parseRequestOptionsFromJSON;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    tell(form, "");
    send(form).catch((error) => {
      tell(form, error.name === "NotAllowedError" ? "The browser has given no passkey." : error.message);
    });
  });
}
