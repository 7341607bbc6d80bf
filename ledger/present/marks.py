"""The words of an exclusion from an evaluation, as every surface says them."""

from ledger.present.inert import one_line
from ledger.present.messages import message


def excluded_text(sort: str, name: str, why: str, lifted: str | None) -> str:
    """From what a record is excluded and why; and why that was `lifted`, if it was."""
    of = {"sort": message(f"exclusion.{sort}"), "name": one_line(name)}
    out = message("marks.excluded", **of, why=one_line(why))
    return out if lifted is None else f"{out}; {message('marks.lifted', why=one_line(lifted))}"
