"""Why a record belongs to a batch that it does not name, in sentences."""

from collections.abc import Callable
from typing import Protocol

from ledger.core.clock import parse_utc
from ledger.core.looks import Span
from ledger.present.inert import inert
from ledger.present.messages import message


class Why(Protocol):
    """What is known of it (see `trace.windows.Why`): instants are UTC texts."""

    @property
    def equipment(self) -> str: ...

    @property
    def started_by(self) -> int: ...

    @property
    def after(self) -> str: ...

    @property
    def stopped_by(self) -> int | None: ...

    @property
    def before(self) -> str | None: ...

    @property
    def certain(self) -> bool: ...

    @property
    def phase(self) -> str: ...

    @property
    def rule(self) -> int | None: ...

    @property
    def tag(self) -> str | None: ...


def why_text(
    basis: str, why: Why, between: Span | None, full: Callable[[int], str], short: Callable[[int], str]
) -> str:
    """`basis`: *derived* or *possible*; `between`: two looks that the record lies between, None: it names an instant.

    `full`, `short`: how an instant (microseconds UTC) is said.
    """
    places = {"equipment": inert(why.equipment), "after": full(parse_utc(why.after)), "started": why.started_by}
    if why.before is None:
        says = message(f"report.{basis}.open", **places)
    else:
        says = message(f"report.{basis}", **places, before=full(parse_utc(why.before)), stopped=why.stopped_by)
    if between is not None:
        looks = {"after": short(between.low_us), "before": short(between.high_us)}
        says = f"{says} {message(f'report.{basis}.looks', **looks)}"
    if why.rule is not None:
        says = f"{says} {message(f'report.why.{why.phase}')} {message('report.why.rule', rule=why.rule)}"
    if why.tag is not None:
        says = f"{says} {message('report.why.tag', tag=inert(why.tag))}"
    return says if why.certain or basis == "possible" else f"{says} {message('report.derived.uncertain')}"
