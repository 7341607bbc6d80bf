"""D22: rights were raised, used for something critical and lowered again; or something was written past an application.

What all of these are, the parameter `d22` says; whose the account is and who did what is critical, the identity map.
Guard: a ticket of support that was approved, and that a record of it names or that is of the account.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from ledger.core.clock import MICROSECONDS
from ledger.core.record import Action, Actor, ActorKind, LinkKind
from ledger.core.rule_parameters import D22, Direct
from ledger.core.system_class import SystemClass
from ledger.findings.kinds import Severity
from ledger.present.inert import one_line
from ledger.review.known.cases import Elsewhere
from ledger.review.known.facts import Told
from ledger.review.known.pace import apart, in_order
from ledger.review.known.patterns import fits, text_of, types
from ledger.review.rules.approvals import APPROVING, Approvals, Sort, touched
from ledger.review.rules.known import Known
from ledger.review.rules.rule import About, Judged, Said, by_value, undated, unknown

_RIGHTS: Final = (SystemClass.DIRECTORY, SystemClass.SERVERS)
_ANY: Final = tuple(SystemClass)
_TICKET: Final = Sort(APPROVING, "support-session", "session-and-ticket")


class PrivilegeBurst:
    """Examines what raises rights, and what is written past applications."""

    about = About(
        id="D22",
        version=1,
        title="Privilege burst, or a write past the application",
        severity=Severity.CRITICAL,
        needs=(_RIGHTS,),
    )

    def examines(self, told: Told, known: Known) -> bool:
        value = known.value(told, D22)
        if value is None:
            return told.record.action is Action.GRANT and known.is_of(told, _RIGHTS)
        return fits(told.record, (*value.raised, *(one for of in value.direct for one in of.written)))

    def touches(self, new: Sequence[Told], known: Known) -> Iterable[int]:
        for value in known.every(D22):
            used = [one for one in new if fits(one.record, (*value.lowered, *value.critical))]
            raised = Elsewhere(known.connected(_ANY), types(value.raised))
            for case in known.cases.around(raised, used, value.within_s * MICROSECONDS, 0):
                yield from (one.index for one in case.records)
            # That a ticket ended takes away what it explains; all else that comes late about a write explains it.
            written = types(value.raised, *(one.written for one in value.direct))
            yield from known.not_before(touched(value, _TICKET, new, known), Elsewhere(raised.sources, written))

    def judge(self, anchors: Sequence[Told], known: Known) -> Iterator[Judged]:
        return by_value(anchors, known, D22, _judged, undated)


class _Found(NamedTuple):
    """What is found of a record, what names a ticket for it, and for which account."""

    told: Told
    said: Judged
    ids: tuple[str, ...]
    account: str


def _judged(anchors: Sequence[Told], value: D22, known: Known) -> Iterator[Judged]:
    """Records of one parameter's value: first what needs no look at tickets."""
    raised = [one for one in anchors if fits(one.record, value.raised)]
    found = [*_bursts(raised, value, known)]
    left = {one.index: one for one in anchors if not fits(one.record, value.raised)}
    for of in value.direct:
        written = [left.pop(index) for index, one in [*left.items()] if fits(one.record, of.written)]
        found += _past(written, of, known) if written else ()
    yield from (one.said for one in found if one.said.said is not Said.FINDING)
    findings = [one for one in found if one.said.said is Said.FINDING]
    asked = [one.told for one in findings]
    tickets = Approvals(value, _TICKET, asked, (id_ for one in findings for id_ in one.ids), known) if asked else None
    for one in findings:
        yield (tickets and tickets.of(one.told, one.ids, (one.account,))) or one.said


def _bursts(raised: Sequence[Told], value: D22, known: Known) -> Iterator[_Found]:
    """What is said of records that raise rights."""
    if not raised:
        return
    within, sources = value.within_s * MICROSECONDS, {one.record.source for one in raised}
    lowered = defaultdict[tuple[str, str], list[Told]](list)
    for case in known.cases.around(Elsewhere(tuple(sorted(sources)), types(value.lowered)), raised, 0, within):
        for one in case.records:
            if fits(one.record, value.lowered):
                lowered[one.record.source, _account(one, value)].append(one)
    for told in raised:
        account = _account(told, value)
        times = [(*apart(told, one), one) for one in lowered.get((told.record.source, account), ())]
        ended = in_order([one for least, most, one in times if least > 0 and most <= within])
        if ended:
            yield _burst(told, ended[0], account, value, known)
        elif any(most > 0 and least <= within for least, most, _ in times):
            yield _Found(told, Judged(told.index, Said.UNORDERED, "raised-and-lowered"), (), account)
        else:
            yield _Found(told, Judged(told.index, Said.CLEAR), (), account)


def _burst(told: Told, end: Told, account: str, value: D22, known: Known) -> _Found:
    """Whether whoever had the rights did something critical meanwhile."""
    who = known.who(told, Actor(account=account, kind=ActorKind.PERSON))
    if who is None:
        return _Found(told, Judged(told.index, Said.LACKING, "one-person"), (), account)
    acts = [one for one in _acts(who, told, end, value, known) if fits(one.record, value.critical)]
    spans = [(apart(told, one), apart(one, end), one) for one in acts if one.index not in (told.index, end.index)]
    sure = in_order([one for since, until, one in spans if since[0] > 0 and until[0] > 0])
    if sure:
        first = sure[0]
        ids = [id_ for one in (told, first, end) for id_ in one.ids(LinkKind.CHANGE_REQUEST)]
        detail = (
            f"{one_line(account)} got rights by entry {told.index}, acted by entry {first.index} and lost them again by"
            f" entry {end.index}"
        )
        entries = tuple(sorted((told.index, first.index, end.index)))
        return _Found(told, Judged(told.index, Said.FINDING, "burst", entries, detail), tuple(ids), account)
    said = Judged(told.index, Said.CLEAR)
    if any(since[1] > 0 and until[1] > 0 for since, until, _ in spans):
        said = Judged(told.index, Said.UNORDERED, "rights-and-use")
    elif not known.mapped(told.record.source):
        said = Judged(told.index, Said.LACKING, "identity-map")
    return _Found(told, said, (), account)


def _acts(who: tuple[str, str], told: Told, end: Told, value: D22, known: Known) -> Iterator[Told]:
    """What a person, or else an account, did between two records, and some around."""
    (source, name), low, high = who, told.about.low_us, end.about.high_us
    if source:
        near = known.cases.told(Elsewhere((source,), types(value.critical)), low, high)
    else:
        near = known.told(known.acts_of((name,), low, high))
    return (one for one in near if known.who(one) == who)


def _account(told: Told, value: D22) -> str:
    """The account whose rights a record changes."""
    named = (
        text_of(text) for one in told.record.changes if one.attribute == value.member for text in (one.new, one.old)
    )
    return next((one for one in named if one is not None), told.record.object.id)


def _past(written: Sequence[Told], of: Direct, known: Known) -> Iterator[_Found]:
    """What is said of writes that an event of the application has to stand behind."""
    events, sources = _events(written, of, known), known.connected((of.application,))
    within = of.within_s * MICROSECONDS
    for told in written:
        at, thing = told.index, one_line(f"{told.record.object.type} {told.record.object.id}")
        keys = [""] if of.link is None else told.ids(of.link)
        reach = max((known.reach.over(one, told.about.low_us, told.about.high_us) for one in sources), default=0)
        near = (one for key in keys for one in _near(told, events.get(key, ()), within + reach))
        spans = [apart(told, one) for one in near if one.index != at]
        systems = known.systems((of.application,), told.moment_us)
        if not systems:
            said = Judged(at, Said.LACKING, f"no-{of.application.value}")
        elif not keys and of.link is not None:
            said = Judged(at, Said.LACKING, f"link-{of.link.value}")
        elif any(least >= -within and most <= within for least, most in spans):
            said = Judged(at, Said.CLEAR)
        elif any(most >= -within and least <= within for least, most in spans):
            said = Judged(at, Said.UNORDERED, "write-and-event")
        else:
            detail = f"{thing} was written by entry {at}, and nothing of the application stands behind it"
            waits = unknown(told, systems, known, of.within_s, of.within_s)
            said = waits or Judged(at, Said.FINDING, "past-application", (at,), detail)
        yield _Found(told, said, tuple(told.ids(LinkKind.CHANGE_REQUEST)), str(told.record.actor.account))


def _events(written: Sequence[Told], of: Direct, known: Known) -> Mapping[str, list[Told]]:
    """What applications did around some writes, by what it shares with them."""
    found = defaultdict[str, list[Told]](list)
    within = of.within_s * MICROSECONDS
    near = Elsewhere(known.connected((of.application,)), types(of.event))
    for case in known.cases.around(near, written, within, within):
        for one in case.records:
            if fits(one.record, of.event):
                for key in [""] if of.link is None else one.ids(of.link):
                    found[key].append(one)
    return {key: in_order(its) for key, its in found.items()}


def _near(told: Told, events: Sequence[Told], within_us: int) -> Sequence[Told]:
    """Those of some events, which are in order, whose moments lie so near to a record."""
    low, high = told.about.low_us - within_us, told.about.high_us + within_us
    return events[bisect_left(events, low, key=_moment) : bisect_right(events, high, key=_moment)]


def _moment(told: Told) -> int:
    return told.moment_us


RULE: Final = PrivilegeBurst()
