// A release from nothing to deployed, with the API client alone, in two parts between which the
// agents register; prints what it saw as JSON. The environment variable JOURNEY has the settings.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const require = createRequire(import.meta.url);
const octopus = require("@octopusdeploy/api-client");
const settings = JSON.parse(process.env.JOURNEY);
const quiet = { debug() {}, info() {}, warn() {}, error() {} };

const client = await octopus.Client.create({
  instanceURL: settings.url,
  apiKey: settings.key,
  userAgentApp: "journey",
  logging: quiet,
});

async function makeSpace() {
  const me = await octopus.userGetCurrent(client);
  await new octopus.SpaceRepository(client).create({
    Name: settings.space,
    SpaceManagersTeams: [],
    SpaceManagersTeamMembers: [me.Id],
    IsDefault: false,
  });
  return settings.space;
}

async function makeProject(space) {
  const environments = new octopus.EnvironmentRepository(client, space);
  const staging = await environments.create({ Name: "Staging", UseGuidedFailure: false });
  const production = await environments.create({ Name: "Production" });
  const lifecycle = await new octopus.LifecycleRepository(client, space).create({
    Name: "Two steps",
    Phases: [staging, production].map((environment) => ({
      Id: "",
      Name: environment.Name,
      OptionalDeploymentTargets: [environment.Id],
      AutomaticDeploymentTargets: [],
      MinimumEnvironmentsBeforePromotion: 0,
      IsOptionalPhase: false,
    })),
  });
  const groups = await new octopus.ProjectGroupRepository(client, space).list({ take: 1 });
  const projects = new octopus.ProjectRepository(client, space);
  return projects.create(octopus.NewProject("Acme Shop", groups.Items[0], lifecycle));
}

async function defineProcess(space, project) {
  const processes = new octopus.DeploymentProcessRepository(client, space);
  const process_ = await processes.get(project);
  process_.Steps = settings.steps;
  return processes.update(project, process_);
}

async function release(space, file) {
  const packages = new octopus.PackageRepository(client, space);
  await packages.push([file], octopus.OverwriteMode.FailIfExists);
  const found = await packages.list({ filter: "Acme.Shop" });
  const created = await new octopus.ReleaseRepository(client, space).create({
    spaceName: space,
    ProjectName: "Acme Shop",
    PackageVersion: "1.4.0",
    ReleaseNotes: "Made by the API client",
  });
  return { package: found.Items[0].Version, created };
}

async function deploy(space, version, environment) {
  const deployments = new octopus.DeploymentRepository(client, space);
  const made = await deployments.create({
    spaceName: space,
    ProjectName: "Acme Shop",
    ReleaseVersion: version,
    EnvironmentNames: [environment],
  });
  const taskIds = made.DeploymentServerTasks.map((each) => each.ServerTaskId);
  const ids = made.DeploymentServerTasks.map((each) => each.DeploymentId);
  const listed = await deployments.list({ ids, take: 1 });
  const waiter = new octopus.ServerTaskWaiter(client, space);
  const [task] = await waiter.waitForServerTasksToComplete(taskIds, 200, 120000, () => {});
  const tasks = new octopus.SpaceServerTaskRepository(client, space);
  const raw = await tasks.getRaw(taskIds[0]);
  if (task.State !== "Success") throw new Error(`${environment}: ${task.State}\n${raw}`);
  return {
    deployments: listed.Items.map((each) => each.Name),
    details: await tasks.getDetails(taskIds[0]),
    raw,
  };
}

async function prepare() {
  const space = await makeSpace();
  const project = await makeProject(space);
  const stored = await defineProcess(space, project);
  return { spaceId: project.SpaceId, version: stored.Version };
}

async function releaseAndDeploy() {
  const space = settings.space;
  const released = await release(space, settings.file);
  const version = released.created.ReleaseVersion;
  let tooEarly = "";
  try {
    await deploy(space, version, "Production");
  } catch (error) {
    tooEarly = error.message;
  }
  const staging = await deploy(space, version, "staging");
  const production = await deploy(space, version, "Production");
  return { released, tooEarly, staging, production };
}

const parts = { prepare, releaseAndDeploy };
const seen = await parts[settings.part]();
// The waiter's timer of two minutes is still running.
process.stdout.write(`${JSON.stringify(seen)}\n`, () => process.exit(0));
