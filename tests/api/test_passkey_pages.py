"""Signing by passkey on the pages: the way to the address of signing and back, and what signs nothing on it."""

import html
import re
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from ledger.core.passkey import b64url, unb64url
from ledger.core.signature import Mode
from ledger.core.workflow import RequestState, Step
from ledger.people.roles import Role
from ledger.signing.requests import Opening
from tests.support.browsing import Pages
from tests.support.changing import set_route
from tests.support.founded import APPROVER, REVIEWER, founded
from tests.support.signers import Plant, Signer
from tests.support.signing_authenticator import SigningAuthenticator
from tests.unit.signing.test_passkeys import SIGNING, WEB, bind


class Way:
    """Pages at a name, and an approver with a signing passkey."""

    def __init__(self, plant: Plant) -> None:
        self.plant = plant
        self.pages = Pages(plant)
        self.person: Signer = plant.quality
        self.device = SigningAuthenticator(SIGNING.origin, SIGNING.rp_id)
        self.reviewer = plant.people["reviewer1"]
        second = plant.join("officer2", "Oda Officer", Role.SECURITY_OFFICER)
        self.person.sign_in("testclient")
        voucher, plant.quality = plant.quality, second
        bind(plant, self.person, self.device)
        plant.quality = voucher
        self.person.sign_in("testclient")
        self.records = iter(plant.records(12))

    def prepared(self, mode: str = "passkey") -> tuple[str, str]:
        """The id of what is shown to be signed so, and its page."""
        form = {"log": "records", "entries": str(next(self.records)), "meaning": "record/approved", "reason": "routine"}
        shown = self.pages.ask(self.person, "POST", "/sign", **form, mode=mode)
        assert shown.status_code == 200, shown.text
        text = html.unescape(shown.text)
        found = re.search(rf'href="{re.escape(SIGNING.origin)}/sign/([0-9a-f]+)/passkey"', text)
        return ("" if found is None else found[1]), text

    def options(self, ident: str) -> Any:
        """What the page at the address of signing, which has no session, asks the authenticator."""
        shown = self.pages.client.get(f"/sign/{ident}/passkey")
        assert shown.status_code == 200, shown.text
        return msgspec.json.decode(html.unescape(re.findall(r'data-options="([^"]+)"', shown.text)[0]))

    def answer(self, ident: str, **lies: Any) -> str:
        """What the script brings back."""
        proof = self.device.sign(unb64url(self.options(ident)["challenge"]), **lies)
        return b64url(msgspec.json.encode(proof))

    def signatures(self) -> int:
        return self.plant.signatures()


@pytest.fixture(scope="module")
def way(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Way]:
    plant = founded(tmp_path_factory.mktemp("way") / "ledger", REVIEWER, APPROVER, web=WEB)
    set_route(plant, "one", Step(step="approve", role="approver", meaning="approved"))
    made = Way(plant)
    with made.pages.client:
        yield made
    plant.close()


@pytest.mark.requirement("R26")
def test_a_passkey_signs_by_pages_and_every_level_holds(way: Way) -> None:
    ident, text = way.prepared()
    assert "needs a browser with JavaScript. Without it, sign another way, below." in text
    options = way.options(ident)
    assert options["rpId"] == SIGNING.rp_id
    assert options["userVerification"] == "required"
    assert [one["id"] for one in options["allowCredentials"]] == [b64url(way.device.credential)]
    back = way.pages.client.get(f"/sign/{ident}/return")
    assert f'action="/sign/{ident}/passkey" data-fragment="passkey"' in back.text
    done = way.pages.ask(way.person, "POST", f"/sign/{ident}/passkey", passkey=way.answer(ident))
    assert done.status_code == 303, done.text
    shown = html.unescape(way.pages.ask(way.person, "GET", done.headers["location"]).text)
    assert "valid: made by a key that chains to the first start" in shown
    assert "The server never holds the secret" in shown
    way.plant.publish()
    service = way.plant.service
    assert service.verifier.run(service.system, levels=(1, 2, 3, 4)).holds


@pytest.mark.requirement("R26")
def test_a_step_of_a_request_is_signed_by_passkey_and_lands_on_the_request(way: Way) -> None:
    flows, person = way.plant.service.workflows, way.person
    way.reviewer.sign_in("testclient")
    opening = Opening(title="Batch B-1", route="one", reason="done", entries=(next(way.records),))
    request = flows.requests.open(opening, way.reviewer.caller.authority).request
    offered = way.pages.ask(person, "GET", f"/tasks/{request}").text
    assert offered.index('<option value="passkey">') < offered.index('<option value="sealed-key">')
    put = way.pages.ask(person, "POST", f"/tasks/{request}/steps/approve", reason="routine", mode="passkey")
    assert put.status_code == 200, put.text
    (ident,) = re.findall(rf'href="{re.escape(SIGNING.origin)}/sign/([0-9a-f]+)/passkey"', put.text)
    assert f'href="{WEB}/tasks/{request}"' in way.pages.client.get(f"/sign/{ident}/passkey").text
    wrong = way.pages.ask(person, "POST", f"/sign/{ident}/passkey", passkey="e30")
    assert (wrong.status_code, "no passkey's answer" in html.unescape(wrong.text)) == (409, True)
    assert f"/tasks/{request}/steps/approve" in wrong.text, "the refusal stands on the request's page"
    done = way.pages.ask(person, "POST", f"/sign/{ident}/passkey", passkey=way.answer(ident))
    assert (done.status_code, done.headers.get("location")) == (303, f"/tasks/{request}"), done.text
    assert flows.requests.get(request).progress.state is RequestState.COMPLETED
    service = way.plant.service
    way.plant.publish()
    assert service.verifier.run(service.system, levels=(1, 2, 3, 4)).holds


def test_the_page_at_the_address_of_signing_shows_what_is_signed_and_takes_nothing(way: Way) -> None:
    ident, text = way.prepared()
    shown = html.unescape(way.pages.client.get(f"/sign/{ident}/passkey").text)
    (fingerprint,) = re.findall(r"(?:[0-9a-f]{4} ){7}[0-9a-f]{4}", shown)
    assert fingerprint in text
    for words in ("Quentin Quality", "quality1", "I approve these records.", "does not show the text", WEB[8:]):
        assert words in shown
    assert f'data-back="{WEB}/sign/{ident}/return"' in shown
    assert f'href="{WEB}/sign?log=records&entries=' in shown
    assert not re.findall(r'href="/(?!static/|.main)', shown), "links lead to the pages, where the session is"
    assert "<form" not in shown
    policy = way.pages.client.get(f"/sign/{ident}/passkey").headers["content-security-policy"]
    assert "script-src 'self'" in policy
    assert "form-action 'self'" in policy


@pytest.mark.requirement("R26")
@pytest.mark.parametrize(
    ("lies", "status"),
    [({"challenge": bytes(32)}, 409), ({"flags": 1}, 409), ({"client": {"origin": WEB}}, 409)],
    ids=["another statement", "not verified", "another page"],
)
def test_an_answer_that_is_a_little_off_signs_nothing_and_the_page_says_so(
    way: Way, lies: dict[str, Any], status: int
) -> None:
    ident, _ = way.prepared()
    before, challenge = way.signatures(), lies.pop("challenge", None)
    proof = way.device.sign(challenge or unb64url(way.options(ident)["challenge"]), **lies)
    told = way.pages.ask(way.person, "POST", f"/sign/{ident}/passkey", passkey=b64url(msgspec.json.encode(proof)))
    assert told.status_code == status
    assert "Not signed" in told.text
    assert way.signatures() == before
    assert way.plant.service.entrance.attempts.standing("quality1").failures, "the refusal is counted"


def test_what_is_no_answer_is_refused(way: Way) -> None:
    ident, _ = way.prepared()
    before = way.signatures()
    for text in ("", "%%%", "e30", b64url(b'{"mode":"sealed-key"}'), b64url(b"[]")):
        told = way.pages.ask(way.person, "POST", f"/sign/{ident}/passkey", passkey=text)
        assert (told.status_code, "Not signed" in told.text) == (409, True), text
    assert way.signatures() == before


def test_an_answer_signs_in_its_signer_s_session_alone_and_once(way: Way) -> None:
    ident, _ = way.prepared()
    answer = way.answer(ident)
    way.reviewer.sign_in("testclient")
    assert way.pages.ask(way.reviewer, "POST", f"/sign/{ident}/passkey", passkey=answer).status_code == 404
    assert way.pages.client.post(f"/sign/{ident}/passkey", data={"passkey": answer}).status_code == 401
    crossed = {"Cookie": f"trailseal-session={way.person.session}", "Sec-Fetch-Site": "same-site"}
    assert way.pages.client.post(f"/sign/{ident}/passkey", headers=crossed).status_code == 403
    assert way.pages.ask(way.person, "POST", f"/sign/{ident}/passkey", passkey=answer).status_code == 303
    before = way.signatures()
    assert way.pages.ask(way.person, "POST", f"/sign/{ident}/passkey", passkey=answer).status_code == 404
    assert way.signatures() == before


def test_what_is_not_waiting_or_of_another_mode_is_not_shown_to_strangers(way: Way) -> None:
    assert way.pages.client.get(f"/sign/{'0' * 32}/passkey").status_code == 404
    _, text = way.prepared("sealed-key")
    (ident,) = re.findall(r'action="/sign/([0-9a-f]+)"', text)
    assert way.pages.client.get(f"/sign/{ident}/passkey").status_code == 404
    assert way.plant.signing.signatures.waiting(ident).statement.mode is Mode.SEALED_KEY


def test_a_mode_that_is_none_or_that_somebody_does_not_have_is_refused(way: Way) -> None:
    form = {"log": "records", "entries": str(next(way.records)), "meaning": "record/approved", "reason": "routine"}
    none = way.pages.ask(way.person, "POST", "/sign", **form, mode="ink")
    assert (none.status_code, "no mode that pages sign by" in none.text) == (409, True)
    assert way.pages.ask(way.person, "POST", "/sign", **form, mode="provider").status_code in (404, 409)
    way.reviewer.sign_in("testclient")
    hers = {**form, "meaning": "record/reviewed"}
    told = way.pages.ask(way.reviewer, "POST", "/sign", **hers, mode="passkey")
    assert (told.status_code, "no signing key that counts" in told.text) == (409, True)
    offered = way.pages.ask(way.reviewer, "GET", f"/sign?log=records&entries={form['entries']}").text
    assert '<option value="sealed-key">' in offered
    assert '<option value="passkey">' not in offered


class Making:
    """Somebody who makes a signing passkey by the pages, step by step."""

    def __init__(self, way: Way, person: Signer) -> None:
        self.way = way
        self.person = person
        self.device = SigningAuthenticator(SIGNING.origin, SIGNING.rp_id)

    def begin(self) -> str:
        form = {"title": "ring", "reason": "for signing"}
        return self.following(self.way.pages.ask(self.person, "POST", "/account/keys", **form))

    def following(self, answer: Any) -> str:
        """The id under which the next step waits at the address of signing."""
        assert answer.status_code == 200, answer.text
        found: list[str] = re.findall(
            rf'href="{re.escape(SIGNING.origin)}/account/keys/([0-9a-f]+)/device"', answer.text
        )
        return found[0]

    def options(self, ident: str) -> Any:
        shown = self.way.pages.client.get(f"/account/keys/{ident}/device")
        assert shown.status_code == 200, shown.text
        assert f'data-back="{WEB}/account/keys/{ident}/return"' in shown.text
        return msgspec.json.decode(html.unescape(re.findall(r'data-options="([^"]+)"', shown.text)[0]))

    def send(self, ident: str, answer: Any, who: Signer | None = None) -> Any:
        text = b64url(msgspec.json.encode(answer))
        return self.way.pages.ask(who or self.person, "POST", f"/account/keys/{ident}", passkey=text)


@pytest.mark.requirement("R26", "R20")
def test_a_signing_passkey_is_made_by_pages_and_counts_for_nothing_before_others_vouch(way: Way) -> None:
    person = way.reviewer
    person.sign_in("testclient")
    making = Making(way, person)
    ident = making.begin()
    assert (
        f'action="/account/keys/{ident}" data-fragment="passkey"'
        in way.pages.client.get(f"/account/keys/{ident}/return").text
    )
    other = way.person
    answer = making.device.register(making.options(ident))
    assert making.send(ident, answer, other).status_code == 409
    elsewhere = SigningAuthenticator(WEB, WEB.removeprefix("https://")).register(making.options(ident))
    assert "not one for this site and step" in html.unescape(making.send(ident, elsewhere).text)
    proving = making.following(making.send(ident, answer))
    asked = making.options(proving)
    stranger = SigningAuthenticator(SIGNING.origin, SIGNING.rp_id).sign(unb64url(asked["challenge"]))
    assert making.send(proving, stranger).status_code == 409
    proof = making.device.sign(unb64url(asked["challenge"]))
    assert making.send(proving, proof, other).status_code == 409
    done = making.send(proving, proof)
    assert (done.status_code, done.headers.get("location")) == (303, "/account/keys"), done.text
    shown = html.unescape(way.pages.ask(person, "GET", "/account/keys").text)
    assert "waits for two people to vouch for it" in shown
    assert "You can sign by: sealed key." in shown
    assert making.send(proving, proof).status_code == 409, "once"


def test_what_is_no_key_or_has_no_reason_is_refused(way: Way) -> None:
    person = way.reviewer
    person.sign_in("testclient")
    making = Making(way, person)
    told = way.pages.ask(person, "POST", "/account/keys", title="ring", reason=" ")
    assert (told.status_code, "a key has a name and a reason" in told.text) == (409, True)
    ident = making.begin()
    for text in ("", "%", "e30", b64url(b"[]")):
        told = way.pages.ask(person, "POST", f"/account/keys/{ident}", passkey=text)
        assert told.status_code == 409, text
    assert way.pages.client.get(f"/account/keys/{'0' * 32}/device").status_code == 404
    officer = {"Authorization": "Bearer nonsense"}
    assert way.pages.client.get("/account/keys", headers=officer).status_code == 401
