"""Pages of everybody's signing keys, for who administers accounts: how each stands, its test, and its end.

Plain forms, no script. Who ends a key of somebody's vouches for no later one of theirs (`signing.vouching`).
"""

from collections.abc import Callable
from typing import Any, Final

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from ledger.core.errors import LedgerError, SchemaViolation
from ledger.core.signature import Mode
from ledger.people.access import Scope, allow
from ledger.people.qualifications import today
from ledger.present.messages import message
from ledger.signing.key_views import KnownKey, fingerprint_of
from ledger.web.forms import form_of
from ledger.web.pages import PageRequest
from ledger.web.render import page

Context = NamedDependency[Any]
"""The application's context; of no type that a request could be checked against."""


@get("/signing-keys", opt=allow(Scope.ADMIN))
async def all_keys(request: PageRequest, context: Context) -> Response[str]:
    """Every signing key there is or was, by person; those that wait or count before those that ended."""
    keys: list[KnownKey] = await context.lanes.read(context.service.signing.bindings.all)
    return page(
        "all_keys.html",
        keys=sorted(keys, key=lambda one: one.state == "revoked"),
        signs=sum(one.signs and not one.test_overdue for one in keys),
        fingerprint=fingerprint_of,
        place="account",
        viewer=request.user.account,
    )


@get("/signing-keys/{key:str}", opt=allow(Scope.ADMIN))
async def one_key(request: PageRequest, context: Context, key: FromPath[str]) -> Response[str]:
    """One of them, with the forms to record its test and to end it."""
    return await _one(context, request, key)


@post("/signing-keys/{key:str}/test", opt=allow(Scope.ADMIN), status_code=200)
async def tested(request: PageRequest, context: Context, key: FromPath[str]) -> Response[str]:
    """Records the test of somebody else's signing passkey, with its result."""
    form, caller, service = await form_of(request), request.user, context.service

    def enter() -> int:
        known = service.signing.bindings.one(key)
        if known.mode is not Mode.PASSKEY:
            raise SchemaViolation("this key is no device: it takes no test")
        index: int = service.people.qualifications.device(
            known.account,
            key,
            _words(form, "how"),
            form("on"),
            _words(form, "reason"),
            caller.authority,
            passed=form("passed") == "yes",
            until=form("until") or None,
        )
        return index

    return await _done(context, request, key, enter, "all-keys.test.done")


@post("/signing-keys/{key:str}/revocation", opt=allow(Scope.ADMIN), status_code=200)
async def revoke(request: PageRequest, context: Context, key: FromPath[str]) -> Response[str]:
    """Ends a key, at once."""
    form, caller, bindings = await form_of(request), request.user, context.service.signing.bindings

    def enter() -> int:
        reason = _words(form, "reason")
        if not reason:
            raise SchemaViolation("a key ends with a reason", advice="Say in a sentence why it ends.")
        index: int = bindings.revoke(key, reason, caller.authority, caller)
        return index

    return await _done(context, request, key, enter, "all-keys.revoke.done")


HANDLERS: Final[list[Any]] = [all_keys, one_key, tested, revoke]


async def _done(context: Any, request: PageRequest, key: str, work: Callable[[], int], said: str) -> Response[str]:
    try:
        index = await context.lanes.append(work)
    except LedgerError as error:
        return await _one(context, request, key, error=error)
    return await _one(context, request, key, message(said, index=index))


async def _one(
    context: Any, request: PageRequest, key: str, said: str = "", error: LedgerError | None = None
) -> Response[str]:
    service = context.service
    return page(
        "all_keys_one.html",
        status=200 if error is None else 409,
        key=await context.lanes.read(lambda: service.signing.bindings.one(key)),
        fingerprint=fingerprint_of,
        today=str(today(service.store)),
        said=said,
        error=error,
        place="account",
        viewer=request.user.account,
    )


def _words(form: Callable[[str], str], name: str) -> str:
    return form(name).strip()[:1000]
