"""Electronic signatures: keys and who vouches for them, the first start, statements to sign, and signatures made.

A signature takes two calls: the statement is prepared and shown, then completed by what its signer shows. The session's
cookie alone never signs. A second person at the same terminal is named as `signer`, and shows all components; whose
session it is stays so.
"""

from typing import Annotated, Any

import msgspec
from litestar import Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter, QueryParameter

from ledger.api.configuring import Changing, ProposedChange, enter_system, set_or_proposed
from ledger.api.context import Context
from ledger.api.fields import without_nul
from ledger.api.gate import CallerRequest, peer_of
from ledger.api.people import Entered, Reason
from ledger.api.problems import declared
from ledger.core.progress import MAX_SHOWN
from ledger.core.signature import Mode, PasskeyProof
from ledger.people.access import Door, Scope, allow
from ledger.signing.ceremony import Card, ToFound
from ledger.signing.factors import SECRET_LENGTH, Shown
from ledger.signing.key_views import KnownKey, ToProve
from ledger.signing.kinds import ListedReason, Meaning, SigningListEntry
from ledger.signing.lists import SigningList, checked
from ledger.signing.looking import LookedAt, look, over, signed_page
from ledger.signing.pages import SetPage
from ledger.signing.passkeys import ToRegister
from ledger.signing.signatures import Asked, ToSign
from ledger.store.position import MAX_INDEX

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=512)]
Index = Annotated[int, msgspec.Meta(ge=0, le=MAX_INDEX)]
Secret = Annotated[str, msgspec.Meta(min_length=1, max_length=SECRET_LENGTH)]
IdPath = Annotated[str, PathParameter(description="What was prepared, by its id.", max_length=100)]
KeyPath = Annotated[str, PathParameter(description="A signing key's id.", max_length=100)]
ActionPath = Annotated[str, PathParameter(description="What is signed for, as `record` or `review`.", max_length=60)]
IndexPath = Annotated[int, PathParameter(ge=0, le=MAX_INDEX)]


class NewKey(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A signing secret of the caller's own, which nobody can recover, and why the key is made."""

    secret: Secret
    reason: Reason


class NewPasskey(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the passkey is called."""

    title: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]


class Registered(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The browser's answer to a registration."""

    answer: dict[str, Any]
    reason: Reason


class Proven(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The passkey's own assertion."""

    passkey: PasskeyProof


class KeyWhy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The reason for a revocation."""

    reason: Reason


class Founders(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The two people of the first start, by account."""

    officer: Name
    quality: Name


class Founding(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The signing secret of each founder, by account."""

    secrets: Annotated[dict[str, str], msgspec.Meta(min_length=2, max_length=2)]


class NewList(Changing, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The meanings and reasons of an action from here on."""

    meanings: Annotated[tuple[Meaning, ...], msgspec.Meta(min_length=1, max_length=50)]
    reasons: Annotated[tuple[ListedReason, ...], msgspec.Meta(min_length=1, max_length=100)]


class ToPrepare(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be signed: entries of a log, for an action, with a meaning and a reason of its list.

    `added`: words of the signer's own. `signer`: another person at this terminal. `role`: where they hold several.
    """

    log: Name
    entries: Annotated[tuple[Index, ...], msgspec.Meta(min_length=1, max_length=1000)]
    action: Name
    meaning: Name
    reason: Name
    added: Annotated[str, msgspec.Meta(max_length=1000)] | None = None
    language: Annotated[str, msgspec.Meta(max_length=20)] = "en"
    role: Name | None = None
    mode: Mode | None = None
    title: Annotated[str, msgspec.Meta(max_length=200)] | None = None
    signer: Name | None = None


class ToComplete(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The digest of the statement that the signer saw, and what they show for it."""

    digest: Name
    shown: Shown = Shown()
    passkey: PasskeyProof | None = None


@get("/lists", opt=allow(Door.CALLER), responses=declared())
async def lists(context: NamedDependency[Context]) -> list[SigningList]:
    """What signatures can mean, and why they are given, by action."""
    return await context.lanes.read(context.service.signing.lists.all)


@post("/lists/{action:str}", opt=allow(Scope.ADMIN), responses=set_or_proposed(409))
async def set_list(
    context: NamedDependency[Context], request: CallerRequest, action: ActionPath, data: JSONBody[NewList]
) -> Response[Entered | ProposedChange]:
    """Sets an action's meanings and reasons; what was signed before keeps its words. Once two persons hold roles it
    proposes that (202).
    """
    without_nul(action=action, reason=data.reason, change_request=data.change_request)
    by = request.user.authority

    def make() -> SigningListEntry:
        return checked(
            SigningListEntry(
                action=action, meanings=data.meanings, reasons=data.reasons, reason=data.reason, authority=by
            )
        )

    return await enter_system(context, make, data, by)


@get("/keys", opt=allow(Door.CALLER), responses=declared())
async def keys(context: NamedDependency[Context]) -> list[KnownKey]:
    """Every signing key there is or was: whose, who vouched for it, whether it can sign now."""
    return await context.lanes.read(context.service.signing.bindings.all)


@post("/keys", opt=allow(Door.CALLER), responses=declared(409))
async def make_key(context: NamedDependency[Context], request: CallerRequest, data: JSONBody[NewKey]) -> Entered:
    """Makes a signing key of the caller's, sealed by a secret that only they know."""
    without_nul(reason=data.reason)
    make = context.service.signing.bindings.request
    return Entered(index=await context.lanes.argon(make, request.user, data.secret, data.reason))


@post("/keys/passkeys", opt=allow(Door.CALLER), responses=declared(409), status_code=200)
async def begin_passkey(
    context: NamedDependency[Context], request: CallerRequest, data: JSONBody[NewPasskey]
) -> ToRegister:
    """What a browser needs to make a passkey that signs."""
    without_nul(title=data.title)
    return await context.lanes.append(context.service.signing.passkeys.begin, request.user, data.title)


@post("/keys/passkeys/{ident:str}", opt=allow(Door.CALLER), responses=declared(409), status_code=200)
async def register_passkey(
    context: NamedDependency[Context], request: CallerRequest, ident: IdPath, data: JSONBody[Registered]
) -> ToProve:
    """Takes the browser's answer. Answered with what the new key itself is to sign."""
    without_nul(ident=ident, reason=data.reason)
    take = context.service.signing.passkeys.register
    return await context.lanes.append(take, request.user, ident, data.answer, data.reason)


@post("/keys/proofs/{ident:str}", opt=allow(Door.CALLER), responses=declared(409))
async def prove_passkey(
    context: NamedDependency[Context], request: CallerRequest, ident: IdPath, data: JSONBody[Proven]
) -> Entered:
    """Enters the request for a passkey, signed by itself."""
    without_nul(ident=ident)
    prove = context.service.signing.bindings.prove
    return Entered(index=await context.lanes.append(prove, request.user, ident, data.passkey))


@post("/keys/{key:str}/revocation", opt=allow(Door.CALLER), responses=declared(409))
async def revoke_key(
    context: NamedDependency[Context], request: CallerRequest, key: KeyPath, data: JSONBody[KeyWhy]
) -> Entered:
    """From here on the key signs nothing more; by its person, or whoever administers accounts."""
    without_nul(key=key, reason=data.reason)
    revoke = context.service.signing.bindings.revoke
    caller = request.user
    return Entered(index=await context.lanes.append(revoke, key, data.reason, caller.authority, caller))


@post("/ceremony", opt=allow(Door.CALLER, signs=True), responses=declared(409), status_code=200)
async def prepare_ceremony(
    context: NamedDependency[Context], request: CallerRequest, data: JSONBody[Founders]
) -> ToFound:
    """What the two founders sign; the caller is one of them."""
    without_nul(officer=data.officer, quality=data.quality)
    prepare = context.service.signing.ceremony.prepare
    return await context.lanes.append(prepare, request.user, data.officer, data.quality)


@post("/ceremony/{ident:str}", opt=allow(Door.CALLER, signs=True), responses=declared(409))
async def found(
    context: NamedDependency[Context], request: CallerRequest, ident: IdPath, data: JSONBody[Founding]
) -> Card:
    """Both founders sign the keys of both, once. Answered with the card that they sign by hand."""
    without_nul(ident=ident)
    complete = context.service.signing.ceremony.complete
    return await context.lanes.argon(complete, request.user, ident, data.secrets, peer_of(request))


@get("/card", opt=allow(Door.CALLER), responses=declared())
async def card(context: NamedDependency[Context]) -> Card:
    """The card of the first start."""
    return await context.lanes.read(context.service.signing.ceremony.card)


@post("/statements", opt=allow(Door.CALLER, signs=True), responses=declared(409), status_code=200)
async def prepare(context: NamedDependency[Context], request: CallerRequest, data: JSONBody[ToPrepare]) -> ToSign:
    """The statement as it would be signed, and the components that it takes; good for ten minutes."""
    without_nul(log=data.log, meaning=data.meaning, added=data.added, title=data.title, signer=data.signer)
    asked = Asked(
        log=data.log,
        entries=data.entries,
        action=data.action,
        meaning=data.meaning,
        reason=data.reason,
        added=data.added,
        language=data.language,
        role=data.role,
        mode=data.mode,
        name=data.title,
    )
    signatures = context.service.signing.signatures
    return await context.lanes.append(signatures.prepare, request.user, asked, peer_of(request), data.signer)


@post("/statements/{ident:str}", opt=allow(Door.CALLER, signs=True), responses=declared(409))
async def complete(
    context: NamedDependency[Context], request: CallerRequest, ident: IdPath, data: JSONBody[ToComplete]
) -> LookedAt:
    """Signs, by what the signer shows. Answered with the signature as it stands in the system log."""
    without_nul(ident=ident)
    service, caller, peer = context.service, request.user, peer_of(request)

    def sign() -> LookedAt:
        done = service.signing.signatures.complete(ident, data.digest, data.shown, data.passkey, caller, peer)
        with service.store.reading() as connection:
            return look(service.store, connection, done.index)

    return await context.lanes.argon(sign)


@get("/signatures/{index:int}", opt=allow(Scope.READ), responses=declared())
async def signature(context: NamedDependency[Context], index: IndexPath) -> LookedAt:
    """A signature by its entry in the system log, verified anew."""
    store = context.service.store

    def read() -> LookedAt:
        with store.reading() as connection:
            return look(store, connection, index)

    return await context.lanes.read(read)


@get("/signatures/{index:int}/entries", opt=allow(Scope.READ), responses=declared())
async def signed_entries(
    context: NamedDependency[Context],
    index: IndexPath,
    begin: Annotated[int, QueryParameter(description="The index that the page begins with.", ge=0, le=MAX_INDEX)] = 0,
    limit: Annotated[int, QueryParameter(description="How many entries at most.", ge=1, le=MAX_SHOWN)] = MAX_SHOWN,
) -> SetPage:
    """Which entries a signature is over, page by page: a set can be too large to be listed at once."""
    store = context.service.store

    def read() -> SetPage:
        with store.reading() as connection:
            return signed_page(store, connection, index, begin, limit)

    return await context.lanes.read(read)


@get("/signatures", opt=allow(Scope.READ), responses=declared())
async def signatures(
    context: NamedDependency[Context],
    log: Annotated[str, QueryParameter(description="The log of the entry.", max_length=200)],
    index: Annotated[int, QueryParameter(description="The entry.", ge=0, le=MAX_INDEX)],
) -> list[LookedAt]:
    """The signatures that list an entry, each verified anew."""
    store, found = context.service.store, context.log(log)

    def read() -> list[LookedAt]:
        with store.reading() as connection:
            return over(store, connection, found, index)

    return await context.lanes.read(read)


router = Router(
    "/signing",
    route_handlers=[
        lists,
        set_list,
        keys,
        make_key,
        begin_passkey,
        register_passkey,
        prove_passkey,
        revoke_key,
        prepare_ceremony,
        found,
        card,
        prepare,
        complete,
        signature,
        signed_entries,
        signatures,
    ],
    tags=["signatures"],
)
