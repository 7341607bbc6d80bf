"""The marks beside a record on pages: entered by hand, corrected by, corrects, excluded; and the pages to enter."""

import csv
import io
import re
from collections.abc import Iterator
from typing import Any

import pytest
from litestar.testing import TestClient

from ledger.core import canonical
from ledger.core.parameters import ParameterName
from ledger.people.access import Scope
from ledger.people.sessions import COOKIE
from ledger.sources.map_kinds import AssetMapped2
from ledger.sources.parameter_kinds import Parameter
from tests.api.test_by_hand import NO_COUNT, OUT, Site
from tests.api.world import World
from tests.support.application import app_of
from tests.support.by_hand import PAPER as PAPER_SOURCE
from tests.support.by_hand import SCAN, WHY
from tests.support.ledgers import AUTHORITY
from tests.support.people import OWN_PAGE

HOSTILE = '"><script>alert(1)</script>'


class Pages(Site):
    """The site with its pages."""

    def page(self, who: str, path: str, status: int = 200) -> str:
        headers = {"Cookie": f"{COOKIE}={self.sessions[who]}", **OWN_PAGE}
        answer = self.client.get(path, headers=headers)
        assert answer.status_code == status, answer.text
        return str(answer.text)

    def send(self, who: str, path: str, scan: bytes | None = None, **form: Any) -> Any:
        """What the browser of this person sends from a form."""
        headers = {"Cookie": f"{COOKIE}={self.sessions[who]}", **OWN_PAGE}
        files = None if scan is None else {"scan": ("page.pdf", scan)}
        return self.client.post(path, headers=headers, data=form, files=files, follow_redirects=False)


@pytest.fixture(scope="module")
def pages(shared_world: World) -> Iterator[Pages]:
    with TestClient(app_of(shared_world.service, "Europe/Berlin")) as client:
        yield Pages(shared_world, client)


def marks(page: str) -> list[str]:
    return re.findall(r'<span class="mark">(.*?)</span>', page)


def row_of(page: str, index: int) -> str:
    """The row of a search that leads to an entry."""
    rows = re.findall(r"<tr>.*?</tr>", page, re.DOTALL)
    (row,) = [row for row in rows if re.search(rf'class="sentence"[^>]*><a href="/entries/records/{index}"', row)]
    return str(row)


@pytest.fixture(scope="module")
def corrected(pages: Pages) -> dict[str, Any]:
    """A collected record, its correction and the correction of that; the collected one is excluded, and was before."""
    index = pages.collect()
    origin = pages.world.service.log("records").origin
    first = pages.enter(sort="correction", corrects=f"{origin}#{index}")
    second = pages.enter(sort="correction", corrects=first["address"])
    body = {"entries": [index], "evaluation": OUT | {"name": HOSTILE}, "justification": NO_COUNT}
    once = pages.ask("rev", "POST", "/exclusions", 201, body)
    pages.ask("rev", "POST", f"/exclusions/{once['exclusion']}/lifting", 201, {"justification": "it was found to hold"})
    pages.ask("rev", "POST", "/exclusions", 201, body)
    return {"origin": origin, "old": index, "first": first["index"], "second": second["index"]}


@pytest.mark.requirement("R07", "R68")
def test_a_record_s_page_and_its_row_say_what_was_corrected_entered_and_excluded(
    pages: Pages, corrected: dict[str, Any]
) -> None:
    at = {name: f"{corrected['origin']}#{corrected[name]}" for name in ("old", "first", "second")}
    out = f"excluded from the calculation {HOSTILE} because: {NO_COUNT}".replace('"', "&#34;")
    out = out.replace("<", "&lt;").replace(">", "&gt;")
    told = {
        "old": [
            f"corrected by {at['first']}", f"{out}; counts there again because: it was found to hold", out,
        ],
        "first": ["entered by hand", f"corrects {at['old']}", f"corrected by {at['second']}"],
        "second": ["entered by hand", f"corrects {at['first']}"],
    }  # fmt: skip
    found = pages.page("aud", "/search?log=records")
    for name, words in told.items():
        page = pages.page("aud", f"/entries/records/{corrected[name]}")
        assert marks(page) == words
        assert marks(row_of(found, corrected[name])) == words
        assert "<script>alert" not in page + found
    assert f'href="/entries/records/{corrected["first"]}"' in pages.page("aud", f"/entries/records/{corrected['old']}")
    versions = pages.page("aud", "/object?log=records&type=tag&id=TIC1.SP")
    assert all(words in versions for words in told["old"])
    belongs = pages.page("aud", "/trace?log=records&kind=batch&id=B-1")
    members = [row for row in re.findall(r"<tr>.*?</tr>", belongs, re.DOTALL) if "marks" not in row]
    assert [marks(row) for row in members if marks(row)] == list(told.values())
    before = pages.page("aud", f"/search?log=records&size={corrected['first']}")
    assert marks(row_of(before, corrected["old"])) == [], "as of a size, what came later is not told"


@pytest.mark.requirement("R07", "R68")
def test_an_export_has_a_column_of_the_marks_as_of_its_size(pages: Pages, corrected: dict[str, Any]) -> None:
    at = {name: f"{corrected['origin']}#{corrected[name]}" for name in ("old", "first", "second")}
    asked = {"format": "csv", "columns": "index,marks", "link": "batch:B-1"}

    def rows(**more: Any) -> dict[str, str]:
        headers = {"Cookie": f"{COOKIE}={pages.sessions['aud']}", **OWN_PAGE}
        answer = pages.client.get("/api/v1/logs/records/search/export", params=asked | more, headers=headers)
        assert answer.status_code == 200, answer.text
        return dict(list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))[1:])

    told = rows()
    assert told[str(corrected["second"])] == f"entered by hand; corrects {at['first']}"
    assert told[str(corrected["old"])].startswith(
        f"corrected by {at['first']}; excluded from the calculation {HOSTILE}"
    )
    assert rows(size=corrected["first"]) == {str(corrected["old"]): ""}


TYPED: dict[str, Any] = {
    "object_type": "room", "object_id": "R-7", "action": "execute", "occurred_at": "2026-01-31 08:00",
    "outcome": "success", "attribute": "state", "old": "", "new": HOSTILE, "unit": "", "link_kind": "batch",
    "link_id": "B-7", "done_by": "operator 7", "stated_reason": "end of campaign", "reason": WHY,
}  # fmt: skip
PAPER: dict[str, Any] = {
    "paper_id": "LB-7",
    "paper_title": "Logbook of room 7",
    "paper_place": "archive A",
    "paper_page": "3",
}


def row(page: str, hand: str) -> str:
    (found,) = re.findall(rf'<tr id="hand-{hand}">.*?</tr>', page, re.DOTALL)
    return str(found)


@pytest.mark.requirement("R32", "R64")
def test_a_page_of_paper_is_entered_on_a_form_and_checked_by_a_second_person(pages: Pages) -> None:
    new = "/by-hand/records/new/paper"
    assert 'name="scan"' in pages.page("rec", new)
    done = pages.send("rec", new, SCAN, **TYPED, **PAPER)
    assert done.status_code == 303, done.text
    place, hand = done.headers["location"].split("#hand-")
    known = pages.ask("rec", "GET", f"/by-hand/{hand}", 200)
    record = known["record"]
    assert (known["paper"]["page"], known["scan"]["size"]) == ("3", len(SCAN))
    assert record["occurred_at"]["instant_us"] == 1_769_842_800_000_000, "as the clock of the site has it"
    assert record["changes"] == [{"attribute": "state", "new": HOSTILE}]
    assert [one["id"] for one in record["links"]] == ["B-7", "LB-7"]
    for who, checks in (("rec", False), ("aud", False), ("rev", True)):
        found = pages.page(who, place)
        assert (f"/by-hand/records/{hand}/check" in row(found, hand)) == checks, who
        assert ("/new/observation" in found) == (who != "aud")
        assert "<script>alert" not in found
    check = f"/by-hand/records/{hand}/check"
    refused = pages.send("rec", check, agrees="yes", reason="compared it with the page")
    assert (refused.status_code, "rec entered it" in refused.text) == (409, True)
    vague = pages.send("rev", check, agrees="yes", reason="ok")
    assert (vague.status_code, "says too little" in vague.text) == (409, True)
    assert pages.send("rev", check, agrees="no", reason="the page says it was dirty").status_code == 303
    told = row(pages.page("aud", place), hand)
    assert ("rev does NOT agree" in told, "the page says it was dirty" in told) == (True, True)
    assert f'id="hand-{hand}"' in pages.page("aud", f"{place}?state=refused")
    assert f'id="hand-{hand}"' not in pages.page("aud", f"{place}?state=checked")


@pytest.mark.requirement("R32")
def test_what_waits_for_a_second_person_is_a_task_of_each_who_can_be_that(pages: Pages) -> None:
    def asked(who: str) -> list[str]:
        return re.findall(r'href="/by-hand/records\?state=to-check#hand-([0-9a-f]+)"', pages.page(who, "/tasks"))

    assert asked("rev") == []
    records, asks = pages.world.service.record_log(), {"old": False, "new": True, "reason": False, "hand_check": True}
    value = canonical.dumps(asks).decode()
    profile = Parameter(name=ParameterName.PROFILE, type="clearance", value=value, reason=WHY, authority=AUTHORITY)
    records.parameters.put(records.log.number, [profile])
    first, second = (
        pages.enter(object={"type": "clearance", "id": name})["hand"] for name in ("R-3", HOSTILE)
    )  # fmt: skip
    pages.enter()
    for who, waits in (("rev", [first, second]), ("own", [first, second]), ("rec", []), ("aud", [])):
        assert asked(who) == waits, who
    assert "<script>alert" not in pages.page("rev", "/tasks")
    form: dict[str, Any] = {"agrees": "yes", "reason": "compared it with the room"}
    assert pages.send("rev", f"/by-hand/records/{first}/check", **form).status_code == 303
    assert asked("own") == [second]


@pytest.mark.parametrize(
    ("sort", "typed", "words"),
    [
        ("observation", {"reason": "ok"}, "says too little"),
        ("observation", {"action": "dance"}, "names something that there is not"),
        ("observation", {"occurred_at": "yesterday"}, "no instant"),
        ("observation", {"object_id": ""}, "object.id"),
        ("paper", PAPER, "with its id, title, place, and scan"),
        ("correction", {"corrects": "the one above"}, "not an address"),
    ],
)
def test_what_is_wrong_on_a_form_is_said_and_what_was_typed_stays(
    pages: Pages, sort: str, typed: dict[str, Any], words: str
) -> None:
    answer = pages.send("rec", f"/by-hand/records/new/{sort}", **(TYPED | typed))
    assert (answer.status_code, words in answer.text) == (409, True), answer.text
    assert 'name="done_by" value="operator 7"' in answer.text
    assert "<script>alert" not in answer.text


def test_a_record_leads_to_its_correction_and_its_exclusion_for_who_may(
    pages: Pages, corrected: dict[str, Any]
) -> None:
    path, origin = f"/entries/records/{corrected['old']}", corrected["origin"]
    correct = f"/by-hand/records/new/correction?corrects={origin}%23{corrected['old']}"
    for who, ways in (("aud", (False, False)), ("rec", (True, False)), ("rev", (True, True))):
        page = pages.page(who, path)
        assert (correct in page, f"/exclusions/records?entries={corrected['old']}#exclude" in page) == ways, who
    assert f'name="corrects" value="{origin}#{corrected["old"]}"' in pages.page("rec", correct)
    done = pages.send("rec", correct, **TYPED, corrects=f"{origin}#{corrected['old']}")
    assert done.status_code == 303, done.text


@pytest.mark.requirement("R68")
def test_records_are_excluded_and_counted_again_on_a_page(pages: Pages, corrected: dict[str, Any]) -> None:
    base, index = "/exclusions/records", corrected["old"]
    out: dict[str, Any] = {"entries": f"{index}", "sort": "review", "name": HOSTILE, "reason": NO_COUNT}
    for typed, words in (
        ({"entries": "some"}, "names no entries"),
        ({"entries": "0-99999999"}, "names no entries"),
        ({"entries": f"0-{index}"}, "not all records"),
        ({"sort": "taste"}, "names something that there is not"),
        ({"reason": "ok"}, "says too little"),
        ({"name": ""}, "evaluation.name"),
    ):
        answer = pages.send("rev", base, **(out | typed))
        assert (answer.status_code, words in answer.text) == (409, True), answer.text
    done = pages.send("rev", base, **out)
    assert done.status_code == 303, done.text
    exclusion = done.headers["location"].partition("#exclusion-")[2]
    for who, lifts in (("aud", False), ("rec", False), ("rev", True)):
        page = pages.page(who, base)
        assert (f"{base}/{exclusion}/lifting" in page, 'id="exclude"' in page) == (lifts, lifts), who
        assert "<script>alert" not in page
    assert pages.send("rev", f"{base}/{exclusion}/lifting", reason="it was found to hold").status_code == 303
    again = pages.send("rev", f"{base}/{exclusion}/lifting", reason="it was found to hold")
    assert (again.status_code, "lifted already" in again.text) == (409, True)
    assert f"{base}/{exclusion}/lifting" not in pages.page("rev", base)


def test_lists_come_in_pages_and_what_is_not_there_says_so(pages: Pages, corrected: dict[str, Any]) -> None:
    first = corrected["first"]
    assert pages.page("aud", f"/by-hand/records?before={first + 1}").count('<tr id="hand-') >= 1
    assert "Nothing was entered by hand" in pages.page("aud", "/by-hand/records?before=1")
    assert "No record is excluded" in pages.page("aud", "/exclusions/records?before=1")
    for path in ("/by-hand/none", "/exclusions/none", "/by-hand/system", "/exclusions/system"):
        assert pages.page("aud", path, 404)
    assert pages.page("rec", "/by-hand/records/new/rumour", 404)
    for path in ("/by-hand/records/new/paper",):
        assert pages.page("aud", path, 403)
    assert 'href="/by-hand/records"' in pages.page("aud", "/")


@pytest.mark.requirement("R68")
def test_what_is_in_no_batch_or_behind_a_number_says_it_too(pages: Pages) -> None:
    log = pages.world.service.record_log()
    since: dict[str, Any] = {
        "valid_from": "2026-01-01T00:00:00.000000Z",
        "valid_to": None,
        "reason": "map",
        "authority": AUTHORITY,
    }
    where: dict[str, Any] = dict.fromkeys(("site", "area", "line", "unit", "description"))
    place = AssetMapped2(source=PAPER_SOURCE, tag="R-9", equipment="R-9", gxp=True, critical=True, **since, **where)
    log.maps.put([place])
    made = pages.enter(object={"type": "reactor", "id": "R-9"}, links=[{"kind": "equipment", "id": "R-9"}])
    out = {"entries": [made["index"]], "evaluation": OUT, "justification": NO_COUNT}
    pages.ask("rev", "POST", "/exclusions", 201, out)
    words = ["entered by hand", f"excluded from the calculation {OUT['name']} because: {NO_COUNT}"]

    def said(page: str) -> list[str]:
        (row,) = [one for one in re.findall(r"<tr>.*?</tr>", page, re.DOTALL) if f"/records/{made['index']}" in one]
        return marks(row)

    when = {"from": "2026-01-31T00:00:00Z", "to": "2026-02-01T00:00:00Z"}
    assert said(pages.page("aud", "/orphans?log=records&from=2026-01-31&to=2026-02-01")) == words
    (found,) = pages.ask("aud", "GET", "/orphans", 200, **when)["orphans"]
    assert (found["index"], found["marks"]["hand"]) == (made["index"], made["hand"])
    headers = pages.world.headers(Scope.VERIFY)
    assert pages.client.post("/api/v1/logs/records/alcoa/runs", json={"full": True}, headers=headers).status_code == 202
    pages.world.service.jobs.work_next()
    number = f"source={PAPER_SOURCE}&attribute=contemporaneous&verdict=not-assessable"
    assert said(pages.page("aud", f"/alcoa/records/records?{number}")) == words, "it is counted, and says so"
