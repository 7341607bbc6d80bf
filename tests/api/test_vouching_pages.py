"""Vouching by pages: who sees a key that waits, the fingerprint that is compared, vouching by each mode, refusals."""

import html
import re
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from ledger.core.errors import NotSignatory
from ledger.core.passkey import b64url, unb64url
from ledger.people.roles import Role
from tests.support.browsing import Pages, hidden
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
        plant = self.plant
        made = plant.person(name.lower(), f"{name} Reviewer", Role.REVIEWER, plant.officer.sign_in(PEER).authority)
        for one in (made, self.second, plant.quality):
            one.sign_in(PEER)
        made.make_key()
        return made

    def state(self, who: Signer) -> str:
        return self.plant.signing.bindings.all(who.account)[-1].state

    def put(self, voucher: Signer, key: str, **more: str) -> Any:
        form = {"compared": "yes", "how": "we share an office", "mode": "sealed-key", **more}
        return self.ask(voucher, "POST", f"/vouching/{key}", **form)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    plant = Plant(tmp_path_factory.mktemp("vouching") / "ledger", web=WEB)
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
