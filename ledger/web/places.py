"""The record logs that somebody may read, and those at whose sites they approve."""

from typing import Any

from ledger.core.address import LogId
from ledger.core.errors import AccessDenied
from ledger.people.access import Caller, Scope
from ledger.store.logs import SYSTEM_LOG


def sees_of(context: Any, user: Caller) -> list[str]:
    """The names of those that they may read, in order."""
    return sorted(user.sees(log.name for log in context.service.store.logs() if log.number != SYSTEM_LOG))


def logs_of(context: Any, user: Caller) -> list[str]:
    """Their names, in order."""
    known = [log.name for log in context.service.store.logs() if log.number != SYSTEM_LOG]
    return sorted(name for name in known if user.allows(Scope.APPROVE, name))


def approving(context: Any, user: Caller, name: str) -> LogId:
    """The log of that name, or the only one; raises NotFound, and AccessDenied for who approves nothing of it."""
    log: LogId = context.service.log(name or None)
    require_approver(user, log.name)
    return log


def require_approver(user: Caller, log: str) -> None:
    """Raises AccessDenied for who approves nothing of a log."""
    if not user.allows(Scope.APPROVE, log):
        raise AccessDenied(f"{user.account} approves nothing of log {log}")
