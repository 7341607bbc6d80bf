"""Pages of erasures: plain forms by which one is asked for, refused with a printable answer, or approved by two."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient

from ledger.people.roles import Role
from ledger.people.sessions import COOKIE
from tests.api.test_erasures import PATIENT, TRIAL, Site
from tests.support.application import app_of
from tests.support.people import OWN_PAGE

HOSTILE = '<script>alert("x")</script>'


class ErasurePages:
    """The site of the erasures, with a security officer, two approvers, and one of another site; and their pages."""

    def __init__(self, folder: Path) -> None:
        self.site = Site(folder, None, None)
        self.site.use("sources_without_gmp", [TRIAL])
        self.site.world.service.create_record_log("laboratory", self.site.world.root)
        self.site.staff.person("officer1", Role.SECURITY_OFFICER)
        self.site.staff.person("elsewhere", Role.APPROVER, sites=("laboratory",))
        self.site.staff.person("reviewer1", Role.REVIEWER)
        self._sessions: dict[str, str] = {}
        self.client = TestClient(app_of(self.site.world.service, "UTC"))

    def ask(self, who: str, method: str, path: str, **form: str) -> Any:
        if who not in self._sessions:
            self._sessions[who] = self.site.staff.session(who)
        headers = {"Cookie": f"{COOKIE}={self._sessions[who]}", **OWN_PAGE}
        return self.client.request(method, path, headers=headers, data=form or None, follow_redirects=False)

    def request(self, entry: int, member: str = "reason", **more: str) -> Any:
        form = {"log": "records", "index": str(entry), "member": member, "ground": "objection", "reason": "asked"}
        return self.ask("officer1", "POST", "/erasures", **(form | more))


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ErasurePages]:
    made = ErasurePages(tmp_path_factory.mktemp("erasures") / "ledger")
    with made.client:
        yield made
    made.site.world.close()


def test_two_people_approve_by_plain_forms_what_a_third_asked_for(pages: ErasurePages) -> None:
    site = pages.site
    listed = pages.ask("officer1", "GET", "/erasures")
    assert (listed.status_code, "Nobody has asked" in listed.text) == (200, True)
    index = site.trial[1]
    chosen = pages.ask("officer1", "GET", f"/erasures/new?log=records&index={index}").text
    assert "<option>reason</option>" in chosen
    assert PATIENT not in chosen, "whoever administers sees what members are called, never what they hold"
    asked = pages.request(index, reason=HOSTILE)
    assert asked.status_code == 303
    at = asked.headers["location"]
    shown = pages.ask("qa1", "GET", at).text
    assert "waits for two approvals" in shown
    assert HOSTILE not in shown
    assert "&lt;script&gt;" in shown
    mine = pages.ask("officer1", "GET", at).text
    assert "Two people who approve" in mine
    assert f'action="{at}/approvals"' not in mine
    assert pages.ask("qa1", "POST", f"{at}/approvals", reason=" ").status_code == 409
    assert pages.ask("qa1", "POST", f"{at}/approvals", reason="letter seen").status_code == 303
    again = pages.ask("qa1", "GET", at).text
    assert "waits for a second approval" in again
    assert "approved it before" in again
    refused = pages.ask("qa1", "POST", f"{at}/approvals", reason="once more")
    assert (refused.status_code, "approved it before" in refused.text) == (409, True)
    assert site.trial[1] in site.originals(), "one approval is not enough"
    waiting = pages.ask("qa2", "GET", "/erasures/approvals").text
    assert at in waiting
    assert "Choose the value" not in waiting
    assert "cannot be brought back" in pages.ask("qa2", "GET", at).text
    assert pages.ask("qa2", "POST", f"{at}/approvals", reason="letter seen").status_code == 303
    assert site.trial[1] not in site.originals()
    done = pages.ask("officer1", "GET", at).text
    assert "●</span> erased" in done
    answer = pages.ask("officer1", "GET", f"{at}/answer").text
    assert "It was erased on" in answer
    assert "77 and 79" in answer
    gone = pages.ask("officer1", "GET", f"/erasures/new?log=records&index={index}").text
    assert "<option>reason</option>" not in gone


def test_a_refusal_gives_the_legal_reason_as_an_answer_that_prints(pages: ErasurePages) -> None:
    asked = pages.request(pages.site.erp[0], "actor.name")
    assert asked.status_code == 303
    at = asked.headers["location"]
    shown = pages.ask("officer1", "GET", at).text
    assert "▲" in shown
    assert "refused" in shown
    assert "Article 17(3)(b)" in shown
    assert "Approve erasure" not in pages.ask("qa1", "GET", at).text
    assert pages.ask("qa1", "POST", f"{at}/approvals", reason="sure").status_code == 409
    answer = pages.ask("officer1", "GET", f"{at}/answer")
    assert answer.status_code == 200
    text = answer.text
    for words in (
        "It is not erased",
        "stays readable until",
        "21 CFR 11.10(e)",
        "supervisory authority",
        "For the controller",
    ):
        assert words in text
    assert "<script" not in text
    assert at in pages.ask("officer1", "GET", "/erasures").text
    assert at in pages.ask("qa1", "GET", "/erasures/approvals").text


def test_there_is_no_answer_before_it_is_decided(pages: ErasurePages) -> None:
    at = pages.request(pages.site.trial[0]).headers["location"]
    assert pages.ask("officer1", "GET", f"{at}/answer").status_code == 409


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"index": "99999"}, "no sealed value"),
        ({"index": "first"}, "named by its number"),
        ({"member": "nothing"}, "no sealed value"),
        ({"ground": "because"}, "takes a ground"),
        ({"reason": "  "}, "takes a ground"),
        ({"log": "nowhere"}, "nowhere"),
    ],
)
def test_what_cannot_be_asked_for_is_told_on_the_page(pages: ErasurePages, form: dict[str, str], said: str) -> None:
    refused = pages.request(pages.site.trial[2], **form)
    assert refused.status_code == 409
    assert "Not asked for" in refused.text
    assert said in refused.text


def test_who_may_neither_ask_nor_approve_at_that_site_sees_and_does_nothing(pages: ErasurePages) -> None:
    at = pages.request(pages.site.trial[2]).headers["location"]
    for who in ("reviewer1", "elsewhere"):
        assert pages.ask(who, "GET", "/erasures").status_code == 403
        assert pages.ask(who, "GET", at).status_code == 403
        assert pages.ask(who, "GET", f"{at}/answer").status_code == 403
        assert pages.ask(who, "POST", f"{at}/approvals", reason="sure").status_code == 403
    assert pages.ask("qa1", "GET", "/erasures").status_code == 403
    assert pages.ask("qa1", "POST", "/erasures", reason="x").status_code == 403
    assert pages.ask("officer1", "POST", f"{at}/approvals", reason="sure").status_code == 403
    assert at not in pages.ask("elsewhere", "GET", "/erasures/approvals").text
    assert pages.ask("qa1", "GET", "/erasures/none").status_code == 404
    by_api = pages.ask("elsewhere", "POST", f"/api/v1{at}/approvals")
    assert by_api.status_code in (400, 403)


def test_the_pages_of_notices_lead_there(pages: ErasurePages) -> None:
    assert 'href="/erasures"' in pages.ask("officer1", "GET", "/notices").text
    mine = pages.ask("qa1", "GET", "/notices").text
    assert 'href="/erasures/approvals"' in mine
    assert 'href="/erasures"' not in mine
    assert "/erasures" not in pages.ask("reviewer1", "GET", "/notices").text
