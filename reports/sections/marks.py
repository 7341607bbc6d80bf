"""The marks of a record in the words of the report: entered by hand, corrected, excluded."""

from ledger.present.marks import excluded_text
from ledger.present.messages import message
from reports.marks import Marks


def words(marks: Marks, index: int) -> list[str]:
    """The marks of a record, each for a line of its own."""
    mine, found = marks.of(index), list[str]()
    if mine is None:
        return found
    if mine.by_hand is not None:
        found.append(message(f"marks.by-hand.{mine.by_hand}"))
    if mine.corrects is not None:
        found.append(message("marks.corrects", address=mine.corrects))
    found += [message("marks.corrected", address=marks.address(one)) for one in mine.corrected_by]
    for one in marks.exclusions(index):
        of, lifted = one.body.evaluation, None if one.lifted is None else one.lifted.justification
        found.append(excluded_text(of.sort, of.name, one.body.justification, lifted))
    return found
