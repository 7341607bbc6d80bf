"""The parameter of rule D01. All pure."""

from ledger.core.bounds import ParameterValue, Seconds
from ledger.core.clock import parse_utc
from ledger.core.errors import NotCanonical
from ledger.core.rule_parameters.patterns import Back, Names, Patterns, Scope


class D01(ParameterValue, frozen=True, kw_only=True):
    """What switches a source's audit trail off or narrows it, and what switches it on.

    `inspections`: instants (UTC) of inspections and reviews; switched on within `shortly_s` before one is found too.
    `silent_s`: how long a source that always has something to tell is silent at most while other systems tell of
    `activity`. `approved` and `ended`: patterns of records by which a change or planned downtime is in force, named by
    a change request, or, by `scope`, for the source whose id its `object_id` says; it counts for `back_s`. `grace_s`:
    how long the other systems have to tell.
    """

    off: Patterns = ()
    on: Patterns = ()
    inspections: Names = ()
    shortly_s: Seconds = 1_209_600
    silent_s: Back | None = None
    activity: Patterns = ()
    approved: Patterns = ()
    ended: Patterns = ()
    scope: Scope = Scope()
    back_s: Back = 2_592_000
    grace_s: Seconds = 3_600

    def __post_init__(self) -> None:
        try:
            list(map(parse_utc, self.inspections))
        except NotCanonical as error:
            raise ValueError(f"inspections: {error.message}") from None
        if (self.silent_s is None) != (not self.activity):
            raise ValueError("silent_s and activity: give both, or neither")
