"""Signing in at a real provider, and what does not get in."""

from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import insert, select

from ledger.core.errors import AccessDenied
from ledger.people import oidc_tables
from ledger.people.oidc import Agreement
from ledger.people.oidc_projector import subject_key
from ledger.people.person_kinds import SignInEvent
from tests.integration.identity.site import ATTEMPT_COOKIE, OWN_PAGE, SESSION_COOKIE, Site
from tests.support.idp import REDIRECT, SECRET, Provider


def test_somebody_signs_in_at_the_provider_and_out_again(site: Site) -> None:
    link = site.link("anna")
    address = site.begin()
    asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
    assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
    assert (asked["redirect_uri"], asked["scope"]) == (REDIRECT, "openid")
    done = site.end(site.provider.authenticate(address, "anna"))
    assert done.status_code == 204, done.text
    assert ATTEMPT_COOKIE not in site.client.cookies
    assert site.client.get("/api/v1/logs").status_code == 200
    started = site.world.system_entries("session-event")[-1]
    assert (started["account"], started["methods"]) == ("anna", ["oidc", "urn:plant:password"])
    assert started["authority"]["authenticated"] is True
    assert f"#{link.index}" in "".join(started["authority"]["entries"])
    gone = site.client.delete("/api/v1/session", headers=OWN_PAGE)
    assert gone.status_code == 204
    site.client.cookies.clear()
    assert site.client.get("/api/v1/logs").status_code == 401


def test_a_session_that_the_browser_had_ends_when_another_begins(site: Site) -> None:
    site.link("anna")
    site.client.cookies.set(SESSION_COOKIE, site.staff.session("bert"))
    assert site.sign_in("anna").status_code == 204
    events = [(one["event"], one["account"]) for one in site.world.system_entries("session-event")[-2:]]
    assert sorted(events) == [("ended", "bert"), ("started", "anna")]


def test_an_identity_that_no_account_belongs_to_gets_in_nowhere(site: Site) -> None:
    refused = site.sign_in("mallory")
    assert (refused.status_code, "no account" in refused.json()["detail"]) == (403, True)
    assert SESSION_COOKIE not in site.client.cookies


def test_an_account_of_the_same_name_is_not_taken_for_a_link(site: Site) -> None:
    assert site.sign_in("bert").status_code == 403


@pytest.mark.requirement("R25")
def test_what_one_administrator_links_alone_opens_nothing(site: Site) -> None:
    link = site.link("anna", "mallory", confirmed=False)
    refused = site.sign_in("mallory")
    assert (refused.status_code, "second administrator" in refused.json()["detail"]) == (403, True)
    officer = {"Cookie": f"{SESSION_COOKIE}={site.staff.session('officer1')}", **OWN_PAGE}
    path = f"/api/v1/provider-links/{link.credential}/confirmation"
    again = site.client.post(path, json={"reason": "sure"}, headers=officer)
    assert again.status_code == 403
    other = {"Cookie": f"{SESSION_COOKIE}={site.staff.session('officer2')}", **OWN_PAGE}
    assert site.client.post(path, json={"reason": "sure"}, headers=other).json()["counts"] is True
    site.client.cookies.clear()
    assert site.sign_in("mallory").status_code == 204


def test_an_account_that_is_locked_or_deactivated_stays_closed(site: Site) -> None:
    site.link("anna")
    site.link("bert")
    site.lock("anna")
    assert site.sign_in("anna").status_code == 401
    site.service.people.persons.deactivate("bert", "left", site.staff.admin)
    assert site.sign_in("bert").status_code in (401, 403)


def test_an_answer_is_used_once(site: Site) -> None:
    site.link("anna")
    address = site.begin()
    kept = site.client.cookies[ATTEMPT_COOKIE]
    returned = site.provider.authenticate(address, "anna")
    assert site.end(returned).status_code == 204
    site.client.cookies.set(ATTEMPT_COOKIE, kept)
    replayed = site.end(returned)
    assert (replayed.status_code, "ended before" in replayed.json()["detail"]) == (401, True)


def test_a_code_is_exchanged_once_whoever_brings_it(site: Site) -> None:
    site.link("anna")
    address = site.begin()
    returned = site.provider.authenticate(address, "anna")
    assert site.end(returned).status_code == 204
    second = site.begin()
    mine = site.provider.authenticate(second, "anna")
    replayed = site.end({**mine, "code": returned["code"]})
    assert (replayed.status_code, "refused the code" in replayed.json()["detail"]) == (401, True)


def test_an_answer_that_another_browser_was_given_signs_nobody_in(site: Site) -> None:
    """Login CSRF: the victim's browser is sent to the callback with the attacker's code and state."""
    site.link("bert")
    theirs = site.provider.authenticate(site.begin(), "bert")
    site.client.cookies.clear()
    assert site.end(theirs).status_code == 401
    site.begin()
    crossed = site.end(theirs)
    assert (crossed.status_code, "not begun in this browser" in crossed.json()["detail"]) == (401, True)
    assert SESSION_COOKIE not in site.client.cookies


def test_an_answer_comes_too_late_after_ten_minutes(site: Site) -> None:
    site.link("anna")
    returned = site.provider.authenticate(site.begin(), "anna")
    site.world.clock.pass_seconds(601)
    assert site.end(returned).status_code == 401


@pytest.mark.parametrize("change", [{"iss": "https://id.other.example"}, {"iss": None}])
def test_an_answer_of_another_provider_is_not_exchanged(site: Site, change: dict[str, str | None]) -> None:
    """Mix-up (RFC 9207). This provider does not say that it names itself, so that it may leave it out."""
    site.link("anna")
    returned = site.provider.authenticate(site.begin(), "anna")
    done = site.end({name: value for name, value in {**returned, **change}.items() if value is not None})
    assert done.status_code == (401 if change["iss"] else 204)


def test_what_the_provider_says_in_place_of_a_code_is_told(site: Site) -> None:
    for error, status in (("access_denied", 401), ("temporarily_unavailable", 503)):
        address = site.begin()
        state = parse_qs(urlsplit(address).query)["state"][0]
        assert site.end({"state": state, "error": error}).status_code == status


def test_a_page_of_another_site_begins_and_ends_nothing(site: Site) -> None:
    for path in ("sign-in", "sign-in/answer"):
        sent = site.client.post(
            f"/api/v1/provider/{path}", json={"state": "x"}, headers={"Sec-Fetch-Site": "cross-site"}
        )
        assert sent.status_code == 403


def test_a_person_links_their_own_account_out_of_a_session_of_other_components(site: Site) -> None:
    site.client.cookies.set(SESSION_COOKIE, site.staff.session("bert"))
    begun = site.client.post("/api/v1/provider/link", headers=OWN_PAGE)
    assert begun.status_code == 200, begun.text
    returned = site.provider.authenticate(begun.json()["address"], "bert")
    made = site.client.post("/api/v1/provider/link/answer", json=returned, headers=OWN_PAGE)
    assert (made.status_code, made.json()["counts"], made.json()["account"]) == (201, True, "bert")
    site.client.cookies.clear()
    assert site.sign_in("bert").status_code == 204
    from_there = site.client.post("/api/v1/provider/link", headers=OWN_PAGE)
    assert from_there.status_code == 403, "a session that the provider began links nothing"


def test_a_subject_is_one_account_s_and_free_once_it_was_taken_back(site: Site) -> None:
    link = site.link("anna")
    site.client.cookies.set(SESSION_COOKIE, site.staff.session("bert"))
    begun = site.client.post("/api/v1/provider/link", headers=OWN_PAGE)
    returned = site.provider.authenticate(begun.json()["address"], "anna")
    taken = site.client.post("/api/v1/provider/link/answer", json=returned, headers=OWN_PAGE)
    assert (taken.status_code, "another account" in taken.json()["detail"]) == (409, True)
    site.door.links.unlink(link.credential, "wrong", site.staff.acting("officer1"))
    site.client.cookies.clear()
    assert site.sign_in("anna").status_code == 403
    assert site.link("bert", "anna").account == "bert"


def test_nobody_links_themselves_by_saying_so(site: Site) -> None:
    officer = {"Cookie": f"{SESSION_COOKIE}={site.staff.session('officer1')}", **OWN_PAGE}
    body = {"subject": "anybody", "reason": "me"}
    refused = site.client.post("/api/v1/accounts/officer1/provider-links", json=body, headers=officer)
    assert refused.status_code == 403


def test_once_persons_hold_roles_the_folder_alone_changes_nothing(site: Site) -> None:
    local = site.world.people.local("root")
    link = site.link("anna")
    wanted = Agreement(issuer=site.provider.issuer, client_id="mine", redirect_uri=REDIRECT, acr=("x",))
    for change in (
        lambda: site.service.provider.set(wanted, "mine", local),
        lambda: site.service.provider.retire("over", local),
        lambda: site.door.links.link("bert", site.provider.issuer, "subject", "mine", local),
        lambda: site.door.links.unlink(link.credential, "over", local),
        lambda: site.door.links.unlink(link.credential, "over", site.staff.acting("bert")),
    ):
        with pytest.raises(AccessDenied):
            change()
    assert site.door.links.unlink(link.credential, "my own", site.staff.acting("anna"))


def test_an_outage_is_told_as_one_and_counted_against_nobody(site: Site, provider: Provider) -> None:
    """Must show: an outage says "sign-in service unreachable", never "wrong password"."""
    site.link("anna")
    returned = provider.authenticate(site.begin(), "anna")
    failures = len(site.world.system_entries("sign-in"))
    provider.stop()
    try:
        for told in (
            site.end(returned),
            site.client.post("/api/v1/provider/sign-in", headers=OWN_PAGE),
        ):
            if told.status_code == 200:
                continue  # the description is known for an hour: the browser is sent there
            assert (told.status_code, told.json()["code"]) == (503, "sign_in_unreachable")
            assert told.json()["detail"].startswith("sign-in service unreachable")
            assert "password" not in told.text
    finally:
        provider.start()
    assert len(site.world.system_entries("sign-in")) == failures
    assert not [one for one in site.world.system_entries("sign-in") if one["event"] == SignInEvent.FAILED.value]
    assert site.sign_in("anna").status_code == 204


def test_a_client_secret_that_is_not_the_agreed_one_is_the_site_s_fault(site: Site) -> None:
    site.service.keys.keep_client_secret("another")
    wrong = site.client.post("/api/v1/provider/sign-in", headers=OWN_PAGE)
    assert (wrong.status_code, wrong.json()["code"]) == (500, "config_error")
    site.agree()
    told = site.end(site.provider.authenticate(site.begin(), "anna"))
    assert told.status_code in (401, 503), told.text
    assert "password" not in told.text


def test_the_agreed_client_secret_is_known_after_the_digest_secret_was_changed(site: Site) -> None:
    site.service.keys.keep_client_secret(SECRET)
    site.agree()
    site.service.rotate_digest(site.staff.admin)
    assert site.client.post("/api/v1/provider/sign-in", headers=OWN_PAGE).is_success
    site.service.keys.keep_client_secret("another")
    assert site.client.post("/api/v1/provider/sign-in", headers=OWN_PAGE).status_code == 500
    site.service.keys.keep_client_secret(SECRET)


def test_the_secret_stands_in_no_entry_and_nothing_that_is_shown(site: Site) -> None:
    officer = {"Cookie": f"{SESSION_COOKIE}={site.staff.session('officer1')}"}
    shown = site.client.get("/api/v1/identity-provider", headers=officer)
    assert (shown.status_code, shown.json()["secret"]) == (200, True)
    with site.service.store.reader(0) as reader:
        bodies = b"".join(one.body or b"" for one in reader.entries(0, reader.head().size))
    assert SECRET.encode() not in bodies
    assert SECRET not in shown.text


def test_everything_that_was_entered_verifies_and_a_link_put_into_the_database_opens_nothing(site: Site) -> None:
    site.link("anna")
    assert site.sign_in("anna").status_code == 204
    site.provider.rotate()
    site.client.cookies.clear()
    assert site.sign_in("anna").status_code == 204, "a new key is entered, and then taken"
    reasons = [one["reason"] for one in site.world.system_entries("key-set")]
    assert reasons == ["agreed with IT", "a token named a key that was not entered"]
    assert all(site.service.verifier.run(log, full=True).holds for log in site.service.logs.values())
    subject = site.subject("mallory")
    key = subject_key(site.provider.issuer, subject)
    with site.service.store.writing() as connection:
        row = oidc_tables.provider_subject.c
        mine = connection.execute(
            select(row.account, row.credential, row.from_index).where(row.to_index.is_(None))
        ).one()
        connection.execute(
            insert(oidc_tables.provider_subject).values(
                log=0, key=key, from_index=mine.from_index, account="anna", credential=mine.credential
            )
        )
    site.client.cookies.clear()
    assert site.sign_in("mallory").status_code == 403
    assert not site.service.verifier.run(site.service.system, full=True).holds
