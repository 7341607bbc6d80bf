"""A token of a real provider is a signature: for its statement, by its person, under keys that were entered before."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from joserfc import jwt
from litestar.testing import TestClient

from ledger.core.clock import parse_utc, utc_text
from ledger.core.entry import draft
from ledger.core.errors import LedgerError, ReauthenticationRequired, SignatureInvalid, SigningError, SignInUnreachable
from ledger.core.hashing import b64
from ledger.core.oidc_proof import nonce_of
from ledger.core.signature import ProviderProof, SignatureEntry, Statement
from ledger.people.oidc_attempts import Answer
from ledger.people.profile import Profiles
from ledger.people.roles import Role
from ledger.signing.provider_check import provider_verifier, verify_at
from ledger.store.logs import SYSTEM_LOG
from tests.api.world import World
from tests.integration.identity.site import Site
from tests.support.application import app_of
from tests.support.idp import CLIENT, PASSWORD_ACR, TOKEN_ACR, Provider
from tests.unit.core.test_oidc_proof import STATEMENT


@pytest.fixture(scope="module", params=["RS256"])
def provider(trusted: Any, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Any]:
    """A provider of this module's own: its keys change."""
    with Provider(tmp_path_factory.mktemp("signing-provider"), trusted, request.param) as running:
        yield running


@pytest.fixture(scope="module")
def signing(provider: Provider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A ledger whose people sign at the provider: anna and bert are linked, and all is under a checkpoint."""
    world = World(tmp_path_factory.mktemp("signing") / "ledger")
    with TestClient(app_of(world.service), base_url="https://ledger.example") as client:
        site = Site(world, provider, client)
        modes = ("sealed-key", "passkey", "provider")
        Profiles(world.service.store).set("signing_modes", modes, "agreed", site.staff.admin)
        site.link("anna")
        site.link("bert")
        world.service.publisher.publish_all()
        yield site
    world.close()


def statement(site: Site, account: str = "anna", **more: Any) -> Statement:
    """A statement of this person, prepared now."""
    binding = site.service.provider_signing.prepare(account)
    return msgspec.structs.replace(
        STATEMENT,
        signer=msgspec.structs.replace(STATEMENT.signer, account=account),
        origin=site.service.system.origin,
        signed_at=utc_text(site.world.clock.now_us()),
        binding=binding,
        **more,
    )


def sign(site: Site, said: Statement, user: str = "anna") -> ProviderProof:
    begun = site.service.provider_signing.begin(said)
    return site.service.provider_signing.complete(said, begun.secret, site.answer(begun.address, user))


def entered(site: Site, said: Statement, proof: ProviderProof) -> tuple[SignatureEntry, int]:
    """The signature as it is entered, and when."""
    body = SignatureEntry(statement=said, proof=proof, authority=site.staff.acting(said.signer.account))
    placed = site.service.store.append_one(SYSTEM_LOG, draft(body))
    with site.service.store.reader(SYSTEM_LOG) as reader:
        leaf = msgspec.json.decode(reader.entry(placed.index).leaf)
    return body, parse_utc(leaf["logged_at"])


def verified(site: Site, body: SignatureEntry, at_us: int) -> Any:
    with site.service.store.reading() as connection:
        return provider_verifier(site.service.store.kinds)(connection, body, at_us)


@pytest.mark.requirement("R18")
@pytest.mark.requirement("R55")
def test_a_person_signs_by_authenticating_anew_and_it_verifies_without_the_provider(
    signing: Site, provider: Provider
) -> None:
    said = statement(signing)
    body, at_us = entered(signing, said, sign(signing, said))
    provider.stop()
    try:
        found = verified(signing, body, at_us)
    finally:
        provider.start()
    assert found.acr == TOKEN_ACR
    assert found.auth_time >= parse_utc(said.signed_at) // 1_000_000 - 1
    moved = msgspec.structs.replace(said, reason=msgspec.structs.replace(said.reason, text="Something else"))
    with pytest.raises(SignatureInvalid, match="another statement"):
        verified(signing, msgspec.structs.replace(body, statement=moved), at_us)


def test_who_has_a_session_at_the_provider_is_asked_again(signing: Site, provider: Provider) -> None:
    """The browser that just signed in there is shown the form, and the token's auth_time is of now."""
    with provider.browser() as browser:
        signing.answer(signing.begin(), "anna", browser)
        said = statement(signing)
        begun = signing.service.provider_signing.begin(said)
        assert "max_age=0" in begun.address
        assert 'type="password"' in browser.get(begun.address).text


def test_another_person_s_authentication_signs_nothing(signing: Site) -> None:
    said = statement(signing)
    with pytest.raises(ReauthenticationRequired, match="another person"):
        sign(signing, said, "bert")


def test_an_answer_for_one_statement_ends_no_other(signing: Site) -> None:
    one, other = statement(signing), statement(signing, nonce=b64(b"\7" * 32))
    begun = signing.service.provider_signing.begin(one)
    answer = signing.answer(begun.address, "anna")
    with pytest.raises(ReauthenticationRequired, match="begun for something else"):
        signing.service.provider_signing.complete(other, begun.secret, answer)


def test_a_sign_in_is_no_signature_and_an_answer_signs_once(signing: Site) -> None:
    said = statement(signing)
    begun = signing.door.begin()
    with pytest.raises(ReauthenticationRequired):
        signing.service.provider_signing.complete(said, begun.secret, signing.answer(begun.address, "anna"))
    begun = signing.service.provider_signing.begin(said)
    answer = signing.answer(begun.address, "anna")
    signing.service.provider_signing.complete(said, begun.secret, answer)
    with pytest.raises(ReauthenticationRequired, match="ended before"):
        signing.service.provider_signing.complete(said, begun.secret, answer)


def test_a_key_that_was_not_entered_before_signs_nothing_and_the_next_signing_enters_it(
    signing: Site, provider: Provider
) -> None:
    said = statement(signing)
    begun = signing.service.provider_signing.begin(said)
    before = signing.service.provider.held()
    provider.rotate()
    with pytest.raises((ReauthenticationRequired, SignInUnreachable)):
        signing.service.provider_signing.complete(said, begun.secret, signing.answer(begun.address, "anna"))
    assert signing.service.provider.held().index == before.index, "signing enters no key by itself"
    with pytest.raises(SigningError, match="not under a checkpoint yet"):
        statement(signing)
    after = signing.service.provider.held()
    assert after.index > before.index
    assert [key.kid for key in after.keys.keys] == [key.kid for key in provider.keys]
    signing.service.publisher.publish_all()
    said = statement(signing)
    body, at_us = entered(signing, said, sign(signing, said))
    verified(signing, body, at_us)
    assert isinstance(body.proof, ProviderProof)
    earlier = body.proof.keys.replace(str(after.index), str(before.index))
    swapped = msgspec.structs.replace(body, proof=ProviderProof(token=body.proof.token, keys=earlier))
    with pytest.raises(SignatureInvalid, match="not in force"):
        verified(signing, swapped, at_us)


def test_a_key_that_was_taken_back_signs_no_longer_and_old_signatures_stay_valid(
    signing: Site, provider: Provider
) -> None:
    said = statement(signing)
    body, at_us = entered(signing, said, sign(signing, said))
    old = provider.keys[0]
    provider.rotate(keep=False)
    signing.service.provider.refresh("they changed")
    signing.service.publisher.publish_all()
    verified(signing, body, at_us)
    fresh = statement(signing)
    claims = forged(signing, provider, fresh)
    stale = jwt.encode({"alg": "RS256", "kid": old.kid}, claims, old, algorithms=["RS256"])
    with pytest.raises(SignatureInvalid, match="not in the provider's entered key set"):
        judged(signing, fresh, stale)


def forged(signing: Site, provider: Provider, said: Statement, **more: Any) -> dict[str, Any]:
    """Claims of a good token for this statement, but for what is said otherwise."""
    made = parse_utc(said.signed_at) // 1_000_000
    subject = signing.door.links.list(said.signer.account)[0].subject
    good = {"iss": provider.issuer, "aud": [CLIENT], "sub": subject, "nonce": nonce_of(said), "acr": TOKEN_ACR}
    return {**good, "auth_time": made + 5, "iat": made + 5, "exp": made + 305, **more}


def judged(signing: Site, said: Statement, token: str) -> Any:
    """What becomes of a token that somebody put into a signature."""
    held = signing.service.provider.held()
    proof = ProviderProof(token=token, keys=f"{signing.service.system.origin}#{held.index}")
    with signing.service.store.reading() as connection:
        size = signing.people_view(connection).size
        now = signing.world.clock.now_us()
        return verify_at(connection, signing.service.store.kinds, said, proof, now, size)


@pytest.mark.parametrize(
    ("more", "word"),
    [
        ({"nonce": "AAAA"}, "another statement"),
        ({"aud": ["other"]}, "another client"),
        ({"iss": "https://127.0.0.1:1"}, "another provider"),
        ({"acr": PASSWORD_ACR}, "which is not what the site demands"),
        ({"auth_time": 1}, "afresh"),
        ({"exp": 1}, "expired"),
    ],
)
def test_what_the_provider_s_own_key_signed_otherwise_is_refused(
    signing: Site, provider: Provider, more: dict[str, Any], word: str
) -> None:
    said = statement(signing)
    assert judged(signing, said, provider.token(forged(signing, provider, said)))
    with pytest.raises(SignatureInvalid, match=word):
        judged(signing, said, provider.token(forged(signing, provider, said, **more)))


def test_an_outage_says_so_and_signing_goes_on_when_it_is_over(signing: Site, provider: Provider) -> None:
    said = statement(signing)
    begun = signing.service.provider_signing.begin(said)
    answer = signing.answer(begun.address, "anna")
    provider.stop()
    try:
        with pytest.raises(SignInUnreachable, match="sign-in service unreachable"):
            signing.service.provider_signing.complete(said, begun.secret, answer)
        with pytest.raises(SignInUnreachable):
            signing.service.provider_signing.prepare("anna")
    finally:
        provider.start()
    again = statement(signing)
    assert sign(signing, again).token


@pytest.mark.requirement("R25")
def test_a_link_that_one_administrator_said_alone_signs_nothing(signing: Site) -> None:
    signing.staff.person("carl", Role.REVIEWER)
    links = signing.door.links
    made = links.link(
        "carl", signing.provider.issuer, signing.subject("mallory"), "known", signing.staff.acting("officer1")
    )
    signing.service.publisher.publish_all()
    with pytest.raises(SigningError, match="not confirmed"):
        signing.service.provider_signing.prepare("carl")
    for who in ("officer1", "carl"):
        with pytest.raises(LedgerError):
            links.confirm(made.credential, "sure", signing.staff.acting(who))
    with pytest.raises(LedgerError):
        links.confirm(made.credential, "sure", signing.world.root)


def test_a_site_that_agreed_on_no_class_for_signing_signs_nothing_there(site: Site) -> None:
    site.link("anna")
    with pytest.raises(SigningError, match="does not sign at its identity provider"):
        site.service.provider_signing.prepare("anna")
    site.agree(signing_acr=())
    Profiles(site.service.store).set("signing_modes", ("provider",), "agreed", site.staff.admin)
    with pytest.raises(SigningError, match="no class of authentication"):
        site.service.provider_signing.prepare("anna")


def test_answers_without_a_secret_end_nothing(signing: Site) -> None:
    said = statement(signing)
    with pytest.raises(ReauthenticationRequired, match="not begun in this browser"):
        signing.service.provider_signing.complete(said, None, Answer(state="x", code="y"))
