"""The pages of disposals, and of the copies that they do not reach."""

import msgspec

from ledger.core.errors import SchemaViolation
from ledger.core.job import Job, JobState
from ledger.people.access import Caller, Scope
from ledger.present.inert import one_line
from ledger.present.messages import message, number
from ledger.present.retention import copy_text, last_copy_text, stated_text
from ledger.present.states import State
from ledger.retention.copies import StatedCopy
from ledger.retention.copy_kinds import CopySort
from ledger.retention.disposal_kinds import Copy
from ledger.retention.report import Disposal

_UNFINISHED = frozenset({JobState.FAILED, JobState.CANCELLED})
_STATES = {"disposed": State.HOLDS, "withdrawn": State.FAILS}


class DisposalView(msgspec.Struct, frozen=True, kw_only=True):
    """A disposal as it is shown, with how its removal goes; `approves`, `withdraws`, `removes`: what I may do now."""

    disposal: Disposal
    state: State
    word: str
    copies: tuple[str, ...]
    last: str
    job: str
    approves: bool
    withdraws: bool
    removes: bool


class StatedView(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody stated of copies, in words."""

    stated: StatedCopy
    words: str


def disposal_view(one: Disposal, caller: Caller, job: Job | None = None) -> DisposalView:
    """A disposal as this caller sees it; `job`: its newest removal."""
    decides = caller.person and caller.allows(Scope.APPROVE, one.log)
    unfinished = one.state == "disposed" and job is not None and job.state in _UNFINISHED
    return DisposalView(
        disposal=one,
        state=_STATES.get(one.state, State.UNKNOWN),
        word=message(f"disposals.state.{one.state}"),
        copies=tuple(copy_text(copy.sort.value, copy.where, copy.expires, copy.days) for copy in one.copies),
        last=last_copy_text(one.last_copy_expires, len(one.copies), one.copies_without_day),
        job=_job_text(job),
        approves=decides and one.state == "requested" and caller.account != one.requested_by,
        withdraws=decides and one.state in ("requested", "approved", "disposing"),
        removes=decides and (one.state in ("approved", "disposing") or unfinished),
    )


def _job_text(job: Job | None) -> str:
    """How a removal goes; empty where there was none, and where it is done."""
    if job is None or job.state is JobState.DONE:
        return ""
    if job.state is JobState.RUNNING and job.unit:
        done, total = number(job.done), number(job.total)
        return message(f"disposals.job.{job.unit}", done=done, total=total)
    return message(f"disposals.job.{job.state.value}", error=one_line(job.error))


def stated_view(one: StatedCopy) -> StatedView:
    """A statement as it is shown."""
    return StatedView(stated=one, words=stated_text(one.sort.value, one.where, one.expires, one.keeps_days))


def copies_of(text: str) -> tuple[Copy, ...]:
    """Copies that remain, a line each: sort, day, where."""
    found = []
    for line in filter(None, map(str.strip, text.splitlines())):
        sort, day, *where = line.split(maxsplit=2)[:3] + [""] * (3 - len(line.split(maxsplit=2)[:3]))
        try:
            found.append(msgspec.convert({"sort": sort, "where": "".join(where), "expires": day}, Copy))
        except msgspec.ValidationError:
            raise SchemaViolation(
                f"{line[:80]!r} is no copy",
                advice=f"Write sort, day and where, as “backup 2027-03-01 vault 2”; sorts: {', '.join(CopySort)}.",
            ) from None
    return tuple(found)
