"""A record against what was planted, member by member: who, what, old, new and when."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec

from ledger.core.clock import MICROSECONDS, parse_utc, utc_text
from ledger.core.record import Change, Outcome, Record, RecordBody, Sealed
from ledger.core.sealing import sealed_members
from ledger.core.times import Precision
from ledger.core.vault import Kept
from ledger.sources.challenge_kinds import Challenge, ChallengeRun, Compared
from ledger.sources.challenge_schedule import NEW, number_range, same_value

OBJECT_ID, NEW_VALUE, TIME = "object id", "new", "time"
"""Names of members by which a record is found at all."""
_NOT_SAID: Final = "not said"
_WIDTH_US: Final[Mapping[Precision, int]] = {
    Precision.YEAR: 366 * 86_400 * MICROSECONDS,
    Precision.MONTH: 31 * 86_400 * MICROSECONDS,
    Precision.DAY: 86_400 * MICROSECONDS,
    Precision.MINUTE: 60 * MICROSECONDS,
    Precision.SECOND: MICROSECONDS,
    Precision.MILLISECOND: 1000,
}


def compare(challenge: Challenge, run: ChallengeRun, body: RecordBody, sealed: Sequence[Kept]) -> tuple[Compared, ...]:
    """Each member that the challenge expects something of, and whether it holds; `sealed` are the record's values."""
    return tuple(_compared(challenge, run, body, sealed))


def _compared(challenge: Challenge, run: ChallengeRun, body: RecordBody, sealed: Sequence[Kept]) -> Iterator[Compared]:
    expected, record = challenge.expected, body.record
    number = number_range(challenge.planting.value) is not None
    values = _Values(record, sealed)
    for member, wanted, found in (
        ("account", expected.account, record.actor.account),
        ("action", expected.action, record.action),
        ("object type", expected.object_type, record.object.type),
        (OBJECT_ID, expected.object_id.replace(NEW, run.new), record.object.id),
        ("outcome", Outcome.SUCCESS, record.outcome),
    ):
        if wanted is not None:
            told = _NOT_SAID if found is None else str(found)
            yield Compared(member=member, expected=str(wanted), found=told, holds=str(wanted) == told)
    change = _change(record, expected.attribute, run.new, values, number)
    if expected.attribute is None:
        yield _anywhere(record, run.new, values)
    else:
        yield Compared(
            member="attribute",
            expected=expected.attribute,
            found=", ".join(one.attribute for one in record.changes) or _NOT_SAID,
            holds=change is not None,
        )
        yield _value(NEW_VALUE, run.new, None if change is None else values.of(change, "new"), number)
    if expected.old and run.old is not None:
        yield _value("old", run.old, None if change is None else values.of(change, "old"), number)
    yield _time(challenge, run, body)


class _Values:
    """The texts of a record's values; sealed ones are opened, where the vault still has them."""

    def __init__(self, record: Record, sealed: Sequence[Kept]) -> None:
        by_place = {one.ordinal: one.value for one in sealed}
        self._opened: dict[str, str | None] = {}
        for place, (_, commitment) in enumerate(sealed_members(record)):
            if place in by_place:
                self._opened[commitment] = self.text(msgspec.json.decode(by_place[place]))

    def text(self, value: object) -> str | None:
        """A value as text; None where the source does not say, or the value is no longer there."""
        if isinstance(value, Sealed):
            return self._opened.get(value.sealed)
        if value is None or value is msgspec.UNSET:
            return None
        return str(value).lower() if isinstance(value, bool) else str(value)

    def of(self, change: Change, side: str) -> str | None:
        return self.text(getattr(change, side))


def _change(record: Record, attribute: str | None, new: str, values: _Values, number: bool) -> Change | None:
    """The change of the attribute: the one to the new value, if there are several."""
    fitting = [one for one in record.changes if attribute is None or one.attribute == attribute]
    exact = [one for one in fitting if same_value(new, values.of(one, "new"), number=number)]
    return next(iter((*exact, *(fitting if attribute is not None else ()))), None)


def _anywhere(record: Record, new: str, values: _Values) -> Compared:
    texts = [record.object.id, values.text(record.object.name), values.text(record.reason)]
    for change in record.changes:
        texts += [values.of(change, "old"), values.of(change, "new")]
    there = any(new in text for text in texts if text is not None)
    return Compared(member=NEW_VALUE, expected=new, found=new if there else "not in the record", holds=there)


def _value(member: str, wanted: str, found: str | None, number: bool) -> Compared:
    told = _NOT_SAID if found is None else found
    return Compared(member=member, expected=wanted, found=told, holds=same_value(wanted, found, number=number))


def _time(challenge: Challenge, run: ChallengeRun, body: RecordBody) -> Compared:
    """Within the time of planting, by our clock: the source's measured offset is taken off, its uncertainty allowed."""
    claimed = body.record.occurred_at
    offset = body.clock.offset_us if body.clock else 0
    uncertain = body.clock.uncertainty_us if body.clock else 0
    early = parse_utc(run.begun_at)
    late = parse_utc(run.planted_at or body.received_at)
    slack = challenge.expected.tolerance_us + uncertain
    width = _WIDTH_US.get(claimed.precision, 1)
    wanted = f"{utc_text(early)} to {utc_text(late)} ± {slack / MICROSECONDS:.3f} s"
    if claimed.instant_us is None:
        return Compared(member=TIME, expected=wanted, found=claimed.text or _NOT_SAID, holds=False)
    at = claimed.instant_us - offset
    found = utc_text(at) if not offset else f"{utc_text(at)} (the source's clock is {offset / MICROSECONDS:+.3f} s off)"
    return Compared(member=TIME, expected=wanted, found=found, holds=early - slack < at + width and at <= late + slack)
