"""Deploy a Java Archive: configure the files inside and put the archive where it is served."""

from deployments.execution.steps.features import (
    custom_scripts,
    lacks,
    package,
    structured_configuration,
    substitution,
    switch_on_scripts,
)
from deployments.execution.steps.step_type import Property, PropertyKind, StepType

_PACKAGE = "Octopus.Action.Package"


STEP = StepType(
    action_type="Octopus.JavaArchive",
    name="Deploy a Java Archive",
    summary="Fill in variables inside of a jar, war or ear, pack it again and put it in place.",
    category="Package",
    command="deploy_java_archive",
    prepare=switch_on_scripts,
    check=lacks,
    properties=(
        package("A package that ends in .jar, .war or .ear."),
        Property(
            f"{_PACKAGE}.CustomInstallationDirectory",
            "Put it into this directory",
            help="Such as /var/lib/tomcat10/webapps; empty leaves it where packages are installed.",
        ),
        Property(
            f"{_PACKAGE}.CustomPackageFileName",
            "Name of the archive",
            help="Such as shop.war; empty means package, version and extension.",
            shown_when=("Octopus.Action.JavaArchive.DeployExploded", "False"),
        ),
        Property(
            "Octopus.Action.JavaArchive.DeployExploded",
            "Deploy the files, not the archive",
            PropertyKind.CHECKBOX,
            default="False",
        ),
        Property(
            "Octopus.Action.Java.JavaArchiveExtractionDisabled",
            "Do not open the archive",
            PropertyKind.CHECKBOX,
            default="False",
            help="It is put in place byte by byte as it came; nothing in it is filled in.",
            shown_when=("Octopus.Action.JavaArchive.DeployExploded", "False"),
        ),
        *custom_scripts(),
        *substitution(),
        *structured_configuration(),
    ),
)
