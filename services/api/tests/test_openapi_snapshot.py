"""The description of the API is a contract: it changes on purpose, and where everybody can read it."""

import json
import os
from pathlib import Path

from fastapi import FastAPI

from microgrid_api.web.problems import MEDIA_TYPE

SNAPSHOT = Path(__file__).parents[3] / "contracts" / "openapi.json"
RENEW = "MICROGRID_RENEW_CONTRACTS"


def test_the_description_is_the_one_that_the_contracts_have(app: FastAPI) -> None:
    text = json.dumps(app.openapi(), indent=1, ensure_ascii=False) + "\n"
    if os.environ.get(RENEW) == "1":
        SNAPSHOT.write_text(text)
    assert SNAPSHOT.read_text() == text, (
        f"the API's description has changed: if that is meant, run this test with {RENEW}=1 and commit "
        "contracts/openapi.json with the change"
    )


def test_every_error_is_described_as_a_problem(app: FastAPI) -> None:
    wrong = [
        f"{method} {path} {status}"
        for path, operations in app.openapi()["paths"].items()
        for method, operation in operations.items()
        for status, answer in operation["responses"].items()
        if int(status) >= 400 and list(answer.get("content", {})) not in ([MEDIA_TYPE], [])
    ]
    assert [one for one in wrong if "/readyz" not in one] == []


def test_every_operation_has_a_name_of_its_own(app: FastAPI) -> None:
    names = [
        operation["operationId"]
        for operations in app.openapi()["paths"].values()
        for operation in operations.values()
    ]
    assert len(set(names)) == len(names)
