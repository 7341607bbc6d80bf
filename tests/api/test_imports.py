"""An old audit trail over HTTP: handed over in parts, tried, imported by a job, reconciled, stated a true copy."""

import shutil
import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient

from ledger.core.errors import Conflict
from ledger.core.hashing import b64
from ledger.core.job import JobState
from ledger.importing import BY_JOB
from ledger.jobs.frame import LEASE_US
from ledger.people.access import Scope
from ledger.people.roles import Role
from ledger.people.sessions import COOKIE
from ledger.service import Service
from ledger.sources.uploads import FORGOTTEN_US, MAX_FILE, MAX_OWN, MAX_PART, MIN_PART
from tests.api.world import SOURCE, World, bearer
from tests.cli.test_import import MAPPING, trail
from tests.support.application import app_of
from tests.support.ledgers import LIGHT
from tests.support.people import OWN_PAGE
from tests.support.staff import Staff

pytestmark = pytest.mark.sampled

OLD = "old-lims"
FILES, IMPORTS = f"/api/v1/sources/{OLD}/import-files", f"/api/v1/sources/{OLD}/imports"
GIVEN = {"mapping_text": MAPPING, "options": {"delimiter": ";"}, "zone": "Europe/Berlin"}
Client = TestClient[Any]


@pytest.fixture
def other_host(any_world: World, tmp_path: Path) -> Iterator[Service]:
    """Another process of the same ledger; on PostgreSQL it has no folder in common with the first."""
    folder = any_world.folder
    if not any_world.service.store.writer.dialect.name.startswith("sqlite"):
        folder = Path(shutil.copytree(folder, tmp_path / "other-host"))
    service = Service(folder, any_world.clock, effort=LIGHT)
    yield service
    service.close()


def configure(world: World) -> dict[str, str]:
    return world.headers(Scope.CONFIGURE)


def announce(client: Client, world: World, data: bytes, **more: Any) -> Any:
    body = {"name": "trail.csv", "size": len(data), "sha256": sha256(data).hexdigest(), **more}
    return client.post(FILES, json=body, headers=configure(world))


def put(client: Client, world: World, upload: str, at: int, part: bytes, **headers: str) -> Any:
    return client.put(f"{FILES}/{upload}", params={"at": at}, content=part, headers={**configure(world), **headers})


def handed_over(client: Client, world: World, data: bytes, **more: Any) -> str:
    upload: str = announce(client, world, data, **more).json()["id"]
    for at in range(0, len(data), MAX_PART):
        assert put(client, world, upload, at, data[at : at + MAX_PART]).status_code == 200
    return upload


def started(client: Client, world: World, upload: str, **more: Any) -> Any:
    body = {"upload": upload, "reason": "switched off", **GIVEN, **more}
    return client.post(IMPORTS, json=body, headers=configure(world))


def refused(answer: Any, status: int, code: str) -> str:
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert "/tmp" not in answer.text
    detail: str = answer.json()["detail"]
    return detail


def test_a_file_handed_to_two_hosts_in_turn_is_imported_by_either_and_stated_to_be_a_true_copy(
    any_client: Client, any_world: World, other_host: Service, tmp_path: Path
) -> None:
    client, world = any_client, any_world
    data = trail(tmp_path / "trail.csv", 1500).read_bytes()
    assert MIN_PART < len(data) < 2 * MIN_PART
    with TestClient(app_of(other_host)) as other:
        upload = announce(client, world, data).json()["id"]
        first = put(other, world, upload, 0, data[:MIN_PART])
        assert (first.json()["received"], first.json()["read"]) == (MIN_PART, False)
        state = client.get(f"{FILES}/{upload}", headers=configure(world)).json()
        assert (state["received"], state["part"]) == (MIN_PART, len(data) - MIN_PART)
        assert put(client, world, upload, MIN_PART, data[MIN_PART:]).json()["received"] == len(data)
        tried = other.post(f"{FILES}/{upload}/trial", json={**GIVEN, "rows": 1500}, headers=configure(world)).json()
        assert (tried["rows"], tried["records"], tried["differences"], tried["whole"]) == (1500, 1500, [], True)
        totals = [{"by": "user", "value": f"user{number}", "records": 500} for number in range(3)]
        begun = started(other, world, upload, rows=1500, totals=totals)
        assert (begun.status_code, begun.json()["state"], begun.json()["job"]["state"]) == (202, "running", "queued")
        place = f"{IMPORTS}/{begun.json()['mark']}"
        refused(started(client, world, upload), 409, "conflict")
        refused(client.delete(f"{FILES}/{upload}", headers=configure(world)), 409, "conflict")
    abandoned = other_host.jobs.claim()
    assert (abandoned is not None, world.service.jobs.work_next()) == (True, None)
    with pytest.raises(Conflict, match="is being imported"):
        world.service.uploads.read_by(upload, begun.json()["job"]["id"] + 1)
    world.clock.pass_seconds(LEASE_US / 1_000_000 + 1)
    done = world.service.jobs.work_next()
    assert done is not None, "the first host died: another goes on"
    assert (done.state, done.error) == (JobState.DONE, "")
    read = world.headers(Scope.READ)
    told = client.get(place, params={"recount": True}, headers=read).json()
    assert (told["state"], told["same"], told["file"], told["size"]) == ("reconciled", True, "trail.csv", len(data))
    assert (told["sha256"], told["sha256_stated"]) == (sha256(data).hexdigest(), True)
    assert told["outcome"]["counts"] == {
        "rows": 1500, "appended": 1500, "duplicates": 0, "quarantined": 0, "records": 1500,
    }  # fmt: skip
    assert client.get(FILES, headers=configure(world)).json() == [], "the file is gone once it was read"
    _true_copy(client, world, place, data)
    assert other_host.record_log().imports.get(told["id"]).state.value == "true copy"
    assert all(world.service.verifier.run(log, full=True).holds for log in world.service.logs.values())


def _true_copy(client: Client, world: World, place: str, data: bytes) -> None:
    with world.service.store.reader(1) as reader:
        sample = reader.head().size - 3
    body = {"sample": [sample], "reason": "compared with the old system", "sha256": sha256(data).hexdigest()}
    refused(client.post(f"{place}/true-copy", json=body, headers=configure(world)), 403, "self_approval")
    quality = bearer(world.token(Scope.CONFIGURE, "quality").token)
    refused(client.post(f"{place}/true-copy", json={**body, "sha256": "0" * 64}, headers=quality), 409, "conflict")
    refused(client.post(f"{place}/true-copy", json={**body, "sample": [0]}, headers=quality), 400, "schema_violation")
    stated = client.post(f"{place}/true-copy", json=body, headers=quality)
    assert (stated.status_code, stated.json()["state"]) == (201, "true copy")
    assert stated.json()["true_copy"]["authority"]["actor"] == "quality"
    assert stated.json()["signed"] is not None
    refused(client.post(f"{place}/true-copy", json=body, headers=quality), 409, "conflict")


def test_parts_that_do_not_belong_where_they_are_sent_are_refused_and_leave_the_file_as_it_was(
    any_client: Client, any_world: World
) -> None:
    client, world = any_client, any_world
    data = bytes(range(256)) * 513
    upload = announce(client, world, data).json()["id"]
    part, rest = data[:MIN_PART], data[MIN_PART:]
    named = {"Content-Digest": f"sha-256=:{b64(sha256(part).digest())}:"}
    refused(put(client, world, upload, MIN_PART, rest), 409, "conflict")
    refused(put(client, world, upload, 0, part[:-1] + b"!", **named), 400, "schema_violation")
    refused(put(client, world, upload, 0, part, **{"Content-Digest": "md5=:xx:"}), 400, "schema_violation")
    assert put(client, world, upload, 0, part, **named).json()["received"] == MIN_PART
    assert put(client, world, upload, 0, part).json()["received"] == MIN_PART, "an answer that was lost"
    refused(put(client, world, upload, 0, part[::-1]), 409, "conflict")
    refused(put(client, world, upload, 1, part), 409, "conflict")
    refused(put(client, world, upload, MIN_PART, rest[:10]), 400, "schema_violation")
    refused(put(client, world, upload, MIN_PART, b""), 400, "schema_violation")
    refused(put(client, world, upload, MIN_PART, rest + b"!"), 400, "schema_violation")
    refused(put(client, world, upload, MIN_PART, bytes(MAX_PART + 1)), 413, "too_large")
    refused(put(client, world, upload, -1, rest), 400, "schema_violation")
    refused(started(client, world, upload), 409, "conflict")
    refused(client.post(f"{FILES}/{upload}/trial", json=GIVEN, headers=configure(world)), 409, "conflict")
    assert put(client, world, upload, MIN_PART, rest).json()["received"] == len(data)
    with world.service.uploads.whole(upload).open("rb") as file:
        assert file.read() == data
        file.seek(MIN_PART - 1)
        assert file.read(2) == data[MIN_PART - 1 : MIN_PART + 1]
    assert client.delete(f"{FILES}/{upload}", headers=configure(world)).status_code == 204
    refused(put(client, world, upload, len(data), b"!"), 404, "not_found")


def test_an_upload_of_another_source_is_not_there_and_a_caller_bound_elsewhere_reaches_none(
    shared_client: Client, shared_world: World
) -> None:
    client, world = shared_client, shared_world
    upload = handed_over(client, world, b"no\n1\n")
    elsewhere = f"/api/v1/sources/{SOURCE}/import-files/{upload}"
    refused(client.put(elsewhere, params={"at": 0}, content=b"x", headers=configure(world)), 404, "not_found")
    refused(client.delete(elsewhere, headers=configure(world)), 404, "not_found")
    for unknown in ("0" * 32, "..", "%2e%2e%2fsettings", "x" * 41):
        answer = put(client, world, unknown, 0, b"x")
        assert answer.status_code in (400, 404, 405), answer.text
    staff = Staff(world.service)
    staff.person("owner1", Role.SOURCE_OWNER, sources=[SOURCE])
    bound = {"Cookie": f"{COOKIE}={staff.session('owner1')}", **OWN_PAGE}
    assert client.get(elsewhere.rpartition("/")[0], headers=bound).json() == []
    for method, path in (("get", f"{FILES}/{upload}"), ("delete", f"{FILES}/{upload}"), ("get", FILES)):
        refused(getattr(client, method)(path, headers=bound), 403, "access_denied")
    refused(client.post(IMPORTS, json={"upload": upload, "reason": "x", **GIVEN}, headers=bound), 403, "access_denied")
    refused(client.put(f"{FILES}/{upload}", params={"at": 5}, content=b"x", headers=bound), 403, "access_denied")
    refused(client.get(FILES, headers=world.headers(Scope.READ)), 403, "access_denied")
    client.delete(f"{FILES}/{upload}", headers=configure(world))


@pytest.mark.parametrize(
    "more",
    [
        {"name": "../trail.csv"},
        {"name": "/etc/passwd"},
        {"name": "a\\b"},
        {"name": ".."},
        {"name": "a\0b"},
        {"name": "a\nb"},
        {"name": ""},
        {"name": "x" * 201},
        {"size": 0},
        {"size": MAX_FILE + 1},
        {"sha256": "z" * 64},
        {"path": "/etc/passwd"},
    ],
)
def test_what_is_no_file_to_come_is_refused(shared_client: Client, shared_world: World, more: dict[str, Any]) -> None:
    refused(announce(shared_client, shared_world, b"x", **more), 400, "schema_violation")


def test_files_that_wait_are_few_and_a_forgotten_one_makes_room(client: Client, world: World) -> None:
    kept = [handed_over(client, world, b"no\n1\n") for _ in range(MAX_OWN)]
    refused(announce(client, world, b"x"), 503, "overloaded")
    world.clock.ahead_us += FORGOTTEN_US + 1_000_000
    assert announce(client, world, b"x").status_code == 201
    left = [one["id"] for one in client.get(FILES, headers=configure(world)).json()]
    assert len(left) == 1
    assert not set(left) & set(kept)


def test_a_file_that_nobody_goes_on_with_goes_by_itself(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ledger.api.app.UPKEEP_SECONDS", 0.02)
    monkeypatch.setattr("ledger.api.app.HOURLY", 1)
    with TestClient(app_of(world.service)) as client:
        handed_over(client, world, b"no\n1\n")
        world.clock.ahead_us += FORGOTTEN_US + 1_000_000
        deadline = time.monotonic() + 10
        while client.get(FILES, headers=configure(world)).json():
            assert time.monotonic() < deadline
            time.sleep(0.02)


LAUGHS = b"""<?xml version="1.0"?><!DOCTYPE r [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]><r><row no="1">&c;</row></r>"""
OUTSIDE = b'<?xml version="1.0"?><!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><r><row no="1">&x;</row></r>'
XML = {"options": {"format": "xml", "items": "row"}}


@pytest.mark.parametrize(
    ("data", "more"),
    [
        (LAUGHS, XML),
        (OUTSIDE, XML),
        (b"\x1f\x8b" + bytes(100), {}),
        (b"no;when\n", {}),
        (b"\xff\xfe\xff", {}),
        (b"no\n1\n", {"mapping_text": "version = 1\n[record"}),
        (b"no\n1\n", {"mapping": "../../etc/passwd", "mapping_text": None}),
        (b"no\n1\n", {"mapping": "nobody", "mapping_text": None}),
        (b"no\n1\n", {"mapping": "redmine"}),
        (b"no\n1\n", {"zone": "Europe/Nowhere"}),
        (b"no\n1\n", {"options": {"format": "../x"}}),
        (b"no\n1\n", {"options": {"no-such": "x"}}),
        (b"no\n1\n", {"live_from": "yesterday"}),
        (b"no\n1\n", {"continues_in": "nobody"}),
        (b"no\n1\n", {"sha256": "0" * 64}),
        (b"no\n1\n", {"reason": "a\0b"}),
    ],
)
def test_what_cannot_be_imported_is_refused_before_anything_is_stored(
    shared_client: Client, shared_world: World, data: bytes, more: dict[str, Any]
) -> None:
    client, world = shared_client, shared_world
    upload = handed_over(client, world, data)
    with world.service.store.reader(1) as reader:
        before = reader.head().size
    try:
        answer = started(client, world, upload, **more)
        assert answer.status_code in (400, 404), answer.text
        assert not any(name in answer.text for name in ("root:", "hahaha", "Traceback", "site-packages"))
        with world.service.store.reader(1) as reader:
            assert OLD not in [one.id for one in world.service.record_log().sources.list()]
            assert reader.head().size == before
    finally:
        client.delete(f"{FILES}/{upload}", headers=configure(world))


def test_a_file_of_another_digest_than_announced_is_not_imported(shared_client: Client, shared_world: World) -> None:
    upload = handed_over(shared_client, shared_world, b"no\n1\n", sha256="0" * 64)
    assert "not the file" in refused(started(shared_client, shared_world, upload), 400, "schema_violation")
    shared_client.delete(f"{FILES}/{upload}", headers=configure(shared_world))


def test_an_import_that_was_cancelled_goes_on_with_the_file_that_is_still_here(
    client: Client, world: World, tmp_path: Path
) -> None:
    data = trail(tmp_path / "trail.csv", 12, bad=2).read_bytes()
    upload = handed_over(client, world, data)
    begun = started(client, world, upload, rows=12).json()
    place = f"{IMPORTS}/{begun['mark']}"
    refused(client.post(f"{place}/end", json={"reason": "x"}, headers=configure(world)), 409, "conflict")
    stopped = client.post(f"{place}/cancellation", headers=configure(world))
    assert (stopped.status_code, stopped.json()["job"]["state"], stopped.json()["state"]) == (
        200,
        "cancelled",
        "running",
    )
    assert world.service.jobs.work_next() is None
    again = started(client, world, upload, rows=12).json()
    assert (again["begun"], again["job"]["id"] > begun["job"]["id"]) == (begun["begun"], True)
    world.service.jobs.work_next()
    told = client.get(place, headers=world.headers(Scope.READ)).json()
    assert (told["state"], told["outcome"]["counts"]["quarantined"]) == ("open", 2)
    log = world.service.record_log()
    known = log.imports.get(told["id"])
    assert known.last.authority == BY_JOB, "what the job counted, the service entered; nobody signed in has to wait"
    with world.service.store.reader(log.log.number) as reader:
        assert b'"actor":"configure-' in (reader.entry(told["begun"]).body or b"")


def test_imports_are_listed_by_pages(client: Client, world: World, tmp_path: Path) -> None:
    marks = []
    for count in (1, 2, 3):
        upload = handed_over(client, world, trail(tmp_path / "trail.csv", count).read_bytes())
        marks.append(started(client, world, upload, rows=count).json()["id"])
        world.service.jobs.work_next()
    read = world.headers(Scope.READ)
    first = client.get("/api/v1/imports", params={"limit": 2}, headers=read).json()
    rest = client.get("/api/v1/imports", params={"limit": 2, "after": first["next_after"]}, headers=read).json()
    assert [one["id"] for one in first["imports"] + rest["imports"]] == sorted(marks)
    assert (len(first["imports"]), rest["next_after"]) == (2, None)
    assert client.get("/api/v1/imports", params={"source": SOURCE}, headers=read).json()["imports"] == []
    refused(client.get(f"{IMPORTS}/none", headers=read), 404, "not_found")


def test_a_trial_without_a_mapping_shows_tables_and_columns_and_stores_nothing(
    shared_client: Client, shared_world: World
) -> None:
    client, world = shared_client, shared_world
    dump = b"BEGIN TRANSACTION;\nCREATE TABLE audit(no INTEGER, who TEXT);\n"
    dump += b"INSERT INTO audit VALUES(1,'user1');\nINSERT INTO audit VALUES(2,NULL);\nCOMMIT;\n"
    upload = handed_over(client, world, dump, name="dump.sql")
    body = {"options": {"format": "sql", "table": "audit", "dialect": "sqlite"}}
    answer = client.post(f"{FILES}/{upload}/trial", json=body, headers=configure(world))
    assert answer.status_code == 200, answer.text
    tried = answer.json()
    assert (tried["mapped"], tried["rows"], tried["tables"], tried["whole"]) == (False, 2, {"audit": 2}, True)
    assert [one["entry"] for one in tried["shown"]] == [{"no": "1", "who": "user1"}, {"no": "2", "who": None}]
    torn = handed_over(client, world, LAUGHS)
    laughed = client.post(f"{FILES}/{torn}/trial", json=XML, headers=configure(world)).json()
    assert (laughed["rows"], laughed["shown"]) == (0, [])
    assert laughed["trouble"]
    for one in (upload, torn):
        client.delete(f"{FILES}/{one}", headers=configure(world))
    assert OLD not in [one.id for one in world.service.record_log().sources.list()]
