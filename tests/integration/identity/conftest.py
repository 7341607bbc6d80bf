"""A running provider, and a ledger that agreed with it, one of each a module."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from litestar.testing import TestClient

from tests.api.world import World
from tests.integration.identity.plant import Signing, signing_at
from tests.integration.identity.site import Site
from tests.support.application import app_of
from tests.support.certificates import Authority
from tests.support.idp import Provider


@pytest.fixture(scope="module")
def trusted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Authority]:
    """The tests' CA, which this process trusts as a site's machine trusts the site's."""
    authority = Authority(tmp_path_factory.mktemp("ca"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(authority.file))
        yield authority


@pytest.fixture(scope="module")
def provider(trusted: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provider]:
    with Provider(tmp_path_factory.mktemp("provider"), trusted) as running:
        yield running


@pytest.fixture
def site(provider: Provider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A fresh ledger that agreed with the provider, its application, and persons."""
    monkeypatch.setattr("ledger.people.security.FAILURES", 1_000_000)
    world = World(tmp_path / "ledger")
    with TestClient(app_of(world.service), base_url="https://ledger.example") as client:
        yield Site(world, provider, client)
    world.close()


@pytest.fixture(scope="module")
def signing(provider: Provider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Signing]:
    """A founded plant whose reviewer signs at the provider."""
    with signing_at(provider, tmp_path_factory.mktemp("plant") / "ledger") as made:
        yield made
