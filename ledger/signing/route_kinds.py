"""The kinds of signing workflows; their structs are the core's (`core.workflow`). All in the system log."""

from ledger.core.kinds import Kind
from ledger.core.workflow import DecisionEntry, DelegationEntry, RequestEntry, RouteEntry

KINDS = (
    Kind("signing-route", [RouteEntry]),
    Kind("signing-request", [RequestEntry]),
    Kind("delegation", [DelegationEntry]),
    Kind("decision", [DecisionEntry]),
)
