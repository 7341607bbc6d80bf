"""What the rules say of each record of a population, counted, and of which time of its sources nothing is known."""

from collections.abc import Iterable, Iterator

from sqlalchemy import Connection

from ledger.core.clock import utc_text
from ledger.core.errors import Conflict, NotFound
from ledger.core.kinds import KindRegistry
from ledger.core.members import Members
from ledger.core.review import UnknownTime
from ledger.core.rule_run import Examined
from ledger.core.ruling import RUNS
from ledger.review.exceptions.examining import Examination
from ledger.review.exceptions.knowing import known_since
from ledger.review.exceptions.left import newest
from ledger.review.life.states import running
from ledger.review.rules import rules
from ledger.sources.coverage import Coverage
from ledger.sources.covering import cover
from ledger.sources.parameters import Parameters


def examined(
    connection: Connection, kinds: KindRegistry, parameters: Parameters, log: int, size: int, members: Members
) -> tuple[Examined, ...]:
    """Of each rule that runs, of how many of these records it says what, as of a size. Nothing is entered.

    Raises Conflict where a rule fails.
    """
    known = known_since(connection, kinds, parameters, log, size, newest(connection, log))
    states = running(connection, log, size)
    found = []
    for name, rule in rules().items():
        if states[name] not in RUNS:
            continue
        examination = Examination(rule, known, {})
        examination.look(members)
        if examination.failed:
            raise Conflict(examination.failed, advice="Correct its file, or retire the rule, then conclude the review.")
        found.append(examination.examined)
    return tuple(found)


def unknown_times(
    connection: Connection, kinds: KindRegistry, log: int, size: int, sources: Iterable[str], span: tuple[int, int]
) -> Iterator[UnknownTime]:
    """The stretches of these sources' time, within a span, of which it is not known what happened."""
    for source in sources:
        try:
            stretches = cover(connection, kinds, log, size, source, *span).stretches
        except NotFound:
            continue  # a source that was not registered by then is told of as a system that is not connected
        for one in stretches:
            if one.state is not Coverage.COVERED:
                yield UnknownTime(
                    source=source,
                    state=one.state.value,
                    from_at=utc_text(one.low_us),
                    to_at=utc_text(one.high_us),
                )
