// A real OpenID Connect provider for tests: `oidc-provider`, with the people of a file.
//
// Environment: NODE_MODULES, PORT, PEOPLE (a JSON file: account -> claims, read at each use) and
// REDIRECT_URIS (one a line). Whoever is in the file signs in by naming their account.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { webcrypto } from "node:crypto";

globalThis.crypto ??= webcrypto; // Debian 12's Node has it only as a module
const { NODE_MODULES, PORT, PEOPLE, REDIRECT_URIS } = process.env;
const library = pathToFileURL(join(NODE_MODULES, "oidc-provider/lib/index.js"));
const { Provider } = await import(library.href);

const issuer = `http://127.0.0.1:${PORT}`;
const people = () => JSON.parse(readFileSync(PEOPLE, "utf8"));
const provider = new Provider(issuer, {
  clients: [
    {
      client_id: "octopus",
      client_secret: "a secret of the tests: 100% + more",
      redirect_uris: REDIRECT_URIS.split("\n"),
      post_logout_redirect_uris: REDIRECT_URIS.split("\n").map(
        (uri) => `${new URL(uri).origin}/app/sign-in`,
      ),
    },
  ],
  claims: {
    openid: ["sub"],
    profile: ["name", "preferred_username", "groups"],
    email: ["email", "email_verified"],
  },
  async findAccount(_, id) {
    const claims = people()[id];
    return claims && { accountId: id, claims: async () => ({ sub: id, ...claims }) };
  },
  // Nobody is asked whether the server may know them.
  async loadExistingGrant(context) {
    const { oidc } = context;
    const grant = new oidc.provider.Grant({
      clientId: oidc.client.clientId,
      accountId: oidc.session.accountId,
    });
    grant.addOIDCScope("openid profile email");
    await grant.save();
    return grant;
  },
  cookies: { keys: ["tests"] },
  features: { devInteractions: { enabled: false } },
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
});

const form = `<!doctype html><html lang="en"><title>Provider</title><h1>Provider</h1>
<form method="post"><label>Account <input name="account"></label><button>Continue</button></form>`;

provider.use(async (context, next) => {
  if (!context.path.startsWith("/interaction/")) return next();
  if (context.method === "GET") {
    context.body = form;
    return;
  }
  let body = "";
  for await (const part of context.req) body += part;
  const accountId = new URLSearchParams(body).get("account");
  context.respond = false;
  await provider.interactionFinished(context.req, context.res, { login: { accountId } });
});
provider.listen(Number(PORT), "127.0.0.1");
