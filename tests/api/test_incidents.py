"""Incidents by API and pages: who sees what of a case, who takes which step, and which answers are unknown."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from ledger.integrity.incidents.comparing import COPIES
from ledger.people.roles import Role
from ledger.people.sessions import COOKIE
from ledger.trust.export import export_published
from tests.api.world import SOURCE, World
from tests.support.application import app_of
from tests.support.ledgers import batch, submission
from tests.support.staff import Staff

OWN_PAGE = {"Sec-Fetch-Site": "same-origin"}
SINCE = "2026-01-01T00:00:00.000000Z"


@pytest.fixture
def client(world: World) -> Iterator[TestClient[Litestar]]:
    """A client of API and pages."""
    with TestClient(app_of(world.service, "UTC")) as made:
        yield made


class People:
    """Persons with sessions, as browsers and programs call."""

    def __init__(self, world: World, client: TestClient[Any]) -> None:
        self._staff = Staff(world.service)
        self._client = client
        self._cookies: dict[str, str] = {}
        for name, role in (
            ("officer1", Role.SECURITY_OFFICER),
            ("qa1", Role.APPROVER),
            ("reader1", Role.REVIEWER),
        ):
            self._staff.person(name, role)
            self._cookies[name] = f"{COOKIE}={self._staff.session(name)}"

    def get(self, who: str, path: str) -> Any:
        return self._client.get(path, headers={"Cookie": self._cookies[who]})

    def post(self, who: str, path: str, json: dict[str, str]) -> Any:
        headers = {"Cookie": self._cookies[who]} | OWN_PAGE
        return self._client.post(path, json=json, headers=headers)

    def form(self, who: str, path: str, **fields: str) -> Any:
        headers = {"Cookie": self._cookies[who]} | OWN_PAGE
        return self._client.post(path, data=fields, headers=headers, follow_redirects=False)


def test_a_compromise_takes_two_people_and_makes_answers_unknown_until_it_is_closed(
    world: World, client: TestClient[Any]
) -> None:
    people = People(world, client)
    world.service.ingest.submit(batch([submission(1, SOURCE)], SOURCE), world.root)
    entry = world.service.store.reader(1)
    with entry as reader:
        index = next(one.index for one in reader.entries(0, reader.head().size) if b'"kind":"record"' in one.leaf)
    report = {"cause": "source", "subject": SOURCE, "since": SINCE, "reason": "the password was found"}
    assert people.post("reader1", "/api/v1/incidents", report).status_code == 403
    said = people.post("officer1", "/api/v1/incidents", report)
    assert (said.status_code, said.json()["state"]) == (201, "reported"), said.text
    case = said.json()["case"]
    at = f"/api/v1/incidents/{case}"
    assert people.post("officer1", f"{at}/opening", {"reason": "agreed"}).status_code == 403
    assert people.get("reader1", f"/api/v1/logs/records/entries/{index}").json()["integrity"] == "undoubted"
    opened = people.post("qa1", f"{at}/opening", {"reason": "agreed"})
    assert (opened.status_code, opened.json()["state"]) == (200, "opened"), opened.text
    answer = people.get("reader1", f"/api/v1/logs/records/entries/{index}").json()
    assert (answer["integrity"], answer["incident"]) == ("unknown", case)
    found = people.get("reader1", "/api/v1/logs/records/search").json()
    assert (found["integrity"], found["hits"][0]["integrity"]) == ("unknown", "unknown")
    # Who administers sees the case, and neither batches nor what rests on it.
    assert people.get("officer1", f"{at}/impact").status_code == 403
    assert people.get("officer1", at).json()["opened"].get("links", []) == []
    impact = people.get("reader1", f"{at}/impact?limit=1").json()
    assert impact["after"] in (1, None)
    assert "B-2026-00042" in people.get("reader1", f"/incidents/{case}").text
    assert "B-2026-00042" not in people.get("officer1", f"/incidents/{case}").text
    assert case in people.get("reader1", "/").text
    assert case in people.get("reader1", f"/entries/records/{index}").text
    assert case in people.get("reader1", "/search?log=records").text
    assert case in people.get("officer1", "/incidents").text
    assert people.form("qa1", f"/incidents/{case}/propose", reason="no").status_code == 403
    assert people.form("qa1", f"/incidents/{case}/close", reason="looked at").status_code == 409
    closed = people.form("qa1", f"/incidents/{case}/close", reason="looked at", more="DEV-7")
    assert closed.status_code == 303
    page = people.get("qa1", f"/incidents/{case}").text
    assert "/sign?log=system" in page
    assert "DEV-7" in page
    assert people.get("qa1", f"{at}").json()["closed"] is False
    assert people.get("qa1", "/api/v1/incidents").json()[0]["case"] == case
    assert people.get("qa1", "/incidents/none").status_code == 404


def test_a_copy_is_compared_over_http_by_who_administers(world: World, client: TestClient[Any], tmp_path: Path) -> None:
    people = People(world, client)
    world.service.ingest.submit(batch([submission(1, SOURCE)], SOURCE), world.root)
    world.service.publisher.publish_all()
    copies = world.folder / COPIES
    copies.mkdir()
    export_published(world.service.store, copies)
    report = {"cause": "source", "subject": SOURCE, "since": SINCE, "reason": "the password was found"}
    case = people.post("officer1", "/api/v1/incidents", report).json()["case"]
    at, asked = f"/api/v1/incidents/{case}", {"against": "records", "reason": "looked"}
    assert people.post("officer1", f"{at}/comparison", asked).status_code == 409, "nobody opened it yet"
    people.post("qa1", f"{at}/opening", {"reason": "agreed"})
    assert people.post("qa1", f"{at}/comparison", asked).status_code == 403
    assert people.form("qa1", f"/incidents/{case}/compare", reason="no", more="/x").status_code == 403
    said = people.post("officer1", f"{at}/comparison", asked)
    assert (said.status_code, said.json()["state"]) == (200, "compared"), said.text
    found = said.json()["last"]["comparison"]
    assert (found["place"], "differ" in found, bool(found["confirmed"])) == (str(copies / "records"), False, True)
    # Only copies that were put there are looked at from afar; what is no ledger is no damage of this one.
    (copies / "other").write_text("not a database, and long enough to be looked at as if it were one")
    export_published(world.service.store, tmp_path)
    elsewhere = (str(tmp_path / "records"), f"../copies/../{tmp_path.name}", "..", "https://127.0.0.1:9/records")
    for place in ("postgresql://someone:secret1@127.0.0.1:9/x", "other", "nowhere", *elsewhere):
        refused = people.post("officer1", f"{at}/comparison", asked | {"against": place})
        assert (refused.status_code, "secret1" in refused.text) == (400, False), refused.text
    page = people.get("officer1", f"/incidents/{case}").text
    assert f'action="/incidents/{case}/compare"' in page
    assert people.form("officer1", f"/incidents/{case}/compare", reason="again").status_code == 409
    done = people.form("officer1", f"/incidents/{case}/compare", reason="again", more=asked["against"])
    assert done.status_code == 303
    assert "0 differ" in people.get("officer1", f"/incidents/{case}").text
