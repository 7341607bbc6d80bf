"""The generated month: the same seed gives the same one, its records are whole, and what is known of it is so."""

import ast
import random
from collections import Counter
from collections.abc import Iterator
from hashlib import sha256
from itertools import islice
from pathlib import Path

import msgspec
import pytest

from ledger.core import canonical
from ledger.core.clock import parse_utc, utc_text
from ledger.core.record import LinkKind, Record
from ledger.core.run import RunBatch
from ledger.core.times import parse_source_time
from tests.plant import Plant
from tests.plant.faults import FAULTS, Fault
from tests.plant.feed import LARGEST, PARSER, derive
from tests.plant.model import END, HOUR, SITE_ZONE, START, Fact
from tests.plant.systems import SYSTEMS
from tests.plant.texts import Style, doubled, utc
from tests.support.seeds import SEED

RECORDS = 12_000


@pytest.fixture(scope="module")
def plant() -> Plant:
    return Plant(SEED, RECORDS)


@pytest.fixture(scope="module")
def runs(plant: Plant) -> list[RunBatch]:
    return list(plant.runs(1))


def digest(made: Plant, order: int) -> str:
    found, encode = sha256(), msgspec.json.Encoder().encode
    for run in made.runs(order):
        found.update(encode(run))
    return found.hexdigest()


def test_the_same_seed_gives_the_same_month_and_another_another() -> None:
    made = [digest(Plant(seed, 4_000), order) for seed, order in ((1, 1), (1, 1), (1, 2), (2, 1))]
    assert made[0] == made[1]
    assert len(set(made)) == 3


def test_there_are_exactly_as_many_records_as_asked_for_each_once(plant: Plant, runs: list[RunBatch]) -> None:
    told = [one.record.source_record_id for run in runs for one in run.submissions]
    assert sorted(told, key=int) == [str(number) for number in range(RECORDS)]
    assert [fact.number for fact in plant.month.facts] == list(range(RECORDS))


def test_a_month_too_small_for_its_story_is_refused() -> None:
    with pytest.raises(ValueError, match="the story of such a month alone"):
        Plant(SEED, 200)


def test_another_order_of_arrival_mixes_the_sources_and_changes_no_run(plant: Plant, runs: list[RunBatch]) -> None:
    other = list(plant.runs(2))
    assert [run.source for run in other] != [run.source for run in runs]
    for system in SYSTEMS:
        assert [run for run in other if run.source == system.source] == [
            run for run in runs if run.source == system.source
        ]


def test_the_runs_of_a_source_follow_each_other(runs: list[RunBatch]) -> None:
    for system in SYSTEMS:
        own = [run for run in runs if run.source == system.source]
        assert own[0].cursor_from is None
        assert [run.cursor_from for run in own[1:]] == [run.cursor_to for run in own[:-1]]
        assert [run.ended_at for run in own] == sorted({run.ended_at for run in own})
        for run in own:
            assert run.started_at <= run.ended_at
            assert len(run.submissions) <= LARGEST
            assert all(run.started_at <= one.received_at <= run.ended_at for one in run.submissions)


def test_every_record_is_one_of_the_core_and_is_read_again_from_its_original(runs: list[RunBatch]) -> None:
    decoder = msgspec.json.Decoder(RunBatch)
    kept = Counter[str]()
    for run in runs:
        assert decoder.decode(msgspec.json.encode(run)) == run
        for one in run.submissions:
            canonical.encode_struct(one.record)
            parse_utc(one.received_at)
            if one.original is not None:
                kept[one.original.parser] += 1
                if one.original.parser != PARSER:
                    assert derive(one.original) is None
                elif derive(one.original) != one.record:
                    kept["other"] += 1
    assert kept[PARSER] > RECORDS * 0.9
    assert 0 < kept["other"] < RECORDS * 0.01
    assert kept["retired"] > 0


def test_every_time_is_what_a_collector_reads_from_its_text(runs: list[RunBatch]) -> None:
    zones = {system.source: SITE_ZONE if system.style is Style.BARE else None for system in SYSTEMS}
    unread = 0
    for record in told(runs):
        for time in (record.occurred_at, record.source_recorded_at):
            if time is None or "/" in time.text:
                continue
            expected = parse_source_time(time.text, zones[record.source])
            if time.text.startswith("?"):
                expected = msgspec.structs.replace(parse_source_time(time.text), text=time.text)
            assert time == expected
            unread += time.instant_us is None
    assert unread > 0


def told(runs: list[RunBatch]) -> Iterator[Record]:
    return (one.record for run in runs for one in run.submissions)


def test_instants_are_written_as_the_core_writes_them() -> None:
    for instant in (START, START + 59_999_999, END - 1, START + 1):
        assert utc(instant) == utc_text(instant)


def test_only_the_hour_that_occurs_twice_is_untold() -> None:
    hours = [hour for hour in range(START, END, HOUR) if doubled(hour)]
    assert len(hours) == 2
    assert not doubled(hours[0] - 1)
    assert not doubled(hours[1] + HOUR)
    assert parse_source_time(utc(hours[0] + 2 * HOUR)[:16], SITE_ZONE).instant_us is None


def test_the_month_has_what_makes_a_plant_hard_to_read(plant: Plant, runs: list[RunBatch]) -> None:
    facts = plant.month.facts
    assert len({fact.source for fact in facts}) == len(SYSTEMS) >= 9
    assert sum(one.shared for one in plant.maps().accounts) == 6
    assert {len(lane.outages) for lane in plant.draft.lanes.values()} == {3}
    assert all(sum(len(run.unreachable) for run in runs if run.source == system.source) == 3 for system in SYSTEMS)
    late = plant.planted["late"]
    assert len(late) == RECORDS * 0.02
    assert max(fact.received - fact.at for fact in late) > 3 * 24 * HOUR
    assert any(person.leaves is not None for person in plant.draft.site.people)
    assert len([row for row in plant.maps().places if row.until is not None]) == 1
    assert len(plant.maps().corrections) == 2
    assert {fact.look[1] - fact.look[0] for fact in facts if fact.look is not None} == {10_000_000}
    assert len(plant.month.batches) == 4
    assert any(len(plant.truth.batches(fact.number)) == 0 for fact in facts)


def test_parameters_are_plain_json_and_of_names_that_are_judged_by(plant: Plant) -> None:
    for one in plant.parameters():
        assert msgspec.json.decode(msgspec.json.encode(one.value)) == msgspec.to_builtins(one.value)
    assert {one.name for one in plant.parameters()} == {
        "available", "corroboration", "cross-footing", "enduring", "expected", "limits", "occupation", "profile",
        "range", "schema", "sequence", "travel", "vague-words",
    }  # fmt: skip


def honest(plant: Plant) -> list[Fact]:
    """The facts whose told time is that of their system, under a clock as it was when they happened."""
    wrong = {fact.number for name in ("backdated", "clock_off", "lost_stop") for fact in plant.planted[name]}
    lanes = plant.draft.lanes
    return [
        fact
        for fact in plant.month.facts
        if fact.number not in wrong
        and (fact.clock is None or not lanes[fact.source].shift(parse_utc(fact.clock.measured_at)))
    ]


def test_what_happened_lies_in_what_is_told_of_when(plant: Plant) -> None:
    spans = plant.truth.known.spans
    dated = [(fact, span) for fact in honest(plant) if (span := spans[fact.number]) is not None]
    assert len(dated) > RECORDS * 0.9
    assert [fact.number for fact, span in dated if not span.low <= fact.at <= span.high] == []


def test_what_is_known_to_come_first_did(plant: Plant) -> None:
    rng, facts, known = random.Random(SEED), honest(plant), plant.truth.known
    facts.sort(key=lambda fact: fact.at)
    ordered = 0
    for _ in range(20_000):
        place = rng.randrange(len(facts) - 30)
        one, other = facts[place], facts[place + rng.randrange(1, 30)]
        first = known.first(one, other)
        ordered += first is not None
        assert first is not other or one.at == other.at, (one.number, other.number)
    assert ordered > 5_000


def test_a_certain_member_was_there_while_the_batch_was(plant: Plant) -> None:
    truth, right = plant.truth, {fact.number for fact in honest(plant)}
    certain = 0
    for batch in plant.month.batches:
        windows = truth.windows(batch)
        for number, how in truth.membership(batch.id).items():
            if how.basis == "derived" and how.certain and number in right:
                fact = plant.month.facts[number]
                around = [one for one in windows if one.asset in truth.known.assets[number]]
                assert any(one.lead.low <= fact.at and (one.tail is None or fact.at <= one.tail.high) for one in around)
                certain += 1
    assert certain > 100


def test_nothing_of_a_batch_or_of_critical_equipment_is_lost(plant: Plant) -> None:
    truth, facts = plant.truth, plant.month.facts
    orphans = set(truth.orphans(START - HOUR, END + 40 * 24 * HOUR))
    members = {number for batch in plant.month.batches for number in truth.membership(batch.id)}
    uncritical = {
        fact.number
        for fact in facts
        if not any(
            row.critical for asset in truth.known.assets[fact.number] for row in truth.known.rows_of(asset, fact.moment)
        )
    }
    assert not orphans & members
    assert orphans | members | uncritical == set(range(RECORDS))
    unlinked = plant.planted["unlinked"]
    assert unlinked
    assert all(fact.number in members or fact.number in orphans | uncritical for fact in unlinked)
    assert any(any(fact.linked(LinkKind.BATCH)) for fact in facts)


def test_a_release_that_does_not_name_its_batch_is_no_partner_of_it(plant: Plant) -> None:
    lost = {fact.thing.id for fact in plant.planted["releases_unlinked"]}
    for batch in plant.month.batches:
        release = next(one for one in plant.truth.partners(batch) if one.step == "release")
        assert release.state == "there" or batch.id in lost or batch is plant.month.batches[-1]
        assert not (batch.id in lost and release.state == "there")


@pytest.mark.parametrize("fault", FAULTS, ids=[fault.name for fault in FAULTS])
def test_each_fault_is_planted_and_shows_in_the_checks_that_it_names(plant: Plant, fault: Fault) -> None:
    altered = plant.planted[fault.name]
    if fault.name != "outages":
        assert altered
    touched = Counter(fact.number for facts in plant.planted.values() for fact in facts)
    alone = [fact for fact in altered if touched[fact.number] == 1]
    for check, verdict in fault.shows.items():
        assert verdict in {plant.truth.cell(fact.number, check) for fact in altered}
        assert "P" not in {plant.truth.cell(fact.number, check) for fact in alone}
        honest_ones = Counter(
            plant.truth.cell(fact.number, check)
            for fact in islice(plant.month.facts, 0, None, 7)
            if not touched[fact.number]
        )
        assert honest_ones[verdict] <= 0.15 * honest_ones.total()


def test_the_plant_uses_nothing_of_the_product_but_its_core() -> None:
    root = Path(__file__).parents[2] / "plant"
    named = set()
    for path in root.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.ImportFrom):
                named.add(node.module or "")
            elif isinstance(node, ast.Import):
                named.update(alias.name for alias in node.names)
    product = {name for name in named if name.split(".")[0] in ("ledger", "collectors", "reports")}
    assert product
    assert {".".join(name.split(".")[:2]) for name in product} == {"ledger.core"}
