"""Files of old audit trails, handed over in parts that are durable one by one, before an import reads them.

A file is named by its id alone: nothing that a caller sends says where on a server anything is.
"""

from hashlib import sha256
from http import HTTPStatus
from typing import Annotated, Final

import msgspec
from litestar import Router, delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import HeaderParameter, JSONBody, PathParameter, QueryParameter, RawBody

from ledger.api.context import Context
from ledger.api.fields import SourceId, no_nul_in, without_nul
from ledger.api.gate import CallerRequest
from ledger.api.import_given import Configured
from ledger.api.problems import declared
from ledger.api.sources import RecordLog
from ledger.core.errors import Conflict, SchemaViolation
from ledger.core.hashing import b64
from ledger.core.record import Name
from ledger.import_look import Look, look
from ledger.people.access import Scope, allow
from ledger.sources.uploads import MAX_PART, FileSize, Upload

MAX_BODY: Final = 2 * 1024 * 1024
"""Bytes of what says how a file is to be read, or was compared."""
MAX_ROWS: Final = 20_000
"""Rows that a trial reads at most."""
UploadPath = Annotated[str, PathParameter(description="A file that is handed over, by its id.", max_length=40)]
Place = Annotated[int, QueryParameter(description="The byte at which the part begins.", ge=0, le=2**53 - 1)]
Sha256 = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
ContentDigest = Annotated[
    str | None,
    HeaderParameter(
        name="Content-Digest",
        description="The part's SHA-256 (RFC 9530), `sha-256=:<base64>:`; a part of another one is refused.",
        pattern=r"^sha-256=:[A-Za-z0-9+/]{43}=:$",
    ),
]


class NewFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file that is to come: its name without folders, its bytes, and the SHA-256 that came with it (hexadecimal)."""

    name: Annotated[Name, msgspec.Meta(examples=["audit_trail_2011-2019.csv"])]
    size: FileSize
    sha256: Sha256


class FileAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Where a file stands: `received` of its `size` bytes are here; the next part has at most `part` bytes.

    `read`: an import reads it, or is about to.
    """

    id: str
    source: str
    name: str
    size: int
    sha256: str
    account: str
    received: int
    part: int
    read: bool


@get("/", opt=allow(Scope.CONFIGURE), responses=declared())
async def list_files(context: NamedDependency[Context], source: SourceId, log: RecordLog = None) -> list[FileAnswer]:
    """The files that are handed over for a source, and wait to be imported: a handful at most."""
    without_nul(source=source)

    def read() -> list[FileAnswer]:
        uploads = context.service.uploads
        return [_answer(context, one) for one in uploads.list(context.record_log(log).log.number, source)]

    return await context.lanes.read(read)


@post("/", opt=allow(Scope.CONFIGURE), responses=declared())
async def begin_file(
    context: NamedDependency[Context],
    request: CallerRequest,
    source: SourceId,
    data: JSONBody[NewFile],
    log: RecordLog = None,
) -> FileAnswer:
    """Begins to hand a file over. What has had no part for a week is dropped."""
    without_nul(source=source, name=data.name)
    account = request.user.account

    def begin() -> FileAnswer:
        number = context.record_log(log).log.number
        made = context.service.uploads.begin(number, source, data.name, data.size, data.sha256, account)
        return _answer(context, made)

    return await context.lanes.append(begin)


@get("/{upload:str}", opt=allow(Scope.CONFIGURE), responses=declared())
async def file_state(
    context: NamedDependency[Context], source: SourceId, upload: UploadPath, log: RecordLog = None
) -> FileAnswer:
    """Where a file stands: its next part begins at `received`."""
    without_nul(source=source, upload=upload)
    return await context.lanes.read(lambda: _answer(context, found(context, log, source, upload)))


@put("/{upload:str}", opt=allow(Scope.CONFIGURE), responses=declared(409, 413), request_max_body_size=MAX_PART)
async def take_part(
    context: NamedDependency[Context],
    source: SourceId,
    upload: UploadPath,
    body: RawBody,
    at: Place,
    log: RecordLog = None,
    content_digest: ContentDigest = None,
) -> FileAnswer:
    """Takes the next part; durable when this answers. A part that is here already may be sent again.

    409: the file stands elsewhere, which GET tells.
    """
    without_nul(source=source, upload=upload)
    part = bytes(body)

    def take() -> FileAnswer:
        if content_digest is not None and content_digest != f"sha-256=:{b64(sha256(part).digest())}:":
            raise SchemaViolation("the part is not the one that its digest names", advice="Send it again.")
        one = found(context, log, source, upload)
        return _answer(context, context.service.uploads.take(one.id, at, part))

    return await context.lanes.append(take)


@post(
    "/{upload:str}/trial",
    opt=allow(Scope.CONFIGURE),
    responses=declared(409),
    status_code=HTTPStatus.OK,
    request_max_body_size=MAX_BODY,
)
async def try_file(
    context: NamedDependency[Context],
    source: SourceId,
    upload: UploadPath,
    data: JSONBody[Configured],
    log: RecordLog = None,
) -> Look:
    """Reads a file that is here to its last byte, and shows what its rows would become; nothing is stored.

    Without any mapping its rows are shown as one would see them. At most twenty thousand rows are read; where there
    are more, `whole` is false, and nothing is held against the old system's figures.
    """
    without_nul(source=source, upload=upload)
    no_nul_in(data)

    def read() -> Look:
        one = found(context, log, source, upload)
        file, given = context.service.uploads.whole(one.id), data.given(source)
        with data.refused():
            config = given.config(given.registered(context.record_log(log)), mapped=False)
            return look(file, config, data.expected, context.service.clock, most=MAX_ROWS)

    return await context.lanes.append(read)


@delete("/{upload:str}", opt=allow(Scope.CONFIGURE), responses=declared(409), status_code=HTTPStatus.NO_CONTENT)
async def drop_file(
    context: NamedDependency[Context], source: SourceId, upload: UploadPath, log: RecordLog = None
) -> None:
    """Drops a file; 409 while an import reads it."""
    without_nul(source=source, upload=upload)

    def drop() -> None:
        one = found(context, log, source, upload)
        if context.service.uploads.is_read(one):
            raise Conflict(f"{one.name} is being imported", advice="Cancel the import first.")
        context.service.uploads.drop(one.id)

    await context.lanes.append(drop)


def found(context: Context, log: str | None, source: str, upload: str) -> Upload:
    """A file of that source; raises NotFound."""
    return context.service.uploads.get(upload, context.record_log(log).log.number, source)


def _answer(context: Context, one: Upload) -> FileAnswer:
    return FileAnswer(
        id=one.id,
        source=one.source,
        name=one.name,
        size=one.size,
        sha256=one.sha256,
        account=one.account,
        received=one.received,
        part=min(MAX_PART, one.size - one.received),
        read=context.service.uploads.is_read(one),
    )


router = Router(
    "/sources/{source:str}/import-files",
    route_handlers=[list_files, begin_file, file_state, take_part, try_file, drop_file],
    tags=["imports"],
)
