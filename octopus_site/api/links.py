"""The link templates of the root documents; clients find every resource through them."""

SPACE_LINKS = {
    "Accounts": "accounts{/id}{?skip,take,ids,partialName,accountType}",
    "BuildInformation": "build-information{/id}{?filter,packageId,latest,skip,take,overwriteMode}",
    "Certificates": "certificates{/id}{?skip,take,search,archived,tenant,ids,partialName}",
    "Channels": "channels{/id}{?skip,take,ids,partialName}",
    "Dashboard": "dashboard{?projectId,releaseId,selectedTenants,selectedTags,showAll,"
    "highestLatestVersionPerProjectAndEnvironment}",
    "DashboardConfiguration": "dashboardconfiguration",
    "DashboardDynamic": "dashboard/dynamic{?projects,environments,includePrevious}",
    "DeploymentProcesses": "deploymentprocesses{/id}{?skip,take,ids}",
    "Deployments": "deployments{/id}{?skip,take,ids,projects,environments,tenants,channels,"
    "taskState,partialName}",
    "Environments": "environments{/id}{?name,skip,ids,take,partialName}",
    "EnvironmentSortOrder": "environments/sortorder",
    "Feeds": "feeds{/id}{?skip,take,ids,partialName,feedType,name}",
    "LibraryVariables": "libraryvariablesets{/id}{?skip,contentType,take,ids,partialName}",
    "Lifecycles": "lifecycles{/id}{?skip,take,ids,partialName}",
    "MachinePolicies": "machinepolicies{/id}{?skip,take,ids,partialName}",
    "MachineRoles": "machineroles/all",
    "Machines": "machines{/id}{?skip,take,name,ids,partialName,roles,isDisabled,healthStatuses,"
    "commStyles,tenantIds,tenantTags,environmentIds,thumbprint,deploymentId,shellNames}",
    "PackageDeltaSignature": "packages/{packageId}/{version}/delta-signature",
    "PackageDeltaUpload": "packages/{packageId}/{baseVersion}/delta{?replace,overwriteMode}",
    "Packages": "packages{/id}{?nuGetPackageId,filter,latest,skip,take,includeNotes}",
    "PackagesBulk": "packages/bulk{?ids}",
    "PackageUpload": "packages/raw{?replace,overwriteMode}",
    "ProjectGroups": "projectgroups{/id}{?skip,take,ids,partialName}",
    "Projects": "projects{/id}{?name,skip,ids,clone,take,partialName,clonedFromProjectId}",
    "ProjectTriggers": "projecttriggers{/id}{?skip,take,ids,runbooks}",
    "Releases": "releases{/id}{?skip,ignoreChannelRules,take,ids}",
    "RetentionPolicies": "retentionpolicies{/id}{?RetentionType}",
    "RunbookProcesses": "runbookProcesses{/id}{?skip,take,ids}",
    "RunbookRuns": "runbookRuns{/id}{?skip,take,ids,projects,environments,tenants,runbooks,"
    "taskState,partialName}",
    "Runbooks": "runbooks{/id}{?skip,take,ids,partialName,clone,projectIds}",
    "RunbookSnapshots": "runbookSnapshots{/id}{?skip,take,ids,publish}",
    "TagSets": "tagsets{/id}{?skip,take,ids,partialName,scopes}",
    "TagSetSortOrder": "tagsets/sortorder",
    "TenantsMissingVariables": "tenants/variables-missing{?tenantId,projectId,environmentId,"
    "includeDetails}",
    "TenantsStatus": "tenants/status",
    "TenantTagTest": "tenants/tag-test{?tenantIds,tags}",
    "Tenants": "tenants{/id}{?skip,projectId,name,tags,take,ids,clone,partialName,"
    "clonedFromTenantId}",
    "TenantVariables": "tenantvariables/all{?projectId}",
    "VariableNames": "variables/names{?project,runbook,projectEnvironmentsFilter}",
    "VariablePreview": "variables/preview{?project,runbook,environment,channel,tenant,action,"
    "machine,role}",
    "Variables": "variables{/id}{?ids}",
    "VersionRuleTest": "channels/rule-test{?version,versionRange,preReleaseTag,feedType}",
    "WorkerPools": "workerpools{/id}{?name,skip,ids,take,partialName}",
    "Workers": "workers{/id}{?skip,take,name,ids,partialName,isDisabled,healthStatuses,"
    "commStyles,workerPoolIds,thumbprint,shellNames}",
}

MIXED_LINKS = {
    "Artifacts": "artifacts{/id}{?skip,take,regarding,ids,partialName,order}",
    "Events": "events{/id}{?skip,regarding,regardingAny,user,users,projects,projectGroups,"
    "environments,eventGroups,eventCategories,eventAgents,tags,tenants,from,to,internal,"
    "fromAutoId,toAutoId,documentTypes,asCsv,take,ids,spaces,includeSystem,excludeDifference}",
    "Interruptions": "interruptions{/id}{?skip,take,regarding,pendingOnly,ids}",
    "ScopedUserRoles": "scopeduserroles{/id}{?skip,take,ids,partialName,spaces,includeSystem}",
    "Subscriptions": "subscriptions{/id}{?skip,take,ids,partialName,spaces}",
    "Tasks": "tasks{/id}{?skip,active,environment,tenant,runbook,project,name,node,running,"
    "states,hasPendingInterruptions,hasWarningsOrErrors,take,ids,partialName,spaces,"
    "includeSystem}",
    "TeamMembership": "teammembership{?userId,spaces,includeSystem}",
    "TeamMembershipPreviewTeam": "teammembership/previewteam",
    "Teams": "teams{/id}{?skip,take,ids,partialName,spaces,includeSystem}",
}

SYSTEM_LINKS = {
    "Authentication": "/api/authentication",
    "CurrentUser": "/api/users/me",
    "EventAgents": "/api/events/agents",
    "EventCategories": "/api/events/categories{?appliesTo}",
    "EventDocumentTypes": "/api/events/documenttypes",
    "EventGroups": "/api/events/groups{?appliesTo}",
    "CurrentLicenseStatus": "/api/licenses/licenses-current-status",
    "ExternalSecurityGroupProviders": "/api/externalsecuritygroupproviders",
    "IdentityProviders": "/api/identityproviders{/id}{?skip,take,ids,partialName}",
    "LdapProviders": "/api/ldapproviders{/id}{?skip,take,ids,partialName}",
    "LogSettings": "/api/logsettings",
    "MaintenanceConfiguration": "/api/maintenanceconfiguration",
    "OctopusServerClusterSummary": "/api/octopusservernodes/summary",
    "OctopusServerNodes": "/api/octopusservernodes{/id}{?skip,take,ids,partialName}",
    "PermissionDescriptions": "/api/permissions/all",
    "Self": "/api",
    "ServerConfiguration": "/api/serverconfiguration",
    "ServerHealthStatus": "/api/serverstatus/health",
    "ServerStatus": "/api/serverstatus",
    "Invitations": "/api/users/invitations",
    "Register": "/api/users/register",
    "SignIn": "/api/users/login{?returnUrl}",
    "SignOut": "/api/users/logout",
    "SmtpConfiguration": "/api/smtpconfiguration",
    "SmtpIsConfigured": "/api/smtpconfiguration/isconfigured",
    "SpaceHome": "/api/{spaceId}",
    "Spaces": "/api/spaces{/id}{?skip,ids,take,partialName}",
    "Timezones": "/api/serverstatus/timezones",
    "UserRoles": "/api/userroles{/id}{?skip,take,ids,partialName}",
    "Users": "/api/users{/id}{?skip,take,ids,filter}",
    "Web": "/app",
}


def space_links(space_id: str) -> dict[str, str]:
    """Return the links of a space's root document."""
    prefix = f"/api/{space_id}"
    below = {name: f"{prefix}/{rest}" for name, rest in (SPACE_LINKS | MIXED_LINKS).items()}
    return dict(sorted({**below, "Self": prefix, "Web": f"/app#/{space_id}"}.items()))


def system_links() -> dict[str, str]:
    """Return the links of the server's root document; those of spaces mean the default one."""
    below = {name: f"/api/{rest}" for name, rest in (SPACE_LINKS | MIXED_LINKS).items()}
    return dict(sorted((below | SYSTEM_LINKS).items()))
