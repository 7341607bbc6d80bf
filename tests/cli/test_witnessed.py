"""A ledger and its witnesses by commands alone: one over HTTP, one that requests are carried to; then another past."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.core.checkpoint import open_checkpoint
from ledger.core.clock import SystemClock
from ledger.core.note import VerifierKey
from ledger.trust.witness.client import WitnessClient
from ledger.trust.witness.serving import WitnessServer
from tests.cli.conftest import SOURCE, Site, filled, lines_of
from tests.cli.terminal import Answer, trailseal
from tests.support.witnessing import made_witness, own_keys

RUN_BY = ("--operator", "QA", "--administrator", "QA systems", "--host", "qa-1", "--reason", "independent word")
LOG_RUN_BY = ("--log-operator", "Plant", "--log-administrator", "IT", "--log-host", "ledger-1")


class Witnessed:
    """A ledger of five records; `qa` is asked over HTTP, requests are carried to `customer`; either suffices."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.site = filled(folder)
        self.keys = {key["log"]: key for key in self.site("key", "list", "--json").json()["keys"]}
        self.qa, self.customer = (made_witness(folder / name) for name in ("qa", "customer"))
        for name in ("qa", "customer"):
            for key in self.keys.values():
                log = ("--origin", key["origin"], "--vkey", key["vkey"], "--size", "0")
                assert trailseal("witness", "add-log", folder / name, *log).code == 0
        self.server = WitnessServer(self.qa, SystemClock())

    def ask_for_witnesses(self) -> None:
        qa, customer = (str(own_keys(witness)[0]) for witness in (self.qa, self.customer))
        at = ("--url", self.server.address)
        for words in (
            ("qa", "--vkey", qa, "--role", "qa", *at, *LOG_RUN_BY),
            ("customer", "--vkey", customer, "--role", "customer", "--quorum", "any"),
        ):
            assert self.site("witness", "add", *words, *RUN_BY).code == 0

    def publish(self, log: str, site: Site | None = None) -> Answer:
        """Publishes as a request for the witness without a network does; qa is asked on the way."""
        asked = ("--witness", "customer", "--out", self.folder / "request", "--log", log)
        return (site or self.site)("witness", "request", *asked, "--json")

    def copy(self, name: str) -> Site:
        shutil.copytree(self.site.folder, self.folder / name)
        return Site(self.folder / name, self.site.made, self.folder / f"{name}.jsonl")


@pytest.fixture(scope="module")
def witnessed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Witnessed]:
    one = Witnessed(tmp_path_factory.mktemp("witnessed"))
    with one.server:
        one.ask_for_witnesses()
        for log in ("system", "records"):
            assert one.publish(log).code == 0
        yield one


def test_a_checkpoint_is_cosigned_by_network_and_by_hand(witnessed: Witnessed) -> None:
    site, folder = witnessed.site, witnessed.folder
    published = witnessed.publish("records").json()
    assert trailseal("witness", "cosign", folder / "customer", folder / "request", "--out", folder / "answer").code == 0
    taken = site("witness", "answer", folder / "answer", "--request", folder / "request", "--log", "records", "--json")
    assert taken.json() == {"size": published["size"], "quorum": "met", "missing": ""}
    (status,) = (row for row in site("witness", "status", "--json").json() if row["log"] == "records")
    assert (status["quorum"], status["witnessed"]) == ("met", published["size"])
    key = witnessed.keys["records"]
    client = WitnessClient(witnessed.server.address, own_keys(witnessed.qa)[0])
    shown = client.checkpoint(key["origin"])
    assert shown is not None
    signed = open_checkpoint(shown, key["origin"], [VerifierKey.parse(key["vkey"])], witnesses=own_keys(witnessed.qa))
    assert (signed.checkpoint.size, len(signed.verified)) == (published["size"], 2)


def test_a_ledger_from_yesterday_and_a_rewritten_one_are_stopped_by_the_witness(witnessed: Witnessed) -> None:
    """Each copy is whole in itself: database, key, and what its signer kept of its own."""
    older, forked = witnessed.copy("older"), witnessed.copy("forked")
    for number in (7, 8):
        witnessed.site.file.write_bytes(lines_of(number))
        assert witnessed.site("append", witnessed.site.file, "--source", SOURCE).code == 0
    assert witnessed.publish("records").code == 0
    for copy, numbers, found in ((older, [20], "were signed for before"), (forked, range(20, 30), "does not continue")):
        copy.file.write_bytes(lines_of(*numbers))
        assert copy("append", copy.file, "--source", SOURCE).code == 0
        stopped = witnessed.publish("records", copy)
        assert (stopped.code, "nothing is signed" in stopped.err, found in stopped.err) == (1, True, True), stopped.err
    assert witnessed.publish("records").code == 0
