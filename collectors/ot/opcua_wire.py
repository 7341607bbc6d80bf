"""A connection to an OPC UA server that holds no more than is set here, whatever the server sends.

asyncua takes a server at its word: it waits for a chunk of 4 GiB and lets the server's greeting replace its own limits.
Here a chunk has at most `MAX_CHUNK` bytes and a message `MAX_MESSAGE`; a message is decoded within the bounds of
`collectors.ot.opcua_bounds`. What breaks this is `Refused`, with the head of its bytes, and closes the connection.

Notifications, histories and values that are read stay as the bytes that came, for `collectors.ot.opcua_binary` to read:
what is recorded is what was sent.
"""

from collections.abc import Sequence
from typing import Any, cast

import msgspec
from asyncua import ua
from asyncua.client.client import Client
from asyncua.client.ua_client import UaClient, UASocketProtocol, UASocketState
from asyncua.client.ua_session import UaSession
from asyncua.common.connection import TransportLimits
from asyncua.common.shortcuts import Shortcuts
from asyncua.common.utils import Buffer
from asyncua.crypto.security_policies import SecurityPolicy, SecurityPolicyNone
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.ua_binary import Primitives, nodeid_from_binary, struct_from_binary
from asyncua.ua.uaerrors import UaStatusCodeError

from collectors.ot.opcua_binary import FileTime, RawValue, read_data_value, read_length, read_undecoded
from collectors.ot.opcua_bounds import BoundedBuffer, Refused
from ledger.core.errors import FatalSource

MAX_CHUNK = 65_536
MAX_MESSAGE = 16 * 1024 * 1024
_MAX_CHUNKS = MAX_MESSAGE // 8_192
_AT_ONCE = 100
_WATCH_SECONDS = 5.0
"""So often the server is asked whether it is still there; so long it may take to answer."""
_HEADER = 8
"""Bytes of a chunk up to its length, which is their last four (Part 6, 7.1.2.2)."""


class Values(msgspec.Struct, frozen=True, kw_only=True):
    """What nodes hold, in the order asked for; `sent_at` is the server's clock, the null time where it says none."""

    sent_at: FileTime
    values: tuple[RawValue, ...]


class BoundedClient(Client):
    """asyncua's client on a bounded connection; it does not connect again by itself, as the gap would be nobody's."""

    def __init__(self, url: str, timeout: float, plain_password: bool) -> None:
        super().__init__(url, timeout, watchdog_intervall=_WATCH_SECONDS)
        self._plain_password = plain_password
        self._transport = _Transport(timeout)
        self.uaclient = self._transport
        self.uaclient.pre_request_hook = self._wait_until_ready
        self.nodes = Shortcuts(self.uaclient.session)
        self.max_messagesize = MAX_MESSAGE
        self.max_chunkcount = _MAX_CHUNKS

    @property
    def refused(self) -> Refused | None:
        """What the server sent that ended the connection."""
        return self._transport.refused

    @property
    def last_answer(self) -> bytes:
        """The latest answer to a request, for when it turns out to be unreadable."""
        return self._transport.last_answer

    def server_policy(self, token_type: ua.UserTokenType) -> ua.UserTokenPolicy:
        """How the server wants a logon; raises FatalSource where a password would go unencrypted over the network."""
        policy = super().server_policy(token_type)
        is_open = policy.SecurityPolicyUri in (None, "", SecurityPolicyNone.URI)
        is_hidden = self.security_policy.Mode == ua.MessageSecurityMode.SignAndEncrypt
        if token_type == ua.UserTokenType.UserName and is_open and not is_hidden and not self._plain_password:
            raise FatalSource(
                f"the OPC UA server at {self.server_url.geturl()} takes the password of user {self._username!r} only as"
                " plain text",
                advice="Encrypt the session (option `security`), or set plain_password=yes where nobody can listen.",
            )
        return policy

    async def present(self, nodes: Sequence[ua.NodeId]) -> Values:
        """The value of each of at least one node, with both time stamps, as a subscription gives it."""
        given: list[Values] = []
        for start in range(0, len(nodes), _AT_ONCE):
            part = nodes[start : start + _AT_ONCE]
            asked = [ua.ReadValueId(NodeId=node, AttributeId=AttributeIds.Value) for node in part]
            request = ua.ReadRequest()
            request.Parameters = ua.ReadParameters(TimestampsToReturn=ua.TimestampsToReturn.Both, NodesToRead=asked)
            given.append(_read_values(await self._transport.ask(request), len(asked)))
        return Values(sent_at=given[-1].sent_at, values=tuple(value for one in given for value in one.values))


class _Limits(TransportLimits):
    """What this side takes stays as it is, whatever the server greets with."""

    def update_client_limits(self, msg: ua.Acknowledge) -> None:
        if msg.ReceiveBufferSize:
            self.max_send_buffer = min(self.max_send_buffer, msg.ReceiveBufferSize)


class _Protocol(UASocketProtocol):
    def __init__(self, owner: "_Transport", timeout: float, security_policy: SecurityPolicy) -> None:
        limits = _Limits(MAX_CHUNK, MAX_CHUNK, _MAX_CHUNKS, MAX_MESSAGE)
        super().__init__(timeout, security_policy, limits)
        self._owner = owner

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        waiting = self.receive_buffer
        if waiting is not None and len(waiting) >= _HEADER:
            claimed = int.from_bytes(waiting[4:_HEADER], "little")
            if not _HEADER <= claimed <= MAX_CHUNK:
                self.refuse(Refused(f"the server claims a chunk of {claimed:,} bytes", waiting))

    async def send_hello(self, url: str, max_messagesize: int = 0, max_chunkcount: int = 0) -> ua.Acknowledge:
        if self.state is UASocketState.CLOSED:  # else an answer would be waited for
            raise ConnectionError("the connection was closed at once")
        return await super().send_hello(url, max_messagesize, max_chunkcount)

    def refuse(self, refused: Refused) -> None:
        """Closes the connection; whoever waits for an answer gets the reason."""
        self._owner.refused = refused
        self.receive_buffer = None
        self._fail_all_pending(refused)
        self.disconnect_socket()

    def _fail_all_pending(self, exc: Exception) -> None:
        if isinstance(exc, ua.uaerrors.BadRequestTooLarge) and self._owner.refused is None:
            most = f"{MAX_CHUNK:,} bytes in a chunk or {MAX_MESSAGE:,} in a message"
            exc = self._owner.refused = Refused(f"the server sends more than {most}")
        super()._fail_all_pending(exc)

    def _call_callback(self, request_id: int, body: Buffer | ua.Acknowledge) -> None:
        super()._call_callback(request_id, BoundedBuffer(bytes(body)) if isinstance(body, Buffer) else body)


class _Session(UaSession):
    """asyncua's session, except that notifications and histories stay as they came."""

    async def publish(self, acks: list[ua.SubscriptionAcknowledgement]) -> ua.PublishResponse:
        request = ua.PublishRequest()
        request.Parameters.SubscriptionAcknowledgements = acks
        data = cast(BoundedBuffer, await self._send_request(request, timeout=0))
        whole = bytes(data)
        try:
            return _read_publish(data)
        except UaStatusCodeError:
            raise
        except Exception as error:  # asyncua's loop would ask again and again
            refused = error if isinstance(error, Refused) else Refused(f"a notification cannot be read: {error!r}")
            refused.data = refused.data or whole
            cast(_Protocol, self._client.protocol).refuse(refused)
            raise ConnectionError(refused.reason) from error

    async def history_read(self, params: ua.HistoryReadParameters) -> list[ua.HistoryReadResult]:
        request = ua.HistoryReadRequest()
        request.Parameters = params
        return _read_history(cast(BoundedBuffer, await self._send_request(request)))


class _Transport(UaClient):
    def __init__(self, timeout: float) -> None:
        super().__init__(timeout)
        self.session = _Session(self)
        self.refused: Refused | None = None
        self.last_answer = b""

    async def ask(self, request: Any) -> BoundedBuffer:
        """The answer to a request of any service."""
        return cast(BoundedBuffer, await self._send_request(request))

    async def _send_request(self, request: Any, *rest: Any, **named: Any) -> Buffer:
        answer = await super()._send_request(request, *rest, **named)
        if not isinstance(request, ua.PublishRequest):
            self.last_answer = bytes(answer)
        return answer

    def _make_protocol(self) -> UASocketProtocol:
        self.protocol = _Protocol(self, self._timeout, self.security_policy)
        self.protocol.pre_request_hook = self.pre_request_hook
        self.protocol.on_connection_lost = self._on_transport_lost
        self.protocol.is_session_closing = self._is_session_closing
        return self.protocol


def _read_header(data: BoundedBuffer) -> FileTime:
    """Reads past what every answer begins with (Part 4, 7.33), and gives the time at which the server sent it."""
    nodeid_from_binary(data)
    sent_at = FileTime.of(int.from_bytes(data.copy().read(8), "little", signed=True))
    struct_from_binary(ua.ResponseHeader, data).ServiceResult.check()
    return sent_at


def _read_publish(data: BoundedBuffer) -> ua.PublishResponse:
    """A PublishResponse (Part 4, 5.14.5) whose NotificationData is not decoded."""
    _read_header(data)
    told = ua.PublishResult()
    told.SubscriptionId = Primitives.UInt32.unpack(data)
    told.AvailableSequenceNumbers = [Primitives.UInt32.unpack(data) for _ in range(read_length(data))]
    told.MoreNotifications = Primitives.Boolean.unpack(data)
    told.NotificationMessage.SequenceNumber = Primitives.UInt32.unpack(data)
    told.NotificationMessage.PublishTime = Primitives.DateTime.unpack(data)
    told.NotificationMessage.NotificationData = [read_undecoded(data) for _ in range(read_length(data))]
    return ua.PublishResponse(Parameters=told)


def _read_history(data: BoundedBuffer) -> list[ua.HistoryReadResult]:
    """The results of a HistoryReadResponse (Part 4, 5.11.3) whose HistoryData is not decoded."""
    _read_header(data)
    results = []
    for _ in range(read_length(data)):
        status = struct_from_binary(ua.StatusCode, data)
        point = Primitives.ByteString.unpack(data)
        results.append(
            ua.HistoryReadResult(StatusCode=status, ContinuationPoint=point, HistoryData=read_undecoded(data))
        )
    return results


def _read_values(data: BoundedBuffer, asked: int) -> Values:
    sent_at = _read_header(data)
    values = []
    for _ in range(read_length(data)):
        start = data.cur_pos
        value = read_data_value(data)
        values.append(RawValue(data=data.since(start), value=value))
    if len(values) != asked:
        raise Refused(f"{asked} values were asked for and {len(values)} given")
    return Values(sent_at=sent_at, values=tuple(values))
