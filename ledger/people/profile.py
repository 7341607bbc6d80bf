"""The site's profile: what is left to the site where rules conflict or sites differ, each item an entry.

Each item has a default that a strict reading of 21 CFR 11 and of the draft Annex 11 bears out. Changing one takes scope
`admin` and a reason, and the old value stays on record.
"""

from collections.abc import Callable
from ipaddress import ip_network
from typing import Annotated, Any, Final

import msgspec
from sqlalchemy import Connection, select

from ledger.core import canonical
from ledger.core.authority import Authority
from ledger.core.entry import draft
from ledger.core.errors import Conflict, NotFound, SchemaViolation
from ledger.people.log_view import log_view
from ledger.people.person_kinds import ProfileEntry
from ledger.people.places import Place
from ledger.people.roles import Role
from ledger.people.tables import profile_item, terminal
from ledger.people.webhook import check_webhook
from ledger.store.append import Batch, Transaction
from ledger.store.logs import SYSTEM_LOG
from ledger.store.store import Store

Minutes = Annotated[int, msgspec.Meta(ge=1, le=1440)]
Days = Annotated[int, msgspec.Meta(ge=0, le=3650)]


class Mail(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The site's mail server; its password stands in no entry (`trust.keys`).

    `security`: `tls` from the first byte, `starttls`, or `none`, for a server on this machine alone.
    """

    host: Annotated[str, msgspec.Meta(min_length=1, max_length=253, pattern=r"^[A-Za-z0-9.:-]+$")]
    sender: Annotated[str, msgspec.Meta(min_length=3, max_length=254, pattern=r"^[^\s<>@]+@[^\s<>@]+$")]
    port: Annotated[int, msgspec.Meta(ge=1, le=65535)] = 587
    security: Annotated[str, msgspec.Meta(pattern="^(tls|starttls|none)$")] = "starttls"
    user: Annotated[str, msgspec.Meta(min_length=1, max_length=254)] | None = None


class Profile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Every item with its default.

    `idle_minutes`, `absolute_minutes`: limits of a session, which no user can lengthen (draft Annex 11 §11.8).
    `failures_before_lock`: refused components in a row that lock an account (11.300(d)). `password_length`: the least;
    `password_days`: age at which a password must be changed, 0 for never (11.300(b) against current practice).
    `second_factor`: whether each sign-in takes one, or those from outside `perimeter` alone (networks as CIDR; §11.6).
    `signing_modes`: by which means people may sign; `device_bound_passkeys`: whether signing takes passkeys that cannot
    be copied. `seal_names`: whether names of persons are sealed values. `alert_accounts`: who is told of locked
    accounts. `access_review_days`: how often every right is looked at (§11.11). `identity_check_days`: how long an
    identity check is good before another is due, 0 for ever. `trained_roles`: roles that take dated training, with
    which their grants end (11.10(i)). `mail`, `webhooks`: by what notices go out, besides the pages; `address`: where
    people reach the pages, for links in notices. `evaluations_off`: what is evaluated of persons and not here
    (`people.evaluations`). `retention_years`: how long personal values of records stay; `sources_without_gmp`:
    sources whose records no GMP rule makes the site keep. `places`: from which networks, or at which enrolled
    terminals, rights may be used and signatures given (11.10(h)); `terminal_test_days`, `device_test_days`: how long a
    test of a terminal, and of a person's device or passkey (of sign-in or signing), is good (11.300(e)), 0 for ever.
    """

    idle_minutes: Minutes = 15
    absolute_minutes: Minutes = 720
    failures_before_lock: Annotated[int, msgspec.Meta(ge=3, le=20)] = 5
    password_length: Annotated[int, msgspec.Meta(ge=12, le=128)] = 12
    password_days: Days = 0
    second_factor: Annotated[str, msgspec.Meta(pattern="^(always|outside)$")] = "always"
    perimeter: tuple[str, ...] = ("127.0.0.0/8", "::1/128")
    signing_modes: tuple[str, ...] = ("sealed-key", "passkey")
    device_bound_passkeys: bool = True
    seal_names: bool = False
    alert_accounts: tuple[str, ...] = ()
    access_review_days: Annotated[int, msgspec.Meta(ge=1, le=3650)] = 180
    identity_check_days: Days = 0
    trained_roles: tuple[Role, ...] = ()
    mail: Mail | None = None
    webhooks: Annotated[tuple[str, ...], msgspec.Meta(max_length=10)] = ()
    retention_years: Annotated[int, msgspec.Meta(ge=1, le=100)] = 30
    sources_without_gmp: tuple[str, ...] = ()
    evaluations_off: tuple[
        Annotated[str, msgspec.Meta(pattern="^(last-use|lock-alert|look-up-report|inspector-views)$")], ...
    ] = ()
    address: Annotated[str, msgspec.Meta(max_length=200, pattern=r"^(https?://[^\s/]+(/[^\s]*)?)?$")] = ""
    places: Annotated[tuple[Place, ...], msgspec.Meta(max_length=50)] = ()
    terminal_test_days: Days = 365
    device_test_days: Days = 0


ITEMS: Final = Profile.__struct_fields__


class Profiles:
    """Safe to use from any number of threads."""

    def __init__(self, store: Store, changed: Callable[[], None] = lambda: None) -> None:
        """`changed` is told of each new value, once it is durable: rights depend on the profile too."""
        self._store = store
        self._changed = changed

    def now(self) -> Profile:
        """The profile as it stands."""
        with self._store.reading() as connection:
            return read_profile(connection)

    def set(
        self,
        item: str,
        value: object,
        reason: str,
        authority: Authority,
        allowed: Callable[[Transaction], None] | None = None,
    ) -> int:
        """From here on the item has this value; returns the entry's index. `allowed` may refuse it under the head lock.

        Raises NotFound for an item that there is not, SchemaViolation for a value that it cannot have.
        """
        if item not in ITEMS:
            raise NotFound(f"the profile has no item {item!r}", advice=f"Its items are {', '.join(ITEMS)}.")
        if item == "webhooks":
            for url in _with(Profile(), item, value).webhooks:
                check_webhook(url)
        if item == "places":
            self._require_places(_with(Profile(), item, value).places)
        value_text = _text(getattr(_with(Profile(), item, value), item))
        old = _text(getattr(self.now(), item))
        entry = ProfileEntry(item=item, value=value_text, old=old, reason=reason, authority=authority)

        def check(transaction: Transaction) -> None:
            if allowed is not None:
                allowed(transaction)
            key = ("profile", item)
            stands = transaction.scratch.get(key) or _text(getattr(read_profile(transaction.connection), item))
            if stands != old:
                raise Conflict(f"{item} was changed meanwhile", advice="Look at it again, and then decide.")
            transaction.scratch[key] = value_text

        index = self._store.append(SYSTEM_LOG, Batch([draft(entry)], before=check))[0].index
        self._changed()
        return index

    def _require_places(self, places: tuple[Place, ...]) -> None:
        """Raises SchemaViolation for a rule that nothing could meet, or a network or terminal that there is not."""
        row = terminal.c
        with self._store.reading() as connection:
            known = set(connection.scalars(select(row.key).where(row.log == SYSTEM_LOG, row.to_index.is_(None))))
        for one in places:
            for network in one.networks:
                try:
                    ip_network(network, strict=False)
                except ValueError:
                    raise SchemaViolation(f"{network!r} is no network", advice="Write it as 192.0.2.0/24.") from None
            missing = [name for name in one.terminals if name not in known]
            if missing or not (one.networks or one.terminals):
                what = f"no terminal {missing[0]!r} is in use" if missing else f"{one.scope!r} would be used nowhere"
                raise SchemaViolation(what, advice="Enrol the terminal at the device itself, or name a network.")


def read_profile(connection: Connection) -> Profile:
    """The profile as it stands in this snapshot."""
    row = profile_item.c
    found = connection.execute(
        select(row.key, row.value).where(row.log == SYSTEM_LOG, row.to_index.is_(None), row.key.in_(ITEMS))
    ).all()
    return msgspec.convert({one.key: msgspec.json.decode(one.value) for one in found}, Profile)


def said_profile(store: Store, connection: Connection) -> Profile:
    """The profile as its entries have it, whatever their table says."""
    said = log_view(store).items(connection)
    return msgspec.convert({item: msgspec.json.decode(said[item]) for item in ITEMS if item in said}, Profile)


def _with(profile: Profile, item: str, value: object) -> Profile:
    members: dict[str, Any] = msgspec.to_builtins(profile)
    try:
        return msgspec.convert({**members, item: value}, Profile)
    except msgspec.ValidationError as error:
        raise SchemaViolation(f"{item} cannot be {value!r}: {error}") from None


def _text(value: object) -> str:
    return canonical.dumps(msgspec.to_builtins(value)).decode()
