"""Time-stamps over the API and on the pages: what an authority of time said is listed, given out and shown."""

from typing import Any

from litestar.testing import TestClient

from ledger.core.source import SourceConfig
from ledger.core.timestamps import pins_of, verify_time_stamp
from ledger.people.access import Scope
from ledger.people.roles import Role
from ledger.people.sessions import COOKIE
from ledger.trust.kept_tokens import KeptTokens
from ledger.trust.stamping import Stamping
from ledger.trust.timestamp_reading import Stamped, newest
from tests.api.world import World
from tests.support.application import app_of
from tests.support.people import OWN_PAGE
from tests.support.staff import Staff
from tests.support.tsa import URL, Stamper, Stampers


def test_what_authorities_say_is_listed_and_each_token_given_out_as_it_came(
    world: World, client: TestClient[Any], stamper: Stamper
) -> None:
    service, reader = world.service, world.headers(Scope.READ)
    stampers = Stampers(world.clock, one=stamper)
    stamping = Stamping(service.store, KeptTokens(world.folder), stampers)
    service.tsas.propose("one", f"{URL}/one", (stamper.root,), "for the test", world.root)
    admin = service.people.directory.find(world.tokens[Scope.ADMIN].token).caller.authority
    service.tsas.confirm("one", "seen", admin)
    service.publisher.publish_all()
    assert client.get("/api/v1/timestamps", headers=reader).json() == []
    stamping.stamp()
    (known,) = client.get("/api/v1/timestamps/authorities", headers=reader).json()
    assert (known["tsa"], known["state"], known["failing_since"]) == ("one", "confirmed", None)
    system, records = reversed(client.get("/api/v1/timestamps", headers=reader).json())
    assert (system["origin"], records["origin"]) == (service.system.origin, service.log("records").origin)
    (only,) = client.get("/api/v1/timestamps?log=records&limit=1", headers=reader).json()
    assert only == records == client.get(f"/api/v1/timestamps/{records['index']}", headers=reader).json()
    assert client.get(f"/api/v1/timestamps?before={system['index']}", headers=reader).json() == []
    given = client.get(f"/api/v1/timestamps/{records['index']}/token", headers=reader)
    assert given.headers["content-type"] == "application/timestamp-reply"
    (kept,) = KeptTokens(world.folder).of("records")
    assert given.content == kept.token
    verify_time_stamp(given.content, kept.text.encode(), pins_of([stamper.root]))
    for path in ("1", "1/token", "999999"):
        assert client.get(f"/api/v1/timestamps/{path}", headers=reader).status_code == 404
    assert client.get("/api/v1/timestamps?log=none", headers=reader).status_code == 404


def test_pages_say_by_when_entries_existed_and_which_authority_does_not_answer(world: World, stamper: Stamper) -> None:
    service = world.service
    stampers = Stampers(world.clock, one=stamper)
    stamping = Stamping(service.store, KeptTokens(world.folder), stampers)
    staff = Staff(service)
    staff.person("reviewer1", Role.REVIEWER)
    session = staff.session("reviewer1")
    with TestClient(app_of(service, "UTC")) as client:

        def page(path: str) -> str:
            found = client.get(path, headers={"Cookie": f"{COOKIE}={session}", **OWN_PAGE})
            assert found.status_code == 200
            return found.text

        service.publisher.publish_all()
        assert "No time-stamp authority has dated it yet" in page("/entries/records/1")
        assert "not time-stamped" in page("/")
        service.tsas.propose("one", f"{URL}/one", (stamper.root,), "for the test", staff.admin)
        admin = service.people.directory.find(world.tokens[Scope.ADMIN].token).caller.authority
        service.tsas.confirm("one", "seen", admin)
        service.publisher.publish_all()
        assert not any(one.error for one in stamping.stamp())
        entry, (stamp,) = page("/entries/records/1"), [one for one in _stamps(world) if one.origin.endswith("records")]
        assert "Existed by <time" in entry
        assert (
            f'<a href="/entries/system/{stamp.index}">time-stamp of one, over the checkpoint of size {stamp.size}</a>'
            in entry
        )
        assert "says that the checkpoint of" in page(f"/entries/system/{stamp.index}")
        assert f"time-stamped up to entry {stamp.size - 1} by one" in page("/")
        stampers.down.add("one")
        service.sources.register(SourceConfig(id="third", type="test", title="Third"), world.root)
        service.publisher.publish_all()
        assert any(one.error for one in stamping.stamp())
        assert "Time-stamp authority one has not answered since" in page("/")


def _stamps(world: World) -> list[Stamped]:
    with world.service.store.reading() as connection:
        return newest(connection, 10)
