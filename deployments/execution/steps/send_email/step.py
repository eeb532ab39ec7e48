"""Send an email through the SMTP server of the settings."""

from deployments.base.smtp import SmtpSettings, send
from deployments.execution.steps.step_type import (
    Property,
    PropertyKind,
    Result,
    ServerAction,
    StepType,
)
from deployments.execution.variables import Variables
from deployments.projects.process import split_list

_EMAIL = "Octopus.Action.Email"


def check(variables: Variables) -> str:
    """Return why no mail can be sent."""
    if not (variables.text(f"{_EMAIL}.To") + variables.text(f"{_EMAIL}.ToTeamIds")).strip(", "):
        return "The email has no recipient."
    return ""


def run(action: ServerAction) -> Result:
    """Send one mail to each recipient, each address once."""
    variables = action.variables
    addresses: dict[str, str] = {}
    for field in ("To", "CC", "Bcc"):
        for address in split_list(variables.text(f"{_EMAIL}.{field}").replace(";", ",")):
            addresses.setdefault(address.lower(), address)
        for address in action.addresses_of(split_list(variables.text(f"{_EMAIL}.{field}TeamIds"))):
            addresses.setdefault(address.lower(), address)
    if not addresses:
        return Result("Nobody in the chosen teams has an email address.")
    try:
        settings = SmtpSettings.read(action.settings)
        send(
            settings,
            list(addresses.values()),
            subject=" ".join(variables.text(f"{_EMAIL}.Subject").split()),
            body=variables.text(f"{_EMAIL}.Body"),
            is_html=variables.text(f"{_EMAIL}.IsHtml").strip().lower() == "true",
            message_id=action.id,
        )
    except (OSError, ValueError) as error:
        return Result(f"The mail was not sent: {error}")
    for address in addresses.values():
        action.log("info", f"Sent to {address}.")
    return Result()


STEP = StepType(
    action_type="Octopus.Email",
    name="Send an Email",
    summary="Tell people by mail, through the server's SMTP settings.",
    category="Other",
    run=run,
    check=check,
    settings=("smtp",),
    properties=(
        Property(f"{_EMAIL}.To", "To", help="Addresses, separated by commas.", required=True),
        Property(f"{_EMAIL}.ToTeamIds", "Teams", PropertyKind.TEAMS),
        Property(f"{_EMAIL}.Subject", "Subject", required=True),
        Property(f"{_EMAIL}.IsHtml", "The body is HTML", PropertyKind.CHECKBOX, default="False"),
        Property(f"{_EMAIL}.Body", "Body", PropertyKind.LINES, required=True),
    ),
)
