"""Who may sign, with what, and what the signature says; each refusal leaves nothing signed."""

import msgspec
import pytest

from ledger.core.errors import (
    Conflict,
    NotAuthenticated,
    NotSignatory,
    ReauthenticationRequired,
    RecordChangedSinceReview,
    SchemaViolation,
)
from ledger.core.signature import Continuity
from ledger.people.door import Asked as AskedSecond
from ledger.people.door import Visit
from ledger.people.roles import Role
from ledger.people.second import Proof
from ledger.signing.factors import Shown
from ledger.signing.kinds import ListedReason, Meaning, SigningListEntry, Worded
from ledger.signing.lists import BUILT_IN
from ledger.signing.signatures import Asked
from tests.support.changing import approve
from tests.support.signers import ELSEWHERE, HERE, Plant, Signer
from tests.unit.signing.conftest import Site

pytestmark = pytest.mark.sampled


@pytest.mark.requirement("R16", "R18", "R56")
def test_a_signature_names_signer_role_meaning_time_zone_and_exactly_what_is_signed(any_site: Site) -> None:
    entries = any_site.fresh(3)
    done = any_site.reviewer.sign(*entries, meaning="reviewed", reason="other", added="Weekly look at reactor one")
    said = done.entry.statement
    assert (said.signer.account, said.signer.name, said.signer.role) == ("reviewer1", "Rita Reviewer", "reviewer")
    assert (said.meaning.text, said.meaning.language, said.meaning.version) == (
        "I reviewed these records.", "en", BUILT_IN,
    )  # fmt: skip
    assert said.reason.added == "Weekly look at reactor one"
    assert said.target.entries == tuple(entries)
    assert said.zone == "Europe/Berlin"
    assert done.address == f"plant.example/signed/system#{done.index}"
    assert any_site.plant.service.verifier.run(any_site.plant.service.system).holds


@pytest.mark.requirement("R23")
def test_the_first_signing_of_a_session_takes_all_components_and_later_ones_the_secret(site: Site) -> None:
    site.reviewer.sign_in()
    first = site.reviewer.prepare(*site.fresh(), meaning="reviewed")
    assert (first.statement.continuity, first.needed) == (Continuity.FIRST, ("second-factor", "signing-secret"))
    with pytest.raises(ReauthenticationRequired):
        site.reviewer.complete(first, shown=Shown(secret=site.reviewer.secret))
    site.reviewer.complete(first)
    later = site.reviewer.prepare(*site.fresh(), meaning="reviewed")
    assert (later.statement.continuity, later.needed) == (Continuity.LATER, ("signing-secret",))
    site.reviewer.complete(later)


@pytest.mark.requirement("R23")
def test_a_change_of_network_breaks_the_session(site: Site) -> None:
    site.reviewer.sign_in()
    site.reviewer.sign(*site.fresh(), meaning="reviewed")
    asked = Asked(log="records", entries=tuple(site.fresh()), action="record", meaning="reviewed", reason="routine")
    elsewhere = site.plant.signing.signatures.prepare(site.reviewer.caller, asked, ELSEWHERE)
    assert elsewhere.needed == ("password", "second-factor", "signing-secret")
    later = site.reviewer.prepare(*site.fresh(), meaning="reviewed")
    with pytest.raises(NotAuthenticated, match="broken"):
        site.reviewer.complete(later, network=ELSEWHERE)


@pytest.mark.requirement("R23")
def test_a_new_session_begins_with_all_components_again(site: Site) -> None:
    site.reviewer.sign_in()
    site.reviewer.sign(*site.fresh(), meaning="reviewed")
    put = site.reviewer.prepare(*site.fresh(), meaning="reviewed")
    site.reviewer.sign_in()
    assert site.reviewer.prepare(*site.fresh(), meaning="reviewed").statement.continuity is Continuity.FIRST
    with pytest.raises(Exception, match="another session"):
        site.reviewer.complete(put)


@pytest.mark.requirement("R23")
def test_idleness_and_log_out_break_the_session_even_for_who_was_let_in_before(site: Site) -> None:
    rita, plant = site.reviewer, site.plant
    plant.service.people.profiles.set("idle_minutes", 5, "site rule", plant.officer.sign_in().authority)
    rita.sign_in()
    rita.sign(*site.fresh(), meaning="reviewed")
    put = rita.prepare(*site.fresh(), meaning="reviewed")
    plant.clock.pass_seconds(5 * 60 + 1)
    with pytest.raises(NotAuthenticated):
        rita.complete(put)
    rita.sign_in()
    assert rita.prepare(*site.fresh(), meaning="reviewed").statement.continuity is Continuity.FIRST
    rita.sign(*site.fresh(), meaning="reviewed")
    later, let_in = rita.prepare(*site.fresh(), meaning="reviewed"), rita.caller
    assert later.statement.continuity is Continuity.LATER
    plant.service.people.sessions.end(rita.session, "signed out")
    with pytest.raises(NotAuthenticated, match="broken"):
        plant.signing.signatures.complete(later.id, later.digest, Shown(secret=rita.secret), None, let_in, HERE)
    plant.service.people.profiles.set("idle_minutes", 15, "as before", plant.officer.sign_in().authority)
    rita.sign_in()


@pytest.mark.requirement("R23")
def test_who_else_signs_in_at_the_browser_ends_the_session_there(site: Site) -> None:
    rita, anna, plant = site.reviewer, site.approver, site.plant
    rita.sign_in()
    rita.sign(*site.fresh(), meaning="reviewed")
    later, let_in = rita.prepare(*site.fresh(), meaning="reviewed"), rita.caller
    door, visit = plant.service.entrance.door, Visit(peer=HERE, previous=rita.session)
    asked = door.show_password(anna.account, anna.password, visit)
    assert isinstance(asked, AskedSecond)
    door.show_second(asked.state, Proof(code=anna.code()), visit)
    with pytest.raises(NotAuthenticated, match="broken"):
        plant.signing.signatures.complete(later.id, later.digest, Shown(secret=rita.secret), None, let_in, HERE)
    rita.sign_in()


@pytest.mark.requirement("R22", "R24", "R55")
def test_the_cookie_alone_signs_nothing(site: Site) -> None:
    put = site.reviewer.prepare(*site.fresh(), meaning="reviewed")
    with pytest.raises(ReauthenticationRequired):
        site.reviewer.complete(put, shown=Shown())


@pytest.mark.requirement("R24")
def test_a_second_person_signs_at_the_same_terminal_and_the_first_session_goes_on(any_site: Site) -> None:
    (entry,) = any_site.fresh()
    any_site.reviewer.sign_in()
    asked = Asked(log="records", entries=(entry,), action="record", meaning="approved", reason="routine")
    signatures = any_site.plant.signing.signatures
    put = signatures.prepare(any_site.reviewer.caller, asked, HERE, signer="approver1")
    assert put.needed == ("password", "second-factor", "signing-secret")
    shown = any_site.approver.shown(put)
    done = signatures.complete(put.id, put.digest, shown, caller=any_site.reviewer.caller, network=HERE)
    assert done.entry.authority.actor == "approver1"
    assert done.entry.session is None
    any_site.reviewer.sign(entry, meaning="reviewed")
    assert any_site.plant.service.verifier.run(any_site.plant.service.system).holds


@pytest.mark.requirement("R13", "R20")
def test_nobody_signs_before_identity_key_and_accountability_statement(site: Site) -> None:
    plant = site.plant
    officer = site.plant.officer.sign_in().authority
    plant.service.people.persons.create("newcomer1", "Nora Newcomer", "joins", officer)
    plant.service.people.role_grants.grant("newcomer1", Role.REVIEWER, "trained", officer)
    new = Signer(plant, "newcomer1", "Nora Newcomer")
    new.enrol(officer)
    new.sign_in()
    (entry,) = site.fresh()
    with pytest.raises(NotSignatory, match="identity"):
        new.make_key()
    with pytest.raises(NotSignatory, match="identity"):
        new.prepare(entry, meaning="reviewed")
    plant.service.people.qualifications.identity("newcomer1", "passport", "2026-02-01", "before signing", officer)
    new.make_key()
    with pytest.raises(NotSignatory, match="accountability"):
        new.prepare(entry, meaning="reviewed")
    plant.officer.vouch(new)
    with pytest.raises(NotSignatory, match="no signing key that counts"):
        new.answer_for_it()
    plant.quality.sign_in()
    plant.quality.vouch(new)
    with pytest.raises(NotSignatory, match="no signing key that counts"):
        new.answer_for_it()  # no checkpoint covers the key yet
    plant.publish()
    new.answer_for_it()
    new.sign(entry, meaning="reviewed")


@pytest.mark.requirement("R10")
def test_a_meaning_takes_its_role(site: Site) -> None:
    with pytest.raises(NotSignatory, match="no role"):
        site.reviewer.prepare(*site.fresh(), meaning="approved")
    site.plant.officer.sign_in()
    with pytest.raises(NotSignatory, match="may not see"):
        site.plant.officer.prepare(*site.fresh(), meaning="witnessed")


def test_words_come_from_the_lists_alone(site: Site) -> None:
    with pytest.raises(SchemaViolation, match="cannot mean"):
        site.reviewer.prepare(*site.fresh(), meaning="splendid")
    with pytest.raises(SchemaViolation, match="no reason"):
        site.reviewer.prepare(*site.fresh(), meaning="reviewed", reason="because")
    with pytest.raises(SchemaViolation, match="words of your own"):
        site.reviewer.prepare(*site.fresh(), meaning="reviewed", reason="other")


def test_vague_words_are_flagged_and_kept_as_they_are(site: Site) -> None:
    put = site.reviewer.prepare(*site.fresh(), meaning="reviewed", reason="other", added="ok")
    assert put.vague
    assert put.statement.reason.added == "ok"


@pytest.mark.requirement("R30")
def test_refused_signing_components_lock_the_account(founded_plant: Plant) -> None:
    plant = founded_plant
    (entry,) = plant.records(1)
    for _ in range(5):
        put = plant.quality.prepare(entry)
        with pytest.raises(NotAuthenticated):
            plant.quality.complete(put, shown=msgspec.structs.replace(plant.quality.shown(put), secret="not this one"))
    put = plant.quality.prepare(entry)
    with pytest.raises(NotAuthenticated):
        plant.quality.complete(put)
    assert plant.service.entrance.attempts.standing("quality1").locked


def test_what_was_prepared_is_over_after_ten_minutes(site: Site) -> None:
    put = site.reviewer.prepare(*site.fresh(), meaning="reviewed")
    site.plant.clock.pass_seconds(601)
    with pytest.raises(Exception, match="waiting to be signed"):
        site.plant.signing.signatures.complete(put.id, put.digest, Shown(secret=site.reviewer.secret), network=HERE)


def test_another_digest_than_the_one_shown_signs_nothing(site: Site) -> None:
    site.reviewer.sign_in()
    put, other = (site.reviewer.prepare(*site.fresh(), meaning="reviewed") for _ in range(2))
    with pytest.raises(RecordChangedSinceReview):
        site.reviewer.complete(msgspec.structs.replace(put, digest=other.digest))


def test_nobody_signs_the_same_twice_with_the_same_meaning(site: Site) -> None:
    (entry,) = site.fresh()
    site.reviewer.sign(entry, meaning="reviewed")
    with pytest.raises(Conflict, match="exactly this"):
        site.reviewer.sign(entry, meaning="reviewed")
    site.approver.sign_in()
    site.approver.sign(entry, meaning="reviewed")


@pytest.mark.requirement("R14")
def test_a_list_of_the_site_is_a_version_of_its_own_and_older_signatures_keep_their_words(site: Site) -> None:
    plant = site.plant
    put = site.reviewer.prepare(*site.fresh(), meaning="reviewed", action="review")
    said = (Worded(language="en", text="I looked at it."), Worded(language="de", text="Ich habe es angesehen."))
    why = ListedReason(code="routine", texts=(Worded(language="en", text="Weekly."),))
    officer = plant.officer.sign_in().authority
    made = SigningListEntry(
        action="review",
        meanings=(Meaning(code="seen", texts=said),),
        reasons=(why,),
        reason="as agreed",
        authority=officer,
    )
    propose = plant.service.quality.proposals.propose
    approve(plant, propose(plant.service.system, [made], "CR-0042", "as agreed", officer).index)
    with pytest.raises(SchemaViolation, match="cannot mean"):
        site.reviewer.complete(put)
    new = site.reviewer.sign(*site.fresh(), action="review", meaning="seen", language="de")
    assert new.entry.statement.meaning.text == "Ich habe es angesehen."
    assert new.entry.statement.meaning.version == plant.signing.lists.get("review").version
    assert new.entry.statement.meaning.version.startswith("plant.example/signed/system#")
    assert plant.service.verifier.run(plant.service.system).holds
