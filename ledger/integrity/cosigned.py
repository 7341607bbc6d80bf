"""Level 3: what the system log's entries say that witnesses said.

Each names a checkpoint that is stored, with this root; each line verifies by a key of a policy that counted then; and
quorum and policy are those that the entries before it give. A line that is taken away, or another policy slipped in,
shows at the entry. An incremental run begins with the last that was judged, by the policy that was in force before it,
and reads the earlier lines of a checkpoint only where witnesses said more of it.
"""

from collections.abc import Iterator

from ledger.core.checkpoint import Checkpoint
from ledger.core.entry import Entry
from ledger.core.errors import IntegrityError, LedgerError
from ledger.core.hashing import unb64
from ledger.core.note import Verifier, parse_note, with_lines
from ledger.core.witness_policy import CheckpointWitnessedEntry, WitnessPolicies, WitnessPolicyEntry
from ledger.integrity.fault import Fault
from ledger.integrity.scope import Scope
from ledger.integrity.stored import CheckpointWrong, signed_note
from ledger.store.bulk import Bulk
from ledger.store.logs import SYSTEM_LOG, read_logs
from ledger.store.position import index_of
from ledger.trust.witness_reading import read_policies

_POSITIONS = "SELECT pos FROM witness_policy WHERE pos >= ? UNION SELECT pos FROM witnessed WHERE pos >= ? ORDER BY pos"
_LAST = "SELECT max(pos) FROM witnessed WHERE pos < ?"
_EARLIER = "SELECT DISTINCT pos FROM cosignature WHERE origin = ? AND size = ? AND pos < ? ORDER BY pos"


def cosigned_fault(scope: Scope) -> Fault | None:
    """The first entry about witnesses that does not hold; they stand in the system log, and are verified with it."""
    if scope.log.number != SYSTEM_LOG:
        return None
    bulk, first = Bulk(scope.connection), scope.first(SYSTEM_LOG)
    ((last,),) = bulk.all(_LAST, (first,))
    low = first if last is None else index_of(last)
    policies = _policies(scope, low)
    numbers = {log.origin: log.number for log in read_logs(scope.connection)}
    lines = _Lines(scope, low)
    for (pos,) in bulk.all(_POSITIONS, (low, low)):
        index = index_of(pos)
        entry = scope.entry(SYSTEM_LOG, index)
        try:
            _check(scope, policies, numbers, lines, entry)
        except CheckpointWrong as error:
            return error.fault
        except LedgerError as error:
            return Fault(log=SYSTEM_LOG, index=index, table="body", what=error.message)
        scope.pulse(1)
    return None


class _Lines:
    """What witnesses said so far of each checkpoint: `low` is the entry from which on that is told here."""

    def __init__(self, scope: Scope, low: int) -> None:
        self._scope = scope
        self._low = low
        self._found: dict[tuple[str, int], list[str]] = {}

    def of(self, origin: str, size: int) -> list[str]:
        """The lines of a checkpoint, to be added to."""
        if (origin, size) not in self._found:
            self._found[origin, size] = list(self._earlier(origin, size)) if self._low else []
        return self._found[origin, size]

    def _earlier(self, origin: str, size: int) -> Iterator[str]:
        for (pos,) in Bulk(self._scope.connection).all(_EARLIER, (origin, size, self._low)):
            body = self._scope.entry(SYSTEM_LOG, index_of(pos)).body
            if isinstance(body, CheckpointWitnessedEntry) and (body.origin, body.size) == (origin, size):
                yield from body.lines


def _policies(scope: Scope, low: int) -> WitnessPolicies:
    """The policies by the entries before `low`."""
    if not low:
        return WitnessPolicies(scope.log.origin)
    return read_policies(scope.connection, scope.kinds, low, lambda index: scope.entry(SYSTEM_LOG, index).body)


def _check(scope: Scope, policies: WitnessPolicies, numbers: dict[str, int], lines: _Lines, entry: Entry) -> None:
    body = entry.body
    if isinstance(body, CheckpointWitnessedEntry):
        before = lines.of(body.origin, body.size)
        _cosigned(scope, policies, numbers, before, entry.index, body)
        before += body.lines
    if isinstance(body, CheckpointWitnessedEntry | WitnessPolicyEntry):
        policies.enter(entry.index, body)


def _cosigned(
    scope: Scope,
    policies: WitnessPolicies,
    numbers: dict[str, int],
    before: list[str],
    index: int,
    one: CheckpointWitnessedEntry,
) -> None:
    number = numbers.get(one.origin)
    if number is None:
        raise IntegrityError(f"{one.origin} is no log of this ledger")
    keys: tuple[Verifier, ...] = tuple(scope.keys.get(one.origin, ()))
    own = _own(signed_note(scope.connection, number, one.origin, keys, one.size, (SYSTEM_LOG, index)), keys)
    if Checkpoint.parse(parse_note(own).text).root != unb64(one.root, 32):
        raise IntegrityError(f"the checkpoint of {one.origin} of size {one.size} is another than it names")
    known = {(key.name, key.key_id) for key in policies.asked()}
    for line in parse_note(with_lines(own, one.lines)).signatures[len(parse_note(own).signatures) :]:
        if (line.name, line.key_id) not in known:
            raise IntegrityError(f"{line.name}+{line.key_id.hex()} is no witness that was asked for then")
    if one.policy != policies.in_force.entry:
        raise IntegrityError(f"policy {one.policy} was not in force")
    quorum, missing = policies.judge(with_lines(own, dict.fromkeys((*before, *one.lines))), keys, one.origin)
    if (quorum, missing) != (one.state, one.missing):
        raise IntegrityError(f"the quorum was {quorum.value}, not {one.state.value}, by the lines that are there")


def _own(note: bytes, keys: tuple[Verifier, ...]) -> bytes:
    """The checkpoint with the lines of its log alone."""
    whole = parse_note(note)
    ours = {(key.name, key.key_id) for key in keys}
    lines = [line.line.rstrip("\n") for line in whole.signatures if (line.name, line.key_id) in ours]
    return with_lines(f"{whole.text}\n".encode(), lines)
