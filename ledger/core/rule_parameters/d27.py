"""The parameter of rule D27. All pure."""

from ledger.core.bounds import ParameterValue, Seconds
from ledger.core.record import LinkKind
from ledger.core.rule_parameters.patterns import Back, PatternList, Patterns, Scope


class D27(ParameterValue, frozen=True, kw_only=True):
    """Sessions from afar into control systems (`started`, `stopped`), what is `written` in these, and permits to work.

    A permit is a record of the maintenance system that fits `approved`, until one fits `ended`; a session names it by a
    `link`, or it is of the same equipment. By `scope` it says from when and until when, and for which asset. A session
    lasts no longer than `session_s`; a permit counts for `back_s`, `grace_s`: how long the other systems have to tell.
    """

    started: PatternList
    approved: PatternList
    stopped: Patterns = ()
    written: Patterns = ()
    ended: Patterns = ()
    scope: Scope = Scope()
    link: LinkKind = LinkKind.ORDER
    session_s: Back = 86_400
    back_s: Back = 2_592_000
    grace_s: Seconds = 3_600
