// Accounts and certificates with Octopus's own clients: the last one that has repositories of them,
// and the current one, whose repositories of other things are the same. Each part prints what it saw
// as JSON. The environment variable JOURNEY has the settings.
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const settings = JSON.parse(process.env.JOURNEY);

function secret(text) {
  return { HasValue: true, NewValue: text };
}

async function refusal(promise) {
  try {
    await promise;
  } catch (error) {
    // The clients write the server's list of errors below its message.
    return { status: error.StatusCode, message: error.ErrorMessage };
  }
  return null;
}

async function connect() {
  const octopus = require("octopus-api-client-1");
  const client = await octopus.Client.create({
    apiUri: settings.url,
    apiKey: settings.key,
    space: settings.space,
    autoConnect: true,
    logging: {},
  });
  return { client, repository: new octopus.Repository(client) };
}

async function createAll() {
  const { client, repository } = await connect();
  const accounts = {};
  for (const account of settings.accounts) {
    const made = await repository.accounts.create(account);
    accounts[account.AccountType] = await repository.accounts.get(made.Id);
  }
  const certificate = await repository.certificates.create({
    Name: "Site",
    Notes: "",
    CertificateData: secret(settings.pfx),
    Password: secret(settings.password),
    EnvironmentIds: [],
    TenantedDeploymentParticipation: "Untenanted",
    TenantIds: [],
    TenantTags: [],
  });
  const selfSigned = await repository.certificates.createSelfSigned({ CommonName: "own.example" });
  const [pool] = await repository.workerPools.all();
  const project = await repository.projects.get(settings.project);
  const set = await client.get(project.Links.Variables);
  const named = (Name, Type, Value) => ({ Name, Type, Value, Scope: {}, IsSensitive: false });
  const wrong = { ...set, Variables: [named("Pool", "WorkerPool", "WorkerPools-9999")] };
  const refused = [
    await refusal(repository.variables.modify(wrong)),
    await refusal(
      repository.variables.modify({ ...set, Variables: [named("Db", "TokenAccount", certificate.Id)] }),
    ),
    await refusal(repository.certificates.create({ Name: "Bad", CertificateData: secret("AAAA") })),
    await refusal(repository.accounts.create({ Name: "Bad", AccountType: "Token" })),
  ];
  set.Variables = [
    ...Object.entries(accounts).map(([type, row]) => named(type, settings.types[type], row.Id)),
    named("Site", "Certificate", certificate.Id),
    named("Pool", "WorkerPool", pool.Id),
  ];
  const variables = await repository.variables.modify(set);
  return {
    accounts,
    certificate,
    selfSigned,
    refused,
    variables,
    all: await repository.accounts.all(),
    tokens: await repository.accounts.list({ accountType: "Token" }),
    certificates: await repository.certificates.list({ search: "own.example" }),
    usages: await repository.accounts.getAccountUsages(accounts.Token),
    preview: await repository.variables.preview(project.Id),
  };
}

async function replaceAll() {
  const { client, repository } = await connect();
  const [account] = (await repository.accounts.list({ partialName: "Database" })).Items;
  // What was read is sent back: the secret stays.
  const kept = await repository.accounts.modify({ ...account, Description: "Ours" });
  const replaced = await repository.accounts.modify({ ...kept, Password: secret(settings.newer) });
  const [site] = (await repository.certificates.list({ partialName: "Site" })).Items;
  const noted = await repository.certificates.modify({ ...site, Notes: "Renewed" });
  const renewed = await client.post(noted.Links.Replace, {
    CertificateData: secret(settings.pfx),
    Password: secret(settings.password),
  });
  const archived = (await repository.certificates.list({ archived: true })).Items;
  const pem = await client.getRaw(renewed.Links.Export, { format: "Pem" });
  const [own] = (await repository.certificates.list({ partialName: "own" })).Items;
  await client.post(own.Links.Archive);
  const away = await repository.certificates.get(own.Id);
  await client.post(own.Links.Unarchive);
  const back = await repository.certificates.get(own.Id);
  return { kept, replaced, noted, renewed, archived, pem, away, back };
}

async function removeAll() {
  const { client, repository } = await connect();
  const accounts = await repository.accounts.all();
  const certificates = await repository.certificates.all();
  const used = [await refusal(repository.accounts.del(accounts[0]))];
  used.push(await refusal(repository.certificates.del(certificates.find((c) => c.Name === "Site"))));
  for (const release of (await repository.releases.list()).Items) {
    await repository.releases.del(release);
  }
  const project = await repository.projects.get(settings.project);
  const set = await client.get(project.Links.Variables);
  await repository.variables.modify({ ...set, Variables: [] });
  for (const row of accounts) await repository.accounts.del(row);
  for (const row of await repository.certificates.list({ archived: true }).then((p) => p.Items)) {
    await repository.certificates.del(row);
  }
  for (const row of certificates) await repository.certificates.del(row);
  return {
    used,
    gone: await refusal(repository.accounts.get(accounts[0].Id)),
    accounts: await repository.accounts.all(),
    certificates: await repository.certificates.all(),
  };
}

async function withTheCurrentOne() {
  const octopus = require("@octopusdeploy/api-client");
  const quiet = { debug() {}, info() {}, warn() {}, error() {} };
  const client = await octopus.Client.create({
    instanceURL: settings.url,
    apiKey: settings.key,
    userAgentApp: "credentials",
    logging: quiet,
  });
  const at = (path, names) =>
    new octopus.SpaceScopedBasicRepository(
      client,
      settings.spaceName,
      `${octopus.spaceScopedRoutePrefix}/${path}`,
      names,
    );
  const accounts = at("accounts", "skip,take,ids,partialName,accountType");
  const certificates = at("certificates", "skip,take,search,archived,ids,partialName");
  const made = await accounts.create(settings.accounts[0]);
  const kept = await accounts.modify({ ...made, Description: "Kept" });
  const changed = await accounts.modify({ ...kept, Password: secret(settings.newer) });
  const found = await accounts.list({ accountType: made.AccountType, take: 5 });
  const refused = await refusal(accounts.create({ ...settings.accounts[0] }));
  await accounts.del(made);
  const site = await certificates.create({
    Name: "Site",
    CertificateData: secret(settings.pfx),
    Password: secret(settings.password),
  });
  const noted = await certificates.modify({ ...site, Notes: "Noted" });
  const listed = await certificates.list({ search: "shop" });
  await certificates.del(site);
  const left = [await accounts.list({ take: 5 }), await certificates.list({ take: 5 })];
  return { made, kept, changed, found, refused, site, noted, listed, left };
}

const parts = { createAll, replaceAll, removeAll, withTheCurrentOne };
const seen = await parts[settings.part]();
process.stdout.write(`${JSON.stringify(seen)}\n`, () => process.exit(0));
