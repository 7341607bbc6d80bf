"""Imports of old audit trails: begun on a file that was handed over, followed, reconciled, stated to be a true copy."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated

import msgspec
from litestar import Router, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter, QueryParameter

from ledger.api.context import Context
from ledger.api.fields import SourceId, no_nul_in, without_nul
from ledger.api.gate import CallerRequest
from ledger.api.import_files import MAX_BODY
from ledger.api.import_files import found as uploaded
from ledger.api.import_given import Configured
from ledger.api.people import Reason, Why
from ledger.api.placed import Limit
from ledger.api.problems import declared
from ledger.api.sources import RecordLog
from ledger.core.address import Address
from ledger.core.errors import Conflict
from ledger.core.hashing import unb64
from ledger.core.job import Job, JobState
from ledger.core.record import Name
from ledger.importing import Task, Wanted, begin
from ledger.jobs.frame import LIVE
from ledger.people.access import Scope, allow
from ledger.record_log import RecordLog as OpenedLog
from ledger.service import IMPORT
from ledger.signing.sign_off import SignOff, signs_off
from ledger.sources.import_kinds import Expected, ImportState, Outcome, TrueCopy
from ledger.sources.imports import Known
from ledger.sources.map_files import instant
from ledger.sources.uploads import Upload
from ledger.store.position import MAX_INDEX

MarkPath = Annotated[str, PathParameter(description="The last part of an import's id.", max_length=16)]
Recount = Annotated[bool, QueryParameter(description="Count once more what the ledger holds of it.")]
OfSource = Annotated[str | None, QueryParameter(description="Those of this archive only.", max_length=512)]
After = Annotated[str | None, QueryParameter(description="`next_after` of the page before this one.", max_length=512)]
Index = Annotated[int, msgspec.Meta(ge=0, le=MAX_INDEX)]


class NewImport(Configured, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An import to begin: the file that was handed over, what configures the archive, what the old system counts.

    `sha256_stated`: the file's SHA-256 came with it from the old system. `live_from`: from when on `continues_in` is
    collected live; by default from that source's first run on.
    """

    upload: Annotated[str, msgspec.Meta(max_length=40)]
    reason: Reason
    sha256_stated: bool = True
    continues_in: Name | None = None
    live_from: Annotated[str, msgspec.Meta(max_length=40)] | None = None


class Statement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """That an import is a true copy: the records that were held against the old system, and each difference explained.

    `sha256`: of the old system's file as whoever states it has it; null: it was not at hand.
    """

    sample: Annotated[tuple[Index, ...], msgspec.Meta(min_length=1, max_length=1000)]
    reason: Reason
    explained: Annotated[dict[Name, str], msgspec.Meta(max_length=5000)] = {}
    sha256: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")] | None = None


class ImportJob(msgspec.Struct, frozen=True, kw_only=True):
    """The job that reads the file, or tried to: `done` rows of at least `total`."""

    id: int
    state: JobState
    done: int
    total: int
    cancel: bool
    error: str


class ImportAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """An import as it stands; `entry` says so. `signed`: how the statement is signed off, and what of that is open.

    `job`: null once the file was read to its end, which drops it. `same`: whether what the ledger holds, counted once
    more, is what `outcome` says; null: it was not counted.
    """

    log: str
    id: str
    mark: str
    source: str
    state: ImportState
    entry: int
    address: str
    begun: int
    file: str
    size: int
    sha256: str
    sha256_stated: bool
    mapping: str
    expected: Expected
    continues_in: str | None
    live_from: str | None
    reason: str
    outcome: Outcome | None
    true_copy: TrueCopy | None
    signed: SignOff | None
    job: ImportJob | None
    same: bool | None = None


class ImportsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A page of imports, by id; the next one begins after `next_after`, null on the last."""

    imports: list[ImportAnswer]
    next_after: str | None


@get("/", opt=allow(Scope.READ), responses=declared())
async def list_imports(
    context: NamedDependency[Context],
    log: RecordLog = None,
    source: OfSource = None,
    after: After = None,
    limit: Limit = 50,
) -> ImportsAnswer:
    """The imports of a record log, or those of an archive, and where each stands."""
    without_nul(source=source, after=after)

    def read() -> ImportsAnswer:
        chosen = context.record_log(log)
        found = chosen.imports.list(source, after, limit + 1)
        jobs = _jobs(context, chosen, source)
        page = [_answer(context, chosen, known, jobs) for known in found[:limit]]
        return ImportsAnswer(imports=page, next_after=page[-1].id if len(found) > limit else None)

    return await context.lanes.read(read)


@get("/{mark:str}", opt=allow(Scope.READ), responses=declared())
async def one_import(
    context: NamedDependency[Context], source: SourceId, mark: MarkPath, log: RecordLog = None, recount: Recount = False
) -> ImportAnswer:
    """One import: its file, its progress, its figures against the old system's, and the statement about it."""
    without_nul(source=source, mark=mark)

    def read() -> ImportAnswer:
        chosen = context.record_log(log)
        known = chosen.imports.get(_key(source, mark))
        same = chosen.imports.recount(known.last.id) == known.last.outcome if recount else None
        return msgspec.structs.replace(_answer(context, chosen, known), same=same)

    return await context.lanes.read(read)


@post(
    "/",
    opt=allow(Scope.CONFIGURE),
    responses=declared(409, 413),
    status_code=HTTPStatus.ACCEPTED,
    request_max_body_size=MAX_BODY,
)
async def start_import(
    context: NamedDependency[Context],
    request: CallerRequest,
    source: SourceId,
    data: JSONBody[NewImport],
    log: RecordLog = None,
) -> ImportAnswer:
    """Begins an import of a file that is here to its last byte, and returns at once; a job reads it.

    The same file again goes on where it was stopped, and makes no record twice. 409: another file of that source is
    being imported, or this one is a true copy already.
    """
    without_nul(source=source)
    no_nul_in(data)
    authority = request.user.authority

    def enter() -> ImportAnswer:
        service, chosen = context.service, context.record_log(log)
        upload = uploaded(context, log, source, data.upload)
        for one in service.uploads.list(chosen.log.number, source):
            if service.uploads.is_read(one):
                raise Conflict(f"{one.name} is being imported", advice="Wait until it was read.")
        file, given, wanted = service.uploads.whole(upload.id), data.given(source), _wanted(data, upload)
        with data.refused():
            known = begin(service, chosen, file, given, wanted, authority)
        task = Task(log=chosen.log.name, source=source, key=known.last.id, upload=upload.id, reason=data.reason)
        job = service.jobs.enqueue(IMPORT, msgspec.json.encode(task).decode())
        try:
            service.uploads.read_by(upload.id, job.id)
        except Conflict:
            service.jobs.cancel(job.id)  # somebody else began the same, an instant before
            raise
        return _answer(context, chosen, known)

    return await context.lanes.append(enter)


@post("/{mark:str}/cancellation", opt=allow(Scope.CONFIGURE), responses=declared(), status_code=HTTPStatus.OK)
async def cancel_import(
    context: NamedDependency[Context], source: SourceId, mark: MarkPath, log: RecordLog = None
) -> ImportAnswer:
    """Asks the job that reads the file to stop. The import can be gone on with, or be ended as it is."""
    without_nul(source=source, mark=mark)

    def stop() -> ImportAnswer:
        chosen = context.record_log(log)
        known = chosen.imports.get(_key(source, mark))
        job = _jobs(context, chosen, source).get(known.last.id)
        if _live(job) and job is not None:
            context.service.jobs.cancel(job.id)
        return _answer(context, chosen, known)

    return await context.lanes.append(stop)


@post("/{mark:str}/end", opt=allow(Scope.CONFIGURE), responses=declared(409))
async def end_import(
    context: NamedDependency[Context],
    request: CallerRequest,
    source: SourceId,
    mark: MarkPath,
    data: JSONBody[Why],
    log: RecordLog = None,
) -> ImportAnswer:
    """Ends an import as it is, though its file was not read to the end; it stays open. 409 while a job reads it."""
    without_nul(source=source, mark=mark, reason=data.reason)
    authority = request.user.authority

    def finish() -> ImportAnswer:
        chosen = context.record_log(log)
        known = chosen.imports.get(_key(source, mark))
        if _live(_jobs(context, chosen, source).get(known.last.id)):
            raise Conflict(f"import {known.last.id} is being read", advice="Cancel it first.")
        return _answer(context, chosen, chosen.imports.finish(known.last.id, data.reason, authority, ended=False))

    return await context.lanes.append(finish)


@post("/{mark:str}/true-copy", opt=allow(Scope.CONFIGURE), responses=declared(409), request_max_body_size=MAX_BODY)
async def state_true_copy(
    context: NamedDependency[Context],
    request: CallerRequest,
    source: SourceId,
    mark: MarkPath,
    data: JSONBody[Statement],
    log: RecordLog = None,
) -> ImportAnswer:
    """States that an import is a true copy; its entry is then to be signed, as `signed` says.

    403 `self_approval` for whoever imported it; 409 where it has not ended, or the file at hand is another.
    """
    without_nul(source=source, mark=mark)
    no_nul_in(data)
    authority = request.user.authority

    def enter() -> ImportAnswer:
        chosen = context.record_log(log)
        compared = None if data.sha256 is None else bytes.fromhex(data.sha256)
        known = chosen.imports.state_true_copy(
            _key(source, mark), data.sample, data.explained, data.reason, authority, compared
        )
        return _answer(context, chosen, known)

    return await context.lanes.append(enter)


def _wanted(data: NewImport, upload: Upload) -> Wanted:
    live_from = None if data.live_from is None else instant(data.live_from, None)
    return Wanted(
        expected=data.expected,
        sha256=upload.sha256,
        stated=data.sha256_stated,
        continues_in=data.continues_in,
        live_from=live_from,
        reason=data.reason,
    )


def _key(source: str, mark: str) -> str:
    return f"{source[:480]}/{mark}"


def _jobs(context: Context, chosen: OpenedLog, source: str | None) -> dict[str, Job]:
    """By the import's id the job that reads its file, or that tried to; of one archive, or of all."""
    waiting = context.service.uploads.list(chosen.log.number, source)
    jobs = [context.service.jobs.get(one.job) for one in waiting if one.job is not None]
    return {msgspec.json.decode(one.parameters, type=Task).key: one for one in jobs}


def _live(job: Job | None) -> bool:
    return job is not None and job.state in LIVE


def _answer(context: Context, chosen: OpenedLog, known: Known, jobs: Mapping[str, Job] | None = None) -> ImportAnswer:
    body, signed = known.last, None
    job = (_jobs(context, chosen, body.source) if jobs is None else jobs).get(body.id)
    if known.true_copy is not None:
        (signed,) = signs_off(context.service.store, chosen.log, [(known.entry, known.true_copy)])
    return ImportAnswer(
        log=chosen.log.name,
        id=body.id,
        mark=body.id.rpartition("/")[2],
        source=body.source,
        state=known.state,
        entry=known.entry,
        address=str(Address(chosen.log.origin, known.entry)),
        begun=known.entry if body.begun is None else body.begun,
        file=body.file.name,
        size=body.file.size,
        sha256=unb64(body.file.sha256, 32).hex(),
        sha256_stated=body.file.stated,
        mapping=body.mapping,
        expected=body.expected,
        continues_in=body.continues_in,
        live_from=body.live_from,
        reason=body.reason,
        outcome=body.outcome,
        true_copy=known.true_copy,
        signed=signed,
        job=None if job is None else _shown(job),
    )


def _shown(job: Job) -> ImportJob:
    # An error of ours starts with its code, in lower case; what a defect says of itself is for the service's log.
    code = job.error.partition(":")[0]
    ours = code == code.lower()
    error = job.error if ours else "internal: the import failed; see the service's log"
    return ImportJob(id=job.id, state=job.state, done=job.done, total=job.total, cancel=job.cancel, error=error)


router = Router(
    "/sources/{source:str}/imports",
    route_handlers=[one_import, start_import, cancel_import, end_import, state_true_copy],
    tags=["imports"],
)
every = Router("/imports", route_handlers=[list_imports], tags=["imports"])
