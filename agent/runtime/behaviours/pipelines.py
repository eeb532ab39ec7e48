"""The order of the work for each kind of command."""

from collections.abc import Sequence

from agent.runtime.behaviours.configuration.config_variables import ConfigurationVariables
from agent.runtime.behaviours.configuration.structured import StructuredConfiguration
from agent.runtime.behaviours.configuration.transforms import ConfigurationTransforms
from agent.runtime.behaviours.context import Behaviour, Context, run_in_order, run_phase
from agent.runtime.behaviours.custom_directory import CopyToCustomDirectory
from agent.runtime.behaviours.extract import ExtractPackage, ExtractScriptPackage
from agent.runtime.behaviours.history import record_deployment, set_previous_installation
from agent.runtime.behaviours.nginx.configure import ConfigureNginx
from agent.runtime.behaviours.references import StageReferences
from agent.runtime.behaviours.repack import PlaceArchive, RepackArchive, stays_closed
from agent.runtime.behaviours.retention import ApplyRetention
from agent.runtime.behaviours.scripts import InlineScripts, PackagedScript, RunScript
from agent.runtime.behaviours.skip_installed import SkipIfInstalled
from agent.runtime.behaviours.substitute import SubstituteInFiles
from agent.runtime.behaviours.systemd.install import InstallSystemdService
from agent.runtime.behaviours.transfer import TransferPackage
from agent.runtime.runner.control import Stopped
from agent.runtime.runner.errors import StepFailed

# What was sent, by the way that the package came.
_SENT = {
    "kept": "; nothing had to be sent",
    "whole": "; {sent} bytes were sent: the whole package",
    "files": "; {sent} bytes were sent: the files that an older version here lacks",
    "zstd": "; {sent} bytes were sent: a patch of an older version that was here",
}


def run_script(context: Context) -> None:
    """Run one script, inline or from a package."""
    run_in_order(
        context,
        [
            StageReferences(),
            ExtractScriptPackage(),
            *configuration(),
            RunScript(),
        ],
    )


def acquire(context: Context) -> None:
    """Say what is there: packages are in the cache before any runner starts."""
    for package in context.command.packages:
        size = package.path.stat().st_size
        how = "was downloaded again" if package.is_fresh else "is here"
        label = f"{package.package_id} {package.version} {how} ({size} bytes)"
        sent = _SENT.get(package.arrival, "").format(sent=package.sent)
        context.output.info(f"{label}{sent}.")


def deploy_package(context: Context) -> None:
    """Install a package by the conventions; on failure run DeployFailed, then fail."""
    _deploy(context, conventions())


def deploy_java_archive(context: Context) -> None:
    """Install a Java archive: the same, with its files packed again once they are configured.

    One that stays closed has no files to configure.
    """
    if stays_closed(context):
        _deploy(context, conventions(installing=PlaceArchive(), configuring=()))
    else:
        _deploy(context, conventions(finishing=RepackArchive()))


def deploy_nginx(context: Context) -> None:
    """Install a package and serve it with nginx once its Deploy scripts have run."""
    _deploy(context, conventions(serving=ConfigureNginx()))


def deploy_systemd_service(context: Context) -> None:
    """Install a package and run a program of it as a service, once its Deploy scripts have run."""
    _deploy(context, conventions(serving=InstallSystemdService()))


def _deploy(context: Context, behaviours: list[Behaviour]) -> None:
    set_previous_installation(context)
    skip = SkipIfInstalled()
    if skip.enabled(context):
        run_phase(context, skip)
        if context.done:
            return
    try:
        run_in_order(context, behaviours)
    except Stopped:
        record_deployment(context, successful=False)
        raise
    except Exception:
        try:
            _deploy_failed(context)
        finally:
            record_deployment(context, successful=False)
        raise
    record_deployment(context, successful=True)
    retention = ApplyRetention()
    if context.installed is not None and retention.enabled(context):
        run_phase(context, retention)


def transfer_package(context: Context) -> None:
    """Place the package's file where the step says, without extracting it."""
    run_in_order(context, [TransferPackage()])


def conventions(
    *,
    installing: Behaviour | None = None,
    configuring: Sequence[Behaviour] | None = None,
    finishing: Behaviour | None = None,
    serving: Behaviour | None = None,
) -> list[Behaviour]:
    """Return the conventions; inline comes first for PreDeploy only, as users expect.

    `installing` takes the place of the extraction and `configuring` that of `configuration`.
    `finishing` happens to the configured files before they are copied anywhere, `serving` after
    the Deploy scripts.
    """
    return [
        installing or ExtractPackage(),
        StageReferences(),
        InlineScripts("PreDeploy"),
        PackagedScript("PreDeploy"),
        *(configuration() if configuring is None else configuring),
        *((finishing,) if finishing else ()),
        CopyToCustomDirectory(),
        PackagedScript("Deploy"),
        InlineScripts("Deploy"),
        *((serving,) if serving else ()),
        PackagedScript("PostDeploy"),
        InlineScripts("PostDeploy"),
    ]


def configuration() -> list[Behaviour]:
    """Return what changes the files of a package, in the order that users rely on."""
    return [
        SubstituteInFiles(),
        ConfigurationTransforms(),
        ConfigurationVariables(),
        StructuredConfiguration(),
    ]


def _deploy_failed(context: Context) -> None:
    for behaviour in (PackagedScript("DeployFailed"), InlineScripts("DeployFailed")):
        try:
            if context.installed is not None and behaviour.enabled(context):
                run_phase(context, behaviour)
        except StepFailed as failure:
            context.output.error(f"{behaviour.name} failed as well: {failure.message}")
