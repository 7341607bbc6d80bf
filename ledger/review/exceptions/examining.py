"""One rule over the records that it has to look at, and what came of it: counts, findings that begin and that end."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from hashlib import sha256
from typing import Final

from ledger.core import canonical
from ledger.core.entry import Draft, draft
from ledger.core.errors import IntegrityError
from ledger.core.hashing import b64
from ledger.core.rule_run import Examined, Lacking
from ledger.findings.kinds import FINDING, RuleEvent, RuleFinding
from ledger.review.known.facts import Told
from ledger.review.rules import RuleFailed, guarded
from ledger.review.rules.known import Known
from ledger.review.rules.rule import About, Judged, Rule, Said
from ledger.store.reading import LogReader, body_of

AT_ONCE: Final = 2_000
"""Records that a rule judges at once: what lies around them is read once for all."""


class Examination:
    """Gathers what one rule says. `standing`: the keys of its findings that stand and the entries that say so last, by
    the records that it examined.
    """

    def __init__(self, rule: Rule, known: Known, standing: Mapping[int, Mapping[str, int]]) -> None:
        self._rule = rule
        self._known = known
        self._standing = standing
        self._reader = LogReader(known.connection, known.log)
        self._seen: set[int] = set()
        self._counts = Counter[Said]()
        never = known.lacking(rule.about.needs)
        self._lacking = Counter[str]() if never is None else Counter({never: 0})
        self._opened = self._closed = 0
        self.found: list[Draft] = []
        """Findings that begin and that end; of a rule that failed they are not whole."""
        self.waiting: list[int] = []
        """What another source's time keeps it from saying yet."""
        self.failed = ""
        """Why the rule could not go on; empty while it does."""

    def look(self, indices: Iterable[int]) -> None:
        """Judges those of these records that the rule examines and that it has not judged; none once it failed."""
        if self.failed:
            return
        wanted = set(indices) - self._seen
        self._seen.update(wanted)
        held = self._held(wanted)
        try:
            for told, said in judged(self._rule, wanted, self._known):
                self.found += map(draft, self._entered(told, said, held))
        except RuleFailed as error:
            self.failed = error.message

    def look_at_new(self, new: Sequence[Told]) -> None:
        """Judges new records, and those of which they may change what the rule says."""
        try:
            with guarded(self._rule):
                examined = [one.index for one in new if self._rule.examines(one, self._known)]
                touched = list(self._rule.touches(new, self._known))
        except RuleFailed as error:
            self.failed = error.message
        else:
            self.look([*examined, *touched])

    def _held(self, wanted: Set[int]) -> Mapping[str, RuleFinding]:
        """What is said last of the findings on these records that stand, by their keys."""
        entries = [entry for anchor in self._standing.keys() & wanted for entry in self._standing[anchor].values()]
        found = (body_of(one, FINDING, RuleFinding) for one in self._reader.chosen(sorted(entries)))
        return {one.key: one for one in found}

    def _entered(self, anchor: Told, one: Judged | None, held: Mapping[str, RuleFinding]) -> Iterator[RuleFinding]:
        """What ends, what begins, and what stands on other grounds than its last entry tells."""
        stands = self._standing.get(anchor.index, {})
        if one is None:
            one = Judged(anchor.index, Said.CLEAR, "not-examined")
        else:
            self._count(one)
        key = key_of(self._rule.about, one, self._known) if one.said is Said.FINDING else None
        for other in stands:
            if other != key:
                self._closed += 1
                yield self._entry(anchor, one, other, RuleEvent.CLOSED)
        if key is None:
            return
        now = self._entry(anchor, one, key, RuleEvent.OPENED)
        self._opened += key not in stands
        if held.get(key) != now:
            yield now

    def _count(self, one: Judged) -> None:
        self._counts[one.said] += 1
        if one.said is Said.LACKING:
            self._lacking[one.why] += 1
        elif one.said is Said.PENDING:
            self.waiting.append(one.anchor)

    def _entry(self, anchor: Told, one: Judged, key: str, event: RuleEvent) -> RuleFinding:
        about = self._rule.about
        return RuleFinding(
            rule=about.id,
            version=about.version,
            event=event,
            key=key,
            anchor=anchor.index,
            entries=one.entries or (anchor.index,),
            source=anchor.record.source,
            severity=one.severity or about.severity,
            why=one.why or one.said.value,
            detail=one.detail,
        )

    @property
    def examined(self) -> Examined:
        """What it came to."""
        counts, about = self._counts, self._rule.about
        return Examined(
            rule=about.id,
            version=about.version,
            examined=counts.total(),
            clear=counts[Said.CLEAR],
            explained=counts[Said.EXPLAINED],
            findings=counts[Said.FINDING],
            opened=self._opened,
            closed=self._closed,
            pending=counts[Said.PENDING],
            unordered=counts[Said.UNORDERED],
            lacking=tuple(Lacking(input=name, records=of) for name, of in sorted(self._lacking.items())),
        )


def judged(rule: Rule, indices: Iterable[int], known: Known) -> Iterator[tuple[Told, Judged | None]]:
    """What a rule says of these records, some at a time; None of those that it does not examine. Raises RuleFailed."""
    wanted = sorted(set(indices))
    for at in range(0, len(wanted), AT_ONCE):
        told = known.told(wanted[at : at + AT_ONCE])
        with guarded(rule):
            examined = {one.index: one for one in told if rule.examines(one, known)}
            said = [(examined[one.anchor], one) for one in _said(rule, list(examined.values()), known)]
        yield from said
        yield from ((one, None) for one in told if one.index not in examined)


def _said(rule: Rule, examined: Sequence[Told], known: Known) -> Iterator[Judged]:
    """What the rule says, where what it needs was connected at the time."""
    able = []
    for one in examined:
        lacking = known.lacking(rule.about.needs, one.moment_us)
        if lacking is None:
            able.append(one)
        else:
            yield Judged(one.index, Said.LACKING, lacking)
    yield from rule.judge(able, known)


def key_of(about: About, one: Judged, known: Known) -> str:
    """Names a finding by what it rests on, as the sources call it: the same wherever it stands in the log."""
    records = (told.record for told in known.told(one.entries))
    ids = [[record.source, record.source_record_id] for record in records]
    if len(ids) != len(one.entries):
        raise IntegrityError(f"rule {about.id} rests on records that are not there: verify the ledger")
    return b64(sha256(canonical.dumps([about.id, about.version, sorted(ids)])).digest())
