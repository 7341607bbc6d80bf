"""Keys by pages: made, vouched for by the fingerprint that is compared, refused, tested and revoked; who sees which."""

import html
import re
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from ledger.core.clock import utc_text
from ledger.core.errors import NotSignatory
from ledger.core.passkey import b64url, unb64url
from ledger.people.roles import Role
from tests.support.browsing import Pages, hidden
from tests.support.founded import founded
from tests.support.signers import Plant, Signer
from tests.support.signing_authenticator import SigningAuthenticator
from tests.unit.signing.test_passkeys import SIGNING, WEB, bind

PEER = "testclient"
GROUPS = r"(?:[0-9a-f]{4} ){7}[0-9a-f]{4}"


class Site(Pages):
    """A founded plant with a second officer; each test lets somebody in whose key waits."""

    def __init__(self, plant: Plant) -> None:
        super().__init__(plant)
        self.second = plant.join("officer2", "Oda Officer", Role.SECURITY_OFFICER)

    def newcomer(self, name: str) -> Signer:
        made = self.without_key(name)
        made.make_key()
        return made

    def without_key(self, name: str) -> Signer:
        plant = self.plant
        made = plant.person(name.lower(), f"{name} Reviewer", Role.REVIEWER, plant.officer.sign_in(PEER).authority)
        for one in (made, self.second, plant.quality):
            one.sign_in(PEER)
        return made

    def state(self, who: Signer) -> str:
        return self.plant.signing.bindings.all(who.account)[-1].state

    def put(self, voucher: Signer, key: str, **more: str) -> Any:
        form = {"compared": "yes", "how": "we share an office", "mode": "sealed-key", **more}
        return self.ask(voucher, "POST", f"/vouching/{key}", **form)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    plant = founded(tmp_path_factory.mktemp("vouching") / "ledger", web=WEB)
    made = Site(plant)
    with made.client:
        yield made
    plant.close()


def device(site: Site, voucher: Signer) -> SigningAuthenticator:
    """A signing passkey of the voucher's, for which the two officers vouched."""
    made = SigningAuthenticator(SIGNING.origin, SIGNING.rp_id)
    plant, quality = site.plant, site.plant.quality
    plant.quality = site.second
    try:
        bind(plant, voucher, made)
    finally:
        plant.quality = quality
    voucher.sign_in(PEER)
    return made


@pytest.mark.requirement("R20", "R29")
def test_two_people_vouch_by_pages_for_the_fingerprint_that_its_person_reads_out(site: Site) -> None:
    rita, plant = site.newcomer("Rita"), site.plant
    quality, officer = plant.quality, plant.officer
    own = site.ask(rita, "GET", "/account/keys").text
    (read_out,) = re.findall(GROUPS, own)
    at = f"/vouching/{rita.key_id}"
    tasks = site.ask(quality, "GET", "/tasks").text
    assert (f'href="{at}"' in tasks, read_out in tasks) == (True, True)
    assert site.ask(officer, "GET", "/tasks").status_code == 403, "who administers sees no record"
    assert f'href="{at}"' in site.ask(officer, "GET", "/vouching").text
    assert "No key waits for you." in site.ask(rita, "GET", "/vouching").text
    shown = html.unescape(site.ask(officer, "GET", at).text)
    for words in (read_out, "Rita Reviewer (rita)", "passport, number seen", "nobody yet", "Have them read out"):
        assert words in shown
    unread = site.put(officer, rita.key_id, compared="")
    assert (unread.status_code, "was not compared" in unread.text) == (409, True)
    assert site.put(officer, rita.key_id, how=" ").status_code == 409
    put = site.put(officer, rita.key_id)
    assert (put.status_code, read_out in put.text, "we share an office" in put.text) == (200, True, True)
    form = {"id": hidden(put.text, "id")}
    wrong = site.ask(officer, "POST", f"{at}/signature", **form, secret="x" * 20)
    assert (wrong.status_code, site.state(rita)) == (409, "requested")
    assert plant.service.entrance.attempts.standing(officer.account).failures, "the refusal is counted"
    theirs = site.ask(quality, "POST", f"{at}/signature", **form, secret=officer.secret)
    assert (theirs.status_code, site.state(rita)) == (409, "requested"), "another's attestation signs for nobody"
    done = site.ask(officer, "POST", f"{at}/signature", **form, secret=officer.secret)
    assert (done.status_code, "You vouched for the key" in done.text) == (200, True), done.text
    assert site.ask(officer, "POST", f"{at}/signature", **form, secret=officer.secret).status_code == 409, "once"
    assert f'href="{at}"' not in site.ask(officer, "GET", "/vouching").text
    assert site.state(rita) == "attested"
    put = site.put(quality, rita.key_id)
    site.ask(quality, "POST", f"{at}/signature", id=hidden(put.text, "id"), secret=quality.secret)
    assert site.state(rita) == "bound"
    plant.publish()
    rita.answer_for_it()
    assert plant.service.verifier.run(plant.service.system, levels=(1, 2, 3, 4)).holds


@pytest.mark.requirement("R26")
def test_a_voucher_s_passkey_vouches_at_the_address_of_signing_for_that_key_alone(site: Site) -> None:
    ruth, quality = site.newcomer("Ruth"), site.plant.quality
    authenticator = device(site, quality)
    put = site.put(quality, ruth.key_id, mode="passkey")
    (ident,) = re.findall(rf'href="{re.escape(SIGNING.origin)}/attestations/([0-9a-f]+)/device"', put.text)
    shown = html.unescape(site.client.get(f"/attestations/{ident}/device").text)
    (fingerprint,) = re.findall(GROUPS, shown)
    assert fingerprint.replace(" ", "") == ruth.key_id
    assert "Ruth Reviewer (ruth)" in shown
    assert f'data-back="{WEB}/attestations/{ident}/return"' in shown
    options = msgspec.json.decode(re.findall(r'data-options="(.+?)" data-back', shown)[0])
    assert [one["id"] for one in options["allowCredentials"]] == [b64url(authenticator.credential)]
    back = site.client.get(f"/attestations/{ident}/return")
    assert f'action="/attestations/{ident}" data-fragment="passkey"' in back.text
    other = b64url(msgspec.json.encode(authenticator.sign(bytes(32))))
    assert site.ask(quality, "POST", f"/attestations/{ident}", passkey=other).status_code == 409
    answer = b64url(msgspec.json.encode(authenticator.sign(unb64url(options["challenge"]))))
    assert site.ask(site.second, "POST", f"/attestations/{ident}", passkey=answer).status_code == 409
    assert site.state(ruth) == "requested"
    done = site.ask(quality, "POST", f"/attestations/{ident}", passkey=answer)
    assert (done.status_code, site.state(ruth)) == (200, "attested"), done.text
    assert site.client.get(f"/attestations/{'0' * 32}/device").status_code == 404
    sealed = hidden(site.put(site.plant.officer, ruth.key_id).text, "id")
    assert site.client.get(f"/attestations/{sealed}/device").status_code == 404, "shown to its voucher alone"


@pytest.mark.requirement("R20")
def test_a_refusal_ends_the_request_and_its_author_vouches_for_no_later_key(site: Site) -> None:
    rosa, plant = site.newcomer("Rosa"), site.plant
    officer, quality, at = plant.officer, plant.quality, f"/vouching/{rosa.key_id}"
    silent = site.ask(quality, "POST", f"{at}/refusal", reason=" ")
    assert (silent.status_code, "takes a reason" in silent.text) == (409, True)
    mine = site.ask(rosa, "POST", f"{at}/refusal", reason="mine")
    assert (mine.status_code, site.state(rosa)) == (409, "requested")
    put = site.put(officer, rosa.key_id)
    done = site.ask(quality, "POST", f"{at}/refusal", reason="another fingerprint")
    assert (done.status_code, "the request for the key has ended" in done.text) == (200, True), done.text
    late = site.ask(officer, "POST", f"{at}/signature", id=hidden(put.text, "id"), secret=officer.secret)
    assert (late.status_code, site.state(rosa)) == (409, "revoked")
    with pytest.raises(NotSignatory, match="after the last key ended"):
        plant.signing.bindings.request(rosa.caller, rosa.secret, "again")
    checked = plant.service.people.qualifications.identity
    checked(rosa.account, "passport, seen again", "2026-01-06", "after a refusal", site.second.caller.authority)
    rosa.make_key()
    assert rosa.key_id not in site.ask(quality, "GET", "/vouching").text
    assert rosa.key_id in site.ask(officer, "GET", "/vouching").text
    with pytest.raises(NotSignatory, match="ended a key of theirs"):
        quality.vouch(rosa)
    plant.publish()  # a refusal takes no administrator, and holds by that
    assert plant.service.verifier.run(plant.service.system, levels=(1, 2, 3, 4)).holds


def test_the_api_lists_what_waits_and_refuses_no_key_that_counts(site: Site) -> None:
    rena, plant = site.newcomer("Rena"), site.plant

    def api(who: Signer, method: str, path: str, **body: str) -> Any:
        headers = {"Cookie": f"trailseal-session={who.session}", "Sec-Fetch-Site": "same-origin"}
        return site.client.request(method, f"/api/v1/signing/keys{path}", headers=headers, json=body or None)

    waiting = {one["key_id"]: one for one in api(plant.officer, "GET", "/waiting").json()}
    assert waiting[rena.key_id]["fingerprint"].replace(" ", "") == rena.key_id
    assert api(rena, "GET", "/waiting").json() == []
    for one in (plant.officer, site.second):
        one.vouch(rena)
    counts = api(plant.quality, "POST", f"/{rena.key_id}/refusal", reason="late")
    assert (counts.status_code, site.state(rena)) == (409, "bound")
    nobody = api(plant.quality, "POST", f"/{'0' * 32}/refusal", reason="who")
    assert nobody.status_code == 404


@pytest.mark.requirement("R29")
def test_a_person_makes_their_sealed_key_by_pages_and_ends_it_and_no_one_else_s(site: Site) -> None:
    nora, plant = site.without_key("Nora"), site.plant
    bindings, at = plant.signing.bindings, "/account/keys"

    def make(secret: str, again: str, reason: str = "first signing key") -> Any:
        return site.ask(nora, "POST", f"{at}/sealed", secret=secret, again=again, reason=reason)

    assert f'action="{at}/sealed"' in site.ask(nora, "GET", at).text
    for answer, words in (
        (make(nora.secret, nora.secret[:-1]), "the two secrets differ"),
        (make("too short", "too short"), "at least 14 characters"),
        (make(nora.password, nora.password), "is your login password"),
        (make(nora.secret, nora.secret, " "), "a secret and a reason"),
        (make("x" * 600, "x" * 600), "a secret and a reason"),
    ):
        assert (answer.status_code, words in html.unescape(answer.text)) == (409, True), answer.text
    assert bindings.all("nora") == []
    made = make(nora.secret, nora.secret)
    assert (made.status_code, "Your key is made" in made.text, nora.secret in made.text) == (200, True, False)
    assert f'action="{at}/sealed"' not in made.text, "there is one: no second is offered"
    assert (make(nora.secret, nora.secret).status_code, len(bindings.all("nora"))) == (409, 1)
    (key,) = (one.key_id for one in bindings.all("nora"))
    (read_out,) = re.findall(GROUPS, made.text)
    assert read_out.replace(" ", "") == key
    nora.key_id = key
    for one in (plant.officer, site.second):
        one.vouch(nora)
    plant.publish()
    nora.answer_for_it()

    end = f"{at}/{key}/revocation"
    for who in (plant.officer, plant.quality):
        theirs = site.ask(who, "POST", end, reason="not mine")
        assert (theirs.status_code, "you have no signing key" in theirs.text) == (409, True)
    assert (site.ask(nora, "POST", end, reason=" ").status_code, site.state(nora)) == (409, "bound")
    done = site.ask(nora, "POST", end, reason="I forgot its secret")
    assert (done.status_code, "The key is revoked" in done.text, site.state(nora)) == (200, True, "revoked")
    assert f'action="{end}"' not in done.text
    again = make(nora.secret, nora.secret)
    assert (again.status_code, "after the last key ended" in again.text) == (409, True)
    assert plant.service.verifier.run(plant.service.system, levels=(1, 2, 3, 4)).holds


@pytest.mark.requirement("R29", "R31")
def test_who_administers_accounts_sees_every_key_records_its_test_and_ends_it(site: Site) -> None:
    nico, plant = site.newcomer("Nico"), site.plant
    device(site, nico)
    officer, profiles, key = plant.officer, plant.service.people.profiles, nico.key_id
    profiles.set("device_test_days", 30, "as the SOP says", officer.sign_in(PEER).authority)
    plant.clock.pass_seconds(31 * 86_400)
    for one in (officer, nico):
        one.sign_in(PEER)
    at = f"/signing-keys/{key}"
    try:
        assert site.ask(nico, "GET", "/signing-keys").status_code == site.ask(nico, "GET", at).status_code == 403
        assert 'href="/signing-keys"' in site.ask(officer, "GET", "/account").text
        assert 'href="/signing-keys"' not in site.ask(nico, "GET", "/account").text
        listed = site.ask(officer, "GET", "/signing-keys").text
        assert (f'href="{at}"' in listed, f"/signing-keys/{officer.key_id}" in listed) == (True, True)
        shown = site.ask(officer, "GET", at).text
        assert ("its test was good until" in shown, "officer1, officer2" in shown) == (True, True)
        assert "of the first start" in site.ask(officer, "GET", f"/signing-keys/{officer.key_id}").text
        today = utc_text(plant.clock.now_us())[:10]
        form = {"how": "signed a trial record", "on": today, "passed": "yes", "reason": "monthly"}
        for change in ({"on": "2999-01-01"}, {"on": "soon"}, {"how": " "}, {"until": "2020-01-01"}):
            assert site.ask(officer, "POST", f"{at}/test", **(form | change)).status_code == 409, change
        sealed = site.ask(officer, "POST", f"/signing-keys/{site.second.key_id}/test", **form)
        assert (sealed.status_code, "takes no test" in sealed.text) == (409, True)
        failed = site.ask(officer, "POST", f"{at}/test", **(form | {"passed": "no"}))
        assert (failed.status_code, "its test was good until" in failed.text) == (200, True)
        tested = site.ask(officer, "POST", f"{at}/test", **form)
        assert (tested.status_code, "its test was good until" in tested.text) == (200, False), tested.text
        (known,) = (one for one in plant.signing.bindings.all("nico") if one.key_id == key)
        assert (known.test_overdue, known.signs) == (False, True)
    finally:
        profiles.set("device_test_days", 0, "end of the test", officer.sign_in(PEER).authority)
    assert site.ask(nico, "POST", f"{at}/revocation", reason="mine").status_code == 403
    assert site.ask(officer, "POST", f"{at}/revocation", reason=" ").status_code == 409
    done = site.ask(officer, "POST", f"{at}/revocation", reason="the device was lost")
    assert (done.status_code, "The key is revoked" in done.text, site.state(nico)) == (200, True, "revoked")
    assert site.ask(officer, "POST", f"{at}/revocation", reason="again").status_code == 409
    assert site.ask(officer, "GET", f"/signing-keys/{'0' * 32}").status_code == 404
    assert plant.service.verifier.run(plant.service.system, levels=(1, 2, 3, 4)).holds
