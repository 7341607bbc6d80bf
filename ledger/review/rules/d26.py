"""D26: somebody failed to sign in or to sign too often, got in from a new place after failing, or was denied a
signature that was not theirs to give.

How often within what time is too often, the parameter `d26` says. Failures of one account at one source count together;
one that only goes on with what was found already is found no second time.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from ledger.core.clock import MICROSECONDS
from ledger.core.record import Action, Outcome
from ledger.core.rule_parameters import D26
from ledger.findings.kinds import Severity
from ledger.present.inert import one_line
from ledger.review.known.facts import Told
from ledger.review.known.pace import Burst, apart, bursts, in_order
from ledger.review.known.places import SignIn
from ledger.review.rules.known import Known
from ledger.review.rules.rule import About, Judged, Said

_SIGNATURES: Final = frozenset({Action.SIGN, Action.APPROVE})
_ACTS: Final = _SIGNATURES | {Action.LOGIN, Action.LOGIN_FAILED}

Account = tuple[str, str]


class FailedSignIn:
    """Examines failures to sign in or to sign, and whoever signed in."""

    about = About(id="D26", version=1, title="Repeated failed sign-in or signing", severity=Severity.HIGH)

    def examines(self, told: Told, known: Known) -> bool:
        return told.record.actor.account is not None and (_failed(told) or _signed_in(told) or _denied(told))

    def touches(self, new: Sequence[Told], known: Known) -> Iterable[int]:
        own = [one for one in new if self.examines(one, known)]
        longest = max((value.within_s for value in known.every(D26)), default=0) * MICROSECONDS
        accounts = {_account(one) for one in own}
        for one in known.nearby.acts(own, 2 * longest, 2 * longest, _ACTS) if longest else ():
            if one.record.actor.account is not None and _account(one) in accounts:
                yield one.index
        # From where somebody signed in before decides whether a place is new.
        first: dict[Account, int] = {}
        for one in filter(_signed_in, own):
            first[_account(one)] = min(one.moment_us, first.get(_account(one), one.moment_us))
        for account, its in _sign_ins(first, known).items():
            yield from (one.entry for one in its if one.at_us > first[account])

    def judge(self, anchors: Sequence[Told], known: Known) -> Iterator[Judged]:
        groups = defaultdict[D26, dict[Account, list[Told]]](lambda: defaultdict(list))
        for told in anchors:
            value = known.value(told, D26)
            if _denied(told):
                yield _refused(told)
            elif value is None:
                yield Judged(told.index, Said.LACKING, "d26")
            else:
                groups[value][_account(told)].append(told)
        for value, accounts in groups.items():
            within = value.within_s * MICROSECONDS
            failures = defaultdict[Account, list[Told]](list)
            for one in known.nearby.acts((one for of in accounts.values() for one in of), 2 * within, 0, _ACTS):
                if _failed(one) and one.record.actor.account is not None:
                    failures[_account(one)].append(one)
            places = _sign_ins((account for account, of in accounts.items() if any(map(_signed_in, of))), known)
            for account, of in accounts.items():
                its = in_order(failures[account])
                found = {one.told[-1].index: one for one in bursts(its, value.failures, within)}
                for told in of:
                    if _failed(told):
                        yield _often(told, found.get(told.index), value)
                    else:
                        yield _guessed(told, its, places.get(account, ()), value)


def _failed(told: Told) -> bool:
    """Also where a password was right and the account may not: of a signature that is `_denied`."""
    record = told.record
    if record.action in _SIGNATURES:
        return record.outcome is Outcome.FAILURE
    return record.action is Action.LOGIN_FAILED or (
        record.action is Action.LOGIN and record.outcome is not Outcome.SUCCESS
    )


def _signed_in(told: Told) -> bool:
    return told.record.action is Action.LOGIN and told.record.outcome is Outcome.SUCCESS


def _denied(told: Told) -> bool:
    return told.record.action in _SIGNATURES and told.record.outcome is Outcome.DENIED


def _account(told: Told) -> Account:
    return told.record.source, str(told.record.actor.account)


def _sign_ins(accounts: Iterable[Account], known: Known) -> Mapping[Account, Sequence[SignIn]]:
    by_source = defaultdict[str, set[str]](set)
    for source, account in accounts:
        by_source[source].add(account)
    return {
        (source, account): its
        for source, names in by_source.items()
        for account, its in known.sign_ins(source, names).items()
    }


def _refused(told: Told) -> Judged:
    who, thing = one_line(str(told.record.actor.account)), one_line(told.record.object.id)
    detail = f"{thing}: {who} was denied a signature, by entry {told.index}"
    return Judged(told.index, Said.FINDING, "denied-signature", (told.index,), detail)


def _often(told: Told, burst: Burst | None, value: D26) -> Judged:
    at = told.index
    if burst is None:
        return Judged(at, Said.CLEAR)
    if not burst.sure:
        return Judged(at, Said.UNORDERED, "failures")
    entries = tuple(sorted(one.index for one in burst.told))
    who = one_line(str(told.record.actor.account))
    detail = f"{who} failed {len(entries)} times within {value.within_s} s, up to entry {at}"
    return Judged(at, Said.FINDING, "repeated", entries, detail)


def _guessed(told: Told, failures: Sequence[Told], places: Sequence[SignIn], value: D26) -> Judged:
    """Of who signed in: whether they had failed before, and never had come from there."""
    at, within = told.index, value.within_s * MICROSECONDS
    spans = [(one, *apart(one, told)) for one in failures]
    sure = [one.index for one, least, most in spans if least > 0 and most <= within]
    if sum(1 for _, least, most in spans if most >= 0 and least <= within) < value.guesses:
        return Judged(at, Said.CLEAR)
    workstation = told.record.actor.workstation
    earlier = [one.workstation for one in places if one.at_us < told.moment_us]
    if workstation in earlier:
        return Judged(at, Said.CLEAR)
    if workstation is None or not any(earlier):
        return Judged(at, Said.LACKING, "workstation" if workstation is None else "earlier-sign-in")
    if len(sure) < value.guesses:
        return Judged(at, Said.UNORDERED, "failures-and-sign-in")
    who = one_line(str(told.record.actor.account))
    detail = f"{who} failed {len(sure)} times and then signed in from {one_line(workstation)}, new to it, by entry {at}"
    return Judged(at, Said.FINDING, "new-place", tuple(sorted((*sure, at))), detail)


RULE: Final = FailedSignIn()
