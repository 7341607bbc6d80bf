"""Assessments in the ledger that is attacked."""

from ledger.core.assessment import Assessment, Block, Place, Retrieved
from ledger.core.clock import utc_text
from ledger.core.entry import draft
from ledger.core.record import Original
from ledger.review.alcoa.attributes import Check, Verdict
from ledger.review.alcoa.cells import FORMAT, MEDIA_TYPE, BlockCells, written
from ledger.sources.prepare import keep_original
from tests.support.ledgers import AUTHORITY, RECORDS, START_US, Ledger


def _found(number: int) -> dict[tuple[Verdict, ...], range]:
    """Verdicts of records such that each attribute has numbers of its own, and other ones in each round."""
    made, first = {}, 0
    for at in range(len(Check)):
        for verdict, count in ((Verdict.LATE, 2 * at + number + 1), (Verdict.SEALED, 3 * at + number + 2)):
            cells = [Verdict.HOLDS] * len(Check)
            cells[at] = verdict
            made[tuple(cells)] = range(first, first + count)
            first += count
    return made


def assessments(ledger: Ledger, number: int) -> None:
    """A run of two entries, of another day and with other numbers in each round."""
    for part, source in enumerate(("dcs", "erp")):
        day = f"2026-11-{10 + number}"
        cells = BlockCells.of(source, day, _found(number))
        # Of an earlier version, so that nobody judges again what these records are worth.
        original, item = keep_original(
            Original(data=written([cells]), media_type=MEDIA_TYPE, parser=FORMAT, parser_version="0")
        )
        body = Assessment(
            low=number,
            size=number + 1,
            system_size=number,
            at=utc_text(START_US + number),
            blocks=(Block(source=source, day=day, records=cells.records, tallies=cells.tallies, succeeds=None),),
            same=number,
            through=Place(source=source, day=day),
            last=bool(part),
            altered_by=(number,),
            retrieval=(Retrieved(source=source, index=1, milliseconds=number, opened=True),),
            cells=original,
            authority=AUTHORITY,
        )
        ledger.store.append_one(RECORDS, draft(body, vault=(item,)))
