"""D27: a session from afar into a control system for which no permit to work was approved; or what was written in one
lies outside of its permit's time or equipment.

What sessions, writes and permits are, the parameter `d27` says; whose accounts they are, the identity map, else the id
of the session that a write bears. What is written in a session without a permit is found with that session.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from ledger.core.clock import MICROSECONDS
from ledger.core.record import Action
from ledger.core.rule_parameters import D27
from ledger.core.system_class import SystemClass
from ledger.findings.kinds import Severity
from ledger.present.inert import one_line
from ledger.review.known.cases import Case, Course, Elsewhere, Force
from ledger.review.known.facts import Told
from ledger.review.known.patterns import fits, types
from ledger.review.rules.approvals import Approvals, Sort, touched
from ledger.review.rules.known import Known
from ledger.review.rules.rule import About, Judged, Said, by_value, undated, unknown

_REMOTE: Final = (SystemClass.REMOTE_ACCESS,)
_PERMITS: Final = (SystemClass.MAINTENANCE,)
_CONTROL: Final = (SystemClass.SCADA, SystemClass.DCS, SystemClass.PLC)
_BEGINS: Final = frozenset({Action.LOGIN, Action.START})
_PERMIT: Final = Sort(_PERMITS, "approved-permit", "session-and-permit", by_asset=True, named=True)


class UnboundSession:
    """Examines sessions from afar, and what is written in control systems."""

    about = About(
        id="D27",
        version=1,
        title="Unbound remote or vendor session",
        severity=Severity.HIGH,
        needs=(_REMOTE, _PERMITS, _CONTROL),
    )

    def examines(self, told: Told, known: Known) -> bool:
        value = known.value(told, D27)
        if value is None:
            return told.record.action in _BEGINS and known.is_of(told, _REMOTE)
        return _is_session(told, value, known) or (fits(told.record, value.written) and known.is_of(told, _CONTROL))

    def touches(self, new: Sequence[Told], known: Known) -> Iterable[int]:
        for value in known.every(D27):
            sessions = [one for one in new if fits(one.record, (*value.started, *value.stopped))]
            written = Elsewhere(known.connected(_CONTROL), types(value.written))
            for case in known.cases.around(written, sessions, 0, value.session_s * MICROSECONDS):
                yield from (one.index for one in case.records)
            permits = touched(value, _PERMIT, new, known)
            both = Elsewhere(known.connected((*_REMOTE, *_CONTROL)), types(value.started, value.written))
            yield from known.not_before(permits, both)

    def judge(self, anchors: Sequence[Told], known: Known) -> Iterator[Judged]:
        return by_value(anchors, known, D27, _judged, undated)


def _is_session(told: Told, value: D27, known: Known) -> bool:
    return fits(told.record, value.started) and known.is_of(told, _REMOTE)


def _judged(anchors: Sequence[Told], value: D27, known: Known) -> Iterator[Judged]:
    """Sessions and writes of one parameter's value."""
    sessions = _Sessions(anchors, value, known)
    for told in anchors:
        yield _permitted(told, sessions) if _is_session(told, value, known) else _written(told, sessions, known)


class _Session(NamedTuple):
    """A session at some write: what began it last, and whether it was under way."""

    begun: Told
    force: Force


class _Sessions:
    """The sessions around some records, and the permits for them."""

    def __init__(self, asked: Sequence[Told], value: D27, known: Known) -> None:
        self.value = value
        self._known = known
        self._back = value.session_s * MICROSECONDS
        of = Elsewhere(known.connected(_REMOTE), types(value.started, value.stopped))
        self._of = defaultdict[tuple[str, str] | None, list[Case]](list)
        self._named = defaultdict[str, list[Case]](list)
        begun = []
        for case in known.cases.around(of, asked, self._back, 0):
            for session in _by_account(case, value):
                self._named[case.thing.id].append(session)
                started = [one for one in session.records if fits(one.record, value.started)]
                self._of[known.who(started[-1])].append(session)
                begun += started
        ids = {id_ for one in (*asked, *begun) for id_ in one.ids(value.link)}
        self._permits = Approvals(value, _PERMIT, (*asked, *begun), ids, known)
        self._entered: dict[int, Judged | None] = {}

    def permit(self, told: Told, session: Told) -> Judged | None:
        """That the permit of a session covers a record (explained), or may; None: none does, and that is known."""
        return self._permits.of(told, session.ids(self.value.link), self._known.assets_of(told))

    def entered(self, session: Told) -> Judged | None:
        """The same of what began a session, asked once for all that is written in it."""
        if session.index not in self._entered:
            self._entered[session.index] = self.permit(session, session)
        return self._entered[session.index]

    def own(self, told: Told) -> list[_Session]:
        """Those that were under way at a write, or may have been, and that are its own: of the id that it bears, or of
        the same person.
        """
        who, id_ = self._known.who(told), told.record.actor.session
        cases = [] if who is None else self._of.get(who, [])
        named = (one for one in self._named.get(id_ or "", ()) if all(one is not other for other in cases))
        return [*self._at(told, (*cases, *named))]

    def unclear(self, told: Told) -> bool:
        """Whether one was under way of which it cannot be told if the same person did both: one of the accounts is
        nobody's by a map, or several persons'.
        """
        who = self._known.who(told)
        others = self._of if who is None or who[0] else [one for one in self._of if one is None or one[0]]
        return any(True for other in others for _ in self._at(told, self._of[other]))

    def _at(self, told: Told, cases: Iterable[Case]) -> Iterator[_Session]:
        for case in cases:
            begun = self._begun(case, told)
            if begun is not None:
                force = Course(case, self.value.started, self.value.stopped, self._known.order).at(told)
                if force in (Force.YES, Force.UNKNOWN):
                    yield _Session(begun, force)

    def _begun(self, case: Case, told: Told) -> Told | None:
        """What began a session last before a record, unless that is too long ago."""
        low, high = told.about.low_us - self._back, told.about.high_us
        before = (one for one in reversed(case.records) if low <= one.about.high_us and one.about.low_us <= high)
        return next((one for one in before if fits(one.record, self.value.started)), None)


def _by_account(case: Case, value: D27) -> Iterator[Case]:
    """The sessions of an object, which may be a gateway of many: by the account that began each.

    What ends one and names no account ends all of them.
    """
    began = dict.fromkeys(one.record.actor.account for one in case.records if fits(one.record, value.started))
    for account in began:
        its = (one for one in case.records if one.record.actor.account in (account, None))
        yield Case(case.thing, tuple(its))


def _permitted(told: Told, sessions: _Sessions) -> Judged:
    """What is said of a session."""
    permit = sessions.entered(told)
    if permit is not None:
        return Judged(told.index, Said.CLEAR) if permit.said is Said.EXPLAINED else permit
    who, thing = one_line(str(told.record.actor.account)), one_line(told.record.object.id)
    detail = f"{thing}: by entry {told.index} {who} came in from afar, and no permit to work was approved for that"
    return Judged(told.index, Said.FINDING, "no-permit", (told.index,), detail)


def _written(told: Told, sessions: _Sessions, known: Known) -> Judged:
    """What is said of a write: whether it is of a session, and the session's permit allows it."""
    at, own = told.index, sessions.own(told)
    if not own:
        if sessions.unclear(told):
            return Judged(at, Said.LACKING, "one-person")
        return unknown(told, known.systems(_REMOTE, told.moment_us), known, 0) or Judged(at, Said.CLEAR)
    if not known.assets_of(told):
        return Judged(at, Said.LACKING, "asset-map")
    said = [_allowed(told, one, sessions) for one in own]
    first = (Said.CLEAR, Said.PENDING, Said.LACKING, Said.UNORDERED, Said.FINDING)
    return min(said, key=lambda one: first.index(one.said))


def _allowed(told: Told, session: _Session, sessions: _Sessions) -> Judged:
    at, begun = told.index, session.begun
    entered = sessions.entered(begun)
    if entered is None:
        return Judged(at, Said.CLEAR)
    if entered.said is not Said.EXPLAINED:
        return entered._replace(anchor=at)
    permit = sessions.permit(told, begun)
    if permit is not None:
        return Judged(at, Said.CLEAR) if permit.said is Said.EXPLAINED else permit
    if session.force is Force.UNKNOWN:
        return Judged(at, Said.UNORDERED, "session-and-write")
    detail = (
        f"{one_line(told.record.object.id)} was written by entry {at}, in the session of entry {begun.index},"
        " outside of what its permit to work allows"
    )
    return Judged(at, Said.FINDING, "outside-permit", tuple(sorted((at, begun.index))), detail)


RULE: Final = UnboundSession()
