"""The pages of subscriptions, for each of the four people."""

import pytest

from deployments.access.services.request_settings import set_allow_loopback
from deployments.audit.models import Subscription
from deployments.audit.services.delivering import deliver_due
from deployments.audit.services.matching import match_events
from deployments.base import events
from tests.deployments.audit.receiver import receiving
from tests.deployments.audit.subscribing import mailed_team
from tests.factories import SYSTEM, default_space, make_ana, make_ben, make_cleo, make_dan
from tests.factories import make_space as new_space
from tests.factories.domain import make_project
from tests.factories.people import make_user
from tests.support.environment import runs_on_postgres
from tests.support.portal import Visitor, text_of

# On PostgreSQL an event is in the stream once its transaction has ended.
pytestmark = pytest.mark.django_db(transaction=runs_on_postgres())
PAGE = "administration/subscriptions"
FORM = {
    "name": "Failures",
    "is_active": "on",
    "EventGroups": ["DeploymentCritical"],
    "EventCategories": ["MachineUnavailable"],
    "period": "01:00:00",
    "priority": "Normal",
    "zone": "UTC",
    "timeout": "5",
}


def only_one() -> Subscription:
    return Subscription.objects.in_space(default_space()).get()


def test_a_subscription_is_made_tried_used_and_deleted() -> None:
    match_events()
    ana = Visitor(make_ana(), default_space().public_id)
    assert "No subscription" in text_of(ana.get(PAGE))
    set_allow_loopback(actor=SYSTEM, allowed=True)
    with receiving() as receiver:
        assert ana.post(f"{PAGE}/new", {**FORM, "uri": receiver.url}).status_code == 302
        row = only_one()
        place = f"{PAGE}/{row.public_id}"
        assert "Deployments that need somebody" in text_of(ana.get(PAGE))
        assert ana.post(f"{place}/test").status_code == 302
        assert "it answered 200" in text_of(ana.get(place))
        assert receiver.events[0]["Category"] == "Test"
        events.record(
            actor=SYSTEM,
            space=default_space(),
            category="DeploymentFailed",
            message="Deployment of Web failed",
            subject="Deployments-1",
        )
        match_events()
        deliver_due()
        page = text_of(ana.get(place))
        assert "200" in page
        assert "thank you" in page
        assert "Deployment of Web failed" in page
        delivery = row.deliveries.get()
        again = f"{place}/deliveries/{delivery.public_id}/again"
        assert ana.post(again).status_code == 302
        deliver_due()
        assert [event["Category"] for event in receiver.events].count("DeploymentFailed") == 2
    shown = ana.post(f"{place}/key")
    assert "it is not shown again" in text_of(shown)
    assert "it is not shown again" not in text_of(ana.get(place))
    assert ana.post(f"{place}/delete").status_code == 302
    assert not Subscription.objects.in_space(default_space()).exists()


def test_a_form_that_is_refused_comes_back_as_it_was() -> None:
    ana = Visitor(make_ana(), default_space().public_id)
    wrong = ana.post(f"{PAGE}/new", {**FORM, "uri": "nowhere"})
    assert wrong.status_code == 400
    assert "begins with http:// or https://" in text_of(wrong)
    assert 'value="MachineUnavailable" checked' in wrong.content.decode()
    for hostile in (
        {"period": "soon"},
        {"timeout": "x" * 99},
        {"Projects": ["Projects-999999999"]},
    ):
        assert ana.post(f"{PAGE}/new", {**FORM, **hostile}).status_code == 400


def test_the_header_is_kept_and_never_shown() -> None:
    ana = Visitor(make_ana(), default_space().public_id)
    header = {"uri": "http://a.example.org", "header_name": "X-Key", "header_value": "swordfish"}
    ana.post(f"{PAGE}/new", {**FORM, **header})
    place = f"{PAGE}/{only_one().public_id}"
    for path in (place, f"{place}/edit"):
        assert "swordfish" not in ana.get(path).content.decode()
    kept = {**FORM, **header, "header_value": ""}
    assert ana.post(f"{place}/edit", kept).status_code == 302
    assert only_one().sealed_header
    ana.post(f"{place}/edit", {**kept, "no_header_value": "on"})
    assert only_one().sealed_header is None


def test_people_are_found_by_name_where_there_are_many() -> None:
    ana = Visitor(make_ana(), default_space().public_id)
    assert 'id="people"' not in ana.get(f"{PAGE}/new").content.decode()
    for number in range(25):
        make_user(f"dora{number:02}")
    zoe = make_user("zoe")
    assert 'id="people"' in ana.get(f"{PAGE}/new").content.decode()
    asked = {"people": "ORA", "Users": [zoe.public_id]}
    found = ana.get(f"{PAGE}/people", asked).content.decode()
    assert f'value="{zoe.public_id}" checked> zoe' in found
    assert found.count("> dora") == 20
    ana.post(f"{PAGE}/new", {**FORM, "Users": [zoe.public_id]})
    place = f"{PAGE}/{only_one().public_id}/edit"
    assert f'value="{zoe.public_id}" checked> zoe' in ana.get(place).content.decode()


def test_what_leads_nowhere_any_more_is_told() -> None:
    ana = Visitor(make_ana(), default_space().public_id)
    web, team = make_project("Web"), mailed_team(make_user("zoe"))
    wanted = {"Projects": [web.public_id], "email_teams": [team.public_id]}
    ana.post(f"{PAGE}/new", {**FORM, **wanted, "EventGroups": []})
    row = only_one()
    place = f"{PAGE}/{row.public_id}"
    assert "skipped" not in text_of(ana.get(place)).lower()
    Subscription.objects.in_space(default_space()).update(
        wanted={"Projects": [web.public_id, "Projects-999999999"], "EventGroups": ["Retired"]}
    )
    team.delete()
    told = text_of(ana.get(place))
    assert "no project or project group Projects-999999999 any more: the others" in told
    assert "no kind of event or group of kinds Retired any more: no event can fit" in told
    assert "The teams that get mail were deleted" in told
    assert "Skipped: There is no kind of event" in text_of(ana.get(PAGE))
    Subscription.objects.in_space(default_space()).update(wanted=["rubbish"])
    assert "no event can fit" in text_of(ana.get(PAGE))
    assert ana.get(f"{place}/edit").status_code == 200


def test_others_do_not_get_there() -> None:
    ana = Visitor(make_ana(), default_space().public_id)
    ana.post(f"{PAGE}/new", FORM)
    row, space = only_one(), default_space()
    for person in (make_ben(space), make_cleo(space), make_dan(new_space())):
        visitor = Visitor(person, space.public_id)
        for path in (PAGE, f"{PAGE}/new", f"{PAGE}/{row.public_id}"):
            assert visitor.get(path).status_code in {403, 404}
        assert visitor.post(f"{PAGE}/{row.public_id}/delete").status_code in {403, 404}
