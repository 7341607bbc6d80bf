"""How long something is kept, in words for page and terminal."""

from collections.abc import Sequence

from ledger.core.clock import utc_text
from ledger.core.retention import Retained, RetentionClass, Term
from ledger.present.inert import one_line
from ledger.present.messages import message, number


def term_text(term: Term) -> str:
    """“5 years after certification”."""
    parts = [
        message(f"retention.{unit}{'.one' if count == 1 else ''}", count=number(count))
        for unit, count in (("years", term.years), ("months", term.months), ("days", term.days))
        if count
    ]
    period = " ".join(parts) or message("retention.at-once")
    return message("retention.term", period=period, event=message(f"retention.event.{term.event.value}"))


def copy_text(sort: str, where: str, expires: str | None, days: int | None) -> str:
    """A copy that removal does not reach, and when it is gone."""
    when = "until" if expires is not None else "days" if days is not None else "open"
    about = {"sort": message(f"copy.{sort}"), "where": one_line(where)}
    return message(f"disposals.copy.{when}", **about, day=expires or "", days=number(days or 0))


def stated_text(sort: str, where: str, expires: str | None, keeps_days: int | None) -> str:
    """What somebody stated of copies."""
    when = "until" if expires is not None else "kept"
    about = {"sort": message(f"copy.{sort}"), "where": one_line(where)}
    return message(f"disposals.copy.{when}", **about, day=expires or "", days=number(keeps_days or 0))


def last_copy_text(day: str | None, count: int, without_day: int) -> str:
    """When the last of so many copies expires, of which `without_day` nobody knows when they are gone."""
    if not count:
        return message("disposals.remains.none")
    if without_day:
        return message("disposals.last.open", count=number(without_day))
    return message("disposals.last.later") if day is None else message("disposals.last", day=day)


def why_kept(
    classes: Sequence[RetentionClass],
    retained: Retained | None,
    hold: str | None,
    case: str | None,
    disposed: int | None,
    proven_us: int | None,
) -> list[str]:
    """What decides over an entry, a line each."""
    if disposed is not None:
        return [message("retention.disposed", index=number(disposed))]
    if case is not None and retained is None:
        return [message("retention.case", case=one_line(case))]
    if retained is None or retained.rule.retention is RetentionClass.PERMANENT:
        return [message("retention.permanent")]
    names = ", ".join(message(f"retention.class.{one.value}") for one in classes)
    lines = [message("retention.classes", classes=names)]
    lines += [term_text(term) for term in retained.rule.terms]
    for one in retained.missing:
        event = message(f"retention.event.{one.event.value}")
        if one.subject is None:
            lines.append(message("retention.missing.any", event=event))
        else:
            kind, ident = message(f"link.{one.subject.kind.value}"), one_line(one.subject.id)
            lines.append(message("retention.missing", event=event, kind=kind, id=ident))
    if retained.until_us is not None:
        lines.append(message("retention.until", until=utc_text(retained.until_us)[:10]))
        if proven_us is None:
            lines.append(message("retention.no-time"))
        else:
            over = "retention.over" if retained.over(proven_us) else "retention.not-over"
            lines.append(message(over, at=utc_text(proven_us)))
    if hold is not None:
        lines.append(message("retention.held", hold=one_line(hold)))
    if case is not None:
        lines.append(message("retention.case", case=one_line(case)))
    return lines
