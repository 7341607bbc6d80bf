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


def why_kept(
    classes: Sequence[RetentionClass],
    retained: Retained | None,
    hold: str | None,
    disposed: int | None,
    proven_us: int | None,
) -> list[str]:
    """What decides over an entry, a line each."""
    if disposed is not None:
        return [message("retention.disposed", index=number(disposed))]
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
    return lines
