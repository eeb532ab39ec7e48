"""V2: the documents that never change."""

SERVICE = """<?xml version="1.0" encoding="utf-8"?>
<service xml:base="{base}/" xmlns="http://www.w3.org/2007/app" \
xmlns:atom="http://www.w3.org/2005/Atom"><workspace><atom:title>Default</atom:title>\
<collection href="Packages"><atom:title>Packages</atom:title></collection></workspace></service>
"""

_TEXTS = (
    "NormalizedVersion Title Authors Owners Summary Description Tags Copyright Language"
    " Dependencies IconUrl LicenseUrl ProjectUrl PackageHash PackageHashAlgorithm"
    " ReleaseNotes MinClientVersion ReportAbuseUrl GalleryDetailsUrl"
)
_FLAGS = (
    "IsLatestVersion IsAbsoluteLatestVersion IsPrerelease Listed RequireLicenseAcceptance"
    " DevelopmentDependency"
)
_TYPED = (
    ("Edm.DateTime", "Created Published LastUpdated"),
    ("Edm.Int32", "DownloadCount VersionDownloadCount"),
    ("Edm.Boolean", _FLAGS),
    ("Edm.Int64", "PackageSize"),
)
_FUNCTION = (
    '<FunctionImport Name="{name}" ReturnType="Collection(Feed.V2FeedPackage)"'
    ' EntitySet="Packages" m:HttpMethod="GET">{parameters}</FunctionImport>'
)
_FUNCTIONS = (
    (
        "Search",
        ("searchTerm", "Edm.String"),
        ("targetFramework", "Edm.String"),
        ("includePrerelease", "Edm.Boolean"),
    ),
    ("FindPackagesById", ("id", "Edm.String")),
    (
        "GetUpdates",
        ("packageIds", "Edm.String"),
        ("versions", "Edm.String"),
        ("includePrerelease", "Edm.Boolean"),
        ("includeAllVersions", "Edm.Boolean"),
        ("targetFrameworks", "Edm.String"),
        ("versionConstraints", "Edm.String"),
    ),
)


def _properties() -> str:
    typed = [("Edm.String", _TEXTS), *_TYPED]
    return "".join(
        f'<Property Name="{name}" Type="{kind}" />'
        for kind, names in typed
        for name in names.split()
    )


def _functions() -> str:
    return "".join(
        _FUNCTION.format(
            name=name,
            parameters="".join(
                f'<Parameter Name="{each}" Type="{kind}" />' for each, kind in parameters
            ),
        )
        for name, *parameters in _FUNCTIONS
    )


METADATA = f"""<?xml version="1.0" encoding="utf-8"?>
<edmx:Edmx Version="1.0" xmlns:edmx="http://schemas.microsoft.com/ado/2007/06/edmx">\
<edmx:DataServices m:DataServiceVersion="2.0" \
xmlns:m="http://schemas.microsoft.com/ado/2007/08/dataservices/metadata">\
<Schema Namespace="Feed" xmlns="http://schemas.microsoft.com/ado/2006/04/edm">\
<EntityType Name="V2FeedPackage" m:HasStream="true">\
<Key><PropertyRef Name="Id" /><PropertyRef Name="Version" /></Key>\
<Property Name="Id" Type="Edm.String" Nullable="false" />\
<Property Name="Version" Type="Edm.String" Nullable="false" />{_properties()}</EntityType>\
<EntityContainer Name="FeedContext" m:IsDefaultEntityContainer="true">\
<EntitySet Name="Packages" EntityType="Feed.V2FeedPackage" />{_functions()}</EntityContainer>\
</Schema></edmx:DataServices></edmx:Edmx>
"""
