"""Accounts, grants and the register; what an administrator of the database can and can't pretend."""

import pytest
from sqlalchemy import text

from ledger.core.authority import Authority
from ledger.core.clock import utc_text
from ledger.core.entry import decode_leaf
from ledger.core.errors import (
    AccessDenied,
    Conflict,
    IntegrityError,
    InvalidEntry,
    NotAuthenticated,
    NotFound,
    SchemaViolation,
)
from ledger.people.access import OF_SERVICES, Scope
from ledger.people.kinds import AccountState
from ledger.people.people import People
from ledger.people.secrets import SecretRef, row_holds
from ledger.service import Service
from tests.api.world import ORIGIN, SOURCE, World


def forge(world: World, statement: str, **values: object) -> None:
    """What who holds the database can do: triggers dropped, SQL as they like."""
    with world.service.store.writing() as connection:
        names = connection.scalars(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).all()
        for name in names:
            connection.execute(text(f"DROP TRIGGER {name}"))
        connection.execute(text(statement), values)
    world.people.directory.forget()


class TestAccounts:
    def test_an_id_is_never_issued_again(self, world: World) -> None:
        world.people.create_account("lab", "Laboratory", "new", world.root)
        with pytest.raises(Conflict, match="exists or existed"):
            world.people.create_account("lab", "Another", "new", world.root)
        world.people.deactivate("lab", "closed", world.root)
        with pytest.raises(Conflict, match="exists or existed"):
            world.people.create_account("lab", "Another", "new", world.root)

    def test_an_account_is_deactivated_once_and_stays_listed(self, world: World) -> None:
        world.people.create_account("lab", "Laboratory", "new", world.root)
        world.people.deactivate("lab", "closed", world.root)
        with pytest.raises(Conflict):
            world.people.deactivate("lab", "again", world.root)
        with pytest.raises(Conflict, match="deactivated"):
            world.people.grant("lab", [Scope.READ], "why", world.root)
        found = {one.account: one.state for one in world.people.accounts()}
        assert found["lab"] is AccountState.DEACTIVATED

    @pytest.mark.parametrize("account", ["", "UPPER", "local:root", "has space", "-x", "x" * 101, "ümlaut", "a\0"])
    def test_an_id_outside_its_form_is_refused(self, world: World, account: str) -> None:
        with pytest.raises(InvalidEntry):
            world.people.create_account(account, "Title", "why", world.root)

    def test_an_unknown_account_gets_no_grant(self, world: World) -> None:
        with pytest.raises(NotFound):
            world.people.grant("ghost", [Scope.READ], "why", world.root)
        with pytest.raises(NotFound):
            world.people.deactivate("ghost", "why", world.root)


class TestGrants:
    def test_a_token_makes_the_caller_that_its_grant_says(self, world: World) -> None:
        token = world.token(Scope.INGEST, "collector")
        caller = world.people.directory.find(token.token).caller
        assert (caller.account, caller.scopes, caller.rights[0].sources) == (
            "collector",
            frozenset({Scope.INGEST}),
            frozenset({SOURCE}),
        )
        assert caller.authority.authenticated
        assert caller.authority.entries[1] == f"{ORIGIN}/system#{token.index}"
        with world.service.store.reader(0) as reader:
            size = caller.authority.system_size
            assert size is not None
            assert token.index < size <= reader.head().size

    def test_nobody_grants_to_themselves(self, world: World) -> None:
        admin = world.people.directory.find(world.tokens[Scope.ADMIN].token).caller
        with pytest.raises(AccessDenied, match="themselves"):
            world.people.grant(admin.account, [Scope.READ], "why", admin.authority)

    @pytest.mark.parametrize(
        ("scopes", "sources"), [([], ()), ([Scope.INGEST], ()), ([Scope.READ], (SOURCE,)), ([Scope.INGEST], ("",))]
    )
    def test_a_grant_without_sense_is_refused(
        self, world: World, scopes: list[Scope], sources: tuple[str, ...]
    ) -> None:
        world.people.create_account("lab", "Laboratory", "new", world.root)
        with pytest.raises(InvalidEntry):
            world.people.grant("lab", scopes, "why", world.root, sources=sources)

    def test_a_grant_in_the_past_is_refused(self, world: World) -> None:
        world.people.create_account("lab", "Laboratory", "new", world.root)
        with pytest.raises(SchemaViolation, match="expired"):
            world.people.grant("lab", [Scope.READ], "why", world.root, expires_at=utc_text(world.clock.now_us() - 1))

    def test_revoking_destroys_what_is_kept_of_the_token_in_the_same_transaction(self, world: World) -> None:
        token = world.token(Scope.READ, "reader")
        world.people.revoke(token.grant, "lost", world.root)
        with world.service.store.reading() as connection:
            rows = connection.execute(text("SELECT pos FROM secret WHERE pos = :pos"), {"pos": token.index}).all()
        assert not rows
        destroyed = world.system_entries("grant")[-1]
        assert destroyed["destroys"] == [{"index": token.index, "name": "token"}]
        assert destroyed["state"] == "revoked"
        with pytest.raises(NotFound):
            world.people.revoke(token.grant, "again", world.root)

    def test_every_secret_that_an_entry_names_is_there_unless_a_later_entry_destroyed_it(self, world: World) -> None:
        world.people.revoke(world.token(Scope.READ, "reader").grant, "lost", world.root)
        link = world.people.sessions.issue_link(world.root)
        world.people.sessions.end(world.people.sessions.redeem(link), "done")
        world.people.sessions.issue_link(world.root)
        named: dict[tuple[int, str], SecretRef] = {}
        with world.service.store.reader(0) as reader:
            for stored in reader.entries(0, reader.head().size):
                body = world.service.store.kinds[decode_leaf(stored.leaf).kind].decode(stored.body or b"")
                named |= {
                    (stored.index, ref.name): ref for ref in getattr(body, "secrets", ()) if isinstance(ref, SecretRef)
                }
                for gone in getattr(body, "destroys", ()):
                    del named[gone.index, gone.name]
            rows = {
                (pos, name): bytes(value)
                for pos, name, value in reader.connection.execute(text("SELECT pos, name, value FROM secret"))
            }
        assert rows.keys() == named.keys()
        assert len(rows) == len(OF_SERVICES) + 1
        assert all(row_holds(ref, rows[place]) for place, ref in named.items())

    def test_what_another_process_revokes_is_refused_here_within_a_moment(self, world: World) -> None:
        token = world.token(Scope.READ, "reader")
        world.people.directory.find(token.token)
        assert world.people.directory.peek(token.token) is not None
        other = Service(world.folder, world.clock)
        other.people.revoke(token.grant, "lost", world.root)
        other.close()
        world.clock.pass_seconds(0.25)
        assert world.people.directory.peek(token.token) is None
        with pytest.raises(NotAuthenticated):
            world.people.directory.find(token.token)


class TestRegister:
    def test_it_says_who_held_which_right_from_when_to_when(self, world: World) -> None:
        token = world.token(Scope.INGEST, "collector", expires_at="2030-01-01T00:00:00.000000Z")
        before = world.people.register()[-1]
        assert (before.account, before.scopes, before.sources) == ("collector", (Scope.INGEST,), (SOURCE,))
        assert (before.from_index, before.to_index, before.to_at) == (token.index, None, None)
        assert before.expires_at == "2030-01-01T00:00:00.000000Z"
        end = world.people.revoke(token.grant, "over", world.root)
        after = world.people.register()[-1]
        assert (after.from_index, after.to_index) == (token.index, end)
        assert after.to_at is not None
        assert after.from_at <= after.to_at
        assert len(world.people.register()) == len(OF_SERVICES) + 1


class TestForgery:
    def test_a_grant_inserted_by_sql_opens_nothing(self, world: World) -> None:
        good = world.tokens[Scope.READ]
        forge(
            world,
            "INSERT INTO access_grant SELECT log, '00000000deadbeef', from_index, NULL, account, state, '[\"admin\"]',"
            " sources, expires_us, role, sites, from_us FROM access_grant WHERE key = :key",
            key=good.grant,
        )
        fake = "ts_00000000deadbeef_" + good.token.rpartition("_")[2]
        with pytest.raises(IntegrityError, match="contradicts"):
            world.people.directory.find(fake)

    def test_scopes_raised_by_sql_are_not_believed(self, world: World) -> None:
        token = world.tokens[Scope.READ]
        forge(world, "UPDATE access_grant SET scopes = '[\"admin\"]' WHERE key = :key", key=token.grant)
        assert world.people.directory.find(token.token).caller.scopes == {Scope.READ}

    def test_a_secret_exchanged_by_sql_opens_nothing(self, world: World) -> None:
        mine, victim = world.tokens[Scope.READ], world.tokens[Scope.ADMIN]
        forge(
            world,
            "UPDATE secret SET value = (SELECT value FROM secret WHERE pos = :mine) WHERE pos = :victim",
            mine=mine.index,
            victim=victim.index,
        )
        with pytest.raises(NotAuthenticated):
            world.people.directory.find(victim.token)
        with pytest.raises(NotAuthenticated):
            world.people.directory.find(victim.token.rpartition("_")[0] + "_" + mine.token.rpartition("_")[2])

    def test_a_body_rewritten_by_sql_opens_nothing(self, world: World) -> None:
        token = world.tokens[Scope.READ]
        forge(
            world,
            "UPDATE body SET body = CAST(replace(body, '[\"read\"]', '[\"admin\"]') AS BLOB) WHERE pos = :pos",
            pos=token.index,
        )
        with pytest.raises(IntegrityError, match=f"contradicts entry {token.index}"):
            world.people.directory.find(token.token)


def test_the_terminal_acts_as_the_os_user_and_is_not_authenticated(world: World) -> None:
    authority = People(world.service.store).local("operator1")
    assert (authority.actor, authority.authenticated, authority.entries) == ("local:operator1", False, ())
    with world.service.store.reader(0) as reader:
        assert authority.system_size == reader.head().size
    assert isinstance(authority, Authority)
