"""The names that templates of a process may use: variables that the reader sees, system names."""

from collections.abc import Iterator
from functools import cached_property
from typing import Final

from agent.language.checking import KnownNames, check_template
from deployments.access.grants import load_grants
from deployments.base.actor import Actor
from deployments.library.models import LibraryVariableSet, Variable
from deployments.library.queries import may_view, visible_variables
from deployments.library.references import with_parts
from deployments.library.variable_templates import read_templates
from deployments.projects.models import Project
from deployments.projects.process import Action, Step
from deployments.projects.process.shape import STEP_EXPRESSION
from deployments.projects.queries import included_sets
from deployments.projects.settings import extra_document
from deployments.projects.step_catalogue import StepKind

# What a deployment or a run adds (docs/system-variables.md); below these all is possible.
OPEN_NAMES: Final = (
    "Octopus.Acquire",
    "Octopus.Action",
    "Octopus.Agent",
    "Octopus.Date",
    "Octopus.Deployment.Changes",
    "Octopus.Deployment.PackageBuildInformation",
    "Octopus.Deployment.Targets",
    "Octopus.Deployment.WorkItems",
    "Octopus.Environment.MachinesInRole",
    "Octopus.Release.Builds",
    "Octopus.Release.CustomFields",
    "Octopus.Release.Package",
    "Octopus.Release.WorkItems",
    "Octopus.Step",
    "Octopus.Task.Argument",
    "Octopus.Tentacle",
    "Octopus.Time",
    "Octopus.Version",
    "env",
)
_BY_OWNER: Final = {
    "Octopus.Action": ("Id", "Name", "Number", "TargetRoles", "Package.PackageId"),
    "Octopus.Deployment": (
        *("ChangesMarkdown", "Comments", "Created", "CreatedBy.DisplayName"),
        *("CreatedBy.EmailAddress", "CreatedBy.Id", "CreatedBy.Username", "Error", "ErrorDetail"),
        *("ExcludedMachines", "ForcePackageDownload", "Id", "Machines", "Mode", "Name"),
        *("PreviousSuccessful.Id", "SpecificMachines", "Tenant.Id", "Tenant.Name", "Tenant.Tags"),
        *("Trigger.Id", "Trigger.Name", "WorkerLeaseCap"),
    ),
    "Octopus.Environment": ("Id", "Name", "SortOrder"),
    "Octopus.Machine": ("Id", "Name", "Roles"),
    "Octopus.Project": ("Id", "Name"),
    "Octopus.ProjectGroup": ("Id", "Name"),
    "Octopus.Release": (
        *("Channel.Id", "Channel.Name", "Created", "CurrentForEnvironment.Id"),
        *("CurrentForEnvironment.Number", "Id", "Notes", "Number", "Previous.Id"),
        *("Previous.Number", "PreviousForEnvironment.Id", "PreviousForEnvironment.Number"),
    ),
    "Octopus.Runbook": ("Id", "Name"),
    "Octopus.RunbookRun": ("Comments", "Created", "CreatedUtc", "Id", "Name"),
    "Octopus.RunbookSnapshot": ("Id", "Name", "Notes"),
    "Octopus.Space": ("Id", "Name"),
    "Octopus.Step": ("Id", "Name", "Number"),
    "Octopus.Task": ("ConcurrencyTag", "Id", "Name", "QueueTime", "QueueTimeExpiry"),
    "Octopus.Web": (
        *("BaseUrl", "DeploymentLink", "ProjectLink", "ReleaseLink", "RunbookRunLink"),
        *("RunbookSnapshotLink", "ServerUri"),
    ),
    "Octopus.Worker": ("Id", "Name"),
    "Octopus.WorkerPool": ("Id", "Name"),
}
SYSTEM_NAMES: Final = tuple(
    f"{owner}.{name}" for owner, names in _BY_OWNER.items() for name in names
)


# The filters as they are written; docs/templates.md has what each does.
FILTER_NAMES: Final = (
    *("AddDays", "AddHours", "Append", "Contains", "EndsWith", "Format", "FromBase64"),
    *("HashBucket", "HtmlEscape", "Indent", "JsonEscape", "Markdown", "MarkdownToHtml"),
    *("Match", "Md5"),
    *("NowDate", "NowDateUtc", "Null", "Prepend", "PropertiesKeyEscape"),
    *("PropertiesValueEscape", "Replace", "Sha1", "Sha256"),
    *("Sha384", "Sha512", "StartsWith", "Substring", "ToBase64", "ToLower", "ToUpper", "Trim"),
    *("Truncate", "UriDataEscape", "UriEscape", "UriPart", "VersionMajor", "VersionMetadata"),
    *("VersionMinor", "VersionPatch", "VersionPreRelease", "VersionPreReleaseCounter"),
    *("VersionPreReleasePrefix", "VersionRevision", "XmlEscape", "YamlDoubleQuoteEscape"),
    "YamlSingleQuoteEscape",
)


class TemplateNames:
    """The names for one project; nothing is read before a text asks for one.

    Where some are hidden from the reader no name is called unknown.
    """

    def __init__(self, actor: Actor, project: Project) -> None:
        self._actor = actor
        self._project = project

    @cached_property
    def names(self) -> list[str]:
        """The names of variables that the reader may see, and of what tenants fill in."""
        sets = included_sets(self._project)
        templates = [
            extra_document(self._project.extra)["Templates"],
            *(row.templates for row in sets),
        ]
        filled = (
            name
            for document in templates
            for each in read_templates(document)
            for name in with_parts(each.name, each.control)
        )
        return sorted({*self._variables[0], *filled}, key=str.lower)

    def check(self, text: str) -> list[str]:
        """Return what seems wrong with a text, in words."""
        return check_template(text, self.knows)

    @cached_property
    def _variables(self) -> tuple[set[str], set[str]]:
        """The names that the reader may see, and all of them; one query for any number of sets."""
        project = self._project
        own = [project.variable_set] if project.variable_set else []
        held = {each.pk: each for each in (*own, *(row.values for row in included_sets(project)))}
        grants = load_grants(self._actor, project.space)
        rows = Variable.objects.in_space(project.space).filter(variable_set__in=held)
        seen: set[str] = set()
        every: set[str] = set()
        columns = ("variable_set", "name", "scope", "kind")
        for number, name, scope, kind in rows.order_by().values_list(*columns):
            every.update(with_parts(name, kind))
            if name not in seen and may_view(grants, scope, held[number]):
                seen.update(with_parts(name, kind))
        return seen, every

    @cached_property
    def _known(self) -> KnownNames:
        return KnownNames.of([*self.names, *SYSTEM_NAMES, *OPEN_NAMES])

    def knows(self, path: str) -> bool:
        """Tell whether a name may have a value."""
        seen, every = self._variables
        return seen != every or self._known.has(path)


def names_in_set(actor: Actor, library_set: LibraryVariableSet) -> list[str]:
    """Return the names in a library set that the reader may see, and of what tenants fill in.

    Projects that include the set add others, so no name is unknown there.
    """
    seen = [(row.name, row.kind) for row in visible_variables(actor, library_set.values)]
    seen += [(each.name, each.control) for each in read_templates(library_set.templates)]
    return sorted({part for name, kind in seen for part in with_parts(name, kind)}, key=str.lower)


def texts_of_step(step: Step, action: Action, kind: StepKind | None) -> Iterator[tuple[str, str]]:
    """Yield what the texts of a step are called, with each text that may be a template."""
    labels = {setting.name: setting.label for setting in kind.properties} if kind else {}
    for name, value in action.properties.items():
        if isinstance(value, str):
            yield labels.get(name, name), value
    yield "Run condition", step.text(STEP_EXPRESSION)
