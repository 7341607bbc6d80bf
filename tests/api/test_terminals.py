"""From where rights may be used: networks and enrolled terminals, over the interface and on the page."""

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from ledger.api.gate import declared_routes
from ledger.core.entry import draft
from ledger.core.errors import AccessDenied, SchemaViolation
from ledger.core.signature import SignatureEntry
from ledger.people.door import Asked, Visit
from ledger.people.roles import Role
from ledger.people.second import Proof
from ledger.people.sessions import COOKIE, TERMINAL_COOKIE
from ledger.signing.signatures import Asked as ToBeSigned
from ledger.store.logs import SYSTEM_LOG
from tests.support.application import app_of, give_back
from tests.support.founded import founded
from tests.support.people import OWN_PAGE
from tests.support.signers import Plant, Signer

pytestmark = pytest.mark.sampled

VERIFY = "/api/v1/verifications"
CONTROL_ROOM, OFFICE = "192.0.2.7", "198.51.100.9"


class Site:
    """A founded plant, and a device for each place: a client that keeps the terminal's cookie, as browsers do."""

    def __init__(self, plant: Plant) -> None:
        self.plant = plant
        self.operator = plant.person("operator1", "Otto Operator", Role.OPERATOR, plant.officer.sign_in().authority)
        self.app = app_of(plant.service, "UTC")
        self.devices: dict[str, str | None] = {CONTROL_ROOM: None, OFFICE: None}

    def sign_in(self, who: Signer, at: str) -> None:
        """In the browser that stands there."""
        door = self.plant.service.entrance.door
        asked = door.show_password(who.account, who.password, Visit(peer=at))
        assert isinstance(asked, Asked)
        visit = Visit(peer=at, terminal=self.devices[at])
        who.session = door.show_second(asked.state, Proof(code=who.code()), visit).session

    def ask(self, who: Signer, at: str, method: str, path: str, **more: Any) -> Any:
        cookies = {COOKIE: who.session}
        if self.devices[at] is not None:
            cookies[TERMINAL_COOKIE] = self.devices[at] or ""
        header = "; ".join(f"{name}={value}" for name, value in cookies.items())
        answer = asyncio.run(self._ask(at, method, path, {"Cookie": header, **OWN_PAGE}, more))
        if TERMINAL_COOKIE in answer.cookies:
            self.devices[at] = answer.cookies[TERMINAL_COOKIE]
        return answer

    async def _ask(self, at: str, method: str, path: str, headers: dict[str, str], more: dict[str, Any]) -> Any:
        through = httpx.ASGITransport(app=self.app, client=(at, 50_000))  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=through, base_url="http://testserver") as client:
            return await client.request(method, path, headers=headers, **more)

    def enrol(self, at: str, title: str) -> str:
        self.sign_in(self.plant.officer, at)
        data = {"title": title, "how": "keyboard, screen, clock: in order", "reason": "set up"}
        answer = self.ask(self.plant.officer, at, "POST", "/api/v1/terminals", json=data)
        assert answer.status_code == 201, answer.text
        terminal: str = answer.json()["terminal"]
        return terminal

    def bind(self, *places: dict[str, Any], **items: Any) -> None:
        for item, value in (("places", list(places)), *items.items()):
            self.plant.service.people.profiles.set(item, value, "as agreed", self.plant.officer.sign_in().authority)

    def prepare(self, who: Signer, at: str) -> Any:
        entry = self.plant.records(1)[0]
        data = {"log": "records", "entries": [entry], "action": "record", "meaning": "approved", "reason": "routine"}
        return self.ask(who, at, "POST", "/api/v1/signing/statements", json=data)

    def refusals(self) -> list[tuple[str, str]]:
        self.plant.service.people.security.enter(final=True)
        with self.plant.service.store.reader(0) as reader:
            bodies = [one.body or b"" for one in reader.entries(0, reader.head().size)]
        kind = self.plant.service.store.kinds["security-event"]
        found: list[Any] = [kind.decode(body) for body in bodies if b'"schema":"security-event/' in body]
        return [(one.account, one.source) for body in found for one in body.counts if one.sort.value == "wrong-place"]

    def holds(self) -> bool:
        report = self.plant.service.verifier.run(self.plant.service.system, full=True, levels=(1, 2))
        assert report.holds, report.summary
        return report.holds


@pytest.fixture
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    plant = founded(tmp_path / "ledger", request=request)
    made = Site(plant)
    yield made
    give_back(made.app)
    plant.close()


on_both = pytest.mark.parametrize("site", ["sqlite", "postgresql"], indirect=True)


@on_both
@pytest.mark.requirement("R31")
def test_what_is_bound_to_a_network_is_refused_elsewhere_and_the_refusal_entered(site: Site) -> None:
    """21 CFR 11.10(h): the validity of the source of data input, at use."""
    site.bind({"scope": "operate", "networks": ["192.0.2.0/24"]}, {"scope": "verify", "networks": ["192.0.2.0/24"]})
    answers = []
    for at in (CONTROL_ROOM, OFFICE):
        site.sign_in(site.operator, at)
        answers.append(site.ask(site.operator, at, "POST", VERIFY, json={}))
    assert [one.status_code for one in answers] == [202, 403]
    assert "from there" in answers[1].json()["detail"]
    assert site.refusals() == [("operator1", f"{OFFICE}, no terminal")]
    assert site.holds()


@on_both
@pytest.mark.requirement("R31", "R55")
def test_signing_bound_to_a_terminal_takes_a_session_that_began_at_that_very_terminal(site: Site) -> None:
    terminal = site.enrol(CONTROL_ROOM, "control room 2")
    site.bind({"scope": "sign", "terminals": [terminal]})
    quality = site.plant.quality
    site.sign_in(quality, OFFICE)
    assert site.prepare(quality, OFFICE).status_code == 403
    site.sign_in(quality, CONTROL_ROOM)
    put = site.prepare(quality, CONTROL_ROOM)
    assert put.status_code == 200, put.text
    stolen, site.devices[OFFICE] = quality.session, None
    assert site.prepare(quality, OFFICE).status_code == 403, "the session's cookie alone is not the terminal"
    assert quality.session == stolen
    shown = {"code": quality.code(), "secret": quality.secret}
    path, body = f"/api/v1/signing/statements/{put.json()['id']}", {"digest": put.json()["digest"], "shown": shown}
    assert site.ask(quality, OFFICE, "POST", path, json=body).status_code == 403
    assert site.ask(quality, CONTROL_ROOM, "POST", path, json=body).status_code == 201
    named = [one["terminal"] for one in _sessions(site) if "terminal" in one]
    assert named == [terminal]
    assert ("quality1", f"{OFFICE}, terminal {terminal}") in site.refusals()
    assert site.holds()
    _found_where_it_was_forged(site, terminal)


def _found_where_it_was_forged(site: Site, terminal: str) -> None:
    """Whoever can append an entry past the gate is found by level 2, and not let under the head lock either."""
    made = msgspec.convert(_entries(site, "signature")[-1], SignatureEntry)
    assert (made.terminal, made.network) == (terminal, CONTROL_ROOM)
    quality, signing = site.plant.quality, site.plant.signing.signatures
    site.sign_in(quality, OFFICE)
    asked = ToBeSigned(
        entries=(site.plant.records(1)[0],), log="records", action="record", meaning="approved", reason="routine"
    )
    put = signing.prepare(quality.caller, asked, OFFICE)
    with pytest.raises(AccessDenied, match="from there"):
        signing.complete(put.id, put.digest, quality.shown(put), caller=quality.caller, network=OFFICE)
    elsewhere = msgspec.structs.replace(made, network=OFFICE, terminal=None, session=None)
    service = site.plant.service
    entry = service.store.append_one(SYSTEM_LOG, draft(elsewhere))
    report = service.verifier.run(service.system, full=True, levels=(1, 2))
    assert not report.holds
    assert f"entry {entry.index}" in report.summary
    assert "the rules then forbade it" in report.summary


@on_both
@pytest.mark.requirement("R31")
def test_a_terminal_is_tested_at_an_interval_and_counts_no_longer_once_a_test_is_overdue(site: Site) -> None:
    terminal = site.enrol(CONTROL_ROOM, "control room 2")
    site.bind({"scope": "sign", "terminals": [terminal]}, terminal_test_days=30, absolute_minutes=1440)
    quality, officer = site.plant.quality, site.plant.officer
    site.plant.clock.pass_seconds(30 * 86_400 + 60)
    site.sign_in(quality, CONTROL_ROOM)
    assert site.prepare(quality, CONTROL_ROOM).status_code == 403
    site.sign_in(officer, CONTROL_ROOM)
    (known,) = site.ask(officer, CONTROL_ROOM, "GET", "/api/v1/terminals").json()
    assert (known["terminal"], known["overdue"]) == (terminal, True)
    old = site.devices[CONTROL_ROOM]
    tested = site.ask(
        officer, CONTROL_ROOM, "POST", "/api/v1/terminals/test", json={"how": "all in order", "reason": "monthly"}
    )
    assert tested.status_code == 201, tested.text
    assert site.devices[CONTROL_ROOM] != old
    site.sign_in(quality, CONTROL_ROOM)
    assert site.prepare(quality, CONTROL_ROOM).status_code == 200
    site.devices[OFFICE] = old
    site.sign_in(quality, OFFICE)
    assert site.prepare(quality, OFFICE).status_code == 403, "a copy of the secret ended with the test"
    events = [(one["event"], one["how"]) for one in _entries(site, "terminal")]
    assert events == [("enrolled", "keyboard, screen, clock: in order"), ("tested", "all in order")]
    assert site.holds()


@on_both
@pytest.mark.requirement("R31", "R29")
@pytest.mark.parametrize("end", ["failure", "retirement"])
def test_a_terminal_that_failed_or_was_retired_counts_no_longer_at_once(site: Site, end: str) -> None:
    terminal = site.enrol(CONTROL_ROOM, "control room 2")
    site.bind({"scope": "sign", "terminals": [terminal]})
    quality, officer = site.plant.quality, site.plant.officer
    site.sign_in(quality, CONTROL_ROOM)
    assert site.prepare(quality, CONTROL_ROOM).status_code == 200
    site.sign_in(officer, OFFICE)
    data = {"reason": "the reader is broken", **({"how": "reads no badge"} if end == "failure" else {})}
    path = f"/api/v1/terminals/{terminal}/{end}"
    assert site.ask(officer, OFFICE, "POST", path, json=data).status_code == 201
    assert site.ask(officer, OFFICE, "POST", path, json=data).status_code == 404
    assert site.prepare(quality, CONTROL_ROOM).status_code == 403
    site.sign_in(officer, CONTROL_ROOM)
    again = site.ask(officer, CONTROL_ROOM, "POST", "/api/v1/terminals/test", json={"how": "x", "reason": "x"})
    assert again.status_code == 401
    assert site.holds()


def test_a_rule_names_networks_and_terminals_that_there_are_and_never_administration(site: Site) -> None:
    by = site.plant.officer.sign_in().authority
    for wrong in (
        {"scope": "sign"},
        {"scope": "sign", "networks": ["the office"]},
        {"scope": "sign", "terminals": ["0" * 16]},
        {"scope": "admin", "networks": ["192.0.2.0/24"]},
    ):
        with pytest.raises(SchemaViolation):
            site.plant.service.people.profiles.set("places", [wrong], "as agreed", by)


def test_the_profile_is_read_and_set_over_the_interface_by_who_administers_the_whole_ledger(site: Site) -> None:
    officer, quality = site.plant.officer, site.plant.quality
    for who in (officer, quality):
        site.sign_in(who, OFFICE)
    rule = {"scope": "sign", "networks": ["192.0.2.0/24"], "terminals": []}
    data = {"value": [rule], "reason": "as the SOP says"}
    assert site.ask(quality, OFFICE, "POST", "/api/v1/profile/places", json=data).status_code == 403
    assert site.ask(officer, OFFICE, "POST", "/api/v1/profile/places", json=data).status_code == 201
    assert site.ask(officer, OFFICE, "GET", "/api/v1/profile").json()["places"] == [rule]
    assert site.prepare(quality, OFFICE).status_code == 403
    wrong = site.ask(officer, OFFICE, "POST", "/api/v1/profile/places", json={"value": "anywhere", "reason": "x"})
    assert wrong.status_code == 400
    assert site.ask(officer, OFFICE, "POST", "/api/v1/profile/colour", json=data).status_code == 404
    assert _entries(site, "configuration")[-1]["item"] == "places"
    assert site.holds()


def test_every_route_that_signs_says_so(site: Site) -> None:
    """What prepares or completes a signature is bound to places by one word in its declaration."""
    signs = {(method, path) for path, handler in declared_routes(site.app) for method in handler.http_methods
             if handler.opt.get("signs")}  # fmt: skip
    named = {
        (method, path)
        for path, handler in declared_routes(site.app)
        for method in handler.http_methods
        if method == "POST"
        and re.search(r"/(statements|attestations?|ceremony|signature|preparation)\b|^/sign(/|$)", path)
    }
    forms = {("POST", "/tasks/{request_id:str}/steps/{step:str}"), ("POST", "/vouching/{key:str}")}
    assert len(named) > 10
    assert signs == named | forms


def test_a_device_is_enrolled_tested_and_taken_out_of_use_on_the_page(site: Site) -> None:
    officer = site.plant.officer
    site.sign_in(officer, CONTROL_ROOM)
    empty = site.ask(officer, CONTROL_ROOM, "GET", "/terminals")
    assert "This device is no terminal" in empty.text
    words = {"title": "control room 2", "how": "all in order", "reason": "set up"}
    made = site.ask(officer, CONTROL_ROOM, "POST", "/terminals", data=words)
    assert made.status_code == 200
    assert "is terminal “control room 2”" in made.text
    cookie = made.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert "is terminal" in site.ask(officer, CONTROL_ROOM, "GET", "/terminals").text
    blank = site.ask(officer, CONTROL_ROOM, "POST", "/terminals/test", data={"how": "", "reason": ""})
    assert (blank.status_code, "in words" in blank.text) == (400, True)
    before = site.devices[CONTROL_ROOM]
    passed = site.ask(officer, CONTROL_ROOM, "POST", "/terminals/test", data={"how": "good", "reason": "yearly"})
    assert passed.status_code == 200
    assert site.devices[CONTROL_ROOM] != before
    terminal = re.search(r'action="/terminals/([0-9a-f]{16})/end"', passed.text)
    assert terminal is not None
    path = f"/terminals/{terminal[1]}/end"
    ended = site.ask(officer, CONTROL_ROOM, "POST", path, data={"how": "", "reason": "replaced"})
    assert "This device is no terminal" in ended.text
    assert [one["event"] for one in _entries(site, "terminal")] == ["enrolled", "tested", "retired"]


def _entries(site: Site, kind: str) -> list[Any]:
    with site.plant.service.store.reader(0) as reader:
        bodies = [msgspec.json.decode(one.body or b"") for one in reader.entries(0, reader.head().size)]
    return [one for one in bodies if str(one["schema"]).startswith(f"{kind}/")]


def _sessions(site: Site) -> list[Any]:
    return _entries(site, "session-event")
