"""What was decided of the reviews of batches: what of their findings is deferred, and what was answered about them.

A package of a batch holds what was decided of that batch; any other, a search's too, of each batch that one of its
records names. Which batches a record that names none may belong to is asked nowhere in a search.

Fed with those entries in order, by whoever writes a package and by whoever verifies it alike. It rests on `ledger.core`
alone.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from typing import Any, NamedTuple

from ledger.core.disposition import Deferral, defers
from ledger.core.entry import decode_leaf
from ledger.core.record import LinkKind, Record
from ledger.core.review_answer import AnswerState, ReviewAnswer
from ledger.core.signature import Statement
from reports.lines import EntryLine, EntryRole
from reports.reading import body_of
from reports.verdict import Check, Outcome

_HELD = frozenset({AnswerState.COMPLETE, AnswerState.DEFERRED})


class Deferred(NamedTuple):
    """A deferral by its entry, and when it was asked for (UTC)."""

    entry: int
    at: str
    body: Deferral


class Answered(NamedTuple):
    """An answer by its entry, and when it was given (UTC)."""

    entry: int
    at: str
    body: ReviewAnswer


class Decided:
    """The deferrals and answers that went by."""

    def __init__(self) -> None:
        self.deferrals: list[Deferred] = []
        self.answers: list[Answered] = []
        self._named: set[str] = set()

    def record(self, record: Record) -> None:
        """Takes a record of the package, which may name batches."""
        self._named.update(link.id for link in record.links if link.kind is LinkKind.BATCH)

    def about(self, selection: Mapping[str, Any]) -> Set[str]:
        """The batches of which decisions belong in a package of this selection, once all its records went by."""
        asked = batch_of(selection)
        return self._named if asked is None else {asked}

    @property
    def last(self) -> Iterable[Answered]:
        """The last answer about each batch, in the order of the batches' names."""
        return dict(sorted((one.body.batch, one) for one in self.answers)).values()

    def enter(self, line: EntryLine) -> None:
        """Takes the next entry of one of the roles; raises IntegrityError for one that is none."""
        at = decode_leaf(bytes(line.leaf)).logged_at
        if line.role is EntryRole.DEFERRAL:
            self.deferrals.append(Deferred(line.index, at, body_of(line, Deferral)))
        else:
            self.answers.append(Answered(line.index, at, body_of(line, ReviewAnswer)))

    def of_others(self, selection: Mapping[str, Any]) -> Iterator[int]:
        """The entries that are about a batch of which nothing belongs in the package."""
        batches = self.about(selection)
        named = [(one.entry, one.body.batch) for one in self.deferrals]
        named += [(one.entry, one.body.batch) for one in self.answers]
        yield from (entry for entry, about in named if about not in batches)


def batch_of(selection: Mapping[str, Any]) -> str | None:
    """The batch that a package is of; None for one of a search, or of anything else than a batch."""
    return selection.get("id") if selection.get("kind") == LinkKind.BATCH.value else None


def decided_checks(decided: Decided, signed: Callable[[int], Iterable[Statement]]) -> Iterator[Check]:
    """What the verdict says of each deferral, and of the last answer about each batch.

    `signed`: the valid signatures over an entry.
    """
    for one in decided.deferrals:
        body = one.body
        by = [f"{said.signer.name} ({said.signer.account})" for said in signed(one.entry) if defers(body, said)]
        approved = f"approved by {', '.join(by)}" if by else "no other person who approves has signed it: not in force"
        yield Check(
            name=f"Deferral {one.entry}",
            outcome=Outcome.HOLDS if by else Outcome.UNKNOWN,
            says=f"{len(body.findings)} findings about {body.batch} until {body.expires_at}, asked for by "
            f"{body.authority.actor} at {one.at}; what goes on: {body.scope}; why that is no risk: {body.risk}; "
            + approved,
            not_proven="that what was decided is right, or that no later entry took its place",
        )
    times = Counter(one.body.batch for one in decided.answers)
    for last in decided.last:
        why = "; ".join(reason.what for reason in last.body.reasons)
        yield Check(
            name="Audit trail review",
            outcome=Outcome.HOLDS if last.body.state in _HELD else Outcome.UNKNOWN,
            says=f"asked {times[last.body.batch]} times; last answered at {last.at}, as of {last.body.size} entries: "
            f"{last.body.batch} is {last.body.state.value}" + (f" ({why})" if why else ""),
            not_proven="that a reviewer saw everything, or what came after that size; nothing is certified or released",
        )
