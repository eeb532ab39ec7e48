"""What a release knows of the builds of its packages: links, work items, notes, the snapshot."""

from typing import Any

import pytest

from agent.language import evaluate
from deployments.base.errors import Invalid
from deployments.projects.models import Project
from deployments.projects.services.projects import update_settings
from deployments.releases.builds import build_variables, builds_of, work_items_of
from deployments.releases.models import Release
from deployments.releases.selection import PackageSpec
from deployments.releases.services import update_release, update_variables_of_release
from packages_feed.build_links import commit_url, safe_url, told, web_root, work_items
from packages_feed.services import push_build_information
from tests.deployments.calls import S, send
from tests.factories import SYSTEM, default_space, make_ana, make_cleo
from tests.factories.domain import (
    make_environment,
    make_lifecycle,
    make_package,
    make_project,
    make_release,
    package_step,
)
from tests.support.cases import case_name, cases
from tests.support.portal import Visitor, text_of

ROOT = "https://code.example.com/acme/web"
HASH = "0a1b2c3d4e"


@pytest.mark.parametrize("case", cases("releases", "builds"), ids=case_name)
def test_links(case: dict[str, Any]) -> None:
    assert web_root(case["root"]) == case["web"]
    assert commit_url(case["root"], case["commit"]) == case["url"]
    [item] = work_items(case["root"], [{"Comment": "for #12"}])
    assert item["LinkUrl"] == case["issue"]


@pytest.mark.parametrize("case", cases("releases", "work_items"), ids=case_name)
def test_work_items(case: dict[str, Any]) -> None:
    found = work_items(ROOT, [{"Comment": text} for text in case["comments"]])
    assert [[item["Id"], item["Description"]] for item in found] == case["items"]


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("https://ci.example.com/1", "https://ci.example.com/1"),
        (" http://ci/1 ", "http://ci/1"),
        ("javascript:alert(1)", None),
        ("data:text/html,x", None),
        ("https://", None),
        ("https://[", None),
        ("", None),
        (None, None),
    ],
)
def test_addresses_that_a_browser_may_follow(text: str | None, safe: str | None) -> None:
    assert safe_url(text) == safe


def test_many_commits_are_cut_and_it_is_said() -> None:
    commits = [{"Id": f"{number:07}", "Comment": f"#{number}"} for number in range(1, 6)]
    found = told({"Commits": commits}, most_commits=2)
    assert [commit["Id"] for commit in found["Commits"]] == ["0000001", "0000002"]
    assert len(found["WorkItems"]) == 5
    assert found["IncompleteDataWarning"] == "Only 2 of 5 commits are kept with the release."
    assert told({"Commits": commits})["IncompleteDataWarning"] is None


def test_variables_for_notes() -> None:
    story = {"BuildNumber": "7", "Branch": "main", "VcsRoot": ROOT, "VcsCommitNumber": HASH}
    commit = {"Id": HASH, "Comment": "Fix #12 with #{Evil} and ##{Evil}"}
    builds = [
        {"PackageId": name, "Version": "1.0.0", **told({**story, "Commits": [commit]})}
        for name in ("Acme.Web", "Acme.Api")
    ]
    pairs = [("Acme.Web", "1.0.0"), ("Acme.Api", "1.0.0"), ("Acme.Db", "2.0.0")]
    template = (
        "#{each p in Octopus.Release.Package}[#{p.PackageId} #{p.Version}"
        "#{each c in p.Commits} #{c.CommitId}: #{c.Comment}#{/each}]#{/each}"
        "#{each b in Octopus.Release.Builds} #{b.BuildNumber} on #{b.Branch}"
        "#{each p in b.Packages} #{p.PackageId}#{/each}#{/each}"
        "#{each w in Octopus.Release.WorkItems} #{w.Id} #{w.LinkUrl}#{/each}"
    )
    text = evaluate(template, {**build_variables(pairs, builds), "Evil": "leaked"}).text
    assert text.count(f"{HASH}: Fix #12 with #{{Evil}} and #{{Evil}}") == 2
    assert "[Acme.Db 2.0.0]" in text
    assert "7 on main Acme.Web Acme.Api" in text
    assert text.endswith(f" #12 {ROOT}/issues/12")
    assert len(work_items_of(builds)) == 1


@pytest.fixture
def project(db: None) -> Project:
    make_package("Acme.Web", "1.0.0")
    make_package("Acme.Web", "1.1.0")
    lifecycle = make_lifecycle(make_environment("Dev"))
    return make_project("Web", lifecycle=lifecycle, steps=[package_step("Acme.Web", "Deploy")])


def push(version: str = "1.1.0", **more: Any) -> None:
    document = {
        "BuildNumber": "288",
        "BuildUrl": "https://ci.example.com/288",
        "VcsType": "Git",
        "VcsRoot": "https://bot:hidden@code.example.com/acme/web.git",
        "VcsCommitNumber": HASH,
        "Commits": [{"Id": HASH, "Comment": "Fix #12"}],
    }
    push_build_information(
        actor=SYSTEM,
        space=default_space(),
        package_id="acme.web",
        version=version,
        document={**document, **more},
        overwrite_mode="OverwriteExisting",
    )


def test_a_release_freezes_what_was_told(project: Project) -> None:
    push()
    release = make_release(project)
    push(BuildNumber="289")
    stored = Release.objects.in_space(project.space).get(pk=release.pk)
    assert [build["BuildNumber"] for build in stored.build_information] == ["288"]
    assert "hidden" not in str(stored.build_information)
    update_variables_of_release(actor=SYSTEM, release=stored)
    assert [build["BuildNumber"] for build in stored.build_information] == ["289"]


def test_other_packages_bring_their_own_story(project: Project) -> None:
    push("1.0.0", BuildNumber="1")
    release = make_release(project)
    assert release.build_information == []
    spec = PackageSpec("Deploy", "", "1.0.0", is_exact=True)
    update_release(actor=SYSTEM, release=release, selected_packages=[spec])
    assert [build["BuildNumber"] for build in release.build_information] == ["1"]


def test_notes_are_written_from_the_builds(project: Project) -> None:
    push()
    template = (
        "#{Octopus.Release.Number} in #{Octopus.Release.Channel.Name}:"
        "#{each w in Octopus.Release.WorkItems} #{w.Id}#{/each}"
    )
    update_settings(actor=SYSTEM, row=project, settings={"ReleaseNotesTemplate": template})
    assert make_release(project).notes == "0.0.1 in Default: #12"
    page = text_of(Visitor(make_ana()).get("projects/web/releases/create"))
    assert "Left empty, the project's template writes them." in page


def test_addresses_of_other_kinds_are_refused(project: Project) -> None:
    with pytest.raises(Invalid, match="http"):
        push(BuildUrl="javascript:alert(1)")


def test_the_wire_and_the_page_show_builds(project: Project) -> None:
    push()
    ana = make_ana()
    release = make_release(project)
    status, body = send(ana, "get", f"{S}/releases/{release.public_id}")
    assert status == 200
    [build] = body["BuildInformation"]
    assert build["Commits"] == [
        {"Id": HASH, "LinkUrl": f"{ROOT}/commit/{HASH}", "Comment": "Fix #12"}
    ]
    assert build["WorkItems"][0]["LinkUrl"] == f"{ROOT}/issues/12"
    answer = Visitor(make_cleo(default_space())).get("projects/web/releases/0.0.1")
    page = text_of(answer)
    assert "Build 288" in page
    assert "1 commit" in page
    assert f'href="{ROOT}/issues/12"' in answer.content.decode()


def test_one_query_for_all_packages(project: Project, django_assert_num_queries: Any) -> None:
    push()
    push("1.0.0")
    pairs = [("Acme.Web", "1.0.0"), ("Acme.Web", "1.1.0"), ("Other", "no version")]
    space = default_space()
    with django_assert_num_queries(1):
        assert len(builds_of(space, pairs)) == 2
