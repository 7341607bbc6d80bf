"""Answers that may be about a person: allowed before they are read, and entered before they are given."""

from collections.abc import Callable
from typing import NamedTuple, TypeVar

from ledger.api.context import Context
from ledger.core.address import LogId
from ledger.people.access import Caller
from ledger.privacy.look_up_kinds import Purpose
from ledger.privacy.look_ups import Allowed
from ledger.store.question import Query
from ledger.store.reading import LogReader

T = TypeVar("T")


class Question(NamedTuple):
    """What is asked for, for what purpose if one is said, and the person of the map that is named beside it."""

    query: Query
    purpose: Purpose | None
    person: str | None = None


async def looked_up(
    context: Context,
    caller: Caller,
    log: LogId,
    question: Question,
    read: Callable[[LogReader, bool], tuple[T, int]],
) -> T:
    """The answer that `read` makes of one snapshot, with how many records it has; told whether it is about a person.

    Raises PurposeRequired as `LookUps.allow` does.
    """
    look_ups = context.service.look_ups
    query, purpose, person = question

    def work() -> tuple[T, int, Allowed | None]:
        with context.service.store.reader(log.number) as reader:
            allowed = look_ups.allow(reader.connection, log.number, query, caller.account, purpose, person)
            answer, count = read(reader, allowed is not None)
            return answer, count, allowed

    answer, count, allowed = await context.lanes.read(work)
    if allowed is not None:
        await context.lanes.append(look_ups.enter, allowed, log.name, count, caller.account, caller.authority)
    return answer
