"""A collector's runs reach a real ledger over its real API, once, and every refusal comes back as its own error."""

import socket
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from collectors.http_sink import HttpSink
from ledger.core.errors import AccessDenied, ConfigError, Conflict, NotAuthenticated, RetriableSource
from ledger.core.run import Rejected, RunBatch, Status
from ledger.people.access import Scope
from tests.api.world import AT, SOURCE, World, submission
from tests.support.application import app_of
from tests.support.hosting import Hosted


class Served:
    """The API of a world on a port of its own."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._hosted = Hosted()
        self.url = f"http://127.0.0.1:{self._hosted.port}"
        self._hosted.serve(app_of(world.service))

    def close(self) -> None:
        self._hosted.close()
        self.world.close()

    def sink(self, token: str | None = None) -> HttpSink:
        return HttpSink(self.url, token or self.world.tokens[Scope.INGEST].token)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    world = World(Path(tmp_path_factory.mktemp("world")) / "ledger")
    running = Served(world)
    yield running
    running.close()


def batch(served: Served, *numbers: int, **more: object) -> RunBatch:
    """The next run of the source."""
    cursor = served.sink().state(SOURCE).cursor
    body = {
        "source": SOURCE,
        "started_at": AT,
        "ended_at": AT,
        "cursor_from": cursor,
        "cursor_to": f"{len(cursor or '')}-{numbers}",
        "submissions": [submission(number) for number in numbers],
    }
    return msgspec.structs.replace(msgspec.convert(body, RunBatch, builtin_types=()), **more)


def test_a_run_is_appended_and_its_cursor_and_snapshot_stand_for_the_next(served: Served) -> None:
    with served.sink() as sink:
        rejected = (Rejected(data=b"\x00\xff", media_type="text/plain", reason="no record", received_at=AT),)
        run = batch(served, 1, 2, snapshot=b"\x00snap", rejected=rejected)
        receipt = sink.submit(run)
        assert [one.status for one in receipt.outcomes] == [Status.APPENDED, Status.APPENDED, Status.QUARANTINED]
        state = sink.state(SOURCE)
        assert (state.cursor, state.snapshot, state.last_run) == (run.cursor_to, b"\x00snap", receipt.run)


def test_the_same_run_sent_again_after_a_lost_receipt_gets_the_first_receipt(served: Served) -> None:
    run = batch(served, 11, 12)
    first = served.sink().submit(run)
    assert served.sink().submit(run) == first


def test_a_run_from_another_cursor_is_refused_as_conflict(served: Served) -> None:
    run = msgspec.structs.replace(batch(served, 21), cursor_from="elsewhere")
    with pytest.raises(Conflict) as caught:
        served.sink().submit(run)
    assert "elsewhere" in caught.value.message
    assert caught.value.advice


def test_a_caller_without_token_and_one_without_right_are_told_apart(served: Served) -> None:
    with pytest.raises(NotAuthenticated):
        served.sink("not-a-token").state(SOURCE)
    with pytest.raises(AccessDenied) as caught:
        served.sink().state("dcs")
    assert not isinstance(caught.value, NotAuthenticated)


def test_a_ledger_that_is_away_is_worth_another_try() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    with pytest.raises(RetriableSource, match=str(port)):
        HttpSink(f"http://127.0.0.1:{port}", "token").state(SOURCE)


@pytest.mark.parametrize("address", ["http://ledger.example", "ftp://ledger.example", "ledger.example"])
def test_a_token_never_crosses_a_network_in_the_clear(address: str) -> None:
    with pytest.raises(ConfigError, match=r"ledger\.example"):
        HttpSink(address, "token")
    HttpSink("https://ledger.example", "token")
