"""Signs in at an OPC UA server, measures its clock, and says in words what went wrong."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import msgspec
from asyncua import ua
from asyncua.ua.object_ids import ObjectIds
from asyncua.ua.uaerrors import UaError

from collectors.ot.opcua_binary import FileTime
from collectors.ot.opcua_nodes import standard_id
from collectors.ot.opcua_values import aware
from collectors.ot.opcua_wire import BoundedClient
from ledger.core.clock import WallClock, utc_text
from ledger.core.errors import CollectorError, FatalSource, RetriableSource
from ledger.core.times import Clock

_TIMEOUT = 10.0
_SESSION_MS = 60_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TICK_US = 1_500_000
_TICK_LOOK = 0.02
_LAG_US = 1_000_000
_BY_ANSWER = "time of the answer to a read (OPC UA ResponseHeader.Timestamp), half the time of the round as uncertainty"
_BY_TICK = "OPC UA Server_ServerStatus_CurrentTime as it moves on, half the time between two looks as uncertainty"
_NEEDS_A_PERSON = (
    ua.uaerrors.BadUserAccessDenied,
    ua.uaerrors.BadIdentityTokenRejected,
    ua.uaerrors.BadIdentityTokenInvalid,
    ua.uaerrors.BadSecurityPolicyRejected,
    ua.uaerrors.BadSecurityModeRejected,
    ua.uaerrors.BadSecurityChecksFailed,
    ua.uaerrors.BadCertificateInvalid,
    ua.uaerrors.BadCertificateUntrusted,
    ua.uaerrors.BadCertificateTimeInvalid,
)


class Access(msgspec.Struct, frozen=True, kw_only=True):
    """How to reach a server: address, logon, and asyncua's security string (see the collector's options)."""

    url: str
    user: str
    password: str
    security: str
    plain_password: bool = False


@contextlib.asynccontextmanager
async def connected(access: Access) -> AsyncIterator[BoundedClient]:
    """A signed-in client."""
    client = BoundedClient(access.url, _TIMEOUT, access.plain_password)
    client.name = client.description = "Trailseal collector"
    client.application_uri = "urn:trailseal:collector"
    client.session_timeout = _SESSION_MS
    if access.user:
        client.set_user(access.user)
        client.set_password(access.password)
    await client.set_security_string(access.security)
    try:
        await client.connect()
    except (CollectorError, UaError, OSError, TimeoutError):
        raise
    except Exception as error:  # asyncua's decoder names no error of its own for bytes that are none of its
        raise RetriableSource(
            f"the OPC UA server at {access.url} answers a logon with what cannot be read: {error!r}"
        ) from error
    try:
        yield client
    finally:
        with contextlib.suppress(Exception):  # the server may be gone; what was heard is what counts
            await client.disconnect()


async def measure(client: BoundedClient, clock: WallClock) -> Clock:
    """The server's clock against ours.

    An answer says when it was sent. A server whose answers don't, or that goes by another clock there than in
    CurrentTime, is measured when CurrentTime moves on: some servers set it once a second only.
    """
    node = standard_id(ObjectIds.Server_ServerStatus_CurrentTime)
    asked_us = clock.now_us()
    answer = await client.present([node])
    answered_us = clock.now_us()
    held = answer.values[0].value.Value
    current = held.Value if held is not None else None
    server_us = answer.sent_at.unix_us
    if not isinstance(current, FileTime) or not -_LAG_US <= server_us - current.unix_us <= _TICK_US:
        return await _measure_tick(client, clock)
    return _clock(server_us, asked_us, answered_us, asked_us, _BY_ANSWER)


async def _measure_tick(client: BoundedClient, clock: WallClock) -> Clock:
    node = client.get_node(standard_id(ObjectIds.Server_ServerStatus_CurrentTime))
    first = value = await node.read_value()
    begun_us = before_us = asked_us = answered_us = clock.now_us()
    while value == first and answered_us - begun_us < _TICK_US:
        await asyncio.sleep(_TICK_LOOK)
        before_us, asked_us = asked_us, clock.now_us()
        value = await node.read_value()
        answered_us = clock.now_us()
    server_us = (aware(value) - _EPOCH) // timedelta(microseconds=1)
    return _clock(server_us, asked_us, answered_us, begun_us if value == first else before_us, _BY_TICK)


def _clock(server_us: int, asked_us: int, answered_us: int, unknown_from_us: int, method: str) -> Clock:
    return Clock(
        offset_us=server_us - (asked_us + answered_us) // 2,
        uncertainty_us=(answered_us - unknown_from_us + 1) // 2,
        measured_at=utc_text(answered_us),
        method=method,
    )


def explain(error: Exception, access: Access) -> CollectorError:
    """What ended a session, as an error of the tree."""
    if isinstance(error, CollectorError):
        return error
    words = f"{error.__class__.__name__}: {error}" if str(error) else error.__class__.__name__
    if isinstance(error, _NEEDS_A_PERSON):
        return FatalSource(
            f"the OPC UA server at {access.url} refuses user {access.user!r}: {words}",
            advice="Check user, password, certificate and security of the source.",
        )
    if isinstance(error, UaError | OSError | TimeoutError):
        return RetriableSource(f"the OPC UA server at {access.url} cannot be listened to: {words}")
    return FatalSource(f"listening to the OPC UA server at {access.url} failed: {words}")
