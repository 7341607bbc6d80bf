"""A checkpoint card on paper is a witness: who has database and signing key cannot have rewritten what it covers."""

from io import BytesIO

import pytest
from pypdf import PdfReader
from sqlalchemy import update

from ledger.core.card import Card
from ledger.core.checkpoint import Checkpoint
from ledger.core.errors import IntegrityError
from ledger.core.hashing import leaf_hash
from ledger.core.members import Members
from ledger.core.merkle import root_of
from ledger.core.note import Note, NoteSigner, parse_note, sign_note
from ledger.core.outside import FromOutside
from ledger.core.policy import Policy
from ledger.findings.incident_kinds import CaseEvent, Cause
from ledger.integrity.kinds import LevelVerdict, Verdict
from ledger.people.roles import Role
from ledger.present.card import fingerprint_of, parse_card, words_of
from ledger.store import schema
from ledger.trust.cards import PAPER_BYTES, CardFacts, on_paper, read_card
from reports.card import Paper, card_page, qr_of
from tests.support.ledgers import AUTHORITY, RECORDS, Ledger, MovableClock, submission
from tests.support.staff import Staff
from tests.support.witness import Trust, two_witnesses

pytestmark = pytest.mark.sampled


@pytest.fixture
def trust(ledger: Ledger, clock: MovableClock) -> Trust:
    """A ledger without any witness."""
    made = Trust(ledger)
    ledger.submit([submission(number) for number in range(3)])
    made.publisher.publish_all()
    return made


def leaves(ledger: Ledger) -> list[bytes]:
    with ledger.store.reader(RECORDS) as reader:
        return [entry.leaf for entry in reader.entries(0, reader.head().size)]


def card(ledger: Ledger, past: list[bytes]) -> Card:
    """The card of a log of these leaves, typed as a person types it."""
    origin = ledger.store.logs()[RECORDS].origin
    root = root_of([leaf_hash(leaf) for leaf in past])
    return parse_card(f"{origin} {len(past)} {' '.join(words_of(root))}")


def levels(trust: Trust, *cards: Card, policy: Policy | None = None) -> dict[int, LevelVerdict]:
    report = trust.verify(RECORDS, 3, 5, outside=FromOutside(policy=policy, cards=cards))
    return {one.level: one for one in report.result.levels}


def says(one: LevelVerdict) -> str:
    assert one.verdict is Verdict.FAILS, one
    assert one.fault is not None
    return one.fault.what


def test_a_card_makes_the_last_level_hold_as_of_its_size_and_no_further(trust: Trust) -> None:
    past = leaves(trust.ledger)
    assert levels(trust)[5].verdict is Verdict.NOT_ASSESSABLE
    earlier = levels(trust, card(trust.ledger, past[:2]))
    assert (earlier[3].verdict, earlier[5].verdict) == (Verdict.HOLDS, Verdict.HOLDS)
    # Each run is an entry of its log; the one before this is the entry more.
    since = len(past) + 1 - 2
    assert f"as of the card of size 2: no card or witness vouches for the {since} entries since then" in earlier[5].open
    both = levels(trust, card(trust.ledger, past), card(trust.ledger, past[:2]))
    assert f"as of the card of size {len(past)}: " in both[5].open
    assert both[3].verdict is Verdict.HOLDS


def test_a_log_that_was_rewritten_with_the_stolen_key_is_caught_by_the_card_alone(trust: Trust) -> None:
    past = leaves(trust.ledger)
    real = [*past[:-1], past[-1].replace(b'"kind":"', b'"kind":"x')]
    found = levels(trust, card(trust.ledger, real))
    assert says(found[3]) == f"the log has another root at size {len(real)} than its checkpoint card says"
    assert "the checkpoint card of size" in says(found[5])
    assert found[3].fault is not None
    assert found[3].fault.index == len(real) - 1
    assert levels(trust)[3].verdict is Verdict.HOLDS, "nothing else tells"


def test_a_log_that_was_cut_short_is_caught_by_the_card_alone(trust: Trust) -> None:
    past = leaves(trust.ledger)
    found = levels(trust, card(trust.ledger, [*past, past[-1], past[-1]]))
    assert found[3].verdict is Verdict.HOLDS
    assert f"the checkpoint card of size {len(past) + 2}: log" in says(found[5])


def test_a_card_of_another_log_vouches_for_nothing(trust: Trust) -> None:
    own = card(trust.ledger, leaves(trust.ledger)[:2])
    other = Card(origin="plant.example/other", size=own.size, root=own.root)
    assert levels(trust, other)[5].verdict is Verdict.NOT_ASSESSABLE


def test_a_card_does_not_stand_in_for_witnesses_that_do_not_answer(sqlite_ledger: Ledger, clock: MovableClock) -> None:
    trust = Trust(sqlite_ledger, *two_witnesses(sqlite_ledger))
    trust.policy()
    trust.publisher.publish_all()
    own = card(sqlite_ledger, leaves(sqlite_ledger))
    assert levels(trust, own)[5].verdict is Verdict.HOLDS
    for witness in trust.by_name.values():
        witness.down = True
    assert levels(trust, own)[5].verdict is Verdict.NOT_ASSESSABLE


def read(ledger: Ledger, trust: Trust, size: int | None = None) -> CardFacts:
    keys = trust.witnesses.policies().in_force.witnesses
    return read_card(ledger.store, ledger.service.log(), ledger.service.verifiers(ledger.service.log()), keys, size)


def test_a_card_names_the_witnesses_and_bears_their_lines(ledger: Ledger, clock: MovableClock) -> None:
    trust = Trust(ledger, *two_witnesses(ledger))
    trust.policy()
    trust.publisher.publish_all()
    facts = read(ledger, trust)
    assert dict(facts.cosigned) == dict.fromkeys(("qa", "customer"), clock.now_us() // 1_000_000)
    names = [line.name for line in parse_note(facts.note.encode()).signatures]
    assert (names[0], set(names[1:])) == (ledger.service.log().origin, {"qa", "customer"})
    (page,) = PdfReader(BytesIO(card_page(facts, clock.now_us(), "Europe/Berlin"))).pages
    text = " ".join(page.extract_text().split())
    assert "qa, 2026-09-21 16:13:20 CEST +02:00 (2026-09-21 14:13:20 UTC)" in text
    assert qr_of(facts).value == facts.note


def test_lines_that_no_qr_code_on_paper_holds_are_left_off_and_their_key_is_named(sqlite_ledger: Ledger) -> None:
    service, log = sqlite_ledger.service, sqlite_ledger.service.log()
    made = service.key_life.activate(log, "thirty years", AUTHORITY)
    trust = Trust(sqlite_ledger)
    facts = read(sqlite_ledger, trust, made.checkpoint.size)
    assert set(facts.keys) == {service.vkey(log), made.key}
    (line,) = parse_note(facts.note.encode()).signatures
    assert len(line.signature) == 64
    many = Note(text=facts.card.checkpoint.text(), signatures=(line,) * 50)
    assert len(on_paper(many).encode()) <= PAPER_BYTES
    assert on_paper(many).startswith(facts.note)
    (page,) = PdfReader(BytesIO(card_page(facts, 0, "UTC", Paper.LETTER))).pages
    text = " ".join(page.extract_text().split())
    assert all(fingerprint_of(key) in text for key in facts.keys)


def test_nothing_is_printed_of_a_log_that_is_not_what_was_signed(ledger: Ledger, clock: MovableClock) -> None:
    """The signer's key, in other hands, signed another root at that size."""
    trust = Trust(ledger)
    trust.publisher.publish_all()
    card = read(ledger, trust).card
    service, log = ledger.service, ledger.service.log()
    other = Checkpoint(origin=log.origin, size=card.size, root=bytes(32)).text()
    note = sign_note(other, [service.keys.log_signer(log.name, log.origin)])
    with ledger.administrator() as connection:
        connection.execute(update(schema.checkpoint).where(schema.checkpoint.c.log == RECORDS).values(note=note))
    with pytest.raises(IntegrityError, match=f"another root at size {card.size} than was signed"):
        read(ledger, trust)


def test_a_false_card_or_policy_opens_no_case_and_a_damage_beside_it_does(sqlite_ledger: Ledger) -> None:
    """Whoever mistypes one, or makes one up, would make answers unknown."""
    trust = Trust(sqlite_ledger)
    sqlite_ledger.submit([submission(number) for number in range(3)])
    trust.publisher.publish_all()
    service, log = sqlite_ledger.service, sqlite_ledger.service.log()
    false = Card(origin=log.origin, size=2, root=bytes(32))
    foreign = Policy.of_log_keys([NoteSigner(log.origin, bytes(32)).verifier])
    for outside in (FromOutside(cards=(false,)), FromOutside(policy=foreign)):
        report = service.verifier.run(log, outside=outside)
        assert (report.holds, report.alleged[:1]) == (False, (3,)), report.summary
        assert "no incident case was opened" in report.result.levels[2].open
    assert service.cases.all() == []
    assert service.verifier.run(log).holds
    with sqlite_ledger.administrator() as connection:
        connection.execute(update(schema.checkpoint).where(schema.checkpoint.c.log == RECORDS).values(note=b"none"))
    report = service.verifier.run(log, outside=FromOutside(cards=(false,)))
    assert (report.holds, 3 in report.alleged) == (False, False)
    (case,) = service.cases.all()
    assert not [one for one in case.opened.faults if "card" in one.what]


def test_two_people_open_a_case_for_what_a_card_says_of_a_log(sqlite_ledger: Ledger) -> None:
    sqlite_ledger.submit([submission(number) for number in range(3)])
    service, log = sqlite_ledger.service, sqlite_ledger.service.log()
    staff = Staff(service)
    staff.person("qa1", Role.APPROVER)
    said = service.compromises.report(
        Cause.LOG, log.origin, "2026-01-01T00:00:00.000000Z", "the card of May", AUTHORITY
    )
    case = service.compromises.open(said.case, "compared with the paper", staff.acting("qa1"))
    with sqlite_ledger.store.reader(RECORDS) as reader:
        size = reader.head().size
    assert case.affected({log.origin: RECORDS}) == {RECORDS: Members.of(range(size))}
    with sqlite_ledger.store.reading() as connection:
        assert service.standings.now(connection).of_link(RECORDS, "batch", "B-2026-00042") == case.case
    put = service.ways_back.closing(case.case, "DEV-5", "the card was of another log", staff.acting("qa1"))
    assert put.state is CaseEvent.CLOSING
    assert service.verifier.run(service.system).holds
