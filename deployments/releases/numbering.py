"""The number of a new release: from a template or mask, or given; pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from agent.language import LanguageError, evaluate
from agent.versions import InvalidVersion, Version, is_mask, next_version, version_variables

MAX_LENGTH: Final = 349


class InvalidNumber(ValueError):
    """A template or text does not give the number of a release."""


def number_from_template(
    template: str,
    *,
    used: Sequence[Version],
    channel: str,
    used_in_channels: Mapping[str, Sequence[Version]],
    variables: Mapping[str, str | None],
    now: datetime,
) -> str:
    """Return the number that the template gives, its mask filled in. Raises InvalidNumber.

    `used` are all numbers that the project ever had, so that none of a deleted release comes
    again; `variables` the unscoped and channel-scoped ones.
    """
    known = {
        **variables,
        **numbering_variables(used=used, channel=channel, used_in_channels=used_in_channels),
        **_dates(now),
    }
    try:
        result = evaluate(template, known)
    except LanguageError as error:
        raise InvalidNumber(f"The release number template cannot be used: {error}") from error
    if result.errors:
        raise InvalidNumber(
            f"The release number template '{template}' cannot be used: {result.errors[0]}"
        )
    return filled_number(result.text.strip(), used)


def filled_number(text: str, used: Sequence[Version]) -> str:
    """Return a given number, its mask filled in. Raises InvalidNumber."""
    number = text.strip()
    if is_mask(number):
        number = next_version(number, used)
    if len(number) > MAX_LENGTH:
        raise InvalidNumber(f"A release number may have at most {MAX_LENGTH} characters.")
    try:
        Version.parse(number)
    except InvalidVersion as error:
        raise InvalidNumber(f"'{number}' is not a release number: {error}") from error
    return number


def numbering_variables(
    *,
    used: Sequence[Version],
    channel: str,
    used_in_channels: Mapping[str, Sequence[Version]],
) -> dict[str, str]:
    """Return `Octopus.Version.*` for the project, this channel and each channel by name."""
    variables = version_variables(max(used, default=None))
    for name in (channel, *used_in_channels):
        highest = max(used_in_channels.get(name, ()), default=None)
        for key, value in version_variables(highest).items():
            part = key.removeprefix("Octopus.Version.")
            variables[f"Octopus.Version.Channel[{name}].{part}"] = value
            if name == channel:
                variables[f"Octopus.Version.Channel.{part}"] = value
    return variables


def _dates(now: datetime) -> dict[str, str]:
    return {
        "Octopus.Date.Day": f"{now.day:02d}",
        "Octopus.Date.Month": f"{now.month:02d}",
        "Octopus.Date.Year": f"{now.year:04d}",
        "Octopus.Date.DayOfYear": f"{now.timetuple().tm_yday:03d}",
        "Octopus.Time.Hour": f"{now.hour:02d}",
        "Octopus.Time.Minute": f"{now.minute:02d}",
        "Octopus.Time.Second": f"{now.second:02d}",
    }
