"""The life of a rule: what its states do, and what it takes to validate it."""

import contextlib
from collections.abc import Iterator

import msgspec
import pytest

from ledger.changes.effect import Overtaken
from ledger.core.errors import ChangeRequestRequired, Conflict, NotFound, SchemaViolation
from ledger.core.parameters import Limits, ParameterName, Sequence, SequencePolicy, written
from ledger.core.rule_run import Said
from ledger.core.ruling import RuleState, RuleStated
from ledger.review.exceptions.runs import LeftOut
from ledger.review.life.states import Standing, checked, standings
from ledger.review.rules import rules
from ledger.review.trials.cases import Case
from ledger.review.trials.challenges import Challenged
from ledger.sources.parameter_kinds import Parameter
from ledger.store.position import index_of
from ledger.store.rebuild import rebuild
from tests.support.changing import ENGINEER, NOBODY, Desk
from tests.support.founded import founded
from tests.support.ledgers import AUTHORITY, Ledger, batch, new_ledger
from tests.support.ruling import change, collect, entered, look, put, standing
from tests.support.trying import Trial, cases, planted, stated


def give(ledger: Ledger, said: RuleStated) -> None:
    service = ledger.service
    service.quality.configuration.enter(service.record_log().log, [said], "set", AUTHORITY)


def tried(ledger: Ledger, *given: Case) -> Challenged:
    service = ledger.service
    return service.quality.challenges.run(service.record_log().log, "D11", given, "on site", AUTHORITY)


def state_of(ledger: Ledger, rule: str = "D11") -> Standing:
    log = ledger.service.record_log().log
    with ledger.store.reader(log.number) as reader:
        found = standings(ledger.store, reader.connection, log, reader.head().size)
    return next(one for one in found if one.about.id == rule)


def newest(ledger: Ledger) -> int:
    """The entry of the newest record."""
    return index_of(ledger.query("SELECT MAX(pos) FROM record")[0][0])


def test_without_a_word_of_it_a_rule_informs_and_carries_no_review(sqlite_ledger: Ledger) -> None:
    told = state_of(sqlite_ledger)
    assert (told.state, told.entry, told.carries) == (RuleState.SHADOW, None, False)
    collect(sqlite_ledger, [change(1, "50", "51"), change(2, "58", "53")])
    assert "D11" in {one.rule for one in look(sqlite_ledger).rules}


@pytest.mark.parametrize("state", [RuleState.DRAFT, RuleState.RETIRED])
def test_a_rule_that_does_not_run_looks_at_all_that_it_missed_once_it_does(ledger: Ledger, state: RuleState) -> None:
    collect(ledger, [change(1, "50", "51"), change(2, "58", "53")])
    look(ledger)
    (first,) = entered(ledger)
    give(ledger, stated(state))
    collect(ledger, [change(3, "53", "54"), change(4, "60", "61")])
    ran = look(ledger)
    assert LeftOut(rule="D11", why=state.value) in ran.left_out
    assert ("D11" not in {one.rule for one in ran.rules}, standing(ledger, "D11")) == (True, {first.key})
    give(ledger, stated(RuleState.SHADOW))
    ran = look(ledger)
    assert ran.left_out == ()
    examined = {one.rule: one.examined for one in ran.rules}
    assert (examined["D11"], len(standing(ledger, "D11"))) == (4, 2)
    assert examined["D21"] == 0, "the others had looked"
    assert look(ledger).entry is None
    before = state_of(ledger)
    rebuild(ledger.store, ledger.owner_url, ["rule-state", "rule-challenge"])
    assert state_of(ledger) == before


def test_a_challenge_is_entered_with_what_the_rule_said_and_leaves_nothing_else(ledger: Ledger) -> None:
    collect(ledger, [change(1, "50", "51"), change(2, "58", "53")])
    put(ledger, ParameterName.SEQUENCE, Sequence(policy=SequencePolicy.EVERY))
    log = ledger.service.record_log()
    (limit,) = log.parameters.listed(log.log.number)
    records = ledger.query("SELECT COUNT(*) FROM record")
    known = Case(name="on record", expected=Said.FINDING, entry=newest(ledger))
    made = tried(ledger, known, *cases(), planted("not yet", Said.PENDING, change(103, "3", "4")))
    assert [(one.said, one.holds) for one in made.challenge.cases] == [
        (Said.FINDING, True), (Said.FINDING, True), (Said.CLEAR, True), (Said.FINDING, False),
    ]  # fmt: skip
    assert made.lacking == "case 'not yet' should say pending, and says finding"
    assert (made.challenge.parameters, made.challenge.cases[0].why) == ((limit.entry,), "value-differs")
    assert ledger.query("SELECT COUNT(*) FROM record") == records
    assert (made.entry, entered(ledger)) == (made.challenge.size, [])
    assert ledger.service.verifier.run(log.log, full=True).holds


def test_a_record_that_the_rule_does_not_look_at_is_said_to_be_so(sqlite_ledger: Ledger) -> None:
    collect(sqlite_ledger, [change(1, msgspec.UNSET, "51")])
    made = tried(sqlite_ledger, Case(name="no old value", expected=Said.CLEAR, entry=newest(sqlite_ledger)))
    assert made.lacking == "case 'no old value' should say clear, and says nothing, as it does not look at the record"


@pytest.mark.parametrize(
    ("case", "wrong"),
    [
        (Case(name="gone", expected=Said.FINDING, entry=1_000), "entry 1000 is no record"),
        (Case(name="other", expected=Said.FINDING, entry=0), "entry 0 is no record"),
        (planted("which", Said.FINDING, change(1, "1", "2"), record="9"), "its runs have 0 such records"),
        (planted("none", Said.FINDING), "places 0 records"),
        (planted("fits no source", Said.FINDING, change(1, "1", "2", source="dcs")), "names source 'dcs'"),
    ],
    ids=["no entry", "no record", "not there", "empty", "of another source"],
)
def test_a_case_that_cannot_be_is_refused_and_nothing_is_entered(shared: Ledger, case: Case, wrong: str) -> None:
    with shared.store.reader(1) as reader:
        size = reader.head().size
    with pytest.raises(SchemaViolation, match=wrong):
        tried(shared, case)
    with shared.store.reader(1) as reader:
        assert reader.head().size == size


def test_a_source_or_a_rule_that_there_is_not_is_named(shared: Ledger) -> None:
    with pytest.raises(NotFound, match="no source 'dcs'"):
        tried(shared, Case(name="dcs", expected=Said.FINDING, runs=(batch([], "dcs"), batch([change(1, "1", "2")]))))
    with pytest.raises(NotFound, match="no rule 'D99'"):
        shared.service.quality.challenges.run(shared.service.record_log().log, "D99", cases(), "so", AUTHORITY)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    with contextlib.closing(new_ledger(tmp_path_factory.mktemp("cases") / "ledger")) as ledger:
        yield ledger


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        (stated(RuleState.SHADOW, rule="D99"), "there is no rule 'D99'"),
        (stated(RuleState.SHADOW, version=2), "D11 is of version 1 here: version 2 cannot be shadow"),
        (stated(RuleState.DRAFT, version=0), "version 0 cannot be draft"),
        (stated(RuleState.VALIDATED), "a challenge is named"),
        (stated(RuleState.SHADOW, 41), "a challenge is named"),
    ],
)
def test_a_state_that_cannot_be_is_refused(said: RuleStated, wrong: str) -> None:
    with pytest.raises(SchemaViolation, match=wrong):
        checked(said)


def test_a_version_that_is_not_here_yet_can_be_kept_from_running() -> None:
    ahead = stated(RuleState.DRAFT, version=2)
    assert checked(ahead) == ahead


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    plant = founded(tmp_path_factory.mktemp("states") / "ledger", ENGINEER)
    plant.records(1)
    with contextlib.closing(plant):
        yield Desk(plant)


def standing_of(desk: Desk) -> Standing:
    store = desk.plant.service.store
    with store.reader(desk.log.number) as reader:
        found = standings(store, reader.connection, desk.log, reader.head().size)
    return next(one for one in found if one.about.id == "D11")


def limit(name: ParameterName, value: Limits | Sequence) -> Parameter:
    return Parameter(name=name, value=written(value), reason="set", authority=NOBODY, source="erp")


@pytest.mark.requirement("R67")
def test_a_signed_challenge_validates_a_rule_until_its_parameters_or_its_version_change(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits = Trial(desk, sign=False)
    assert [one.meaning for one in waits.made.sign_off.open] == ["verified"]
    with pytest.raises(Conflict, match=f"nobody signed the trial in entry {waits.made.entry}"):
        waits.validate()
    trial = Trial(desk)
    (entry,) = trial.validate()
    told = standing_of(desk)
    assert (told.state, told.carries, told.entry, told.challenge) == (
        RuleState.VALIDATED, True, entry, trial.made.entry,
    )  # fmt: skip
    desk.change(limit(ParameterName.LIMITS, Limits(late_s=60)))
    assert standing_of(desk).carries, "it does not go by that one"
    (changed,) = desk.change(limit(ParameterName.SEQUENCE, Sequence(policy=SequencePolicy.EVERY)))
    told = standing_of(desk)
    assert (told.state, told.entry, told.carries) == (RuleState.SHADOW, entry, False)
    assert told.why == f"since the trial in entry {trial.made.entry} its parameters were changed by entry {changed}"
    with pytest.raises(Conflict, match="its parameters were changed"):
        trial.validate()
    Trial(desk).validate()
    assert standing_of(desk).carries
    rule = rules()["D11"]
    monkeypatch.setattr(type(rule), "about", msgspec.structs.replace(rule.about, version=2))
    told = standing_of(desk)
    assert (told.state, told.why) == (RuleState.SHADOW, "version 1 was validated, and version 2 is not")
    with pytest.raises(Conflict, match="is a trial of D11 version 1, this is D11 version 2"):
        desk.change(stated(RuleState.VALIDATED, trial.made.entry, version=2))
    assert desk.plant.service.verifier.run(desk.log, full=True).holds


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        (
            [*cases(), planted("wrong", Said.FINDING, change(103, "5", "6"), change(104, "6", "7"))],
            "'wrong' should say finding",
        ),
        (cases()[:1], "none of its cases is a near miss"),
        (cases()[1:], "none of its cases is a finding"),
    ],
    ids=["a case that fails", "no near miss", "no finding"],
)
def test_a_challenge_that_shows_too_little_validates_nothing(desk: Desk, given: list[Case], wrong: str) -> None:
    with pytest.raises(Conflict, match=wrong):
        Trial(desk, *given).validate()


def test_another_entry_is_no_challenge_of_the_rule(desk: Desk) -> None:
    with pytest.raises(Conflict, match="entry 0 is no trial of it"):
        desk.change(stated(RuleState.VALIDATED, 0))
    other = Trial(desk)
    with pytest.raises(Conflict, match="is a trial of D11 version 1, this is D10 version 1"):
        desk.change(stated(RuleState.VALIDATED, other.made.entry, rule="D10"))


def test_once_two_persons_hold_roles_a_state_takes_a_change_that_a_second_one_signs(desk: Desk) -> None:
    service, by = desk.plant.service, desk.engineer.sign_in().authority
    with pytest.raises(ChangeRequestRequired):
        service.quality.configuration.enter(desk.log, [stated(RuleState.RETIRED, rule="D21")], "set", by)
    desk.change(stated(RuleState.RETIRED, rule="D21"))
    assert "D21" in {one.rule for one in service.quality.rules.run(desk.log, by).left_out}


def test_what_a_rule_goes_by_may_not_change_while_its_state_waits_to_be_signed(desk: Desk) -> None:
    waiting = desk.propose(stated(RuleState.VALIDATED, Trial(desk).made.entry))
    signature = desk.sign(waiting)
    desk.change(limit(ParameterName.SEQUENCE, Sequence(policy=SequencePolicy.EVERY, wraps=256)))
    with pytest.raises(Overtaken, match="its parameters were changed"):
        desk.bring(waiting, signature)
