"""Level 2 recounts assessments: a forged number, and a forged cell behind a number that agrees with it, are found."""

from collections.abc import Sequence

import msgspec
import pytest

from ledger.core.assessment import Assessment
from ledger.core.entry import draft
from ledger.core.record import Original
from ledger.review.alcoa import recounting
from ledger.review.alcoa.attributes import Check, Verdict
from ledger.review.alcoa.cells import FORMAT, MEDIA_TYPE, VERSION, BlockCells, grouped, read, written
from ledger.review.alcoa.recounting import difference
from ledger.sources.prepare import keep_original
from ledger.store.reading import VaultReader
from tests.integration.review.test_assessments import bodies, filled, run, size_of
from tests.support.ledgers import RECORDS, Ledger


def level_2(ledger: Ledger) -> tuple[str | None, str]:
    """What level 2 finds, and what it has not looked at."""
    report = ledger.service.verifier.run(ledger.service.record_log().log, levels=(2,))
    found = next(one for one in report.result.levels if one.level == 2)
    fault = found.fault
    return None if fault is None else f"entry {fault.index} of log {fault.log}: {fault.what}", found.open


def assessed(ledger: Ledger) -> tuple[int, Assessment, list[BlockCells]]:
    """The entry of a run, and its cells."""
    filled(ledger)
    (index,) = run(ledger).entries
    (body,) = bodies(ledger, [index])
    with ledger.store.reading() as connection:
        kept = VaultReader(connection).original(RECORDS, index)
    assert kept is not None
    return index, body, list(read(kept.value or b""))


def enter(ledger: Ledger, body: Assessment, cells: Sequence[BlockCells], version: str = VERSION) -> int:
    """Enters an assessment again with these cells, as who may append could."""
    made = Original(data=written(cells), media_type=MEDIA_TYPE, parser=FORMAT, parser_version=version)
    reference, item = keep_original(made)
    return ledger.store.append_one(RECORDS, draft(msgspec.structs.replace(body, cells=reference), vault=(item,))).index


def failing_nowhere(block: BlockCells) -> BlockCells:
    """The block with all that fails in it holding."""
    found = [
        (index, tuple(Verdict.HOLDS if verdict[0] == "F" else verdict for verdict in one.cells))
        for one in block.vectors
        for index in one.members
    ]
    return BlockCells.of(block.source, block.day, grouped(found))


def numbered(body: Assessment, cells: Sequence[BlockCells]) -> Assessment:
    """The assessment with the numbers that come from these cells."""
    blocks = zip(body.blocks, cells, strict=True)
    return msgspec.structs.replace(
        body, blocks=tuple(msgspec.structs.replace(one, tallies=of.tallies) for one, of in blocks)
    )


def test_numbers_that_are_not_those_of_the_cells_are_found(sqlite_ledger: Ledger) -> None:
    _, body, cells = assessed(sqlite_ledger)
    assert level_2(sqlite_ledger) == (None, "")
    forged = numbered(body, [failing_nowhere(one) for one in cells])
    assert forged != body
    entry = enter(sqlite_ledger, forged, cells, version="1")
    fault, _ = level_2(sqlite_ledger)
    assert fault is not None
    assert fault.startswith(f"entry {entry} of log {RECORDS}: its numbers of dcs of ")


@pytest.mark.requirement("C03")
def test_cells_that_records_do_not_come_to_are_found_though_the_numbers_agree(ledger: Ledger) -> None:
    _, body, cells = assessed(ledger)
    forged = [failing_nowhere(one) for one in cells]
    entry = enter(ledger, numbered(body, forged), forged)
    fault, _ = level_2(ledger)
    assert fault is not None
    assert fault.startswith(f"entry {entry} of log {RECORDS}: its cells of dcs of ")
    assert " is F:" in fault
    assert fault.endswith(", not P")


@pytest.mark.parametrize(
    ("check", "said", "comes_to", "differs"),
    [
        ("C06", Verdict.HOLDS, Verdict.NOT_DERIVED, True),
        ("C06", Verdict.HOLDS, Verdict.NO_PARSER, False),
        ("C06", Verdict.NO_PARSER, Verdict.NOT_DERIVED, False),
        ("C05", Verdict.NO_CLOCK, Verdict.HOLDS, True),
        ("C05", Verdict.HOLDS, Verdict.HOLDS, False),
    ],
)
def test_that_a_program_came_or_went_makes_no_assessment_false(
    check: str, said: Verdict, comes_to: Verdict, differs: bool
) -> None:
    def cells(verdict: Verdict) -> dict[int, list[Verdict]]:
        return {7: [verdict if one.value == check else Verdict.HOLDS for one in Check]}

    found = difference(cells(said), cells(comes_to))
    assert found == (f"{check} of entry 7 is {comes_to.value}, not {said.value}" if differs else None)


def test_a_record_that_cells_leave_out_is_found(sqlite_ledger: Ledger) -> None:
    _, body, cells = assessed(sqlite_ledger)
    first, *rest = cells
    lacking = BlockCells(source=first.source, day=first.day, vectors=first.vectors[1:])
    blocks = (msgspec.structs.replace(body.blocks[0], records=lacking.records), *body.blocks[1:])
    made = numbered(msgspec.structs.replace(body, blocks=blocks), [lacking, *rest])
    entry = enter(sqlite_ledger, made, [lacking, *rest])
    fault, _ = level_2(sqlite_ledger)
    assert fault is not None
    assert f"entry {entry} of" in fault
    assert f"entry {min(first.vectors[0].members)} is in one of them alone" in fault


def test_of_more_than_is_recounted_a_seed_draws_and_says_so(
    sqlite_ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = sqlite_ledger
    _, body, cells = assessed(ledger)
    forged = [failing_nowhere(cells[0]), *cells[1:]]
    assert forged != cells
    enter(ledger, numbered(body, forged), forged)
    monkeypatch.setattr(recounting, "MOST_RECORDS", 1)
    log, told = ledger.service.record_log().log, {}
    with ledger.store.reading() as connection:
        for seed in range(40):
            once, again = (
                ledger.service.quality.recounting(connection, log, 0, size_of(ledger), lambda _: None, seed)
                for _ in range(2)
            )
            assert once == again
            told[seed] = once
    found = [one.fault for one in told.values()]
    assert None in found
    assert any(found), "no seed draws the forged block"
    honest = next(seed for seed, one in told.items() if one.fault is None)
    rest = f"{2 * len(cells) - 1} of {2 * len(cells)}"
    assert told[honest].left_out == f"the cells of {rest} assessed blocks (the others were drawn by seed {honest})"


def test_what_an_earlier_version_judged_is_not_judged_again_and_is_told(sqlite_ledger: Ledger) -> None:
    _, body, cells = assessed(sqlite_ledger)
    forged = [failing_nowhere(one) for one in cells]
    enter(sqlite_ledger, numbered(body, forged), forged, version="1")
    assert level_2(sqlite_ledger) == (
        None,
        f"the cells of {len(cells)} assessed blocks that an earlier version judged",
    )
