"""Sets too large to be listed: signed by their Merkle root once each entry was shown, judged here and offline."""

import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest

from ledger import packages
from ledger.core.errors import Conflict, SchemaViolation
from ledger.core.hashing import b64, leaf_hash
from ledger.core.members import Members
from ledger.core.note import VerifierKey
from ledger.core.policy import Policy
from ledger.core.progress import MAX_SHOWN
from ledger.core.signature import MAX_ENTRIES, MAX_SET, SignatureEntry, TargetSort, holds_together, target_root
from ledger.core.workflow import RequestState, Step
from ledger.people.credentials import read_entry
from ledger.signing.answering import Answer, Answering
from ledger.signing.looking import look, over, signed_page
from ledger.signing.pages import page_of
from ledger.signing.performers import performers_of
from ledger.signing.requests import Opening, Running
from ledger.signing.sets import bodies_of, fixed, target_of
from ledger.signing.targets import signatures_over_each, still_there
from ledger.store.question import Query
from ledger.store.reading import LogReader
from ledger.trace.selection import BySearch
from reports import layout
from reports.checks import Problems
from reports.gone import Disposed
from reports.lines import SetLine, decode_line, encode_line
from reports.signed import Signatures
from reports.strictzip import StrictZip
from reports.verdict import ExitCode, PackageVerdict
from reports.verify import verify_package
from tests.integration.reports.repack import Files, forge
from tests.support.changing import set_route
from tests.support.founded import APPROVER, REVIEWER, founded
from tests.support.sampled import WHOLE
from tests.support.signers import HERE, Plant, Signer
from tests.unit.signing.test_attacks import judge, signed_again

COUNT = 10_000 if WHOLE else 5_000
SORT = TargetSort.ENTRIES
STEP = Step(step="review", role="reviewer", meaning="reviewed")


class Site:
    """A plant with thousands of records, a reviewer who signs all of them in one set, and a package of some."""

    def __init__(self, folder: Path, plant: Plant) -> None:
        self.folder = folder
        self.plant = plant
        self.reviewer = plant.people["reviewer1"]
        self.flows = plant.service.workflows
        set_route(plant, "one", STEP)
        self.records = plant.records(COUNT)
        self.log = plant.service.log()
        self.request = self.open("all of it", query=Query(source="erp"))
        self.signed = 0

    def open(self, title: str, **what: object) -> str:
        opening = Opening(title=title, route="one", reason="batch is done", **what)  # type: ignore[arg-type]
        return self.flows.requests.open(opening, self.plant.quality.caller.authority).request

    def running(self, request: str | None = None) -> Running:
        return self.flows.requests.get(request or self.request)

    def show(self, request: str, account: Signer) -> int:
        """Shows the whole set, page by page; returns how many pages it took."""
        pages, authority = 0, account.caller.authority
        while left := (progress := self.running(request).progress).first_unopened(account.account, 1):
            page = page_of("", progress.members, left[0])
            self.flows.decisions.open_span(request, page.entries[0], page.entries[-1], authority)
            pages += 1
        return pages

    def sign(self, request: str) -> int:
        """The reviewer signs; returns the signature's entry."""
        flows, store = self.flows, self.plant.service.store
        answering = Answering(store, flows.requests, flows.decisions, self.plant.signing.signatures)
        put = answering.prepare(request, "review", Answer(reason="routine"), self.reviewer.caller, HERE)
        shown, caller = self.reviewer.shown(put), self.reviewer.caller
        answering.complete(request, "review", put.id, put.digest, shown, None, caller, HERE)
        given = self.running(request).progress.steps[0].given
        return given[-1].signature


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("sets")
    plant = founded(folder / "ledger", REVIEWER, APPROVER, request=request)
    made = Site(folder, plant)
    yield made
    plant.close()


def test_a_query_of_thousands_is_one_set_fixed_by_its_root(site: Site) -> None:
    target = site.running().request.target
    assert (target.count, target.entries, target.leaves) == (COUNT, (), ())
    assert len(target.runs or "") < 40, "records that stand together are one run"
    assert holds_together(target)
    low, high = site.records[0], site.records[-1]
    with site.plant.service.store.reader(site.log.number) as reader:
        assert target.root == target_root(leaf_hash(one.leaf) for one in reader.entries(low, high + 1))


@pytest.mark.requirement("R18")
def test_it_is_signed_only_once_every_entry_was_shown_a_page_at_a_time(site: Site) -> None:
    site.reviewer.sign_in()
    first, last = site.records[0], site.records[-1]
    authority = site.reviewer.caller.authority
    with pytest.raises(Conflict, match=f"has not opened {COUNT} entries"):
        site.sign(site.request)
    with pytest.raises(SchemaViolation, match=f"{MAX_SHOWN} at most"):
        site.flows.decisions.open_span(site.request, first, last, authority)
    with pytest.raises(SchemaViolation, match="not of the request"):
        site.flows.decisions.open_span(site.request, last, last + 1, authority)
    with pytest.raises(SchemaViolation, match="not of the request"):
        site.flows.decisions.open_span(site.request, first + 5, first, authority)
    site.flows.decisions.open_span(site.request, first + 100, first + 199, authority)
    assert site.running().progress.unopened("reviewer1") == COUNT - 100
    with pytest.raises(
        Conflict, match=f"has not opened {COUNT - 100} entries of the set, of which the first is {first}"
    ):
        site.sign(site.request)
    assert site.show(site.request, site.reviewer) == COUNT // MAX_SHOWN
    begun = time.perf_counter()
    site.signed = site.sign(site.request)
    assert time.perf_counter() - begun < 20
    assert site.running().progress.state is RequestState.COMPLETED


def test_the_signature_is_found_over_each_of_its_entries_and_over_no_other(site: Site) -> None:
    store = site.plant.service.store
    with store.reading() as connection:
        for index in (site.records[0], site.records[4095], site.records[4096], site.records[-1]):
            (found,) = over(store, connection, site.log, index)
            assert (found.index, found.valid, found.entries) == (site.signed, True, ())
        assert over(store, connection, site.log, site.records[0] - 1) == []
        asked_for = [site.records[0] - 1, *site.records[::500], site.records[-1]]
        each = signatures_over_each(connection, site.log.origin, asked_for)
        assert each == {index: [site.signed] for index in asked_for[1:]}
        (asked,) = site.flows.requests.over(connection, site.log.origin, site.records[77])
        assert asked.request.request == site.request
        page = signed_page(store, connection, site.signed, site.records[500], 3)
        assert (page.count, page.entries) == (COUNT, tuple(site.records[500:503]))
        assert page.next_from == site.records[503]
        assert signed_page(store, connection, site.signed, site.records[-2], 10).next_from is None


def test_levels_1_to_4_hold_over_it(site: Site) -> None:
    site.plant.publish()
    report = site.plant.service.verifier.run(site.plant.service.system, levels=(1, 2, 3, 4))
    assert report.holds, report.summary


def signature_at(site: Site, index: int) -> SignatureEntry:
    store = site.plant.service.store
    with store.reading() as connection:
        return read_entry(store, connection, index, SignatureEntry)[0]


@pytest.mark.requirement("R18", "R57")
def test_a_set_that_is_not_the_log_s_is_told_as_unsigned(site: Site) -> None:
    body = signature_at(site, site.signed)
    target = body.statement.target
    cases: list[tuple[dict[str, Any], str]] = [
        ({"root": target_root([b"\x01" * 32])}, "unsigned now"),
        ({"runs": Members.of(site.records[1:]).text, "count": COUNT - 1}, "unsigned now"),
        ({"count": COUNT - 1}, "do not agree"),
        ({"runs": None}, "do not agree"),
        ({"runs": f"{target.runs},"}, "do not agree"),
    ]
    for number, (changed, said) in enumerate(cases):
        other = msgspec.structs.replace(target, **changed)
        again = signed_again(cast(Any, site), body, target=other, nonce=b64(bytes([number + 1]) * 32))
        assert said in judge(site.plant, again), changed


@pytest.mark.requirement("R57")
def test_a_set_that_another_record_joins_shows_as_unsigned_and_is_asked_for_again(site: Site) -> None:
    (late,) = site.plant.records(1)
    assert site.request in site.flows.work().superseded
    old = site.running()
    assert old.progress.state is RequestState.SUPERSEDED
    again = site.running(old.progress.renewed_by or "")
    assert (again.request.target.count, late in again.progress.members) == (COUNT + 1, True)
    store = site.plant.service.store
    with store.reading() as connection:
        assert look(store, connection, site.signed).valid, "what was signed stays valid for the old version"


def test_memory_does_not_grow_with_the_set_where_it_is_opened_listed_and_judged(site: Site) -> None:
    """What is held at once of all entries is hardly more than of a fifth of them."""
    few = Members.of(site.records[: COUNT // 5])
    many = Members.of(site.records)

    def peak(chosen: Members) -> int:
        tracemalloc.start()
        with site.plant.service.store.reading() as connection:
            reader = LogReader(connection, site.log.number)
            target = fixed(reader, site.log, chosen, sort=SORT, name="x", version="1", by_root=True)
            assert still_there(connection, site.log, target)
            found = performers_of(
                connection, site.log.number, (body for _, body in bodies_of(site.plant.service.store, reader, chosen))
            )
            assert found.unresolved == 1
        held = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return held

    peak(few)
    assert peak(many) < peak(few) + 20 * COUNT


def test_a_set_of_a_hundred_thousand_is_the_largest(site: Site) -> None:
    scattered = Members.of(range(0, 2 * MAX_SET, 2))
    assert len(scattered.text) < 2 * MAX_SET
    with (
        site.plant.service.store.reader(site.log.number) as reader,
        pytest.raises(SchemaViolation, match=f"1 to {MAX_SET} entries"),
    ):
        target_of(reader, site.log, Members.of(range(MAX_SET + 1)), MAX_SET + 1, "too many", False)
    with pytest.raises(SchemaViolation, match=f"1 to {MAX_ENTRIES} entries of log system"):
        site.open("of the system log", log="system", entries=tuple(range(MAX_ENTRIES + 1)))
    with pytest.raises(SchemaViolation, match="cannot be signed one by one"):
        site.reviewer.prepare(*site.records[: MAX_ENTRIES + 1], meaning="reviewed")


def test_scattered_entries_are_a_set_too(site: Site) -> None:
    chosen = site.records[::4][: MAX_ENTRIES + 1]
    request = site.open("every fourth", entries=tuple(chosen))
    assert list(site.running(request).progress.members) == chosen
    site.reviewer.sign_in()
    assert site.show(request, site.reviewer) == 3
    signature = site.sign(request)
    store = site.plant.service.store
    with store.reading() as connection:
        assert look(store, connection, signature).valid
        assert signature in [one.index for one in over(store, connection, site.log, chosen[5])]
        assert signature not in [one.index for one in over(store, connection, site.log, chosen[5] + 1)]


@pytest.fixture(scope="module")
def package(site: Site) -> Path:
    """A package with some of the records of both sets."""
    out = site.folder / "evidence.zip"
    if not out.exists():
        site.plant.publish()
        selection = BySearch(query=Query(source="erp", object_id=f"TIC{site.records[8]}.SP"))
        packages.issue(site.plant.service, site.log, selection, out, site.plant.root)
    return out


def verdict(site: Site, path: Path) -> PackageVerdict:
    service = site.plant.service
    return verify_package(path, [service.vkey(service.log())])


@pytest.mark.requirement("R17", "R18")
def test_a_package_judges_it_offline_with_some_of_its_records(site: Site, package: Path) -> None:
    found = verdict(site, package)
    assert found.exit_code is ExitCode.HOLDS, found.lines()
    said = [check.says for check in found.checks if check.name.startswith("Signature ")]
    assert len(said) == 2
    assert f"1 of the {COUNT} entries that it signs are in the package, unchanged" in said[0]


def altered(files: Files, change: Callable[[list[SetLine]], list[SetLine]]) -> Files:
    lines = [decode_line(one, SetLine) for one in files[layout.SETS].splitlines()]
    return {**files, layout.SETS: b"".join(encode_line(one) for one in change(lines))}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda lines: [msgspec.structs.replace(lines[0], leaves=lines[0].leaves[::-1]), *lines[1:]], "other hashes"),
        (lambda lines: lines[1:], "in its order"),
        (lambda lines: lines[:1], "other hashes"),
        (lambda lines: lines[::-1], "in its order"),
        (lambda lines: [msgspec.structs.replace(one, root="A" * 43 + "=") for one in lines], "in its order"),
    ],
)
def test_a_set_that_was_altered_in_the_package_is_named(
    site: Site, package: Path, tmp_path: Path, change: Callable[[list[SetLine]], list[SetLine]], said: str
) -> None:
    found = verdict(site, forge(package, tmp_path / "forged.zip", lambda files: altered(files, change)))
    assert found.exit_code is ExitCode.WRONG
    assert any(said in problem.what for problem in found.problems), found.lines()


def test_a_package_without_the_set_that_is_signed_says_so(site: Site, package: Path, tmp_path: Path) -> None:
    def without(files: Files) -> Files:
        return {name: data for name, data in files.items() if name != layout.SETS}

    found = verdict(site, forge(package, tmp_path / "forged.zip", without))
    assert found.exit_code is ExitCode.WRONG
    assert any("has not the" in problem.what for problem in found.problems), found.lines()


@pytest.mark.requirement("R57")
def test_a_record_of_the_package_that_is_not_what_was_signed_shows_as_unsigned(site: Site, package: Path) -> None:
    service, problems = site.plant.service, Problems()
    found = Signatures(service.log().origin, problems, Disposed({}, 0, service.log().number, problems))
    with StrictZip.open(package) as opened:
        prefix = next(iter(opened.members)).partition("/")[0] + "/"
        key = VerifierKey.parse(service.vkey(service.log()))
        head = Policy.of_log_keys([key]).open(opened.read(prefix + layout.CHECKPOINT, 1 << 20)).checkpoint
        found.read(opened, prefix, head)
    assert not problems
    found.record(site.records[3], "A" * 43 + "=")
    assert "unsigned" in found.found[0].wrong
