"""A person signs by a passkey on the pages, in a real Chromium with a virtual authenticator, and without JavaScript.

The pages are at a name, and the address of signing before it: both are this machine's, as every name under localhost.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from ledger.core.binding import short_fingerprint
from ledger.core.passkey import b64url
from ledger.core.signature import Mode
from ledger.people.roles import Role
from ledger.people.sessions import COOKIE
from tests.browser.conftest import follow
from tests.browser.test_sign_in import accessible, authenticator
from tests.support.application import app_of
from tests.support.founded import REVIEWER, founded
from tests.support.hosting import Hosted
from tests.support.signers import Signer

HERE = "127.0.0.1"


class Served:
    """A founded plant whose pages are served at a name, with a reviewer who has a sealed key."""

    def __init__(self, folder: Path, name: str) -> None:
        self._hosted = Hosted()
        port = self._hosted.port
        self.address, self.signing = f"http://{name}:{port}", f"http://sign.{name}:{port}"
        self.plant = founded(folder, REVIEWER, web=self.address)
        self.reviewer = self.plant.people["reviewer1"]
        self.records = iter(self.plant.records(12))
        self._hosted.serve(app_of(self.plant.service, "Europe/Berlin"))

    def close(self) -> None:
        self._hosted.close()
        self.plant.close()

    def sign_in(self, context: BrowserContext, person: Signer) -> None:
        person.sign_in(HERE)
        context.add_cookies(
            [{"name": COOKIE, "value": person.session, "url": self.address, "httpOnly": True, "sameSite": "Strict"}]
        )

    def bind(self, page: Page, person: Signer) -> None:
        """The person makes a signing passkey by the pages, with the browser's authenticator; both founders vouch."""
        page.goto(f"{self.address}/account")
        follow(page.get_by_role("link", name="Your signing keys"))
        assert accessible(page) == []
        page.get_by_label("What you call it").fill("key on the ring")
        page.get_by_label("Why you make it").fill("for signing")
        page.get_by_role("button", name="Make a signing passkey").click()
        for does in ("Make the key", "Sign the request"):
            follow(page.get_by_role("link", name="Go to the address of signing"))
            assert page.url.startswith(f"{self.signing}/account/keys/")
            assert accessible(page) == []
            page.get_by_role("button", name=does).click()
            page.wait_for_url(lambda url: url.startswith(self.address) and not url.split("#")[0].endswith("return"))
        assert "waits for two people to vouch for it" in page.inner_text("main")
        bindings = self.plant.signing.bindings
        person.key_id = bindings.all(person.account)[-1].key_id
        for one in (self.plant.officer, self.plant.quality):
            one.sign_in()
            one.vouch(person)
        self.plant.publish()
        page.goto(f"{self.address}/account/keys")
        assert "You can sign by: passkey, sealed key." in page.inner_text("main")


@pytest.fixture(scope="module", params=["ledger.localhost", "localhost"])
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """At a name whose address of signing is of the same site, and at one where it is of another: cookies differ."""
    made = Served(tmp_path_factory.mktemp("signing") / "ledger", request.param)
    yield made
    made.close()


@pytest.fixture(scope="module")
def key(served: Served, browser: Browser) -> Iterator[Page]:
    """The page of a reviewer who has a signing passkey in this browser."""
    context = browser.new_context()
    page = context.new_page()
    authenticator(page)
    served.sign_in(context, served.reviewer)
    served.bind(page, served.reviewer)
    served.sign_in(context, served.reviewer)
    yield page
    context.close()


def choose(served: Served, page: Page, mode: str, entry: int) -> None:
    """The form on which somebody chooses words and mode, filled in and sent."""
    page.goto(f"{served.address}/sign?log=records&entries={entry}")
    page.get_by_label("What your signature means").select_option("record/reviewed")
    page.get_by_label("Why you sign").select_option("routine")
    page.get_by_label("How you sign").select_option(mode)
    follow(page.get_by_role("button", name="Show what I sign"))


def fingerprint(page: Page) -> str:
    return page.locator("dt:text-is('Fingerprint') + dd").inner_text().splitlines()[0]


@pytest.mark.requirement("R26", "R54")
def test_a_person_signs_by_their_passkey_at_the_address_of_signing_and_lands_on_the_signature(
    served: Served, key: Page
) -> None:
    page, entry = key, next(served.records)
    trouble: list[str] = []
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.on("console", lambda said: trouble.append(said.text) if said.type == "error" else None)
    page.goto(f"{served.address}/sign?log=records&entries={entry}")
    assert page.get_by_label("How you sign").input_value() == "passkey", "the strongest is offered first"
    assert accessible(page) == []
    choose(served, page, "passkey", entry)
    assert accessible(page) == []
    shown = fingerprint(page)
    follow(page.get_by_role("link", name="Go to the address of signing"))
    page.wait_for_url(f"{served.signing}/sign/*/passkey")
    assert accessible(page) == []
    assert fingerprint(page) == shown
    assert "Rita Reviewer" in page.inner_text("main")
    page.get_by_role("button", name="Sign by my passkey").click()
    page.wait_for_url(f"{served.address}/signatures/*")
    said = page.inner_text("main")
    assert "valid" in said
    assert shown in said
    assert "passkey" in said
    assert trouble == []
    service = served.plant.service
    made = [one for one in served.plant.history().of("reviewer1") if one.key.mode is Mode.PASSKEY]
    assert made[0].key.web_origin == served.signing
    served.plant.publish()
    assert service.verifier.run(service.system, levels=(1, 2, 3, 4)).holds


def test_what_came_back_signs_once(served: Served, key: Page) -> None:
    """The address with the answer, opened again, enters nothing more."""
    page, seen = key, []
    page.on("framenavigated", lambda frame: seen.append(frame.url))
    choose(served, page, "passkey", next(served.records))
    follow(page.get_by_role("link", name="Go to the address of signing"))
    page.get_by_role("button", name="Sign by my passkey").click()
    page.wait_for_url(f"{served.address}/signatures/*")
    (back,) = [url for url in seen if "/return#" in url]
    signed = served.plant.signatures()
    page.goto("about:blank")
    page.goto(back)
    page.wait_for_url(f"{served.address}/sign/*/passkey")
    assert "waiting" in page.inner_text("main")
    assert served.plant.signatures() == signed


def test_an_authenticator_that_refuses_is_told_on_the_page_and_signs_nothing(served: Served, key: Page) -> None:
    page = key
    choose(served, page, "passkey", next(served.records))
    follow(page.get_by_role("link", name="Go to the address of signing"))
    options = page.locator("button[data-passkey]").get_attribute("data-options") or ""
    known = json.loads(options)["allowCredentials"][0]["id"]
    assert options.count(known) == 1
    other = options.replace(known, b64url(bytes(32)))
    page.evaluate("other => { document.querySelector('button[data-passkey]').dataset.options = other; }", other)
    signed = served.plant.signatures()
    page.get_by_role("button", name="Sign by my passkey").click()
    page.locator(".passkey .wrong", has_text=re.compile(r"\S")).wait_for()
    assert served.plant.signatures() == signed


def test_without_javascript_the_page_says_that_it_needs_it_and_another_way_is_there(
    served: Served, key: Page, browser: Browser
) -> None:
    context = browser.new_context(java_script_enabled=False)
    served.sign_in(context, served.reviewer)
    page = context.new_page()
    choose(served, page, "passkey", next(served.records))
    assert "needs a browser with JavaScript. Without it, sign another way, below." in page.inner_text("main")
    follow(page.get_by_role("link", name="Go to the address of signing"))
    assert "needs a browser with JavaScript" in page.inner_text("main")
    assert not page.get_by_role("button", name="Sign by my passkey").is_visible()
    follow(page.get_by_role("link", name="Back to the pages, to sign another way"))
    # Where the address of signing is of another site, the session's cookie does not come along: it is strict.
    assert page.url.startswith(f"{served.address}/sign?log=records&entries=")
    choose(served, page, "passkey", next(served.records))
    follow(page.get_by_role("button", name="By my sealed key"))
    assert page.get_by_label("Signing secret").is_visible()
    if page.get_by_label("Code of your device").count():
        page.get_by_label("Code of your device").fill(served.reviewer.code())
    page.get_by_label("Signing secret").fill(served.reviewer.secret)
    follow(page.get_by_role("button", name="Sign entries"))
    page.wait_for_url(f"{served.address}/signatures/*")
    assert "sealed key" in page.inner_text("main")
    context.close()


@pytest.mark.requirement("R20", "R26")
def test_a_person_vouches_by_their_passkey_for_the_fingerprint_that_was_read_out(served: Served, key: Page) -> None:
    page, plant = key, served.plant
    new = plant.person("reviewer2", "Ruth Reviewer", Role.REVIEWER, plant.officer.sign_in().authority)
    new.sign_in()
    read_out = short_fingerprint(bytes.fromhex(new.make_key()))
    served.sign_in(page.context, served.reviewer)
    page.goto(f"{served.address}/tasks")
    assert accessible(page) == []
    follow(page.get_by_role("link", name="A signing key of Ruth Reviewer (reviewer2)"))
    assert accessible(page) == []
    assert fingerprint(page) == read_out
    page.get_by_label("The fingerprint is the one that this person read out to me.").check()
    page.get_by_label("How you know that it is they").fill("we share an office")
    page.get_by_label("How you sign").select_option("passkey")
    follow(page.get_by_role("button", name="Show what I sign"))
    assert accessible(page) == []
    assert fingerprint(page) == read_out
    follow(page.get_by_role("link", name="Go to the address of signing"))
    page.wait_for_url(f"{served.signing}/attestations/*/device")
    assert accessible(page) == []
    assert read_out in page.inner_text("main")
    page.get_by_role("button", name="Vouch by my passkey").click()
    page.get_by_text("You vouched for the key").wait_for()
    assert page.url.startswith(served.address)
    assert plant.signing.bindings.all("reviewer2")[-1].vouchers == ("reviewer1",)


@pytest.mark.requirement("R29")
def test_a_person_makes_a_sealed_key_without_javascript_and_an_officer_ends_it(
    served: Served, browser: Browser
) -> None:
    plant, officer = served.plant, served.plant.officer
    new = plant.person("reviewer3", "Rosa Reviewer", Role.REVIEWER, officer.sign_in().authority)
    plain = browser.new_context(java_script_enabled=False)
    served.sign_in(plain, new)
    page = plain.new_page()
    page.goto(f"{served.address}/account/keys")
    page.get_by_label("Signing secret: at least 14 characters").fill(new.secret)
    page.get_by_label("The same once more").fill(new.secret)
    page.locator("#seal-reason").fill("first signing key")
    follow(page.get_by_role("button", name="Make a sealed key"))
    assert "Your key is made" in page.get_by_role("status").inner_text()
    (key,) = plant.signing.bindings.all("reviewer3")
    read_out = short_fingerprint(bytes.fromhex(key.key_id))
    assert read_out in page.inner_text("main")

    # axe is a script of the test's own: it runs in a context that has them.
    context = browser.new_context()
    served.sign_in(context, officer)
    other = context.new_page()
    other.set_viewport_size({"width": 360, "height": 800})
    other.goto(f"{served.address}/account")
    follow(other.get_by_role("link", name="Signing keys of everybody"))
    follow(other.get_by_role("link", name="A signing key of reviewer3"))
    for address in ("/account/keys", "/signing-keys", f"/signing-keys/{key.key_id}"):
        other.goto(f"{served.address}{address}")
        assert accessible(other) == [], address
        assert other.evaluate("document.documentElement.scrollWidth") <= 360, address
    assert fingerprint(other) == read_out
    other.get_by_label("Why it ends").fill("Rosa left before anybody vouched")
    follow(other.get_by_role("button", name="Revoke the key"))
    assert "The key is revoked" in other.get_by_role("status").inner_text()
    assert plant.signing.bindings.one(key.key_id).state == "revoked"
    page.goto(f"{served.address}/account/keys")
    assert "revoked; what it signed stays valid" in page.inner_text("main")
    for one in (plain, context):
        one.close()
