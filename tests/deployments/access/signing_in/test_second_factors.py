"""Signing in with a code: setting an app up, using it, losing it."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from deployments.access.models import Authenticator, RecoveryCode, SignInFailures
from deployments.access.services.second_factors import begin_app, confirm_app, secret_of
from deployments.access.services.sign_in_rules import SignInRules, save_sign_in_rules
from deployments.access.signing_in import totp
from deployments.access.signing_in.throttle import MOST_FAILURES, MOST_WRONG_CODES
from deployments.base.models import Event
from tests.factories import Person, default_space, make_ana, make_cleo
from tests.factories.people import PASSWORD
from tests.support.cases import case_name, cases
from tests.support.portal import Visitor, text_of

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
SECOND = "/app/sign-in/second"
FORM = {"username": "cleo", "password": PASSWORD, "next": "/app/account"}


@pytest.fixture
def cleo() -> Person:
    person = make_cleo(default_space())
    person.user.email = "cleo@example.com"
    person.user.save()
    return person


@pytest.mark.parametrize("case", cases("signing_in", "totp"), ids=case_name)
def test_codes_are_those_of_the_rfc(case: dict[str, Any]) -> None:
    secret = b"12345678901234567890"
    now = datetime.fromtimestamp(case["seconds"], UTC)
    step = case["seconds"] // 30
    assert totp.matching_step(secret, case["code"], now=now) == step
    assert totp.matching_step(secret, case["code"], now=now, after=step) is None
    assert totp.matching_step(secret, case["code"], now=now + timedelta(seconds=30)) == step
    assert totp.matching_step(secret, case["code"], now=now + timedelta(seconds=60)) is None
    assert totp.matching_step(secret, "٢٨٧٠٨٢", now=now) is None


def code_of(person: Person, when: datetime) -> str:
    secret = secret_of(Authenticator.objects.get(user=person.user))
    return totp.code_at(secret, int(when.timestamp()) // 30)


def wrong_codes(person: Person, when: datetime) -> list[str]:
    """Return codes that are not the person's near that moment."""
    near = {code_of(person, when + timedelta(seconds=30 * steps)) for steps in range(-2, 3)}
    return [code for number in range(100) if (code := f"{number:06}") not in near]


def with_app(person: Person, when: datetime) -> list[str]:
    """Give the person an app that was confirmed a minute ago; returns the recovery codes."""
    before = when - timedelta(minutes=1)
    begun = begin_app(actor=person.actor, user=person.user, clock=lambda: before)
    code = code_of(person, before)
    return confirm_app(
        actor=person.actor, user=person.user, code=code, begun=begun, clock=lambda: before
    )


def after_password() -> Visitor:
    visitor = Visitor()
    answer = visitor.client.post("/app/sign-in", FORM)
    assert answer["Location"] == SECOND
    assert visitor.get("/app/account").status_code == 302
    visitor.get(SECOND)
    return visitor


def test_an_app_is_set_up_with_its_qr_code_and_first_code(cleo: Person) -> None:
    with time_machine.travel(NOON, tick=False):
        visitor = Visitor(cleo)
        refused = visitor.post("/app/account/authenticator/begin", {"password": "no"})
        assert "not your current password" in text_of(refused)
        visitor.post("/app/account/authenticator/begin", {"password": PASSWORD})
        page = visitor.get("/app/account/authenticator")
        assert page["Cache-Control"] == "no-store"
        assert b'src="data:image/svg+xml' in page.content
        shown = re.search(r"data-secret>([A-Z2-7 ]+)<", page.content.decode())
        assert shown
        row = Authenticator.objects.get(user=cleo.user)
        assert shown[1] == totp.secret_text(secret_of(row))
        assert secret_of(row).hex().encode() not in bytes(row.sealed_secret)
        wrong_code = wrong_codes(cleo, NOON)[0]
        wrong = visitor.post("/app/account/authenticator", {"code": wrong_code})
        assert wrong.status_code == 400
        done = visitor.post("/app/account/authenticator", {"code": code_of(cleo, NOON)})
        codes = re.findall(
            r"[a-z2-7]{4}-[a-z2-7]{4}-[a-z2-7]{4}-[a-z2-7]{4}", done.content.decode()
        )
        assert len(set(codes)) == 10
        assert done["Cache-Control"] == "no-store"
        assert "In use" in text_of(visitor.get("/app/account/security"))
    stored = "".join(RecoveryCode.objects.values_list("sha256", flat=True))
    assert not any(code.replace("-", "") in stored for code in codes)
    assert shown[1].replace(" ", "") not in str(list(Event.objects.values()))


def test_an_app_is_confirmed_soon_and_where_it_was_begun(cleo: Person) -> None:
    page = "/app/account/authenticator"
    with time_machine.travel(NOON, tick=False) as clock:
        own, found = Visitor(cleo), Visitor(cleo)
        own.post(f"{page}/begin", {"password": PASSWORD})
        assert found.get(page)["Location"] == "/app/account/security"
        assert found.post(page, {"code": code_of(cleo, NOON)}).status_code == 302
        assert own.get(page).status_code == 200
        clock.shift(timedelta(minutes=15))
        assert own.get(page)["Location"] == "/app/account/security"
        late = NOON + timedelta(minutes=15)
        assert own.post(page, {"code": code_of(cleo, late)}).status_code == 302
    assert not Authenticator.objects.filter(confirmed__isnull=False).exists()


def test_a_secret_that_was_begun_anew_is_not_confirmed_by_the_first_session(cleo: Person) -> None:
    page = "/app/account/authenticator"
    own, other = Visitor(cleo), Visitor(cleo)
    own.post(f"{page}/begin", {"password": PASSWORD})
    other.post(f"{page}/begin", {"password": PASSWORD})
    assert own.get(page).status_code == 302
    assert other.get(page).status_code == 200


def test_a_password_is_half_the_way_and_a_code_counts_once(cleo: Person) -> None:
    with time_machine.travel(NOON, tick=False):
        with_app(cleo, NOON)
        visitor, other = after_password(), after_password()
        assert visitor.post(SECOND, {"code": "123"}).status_code == 400
        code = code_of(cleo, NOON)
        spaced = f" {code[:3]} {code[3:]}"
        assert visitor.post(SECOND, {"code": spaced})["Location"] == "/app/account"
        assert "Password and code" in text_of(visitor.get("/app/account/security"))
        assert other.post(SECOND, {"code": code}).status_code == 400


def test_recovery_codes_count_once_however_typed(cleo: Person) -> None:
    with time_machine.travel(NOON, tick=False):
        codes = with_app(cleo, NOON)
        typed = codes[3].replace("-", " ").upper()
        assert after_password().post(SECOND, {"code": typed})["Location"] == "/app/account"
        assert after_password().post(SECOND, {"code": codes[3]}).status_code == 400
    newest = Event.objects.filter(message__startswith="A recovery code").order_by("-pk")[0]
    assert newest.message == "A recovery code of cleo was used; 9 are left"


def test_wrong_codes_close_the_second_step_for_codes_of_both_kinds(cleo: Person) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        codes = with_app(cleo, NOON)
        for wrong in wrong_codes(cleo, NOON)[:MOST_WRONG_CODES]:
            after_password().post(SECOND, {"code": wrong})
        for good in (code_of(cleo, NOON), codes[0]):
            answer = after_password().post(SECOND, {"code": good})
            assert "Too many wrong codes" in text_of(answer)
        clock.shift(timedelta(minutes=15))
        assert after_password().post(SECOND, {"code": codes[0]})["Location"] == "/app/account"
    assert Event.objects.filter(category="LoginFailed").count() == MOST_WRONG_CODES + 2


def test_nothing_goes_around_the_second_factor(cleo: Person) -> None:
    with time_machine.travel(NOON, tick=False):
        with_app(cleo, NOON)
        body = {"Username": "cleo", "Password": PASSWORD}
        api = "application/json"
        assert Client().post("/api/users/login", body, api).status_code == 400
        by_code = body | {"Code": code_of(cleo, NOON)}
        assert Client().post("/api/users/login", by_code, api).status_code == 200
        basic = {"Authorization": "Basic Y2xlbzpDb3JyZWN0IGhvcnNlIDkgYmF0dGVyeQ=="}
        assert Client(headers=basic).get("/nuget").status_code == 401
        half = after_password()
        assert half.get("/app/account/authenticator").status_code == 302
        assert half.get("/app/sign-in/set-up")["Location"] == "/app/sign-in"
        cleo.user.set_password("Another 9 good password")
        cleo.user.save()
        assert half.get(SECOND)["Location"] == "/app/sign-in"


def test_who_has_none_sets_one_up_where_it_is_demanded(cleo: Person) -> None:
    rules = SignInRules(require_second_factor=True)
    save_sign_in_rules(actor=make_ana().actor, rules=rules)
    with time_machine.travel(NOON, tick=False):
        body = {"Username": "cleo", "Password": PASSWORD}
        answer = Client().post("/api/users/login", body, "application/json")
        assert "demands a second factor" in answer.json()["Errors"][0]
        visitor, page = Visitor(), "/app/sign-in/set-up"
        assert visitor.client.post("/app/sign-in", FORM)["Location"] == page
        assert "Show the QR code" in text_of(visitor.get(page))
        visitor.post(page)
        assert b"data:image/svg+xml" in visitor.get(page).content
        assert visitor.post(page, {"code": wrong_codes(cleo, NOON)[0]}).status_code == 400
        assert visitor.get("/app/account").status_code == 302
        other = Visitor()
        other.client.post("/app/sign-in", FORM)
        assert b"data:image/svg+xml" not in other.get(page).content
        assert other.post(page, {"code": code_of(cleo, NOON)}).status_code == 400
        done = visitor.post(page, {"code": code_of(cleo, NOON)})
        assert "Keep these recovery codes" in text_of(done)
        assert visitor.get("/app/account").status_code == 200


def test_an_administrator_resets_what_was_lost(cleo: Person) -> None:
    ana, own = Visitor(make_ana()), Visitor(cleo)
    with_app(cleo, NOON)
    page = f"administration/users/{cleo.user.public_id}"
    assert "Authenticator app, 10 recovery codes" in text_of(ana.get(page))
    ana.post(f"{page}/factors/reset")
    assert own.get("/app/account").status_code == 302
    assert Visitor(cleo).get("/app/account").status_code == 200
    assert not RecoveryCode.objects.exists()


def test_removing_the_app_needs_the_password(cleo: Person) -> None:
    visitor = Visitor(cleo)
    with_app(cleo, NOON)
    path = "/app/account/authenticator/remove"
    assert visitor.post(path, {"password": "no"}).status_code == 400
    assert Authenticator.objects.exists()
    visitor.post(path, {"password": PASSWORD})
    assert not Authenticator.objects.exists()
    assert Visitor(cleo).get("/app/account").status_code == 200


def test_no_spelling_gives_more_attempts_at_a_password(cleo: Person) -> None:
    spellings = cases("signing_in", "spellings")
    typed = [case["typed"] for case in spellings]
    for number in range(MOST_FAILURES):
        Client().post(
            "/app/sign-in",
            {"username": typed[number % len(typed)], "password": "no"},
            headers={"X-Forwarded-For": f"203.0.113.{number}"},
        )
    for each in typed:
        answer = Client().post(
            "/app/sign-in",
            {"username": each, "password": PASSWORD},
            headers={"X-Forwarded-For": "198.51.100.7"},
        )
        assert "Too many failed attempts" in answer.content.decode(), each
    assert SignInFailures.objects.get().name == f"user:{cleo.user.pk}"


def test_a_mail_address_signs_in_while_one_account_has_it(cleo: Person) -> None:
    fields = {"username": "Cleo@Example.com", "password": PASSWORD}
    assert Client().post("/app/sign-in", fields).status_code == 302
    ana = make_ana()
    ana.user.email = "cleo@example.com"
    ana.user.save()
    assert Client().post("/app/sign-in", fields).status_code == 400


def test_the_rules_are_refused_outside_of_their_limits() -> None:
    ana = Visitor(make_ana())
    good = {"idle_hours": "8", "longest_days": "7", "key_days": "90", "key_most_days": "365"}
    page = "administration/sign-in"
    for wrong in ({"idle_hours": "0"}, {"longest_days": "x"}, {"key_days": "366"}):
        assert ana.post(page, good | wrong).status_code == 400
    ana.post(page, good)
    assert "Ask an administrator for a service account" in text_of(ana.get("/app/account/api-keys"))
    refused = ana.post("/app/account/api-keys", {"purpose": "x", "days": "30"})
    assert refused.status_code == 400
