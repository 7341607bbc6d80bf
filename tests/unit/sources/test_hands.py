"""What people enter by hand: a record like any other, marked, checked by a second person, corrected and never lost."""

from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from sqlalchemy import text

from ledger.core.address import Address
from ledger.core.entry import Entry, draft
from ledger.core.errors import (
    AccessDenied,
    ConfigError,
    Conflict,
    LedgerError,
    NotFound,
    SchemaViolation,
    SelfApproval,
)
from ledger.core.parameters import ParameterName, Profile, Range, RangeKind, VagueWords, written
from ledger.core.record import Change, Link, LinkBasis, LinkKind, Target
from ledger.core.times import Basis, Precision, SourceTime
from ledger.integrity.by_hand import broken
from ledger.integrity.fault import Fault
from ledger.people.access import Scope
from ledger.people.profile import Profiles
from ledger.people.roles import Role
from ledger.present.sentences import disposed_sentence
from ledger.present.values import plain
from ledger.privacy.erasure_kinds import Ground
from ledger.sources.hand_kinds import ByHand, HandEvent, HandPaper, HandSort, HandState
from ledger.sources.hand_marks import Marks, marks_of
from ledger.sources.hands import Hands, KnownHand
from ledger.sources.parameter_kinds import Parameter
from ledger.store.position import pos_of
from ledger.store.question import Query
from ledger.store.reading import VaultReader
from ledger.store.search import newest
from ledger.web.views.hands import hand_rows
from tests.support.by_hand import LOGBOOK, PAPER, SCAN, WHY, register, seen
from tests.support.ledgers import (
    AUTHORITY,
    RECORDS,
    SOURCE,
    START_US,
    Ledger,
    batch,
    new_ledger,
    source_time,
    submission,
)
from tests.support.staff import Staff


class Site:
    """A ledger with a source for what is entered by hand, and two who may enter."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger, self.staff = ledger, Staff(ledger.service)
        self.log = ledger.service.record_log()
        self.hands: Hands = self.log.hands
        register(self.log)
        for account, role in (("anna", Role.RECORDER), ("ben", Role.REVIEWER)):
            self.staff.person(account, role)

    def enter(self, account: str = "anna", scan: bytes | None = None, **members: Any) -> KnownHand:
        return self.hands.enter(seen(**members), scan, self.staff.acting(account), {self.log.log.name})

    def marks(self, index: int, size: int | None = None) -> Marks | None:
        with self.ledger.store.reading() as connection:
            return marks_of(connection, self.log.log, [index], size).get(index)

    @property
    def size(self) -> int:
        with self.ledger.store.reader(RECORDS) as reader:
            return reader.head().size

    def found(self, **query: Any) -> list[int]:
        """The records that a search finds, oldest first."""
        with self.ledger.store.reading() as connection:
            return sorted(newest(connection, RECORDS, self.size, Query(**query), None, 100))

    def holds(self) -> bool:
        """Whether a full verification finds nothing."""
        return self.ledger.service.verifier.run(self.log.log, full=True).holds

    def fault(self, *levels: int) -> Fault | None:
        """The first that these levels find."""
        return self.ledger.service.verifier.run(self.log.log, full=True, levels=levels).fault

    def put(self, name: ParameterName, type_: str, value: Any) -> None:
        entry = Parameter(name=name, source=PAPER, type=type_, value=written(value), reason="set", authority=AUTHORITY)
        self.log.parameters.put(RECORDS, [entry])


@pytest.fixture
def site(ledger: Ledger) -> Site:
    return Site(ledger)


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One that tests write to beside each other."""
    ledger = new_ledger(tmp_path_factory.mktemp("hands") / "ledger")
    yield Site(ledger)
    ledger.close()


@pytest.fixture
def alone(sqlite_ledger: Ledger) -> Site:
    return Site(sqlite_ledger)


@pytest.mark.requirement("R64")
def test_a_page_of_paper_becomes_a_record_with_its_scan_that_says_so(site: Site) -> None:
    links = (Link(kind=LinkKind.BATCH, id="B-1", basis=LinkBasis.READ),)
    known = site.enter(
        sort=HandSort.PAPER,
        paper=LOGBOOK,
        scan=SCAN,
        links=links,
        done_by="operator 7",
        stated_reason="end of campaign",
    )
    record, scan = known.record, known.scan
    assert record is not None
    assert scan is not None
    assert (record.source, record.source_record_id, record.reason) == (PAPER, known.hand, "end of campaign")
    assert (record.actor.account, record.actor.on_behalf_of, record.actor.channel) == ("anna", "operator 7", "by-hand")
    assert (scan.media_type, scan.size) == ("application/pdf", len(SCAN))
    assert (known.state, known.reason, known.entered_by, known.entry) == ("entered", WHY, "anna", known.index + 1)
    for kind, id_ in ((LinkKind.BATCH, "B-1"), (LinkKind.DOCUMENT, LOGBOOK.id)):
        assert site.found(links=((kind, id_),)) == [known.index], "found as any record is, and by its paper"
    assert site.marks(known.index) == Marks(hand=known.hand, by_hand=HandState.ENTERED)
    assert site.marks(known.index, known.index) is None, "not before it was entered"
    assert site.hands.listed() == [known]
    assert site.holds()


@pytest.mark.requirement("R32")
def test_who_enters_does_not_check_and_a_second_person_does_once(here: Site) -> None:
    known = here.enter()
    size = here.size
    with pytest.raises(SelfApproval, match="anna entered it"):
        here.hands.check(known.hand, True, "compared with the door itself", here.staff.acting("anna"))
    checked = here.hands.check(known.hand, True, "compared with the door itself", here.staff.acting("ben"))
    assert (checked.state, checked.checked_by, checked.check_reason) == (
        HandState.CHECKED, "ben", "compared with the door itself",
    )  # fmt: skip
    with pytest.raises(Conflict, match="said so already"):
        here.hands.check(known.hand, False, "it was still wet there", here.staff.acting("ben"))
    marks = here.marks(known.index), here.marks(known.index, size)
    assert [one and one.by_hand for one in marks] == [HandState.CHECKED, HandState.ENTERED]
    other = here.enter()
    refused = here.hands.check(other.hand, False, "it was still wet there", here.staff.acting("ben"))
    assert (refused.state, refused.record) == (HandState.REFUSED, other.record), "what was entered stays"
    assert here.holds()


@pytest.mark.requirement("R32")
def test_the_type_asks_for_a_second_person(here: Site) -> None:
    here.put(ParameterName.PROFILE, "clearance", Profile(old=False, new=True, reason=False, hand_check=True))
    asks: dict[str, Any] = {"object": Target(type="clearance", id="R-3")}
    known, done = here.enter(**asks), here.enter(**asks)
    assert (known.state, known.needs_check) == (HandState.TO_CHECK, True)
    here.hands.check(done.hand, True, "compared with the door itself", here.staff.acting("ben"))
    assert [one.hand for one in here.hands.listed(HandState.TO_CHECK)] == [known.hand]
    assert [one.hand for one in here.hands.listed(before=done.index, limit=1)] == [known.hand]
    assert here.enter().state == HandState.ENTERED, "another type does not ask"


@pytest.mark.requirement("R35")
def test_a_reason_that_says_nothing_is_refused_by_the_site_s_words_too(here: Site) -> None:
    for reason in ("ok", "as requested, see above", "xxxx xxxx xxxx", ""):
        with pytest.raises(SchemaViolation, match="says too little"):
            here.enter(reason=reason)
    here.put(ParameterName.VAGUE_WORDS, "line", VagueWords(words=("as written on the paper",)))
    with pytest.raises(SchemaViolation, match="says too little"):
        here.enter(reason="As written on the paper.", object=Target(type="line", id="L-1"))
    known = here.enter()
    with pytest.raises(SchemaViolation, match="says too little"):
        here.hands.check(known.hand, True, "checked ok", here.staff.acting("ben"))


def wrong() -> Iterator[tuple[type[LedgerError], str, dict[str, Any]]]:
    unread = SourceTime(text="yesterday", precision=Precision.SECOND, basis=Basis.NONE)
    yield SchemaViolation, "with its id, title, place, and scan", {"sort": HandSort.PAPER, "paper": LOGBOOK}
    yield SchemaViolation, "with its id, title, place, and scan", {"sort": HandSort.PAPER, "scan": SCAN}
    yield SchemaViolation, "no whole PDF", {"scan": SCAN[:-9]}
    yield SchemaViolation, "'yesterday' is no instant", {"occurred_at": unread}
    yield SchemaViolation, "still to come", {"occurred_at": source_time(START_US * 2)}
    yield SchemaViolation, "names the record that it corrects", {"sort": HandSort.CORRECTION}
    yield SchemaViolation, "names the record that it corrects", {"corrects": "plant.example/ledger/records#1"}
    yield SchemaViolation, "at `$.object.id`", {"object": Target(type="room", id="")}
    yield SchemaViolation, "at `$.paper.id`", {"paper": HandPaper(id="", title="t", place="p")}
    yield Conflict, "is of type test", {"source": SOURCE}
    yield NotFound, "no source 'none'", {"source": "none"}


@pytest.mark.requirement("R42")
@pytest.mark.parametrize(("error", "words", "members"), list(wrong()))
def test_what_cannot_be_is_refused_with_its_name_and_nothing_is_entered(
    here: Site, error: type[LedgerError], words: str, members: dict[str, Any]
) -> None:
    size = here.size
    with pytest.raises(error, match=words.replace("$", r"\$").replace("(", r"\(")):
        here.enter(**members)
    assert here.size == size


@pytest.mark.requirement("R42")
def test_a_value_outside_its_range_is_entered_only_with_why_it_is_right_and_a_second_person_looks(here: Site) -> None:
    kind = Target(type="vessel", id="V-1")
    here.put(ParameterName.RANGE, "vessel", Range(attribute="pH", kind=RangeKind.DECIMAL, low="2", high="12"))
    for new, why in (("70", None), ("seven", None), ("70", "ok")):
        size = here.size
        with pytest.raises(SchemaViolation, match=r"outside its range: decimal from 2 to 12|says too little"):
            here.enter(object=kind, changes=(Change(attribute="pH", new=new),), out_of_range=why)
        assert here.size == size
    why = "the probe stood in the rinsing lye"
    known = here.enter(object=kind, changes=(Change(attribute="pH", new="12.6"),), out_of_range=why)
    assert (known.state, known.out_of_range, known.needs_check) == (HandState.TO_CHECK, why, True)
    (row,) = hand_rows([known], "records", here.staff.caller(here.staff.session("ben")), ZoneInfo("UTC"))
    assert (row.checks, why in row.beyond) == (True, True)
    for changes in ((Change(attribute="pH", new="12"),), (Change(attribute="note", new="70"),)):
        inside = here.enter(object=kind, changes=changes, out_of_range=why)
        assert (inside.state, inside.out_of_range) == (HandState.ENTERED, None), "nothing lies outside"
    here.hands.check(known.hand, True, "held against the probe's own print", here.staff.acting("ben"))
    assert here.holds()


def test_who_holds_the_folder_is_nobody_who_enters_and_no_service_is_granted_it(here: Site) -> None:
    with pytest.raises(AccessDenied, match="not authenticated"):
        here.hands.enter(seen(), None, AUTHORITY, {here.log.log.name})
    known = here.enter()
    with pytest.raises(AccessDenied, match="not authenticated"):
        here.hands.check(known.hand, True, "compared with the door itself", AUTHORITY)
    people, root = here.staff.people, here.staff.people.local("root")
    people.create_account("robot", "Robot", "for the test", root)
    with pytest.raises(LedgerError, match="enter"):
        people.grant("robot", [Scope.ENTER], "for the test", root)


def test_without_a_source_for_it_or_with_several_the_way_out_is_named(sqlite_ledger: Ledger) -> None:
    staff, log = Staff(sqlite_ledger.service), sqlite_ledger.service.record_log()
    staff.person("anna", Role.RECORDER)
    with pytest.raises(ConfigError, match="no source that is entered by hand"):
        log.hands.enter(seen(), None, staff.acting("anna"), {log.log.name})
    register(log)
    log.sources.register(msgspec.structs.replace(log.sources.get(PAPER), id="paper2"), AUTHORITY)
    with pytest.raises(ConfigError, match="several sources") as raised:
        log.hands.enter(seen(), None, staff.acting("anna"), {log.log.name})
    assert raised.value.advice == "Name one: paper, paper2."
    assert log.hands.enter(seen(source="paper2"), None, staff.acting("anna"), {log.log.name}).state == "entered"
    with pytest.raises(Conflict, match="no run of it is taken"):
        sqlite_ledger.service.ingest.submit(batch([submission(1, PAPER)], PAPER), AUTHORITY)


@pytest.mark.requirement("R07")
def test_a_correction_shows_both_everywhere_and_a_correction_of_it_too(site: Site) -> None:
    site.ledger.submit([submission(1)])
    (collected,) = site.found(source=SOURCE)
    address = str(Address(site.log.log.origin, collected))
    right: dict[str, Any] = {"sort": HandSort.CORRECTION, "changes": (Change(attribute="Value", old="55.5", new="56"),)}
    first = site.enter(corrects=address, object=Target(type="tag", id="TIC101.SP"), **right)
    second = site.enter(corrects=first.address, object=Target(type="tag", id="TIC101.SP"), **right)
    assert site.marks(collected) == Marks(corrected_by=(first.address,))
    assert site.marks(first.index) == Marks(
        hand=first.hand, by_hand=HandState.ENTERED, corrects=address, corrected_by=(second.address,)
    )
    assert site.marks(first.index, second.index) == Marks(hand=first.hand, by_hand=HandState.ENTERED, corrects=address)
    assert site.found(object_type="tag", object_id="TIC101.SP") == [collected, first.index, second.index]
    site.hands.check(first.hand, True, "held against the printed trend", site.staff.acting("ben"))
    assert (site.marks(collected), site.holds()) == (Marks(corrected_by=(first.address,)), True)


@pytest.mark.requirement("R07")
def test_a_record_of_another_log_is_corrected_by_who_may_read_it(site: Site) -> None:
    site.ledger.submit([submission(1)])
    lab = site.ledger.service.create_record_log("lab", AUTHORITY)
    register(lab)
    (collected,) = site.found(source=SOURCE)
    address = str(Address(site.log.log.origin, collected))
    new = seen(sort=HandSort.CORRECTION, corrects=address)
    with pytest.raises(NotFound, match="there is no record"):
        lab.hands.enter(new, None, site.staff.acting("anna"), {"lab"})
    made = lab.hands.enter(new, None, site.staff.acting("anna"), {"lab", "records"})
    assert site.marks(collected) == Marks(corrected_by=(made.address,))
    assert made.address == f"{lab.log.origin}#{made.index}"
    assert site.hands.listed() == []
    assert all(site.ledger.service.verifier.run(log, full=True).holds for log in (site.log.log, lab.log))


def test_only_a_record_that_is_there_is_corrected(here: Site) -> None:
    origin = here.log.log.origin
    known = here.enter()
    for address in (f"{origin}#{known.entry}", f"{origin}#99999", "elsewhere.example/log#1", f"{origin}#0"):
        with pytest.raises(NotFound, match="there is no record"):
            here.enter(sort=HandSort.CORRECTION, corrects=address)


@pytest.mark.requirement("R64")
def test_a_scan_that_was_exchanged_is_found_at_level_2(alone: Site) -> None:
    known = alone.enter(sort=HandSort.PAPER, paper=LOGBOOK, scan=SCAN)
    assert alone.holds()
    with alone.ledger.administrator() as owner:
        owner.execute(text("UPDATE original SET data = :data"), {"data": SCAN + b"\n"})
    fault = alone.fault(1, 2)
    assert fault is not None
    assert (fault.table, fault.index) == ("original", known.index)


@pytest.mark.requirement("R32")
def test_an_entry_that_breaks_a_rule_is_found_at_level_2(alone: Site) -> None:
    known, ben = alone.enter(), alone.staff.acting("ben")
    (collected,) = [one.index for one in alone.ledger.submit([submission(1)]).outcomes]
    usual: dict[str, Any] = {
        "hand": known.hand,
        "event": HandEvent.CHECKED,
        "record": known.index,
        "sort": HandSort.OBSERVATION,
        "reason": WHY,
        "authority": ben,
    }

    def rule(at: int, **members: Any) -> str:
        body = ByHand(**(usual | members))
        with alone.ledger.store.reading() as connection:
            return broken(connection, Entry(log=RECORDS, index=at, kind="by-hand", logged_us=START_US, body=body))

    end = alone.size
    assert rule(end) == ""
    assert rule(end, authority=alone.staff.acting("anna")) == "anna entered it"
    assert rule(end, authority=AUTHORITY) == "local:tester is nobody who is known"
    assert rule(end, hand="other") == f"nothing was entered by hand as 'other' with entry {known.index}"
    assert rule(end, record=collected) == f"nothing was entered by hand as {known.hand!r} with entry {collected}"
    assert "not entered by hand before it" in rule(end, record=end)
    assert "directly after" in rule(end, event=HandEvent.ENTERED)
    assert rule(known.index, event=HandEvent.ENTERED, record=known.index - 1).endswith("is no record")
    assert rule(collected + 1, event=HandEvent.ENTERED, record=collected) == f"record {collected} is not what it names"
    assert "not what it names" in rule(known.entry, event=HandEvent.ENTERED), "ben did not enter it"
    assert rule(known.entry, event=HandEvent.ENTERED, authority=alone.staff.acting("anna")) == ""
    at = alone.ledger.store.append_one(RECORDS, draft(ByHand(**(usual | {"hand": "other"})))).index
    fault = alone.fault(1, 2)
    assert fault is not None
    assert (fault.index, fault.column, fault.what) == (at, "authority", rule(at, hand="other"))


def test_a_scan_is_erased_as_any_original_and_the_record_stays_marked(alone: Site) -> None:
    service = alone.ledger.service
    sealing = msgspec.structs.replace(alone.log.sources.get(PAPER), id="visits", seal=("reason",))
    alone.log.sources.register(sealing, AUTHORITY)
    Profiles(alone.ledger.store).set("sources_without_gmp", [sealing.id], "set up", AUTHORITY)
    for account in ("qa1", "qa2"):
        alone.staff.person(account, Role.APPROVER)
    told: dict[str, Any] = {"source": sealing.id, "stated_reason": "visit of visitor 3"}
    known = alone.enter(sort=HandSort.PAPER, paper=LOGBOOK, scan=SCAN, **told)
    asked = service.erasures.request(
        known.address, "reason", Ground.NO_LONGER_NECESSARY, "asked by the person", alone.staff.admin
    )
    for account in ("qa1", "qa2"):
        service.erasures.approve(asked.erasure, "checked", alone.staff.acting(account), person=True)
    with alone.ledger.store.reading() as connection:
        assert VaultReader(connection).original(RECORDS, known.index) is None
    assert alone.marks(known.index) == Marks(hand=known.hand, by_hand=HandState.ENTERED)
    assert alone.holds()


def test_what_was_entered_is_still_told_once_its_record_is_gone(alone: Site) -> None:
    known = alone.enter()
    with alone.ledger.administrator() as owner:
        owner.execute(text("DELETE FROM body WHERE pos = :pos"), {"pos": pos_of(RECORDS, known.index)})
    (found,) = alone.hands.listed()
    assert found == msgspec.structs.replace(known, record=None)
    done = alone.hands.check(known.hand, True, "compared with the door itself", alone.staff.acting("ben"))
    assert (done.record, done.state) == (None, HandState.CHECKED)
    (row,) = hand_rows([done], "records", alone.staff.caller(alone.staff.session("ben")), ZoneInfo("UTC"))
    assert plain(row.sentence) == plain(disposed_sentence())
