"""The pages of integrity incidents: every case in a line, and one case with all that is known of it."""

import msgspec

from ledger.core.address import LogId
from ledger.core.clock import utc_text
from ledger.core.members import Members
from ledger.findings.impact import Artefact
from ledger.findings.incident_kinds import CaseEvent, CaseFault, Comparison, KeptFile, LastProven
from ledger.integrity.incidents.cases import Case
from ledger.integrity.incidents.impacts import LINK, Page
from ledger.integrity.incidents.ways_back import DAMAGED
from ledger.people.access import Caller, Scope
from ledger.present.inert import inert, one_line
from ledger.present.messages import known, message
from ledger.present.states import State

RUNS_SHOWN = 40


class CaseLine(msgspec.Struct, frozen=True, kw_only=True):
    """A case in one line; the state of its integrity is unknown until it is closed."""

    case: str
    opened_at: str
    cause: str
    word: str
    state: State
    reason: str


class Doubted(msgspec.Struct, frozen=True, kw_only=True):
    """The doubted entries of one log; `runs` names the first of them."""

    log: str
    count: int
    runs: tuple[tuple[int, int], ...]
    more: bool


class Resting(msgspec.Struct, frozen=True, kw_only=True):
    """An artefact of the impact list, with where it leads."""

    sort: str
    what: str
    href: str | None
    because: str
    because_href: str | None
    to: str


class CaseView(msgspec.Struct, frozen=True, kw_only=True):
    """All that the page shows. `doubted` leaves out logs that the viewer does not read; `steps`: what the viewer may do
    now.
    """

    line: CaseLine
    subject: str | None
    since: str | None
    doubted: tuple[Doubted, ...]
    hidden: bool
    proven: tuple[LastProven, ...]
    faults: tuple[CaseFault, ...]
    evidence: tuple[KeptFile, ...]
    every_link: bool
    resting: tuple[Resting, ...]
    after: int | None
    comparison: Comparison | None
    compared: dict[str, int]
    opening: int
    latest: int
    deviation: str | None
    steps: tuple[str, ...]
    sign: str | None


def case_line(case: Case, closed: bool) -> CaseLine:
    """A case in one line."""
    word = "closed" if closed else case.state.value
    cause = "" if case.opened.cause is None else message(f"incidents.cause.{case.opened.cause.value}")
    return CaseLine(
        case=case.case,
        opened_at=utc_text(case.opened_us)[:19].replace("T", " "),
        cause=cause,
        word=message(f"incidents.state.{word}"),
        state=State.HOLDS if closed else State.UNKNOWN,
        reason=one_line(case.opened.reason, 200),
    )


def case_view(
    case: Case, closed: bool, logs: list[LogId], seen: frozenset[str], page: Page | None, caller: Caller
) -> CaseView:
    """One case for this viewer; `page` of the impact list is None for who reads no record."""
    said, last = case.opened, case.last
    names = {log.origin: log.name for log in logs}
    shown = [one for one in said.affected if one.origin in seen]
    told = last.comparison
    return CaseView(
        line=case_line(case, closed),
        subject=None if said.subject is None else inert(said.subject),
        since=said.since,
        doubted=tuple(_doubted(names.get(one.origin, one.origin), Members.read(one.runs)) for one in shown),
        hidden=len(shown) < len(said.affected),
        proven=said.proven,
        faults=said.faults if len(shown) == len(said.affected) else (),
        evidence=said.evidence,
        every_link=said.every_link,
        resting=() if page is None else tuple(_resting(one, names) for one in page.artefacts),
        after=None if page is None else page.after,
        comparison=told,
        compared={} if told is None else {name: _count(getattr(told, name)) for name in _SAID},
        opening=case.opening,
        latest=case.latest,
        deviation=last.deviation,
        steps=() if closed else tuple(_steps(case, caller)),
        sign=f"/sign?log=system&entries={case.latest}" if case.state is CaseEvent.CLOSING and not closed else None,
    )


_SAID = ("confirmed", "differ", "missing")


def _count(runs: str | None) -> int:
    return 0 if runs is None else len(Members.read(runs))


def _doubted(log: str, members: Members) -> Doubted:
    runs = list(members.runs())
    return Doubted(log=log, count=len(members), runs=tuple(runs[:RUNS_SHOWN]), more=len(runs) > RUNS_SHOWN)


def _resting(one: Artefact, names: dict[str, str]) -> Resting:
    sort = one.sort.removeprefix(LINK)
    key = f"link.{sort}" if one.sort.startswith(LINK) else f"incidents.sort.{one.sort}"
    return Resting(
        sort=message(key) if known(key) else sort,
        what=one_line(one.id, 120),
        href=_href(one.at, names) if one.at else None,
        because=one.because,
        because_href=_href(one.because, names),
        to=", ".join(one_line(name, 60) for name in one.to),
    )


def _href(address: str, names: dict[str, str]) -> str | None:
    origin, _, index = address.rpartition("#")
    return f"/entries/{names[origin]}/{index}" if origin in names and index.isdigit() else None


def _steps(case: Case, caller: Caller) -> list[str]:
    """What a viewer may do about a case now."""
    admin, approves = caller.allows(Scope.ADMIN), caller.allows(Scope.APPROVE)
    own = case.last.authority.actor == caller.account
    damaged = case.opened.cause in DAMAGED
    steps = []
    if case.state is CaseEvent.REPORTED and approves and not own:
        steps.append("open")
    if admin and case.state not in (CaseEvent.REPORTED, CaseEvent.CLOSING):
        steps.append("compare")
    if damaged and admin and case.state in (CaseEvent.OPENED, CaseEvent.COMPARED, CaseEvent.PROPOSED):
        steps.append("restored")
    if damaged and admin and case.state in (CaseEvent.OPENED, CaseEvent.COMPARED):
        steps.append("propose")
    if case.state is CaseEvent.PROPOSED and approves and not own:
        steps.append("proceed")
    over = case.state in (CaseEvent.RESTORED, CaseEvent.CONTINUED)
    if approves and (over or (not damaged and case.state in (CaseEvent.OPENED, CaseEvent.COMPARED))):
        steps.append("close")
    return steps
