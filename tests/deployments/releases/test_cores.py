"""The pure cores of releases, against the tables of cases."""

from datetime import UTC, datetime
from typing import Any

import pytest

from agent.versions import Scheme, Version, read_version
from deployments.projects.version_rules import rules_from_json
from deployments.releases.channel_rules import PackageChoice, broken_rules, rule_for
from deployments.releases.numbering import InvalidNumber, number_from_template
from deployments.releases.progression import Phase, progress_of
from deployments.releases.selection import InvalidPackageSpec, newest_fitting, parse_spec
from tests.support.cases import case_name, cases


@pytest.mark.parametrize("case", cases("progression", "progress"), ids=case_name)
def test_progression(case: dict[str, Any]) -> None:
    phases = [
        Phase(
            str(number),
            f"Phase {number}",
            tuple(phase["environments"]),
            phase.get("minimum", 0),
            phase.get("optional", False),
        )
        for number, phase in enumerate(case["phases"])
    ]
    found = progress_of(
        phases,
        case["succeeded"],
        has_defect=case.get("defect", False),
        connected=case.get("connected"),
    )
    everywhere = sorted({number for phase in phases for number in phase.environments})
    assert [str(state.progress) for state in found.phases] == case["progress"]
    assert [number for number in everywhere if found.may_deploy_to(number)] == case["deployable"]
    assert list(found.next_environments) == case["next"]
    assert found.next_minimum == case["minimum"]
    if "blocked" in case:
        assert [state.is_blocked for state in found.phases] == case["blocked"]


def scheme_of(case: dict[str, Any]) -> Scheme:
    return Scheme(case.get("scheme", Scheme.SEMVER))


def rules_of(case: dict[str, Any]) -> Any:
    package = {"DeploymentAction": "Deploy", "PackageReference": ""}
    rule = {
        "VersionRange": case.get("range", ""),
        "Tag": case.get("tag", ""),
        "ActionPackages": [package],
    }
    return rules_from_json([rule])


@pytest.mark.parametrize("case", cases("channel_rules", "rules"), ids=case_name)
def test_channel_rules(case: dict[str, Any]) -> None:
    rules = rules_of(case)
    for expected, versions in ((True, case["accepted"]), (False, case["refused"])):
        for version in versions:
            choice = PackageChoice("DEPLOY", "", "Acme.Web", version, scheme_of(case))
            assert (not broken_rules(rules, [choice])) is expected, version
    assert not broken_rules(rules, [PackageChoice("Other", "", "Acme.Web", "whatever")])


@pytest.mark.parametrize("case", cases("channel_rules", "selection"), ids=case_name)
def test_selection(case: dict[str, Any]) -> None:
    has_rule = "range" in case or "tag" in case
    rule = rule_for(rules_of(case), "Deploy", "") if has_rule else None
    versions = [read_version(text, scheme_of(case)) for text in case["versions"]]
    found = newest_fitting(versions, rule=rule, prerelease=case.get("prerelease", ""))
    assert (found.original if found else None) == case["chosen"]


@pytest.mark.parametrize("case", cases("channel_rules", "numbering"), ids=case_name)
def test_numbering(case: dict[str, Any]) -> None:
    def number() -> str:
        channels = case.get("channels", {"Default": case["used"]})
        return number_from_template(
            case["template"],
            used=[Version.parse(text) for text in case["used"]],
            channel="Default",
            used_in_channels={
                n: [Version.parse(t) for t in texts] for n, texts in channels.items()
            },
            variables=case.get("variables", {}),
            now=datetime(2026, 3, 7, tzinfo=UTC),
        )

    if "error" in case:
        with pytest.raises(InvalidNumber, match=case["error"]):
            number()
    else:
        assert number() == case["number"]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("Acme.Web:1.0.0", ("", "Acme.Web", "1.0.0")),
        ("Say hello:payload:1.0.0", ("Say hello", "payload", "1.0.0")),
        ("*=2.0", ("", "*", "2.0")),
        ("org\\/image:1.0", ("", "org/image", "1.0")),
        ("Step / Acme.Web / 1.0", ("Step", "Acme.Web", "1.0")),
    ],
)
def test_package_texts(text: str, parts: tuple[str, str, str]) -> None:
    spec = parse_spec(text)
    assert (spec.step, spec.package, spec.version) == parts


@pytest.mark.parametrize("text", ["", "1.0", "a:b:c:d", ":1.0", "a:"])
def test_package_texts_that_mean_nothing(text: str) -> None:
    with pytest.raises(InvalidPackageSpec):
        parse_spec(text)
