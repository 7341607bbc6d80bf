"""Audits what clients do to the demo's control system: every write, method call and logon, with the true user.

asyncua raises no audit event by itself, and its PreWrite and PostWrite callbacks leave a gap between reading the old
value and writing the new one, know no session, and run for the server's own writes too. So the session object itself
is replaced: `AuditedSession` serves external clients only, and does read, write and audit of one node under one lock.

The fields follow OPC UA Part 5, 6.4, and Part 9, 5.10:

- AuditWriteUpdateEventType: SourceNode is the node that was written, SourceName `Attribute/Write`, AttributeId the
  attribute, OldValue what it held just before, NewValue what the client sent (also when refused), Status whether it
  was written. The reason of a refusal stands in Message.
- AuditHistoryValueUpdateEventType, AuditHistoryRawModifyDeleteEventType: SourceNode and UpdatedNode are the node whose
  history was edited, SourceName `Attribute/HistoryUpdate`, NewValues what the client sent, OldValues what was replaced
  or deleted, Status whether all of it was done.
- AuditConditionAcknowledgeEventType (ConditionEventId, Comment), else AuditUpdateMethodEventType: SourceNode is the
  object whose method was called, SourceName `Method/<name>`, MethodId, InputArguments, StatusCodeId, Status.
- AuditActivateSessionEventType, AuditSessionEventType: SourceNode is the Server object, SourceName
  `Session/ActivateSession`, `Session/CloseSession` or `Session/Timeout`, SessionId, StatusCodeId, Status.

ClientUserId is the authenticated user name of the session (of a refused logon: the name that was tried).
ClientAuditEntryId is always empty: asyncua drops the request header before a session sees the request, and nothing is
invented in its place. ClientApplicationUri is what the client said when it created its session. ActionTimeStamp is
when the server began to serve the request, Time when it emitted the event. A written value gets ActionTimeStamp as its
SourceTimestamp, whatever time the client sent with it: a control system goes by its own clock.
"""

import asyncio
import copy
import hmac
from contextvars import ContextVar
from datetime import datetime
from typing import Any

from asyncua import ua
from asyncua.common import event_objects
from asyncua.common.events import Event
from asyncua.common.utils import ServiceError
from asyncua.crypto.permission_rules import User, UserRole
from asyncua.server.internal_server import InternalServer
from asyncua.server.internal_session import InternalSession, SessionState
from asyncua.server.user_managers import UserManager
from asyncua.ua.object_ids import ObjectIds
from asyncua.ua.status_codes import StatusCodes

from collectors.demo.opcua_events import SERVER_NODE, Emitter, new_event
from collectors.demo.opcua_history_edit import Edited, EditedHistory
from collectors.demo.opcua_ids import standard_id, status_of, ua_time
from collectors.demo.opcua_plant import USER_RIGHTS, Plant, Right

ACKNOWLEDGE = standard_id(ObjectIds.AcknowledgeableConditionType_Acknowledge)
_REFRESH = frozenset(
    {
        standard_id(ObjectIds.ConditionType_ConditionRefresh),
        standard_id(ObjectIds.ConditionType_ConditionRefresh2),
    }
)
_NOBODY = User(role=UserRole.Anonymous)
_ROUTINE, _CHANGE, _REFUSED = 100, 300, 600  # event severities, of 1 to 1000

calling_user: ContextVar[str] = ContextVar("calling_user")
"""The authenticated user whose method call is being served."""


class KnownUsers(UserManager):
    """Lets in the users of the plant with their own password and nobody else; there is no anonymous session."""

    def __init__(self, passwords: dict[str, str]) -> None:
        self._passwords = passwords

    def get_user(
        self,
        iserver: InternalServer,
        username: str | None = None,
        password: str | None = None,
        certificate: Any = None,
    ) -> User | None:
        expected = self._passwords.get(username or "")
        if expected is None or not hmac.compare_digest(expected.encode(), (password or "").encode()):
            return None
        return User(role=UserRole.User, name=username)


class AuditedServer(InternalServer):
    """asyncua's server core, except that every session of a client is an `AuditedSession`."""

    def __init__(self, users: KnownUsers, server_uri: str) -> None:
        super().__init__(user_manager=users)
        self.history_manager = EditedHistory(self)
        self.server_uri = server_uri
        self.write_lock = asyncio.Lock()
        self._plant: Plant | None = None
        self._emitter: Emitter | None = None
        self._pending: set[asyncio.Task[bytes]] = set()

    def begin_auditing(self, plant: Plant, emitter: Emitter) -> None:
        """Must be called before the first client can connect."""
        self._plant, self._emitter = plant, emitter

    @property
    def plant(self) -> Plant:
        assert self._plant is not None, "begin_auditing comes first"
        return self._plant

    @property
    def emitter(self) -> Emitter:
        assert self._emitter is not None, "begin_auditing comes first"
        return self._emitter

    def emit_soon(self, event: Event) -> None:
        """For code that cannot await: the event is emitted by a task of its own."""
        task = asyncio.get_running_loop().create_task(self.emitter.emit(event))
        self._pending.add(task)
        task.add_done_callback(self._pending.discard)

    def create_session(
        self,
        name: str,
        user: User = _NOBODY,
        external: bool = False,
    ) -> InternalSession:
        return AuditedSession(self, name, user, external)


class AuditedSession(InternalSession):
    """A client's session that cannot write, call a method or log on without leaving an audit event."""

    def __init__(self, server: AuditedServer, name: str, user: User, external: bool) -> None:
        super().__init__(server, server.aspace, server.subscription_service, name, user=user, external=external)
        self._server = server
        self._application_uri = ""

    async def create_session(
        self, params: ua.CreateSessionParameters, sockname: tuple[str, int] | None = None
    ) -> ua.CreateSessionResult:
        self._application_uri = params.ClientDescription.ApplicationUri or ""
        return await super().create_session(params, sockname)

    def activate_session(
        self, params: ua.ActivateSessionParameters, peer_certificate: bytes | None
    ) -> ua.ActivateSessionResult:
        began = self._server.emitter.now()
        token = params.UserIdentityToken
        tried = token.UserName or "" if isinstance(token, ua.UserNameIdentityToken) else ""
        try:
            result = super().activate_session(params, peer_certificate)
        except (ServiceError, ua.uaerrors.UaStatusCodeError) as refusal:
            self._audit_logon(began, tried, status_of(refusal.code))
            raise
        self._audit_logon(began, self._user_name, ua.StatusCode())
        return result

    async def close_session(self, delete_subs: bool = True) -> None:
        was_active = self.state == SessionState.Activated
        timed_out = self._timeout_task is not None and self._timeout_task is asyncio.current_task()
        began = self._server.emitter.now()
        await super().close_session(delete_subs)
        if was_active:
            event = self._event(
                event_objects.AuditSessionEvent,
                SERVER_NODE,
                "Session/Timeout" if timed_out else "Session/CloseSession",
                began,
                ua.StatusCode(),
                f"the session of {self._user_name} ended",
                SessionId=self.session_id,
                Severity=_ROUTINE,
            )
            await self._server.emitter.emit(event)

    async def write(self, params: ua.WriteParameters) -> list[ua.StatusCode]:
        statuses = []
        for item in params.NodesToWrite:
            async with self._server.write_lock:
                statuses.append(await self._write_one(item))
        return statuses

    async def call(self, params: list[ua.CallMethodRequest]) -> list[ua.CallMethodResult]:
        return [await self._call_one(request) for request in params]

    async def history_update(self, params: ua.HistoryUpdateParameters) -> list[ua.HistoryUpdateResult]:
        results = []
        for details in params.HistoryUpdateDetails:
            async with self._server.write_lock:
                results.append(await self._edit_one(details))
        return results

    async def _edit_one(self, details: object) -> ua.HistoryUpdateResult:
        emitter = self._server.emitter
        began = emitter.now()
        if not isinstance(details, ua.UpdateDataDetails | ua.DeleteRawModifiedDetails):
            return ua.HistoryUpdateResult(StatusCode=status_of(StatusCodes.BadHistoryOperationUnsupported))
        edited = Edited(status=status_of(StatusCodes.BadUserAccessDenied))
        if details.NodeId in self._server.plant.rights and self._holds(Right.EDIT_HISTORY):
            edited = emitter.edit_history(details, self._user_name, began)
        done = edited.outcome
        fields: dict[str, Any] = {"UpdatedNode": details.NodeId, "OldValues": list(edited.old)}
        if isinstance(details, ua.UpdateDataDetails):
            kind: type[Event] = event_objects.AuditHistoryValueUpdateEvent
            fields |= {"PerformInsertReplace": details.PerformInsertReplace.value, "NewValues": details.UpdateValues}
        else:
            kind = event_objects.AuditHistoryRawModifyDeleteEvent
            fields |= {
                "IsDeleteModified": details.IsDeleteModified,
                "StartTime": details.StartTime,
                "EndTime": details.EndTime,
            }
        message = f"{self._user_name} {_outcome(done, 'edited', 'editing')} the history of {details.NodeId.Identifier}"
        await emitter.emit(self._event(kind, details.NodeId, "Attribute/HistoryUpdate", began, done, message, **fields))
        return ua.HistoryUpdateResult(StatusCode=edited.status, OperationResults=list(edited.each))

    async def _write_one(self, item: ua.WriteValue) -> ua.StatusCode:
        emitter = self._server.emitter
        began = emitter.now()
        before = self.aspace.read_attribute_value(item.NodeId, item.AttributeId)
        if self._holds(self._server.plant.rights.get(item.NodeId)):
            stamped = copy.copy(item)
            stamped.Value = ua.DataValue(item.Value.Value, item.Value.StatusCode, ua_time(began))
            (status,) = await super().write(ua.WriteParameters(NodesToWrite=[stamped]))
        else:
            status = status_of(StatusCodes.BadUserAccessDenied)
        if status.is_good():
            await emitter.keep_value(item.NodeId, self.aspace.read_attribute_value(item.NodeId, item.AttributeId))
        event = self._event(
            event_objects.AuditWriteUpdateEvent,
            item.NodeId,
            "Attribute/Write",
            began,
            status,
            f"{self._user_name} {_outcome(status, 'wrote', 'writing')} {item.NodeId.Identifier}",
            AttributeId=int(item.AttributeId),
            IndexRange=item.IndexRange or "",
        )
        for name, value in (("OldValue", before.Value), ("NewValue", item.Value.Value)):
            if value is not None:
                event.add_property(name, value.Value, value.VariantType)
        await emitter.emit(event)
        return status

    async def _call_one(self, request: ua.CallMethodRequest) -> ua.CallMethodResult:
        if request.MethodId in _REFRESH:  # changes nothing: every user may ask for the present alarms
            (answer,) = await super().call([request])
            return answer
        began = self._server.emitter.now()
        if request.MethodId == ACKNOWLEDGE and self._holds(Right.ACKNOWLEDGE):
            calling_user.set(self._user_name)
            (answer,) = await super().call([request])
        else:
            answer = ua.CallMethodResult(StatusCode=status_of(StatusCodes.BadUserAccessDenied))
        await self._server.emitter.emit(self._call_event(request, began, answer.StatusCode))
        return answer

    def _call_event(self, request: ua.CallMethodRequest, began: datetime, status: ua.StatusCode) -> Event:
        arguments = list(request.InputArguments or [])
        acknowledges = request.MethodId == ACKNOWLEDGE and len(arguments) == 2
        name = "Acknowledge" if acknowledges else request.MethodId.to_string()
        fields: dict[str, Any] = {"MethodId": request.MethodId, "InputArguments": arguments, "StatusCodeId": status}
        if acknowledges:
            fields |= {"ConditionEventId": arguments[0].Value, "Comment": arguments[1].Value}
        return self._event(
            event_objects.AuditConditionAcknowledgeEvent if acknowledges else event_objects.AuditUpdateMethodEvent,
            request.ObjectId,
            f"Method/{name}",
            began,
            status,
            f"{self._user_name} {_outcome(status, 'called', 'calling')} {name}",
            **fields,
        )

    def _audit_logon(self, began: datetime, user: str, status: ua.StatusCode) -> None:
        event = self._event(
            event_objects.AuditActivateSessionEvent,
            SERVER_NODE,
            "Session/ActivateSession",
            began,
            status,
            f"{user or 'anonymous'} {_outcome(status, 'logged on', 'logging on')}",
            SessionId=self.session_id,
            StatusCodeId=status,
            ClientUserId=user,
            Severity=_ROUTINE if status.is_good() else _REFUSED,
        )
        self._server.emit_soon(event)

    def _event(
        self,
        kind: type[Event],
        source: ua.NodeId,
        source_name: str,
        began: datetime,
        status: ua.StatusCode,
        message: str,
        **fields: Any,
    ) -> Event:
        """What all audit events share (Part 5, 6.4.3)."""
        common: dict[str, Any] = {
            "SourceName": source_name,
            "Message": message,
            "Severity": _CHANGE if status.is_good() else _REFUSED,
            "ActionTimeStamp": began,
            "Status": status.is_good(),
            "ServerId": self._server.server_uri,
            "ClientAuditEntryId": "",
            "ClientUserId": self._user_name,
            "ClientApplicationUri": self._application_uri,
        }
        return new_event(kind, source, **(common | fields))

    @property
    def _user_name(self) -> str:
        return self.user.name or ""

    def _holds(self, right: Right | None) -> bool:
        return right is not None and right in USER_RIGHTS[self._user_name]


def _outcome(status: ua.StatusCode, done: str, tried: str) -> str:
    return done if status.is_good() else f"was refused ({status.name}) {tried}"
