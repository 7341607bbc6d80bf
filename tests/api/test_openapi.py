"""The interface description: complete, offline, and true under fuzzing."""

import random
import re
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from litestar import Litestar
from litestar.testing import TestClient
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import content_type_conformance, status_code_conformance

from ledger.api.app import create_app
from ledger.api.gate import declared_routes
from ledger.people.access import OF_SERVICES, Door, Scope
from tests.api.world import SOURCE, World, bearer
from tests.support.sampled import WHOLE
from tests.support.seeds import SEED

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance]
EXAMPLES = 60 if WHOLE else 2
"""Inputs to each operation: to make one takes a tenth of a second."""
FEW = 50
"""Operations that `make test` draws; `make soak` calls all."""
EVERYWHERE = {"400", "401", "403", "404", "405", "429", "500", "503"}


def description(client: TestClient[Any], world: World) -> dict[str, Any]:
    answer = client.get("/api/v1/schema/openapi.json", headers=world.headers(Scope.READ))
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


def test_every_route_and_every_error_of_it_is_described(
    shared_client: TestClient[Litestar], shared_world: World
) -> None:
    paths = description(shared_client, shared_world)["paths"]
    for path, handler in declared_routes(shared_client.app):
        if not path.startswith(("/api/v1", "/logs")) or path.startswith("/api/v1/schema"):
            continue
        plain = re.sub(r":\w+\}", "}", path)
        for method in handler.http_methods:
            operation = paths[plain][method.lower()]
            assert operation["description"], plain
            assert set(operation["responses"]) >= EVERYWHERE, (method, plain)
            assert operation["responses"]["404"]["content"]["application/problem+json"]
            assert (operation.get("security") == [{}]) == (handler.opt["access"] in (Door.OPEN, Door.SIGNED)), plain


def test_the_body_of_a_run_is_described_to_the_last_member(
    shared_client: TestClient[Litestar], shared_world: World
) -> None:
    found = description(shared_client, shared_world)
    operation = found["paths"]["/api/v1/sources/{source}/runs"]["post"]
    assert operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].endswith("/IngestRunBatch")
    assert {"409", "413"} <= set(operation["responses"])
    schemas = found["components"]["schemas"]
    assert set(re.findall(r'"#/components/schemas/(\w+)"', str(found).replace("'", '"'))) <= set(schemas)
    assert "source_record_id" in schemas["IngestRecord"]["properties"]


def test_the_page_and_its_files_come_from_this_service_alone(
    shared_client: TestClient[Litestar], shared_world: World
) -> None:
    headers = shared_world.headers(Scope.READ)
    page = shared_client.get("/api/docs", headers=headers)
    links = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(links) >= 4
    for link in links:
        assert link.startswith("/api/"), link
        assert shared_client.get(link, headers=headers).status_code == 200
    assert "script-src 'self';" in page.headers["content-security-policy"]
    assert "<script>" not in page.text
    assert shared_client.get("/api/docs/unknown.js", headers=headers).status_code == 404


@pytest.mark.timeout(300)
def test_no_input_that_fuzzing_finds_is_answered_by_a_failure_of_ours(world: World) -> None:
    app = create_app(world.service)
    world.people.create_account("fuzzer", "Fuzzer", "fuzzing", world.root)
    every = world.people.grant("fuzzer", OF_SERVICES, "fuzzing", world.root, sources=(SOURCE,))
    schema = schemathesis.openapi.from_asgi("/api/v1/schema/openapi.json", app, headers=bearer(every.token))
    operations = [found.ok() for found in schema.get_all_operations() if isinstance(found, Ok)]
    assert len(operations) == len(list(schema.get_all_operations())) >= 2 * FEW
    if not WHOLE:
        operations = random.Random(SEED).sample(operations, FEW)
    statuses: set[int] = set()
    for operation in operations:
        cases = st.one_of(*(operation.as_strategy(generation_mode=mode) for mode in GenerationMode))

        @settings(max_examples=EXAMPLES, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
        @seed(SEED)
        @given(case=cases)
        def call(case: schemathesis.Case[Any]) -> None:
            answer = case.call(headers=bearer(every.token))
            statuses.add(answer.status_code)
            case.validate_response(
                answer, checks=[not_a_server_error, status_code_conformance, content_type_conformance]
            )

        call()
    assert {200, 400, 404} <= statuses
    assert 201 in statuses or not WHOLE
