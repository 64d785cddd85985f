"""Which back end runs a test server, and what is said when none can."""

import dataclasses

import pytest

from microgrid_common.testing.servers import ServerUnavailableError, redis_server
from microgrid_common.testing.servers.backend import ServerRecipe
from microgrid_common.testing.servers.running import BackendChoice, run, server_is_demanded

NOWHERE = ServerRecipe(
    name="example",
    image="microgrid.invalid/none:0",
    container_port=1,
    container_data="/data",
    program="microgrid-no-such-program",
    process_command=lambda program, port, data: [str(program), str(port), str(data)],
    is_ready=lambda host, port: bool(host) and port < 0,
)


@pytest.fixture(autouse=True)
def no_docker_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent/docker.sock")
    monkeypatch.delenv("MICROGRID_TEST_SERVERS", raising=False)


@pytest.mark.parametrize(
    ("choice", "reasons"),
    [
        ("container", "no Docker engine answers"),
        ("process", "the program microgrid-no-such-program is not installed"),
        ("auto", "no Docker engine answers, and the program microgrid-no-such-program is not installed"),
    ],
)
def test_an_unavailable_server_says_why(choice: BackendChoice, reasons: str) -> None:
    # Images are asked for once in a process; another name for each case keeps the cases apart.
    recipe = dataclasses.replace(NOWHERE, image=f"{NOWHERE.image}-{choice}")
    with (
        pytest.raises(ServerUnavailableError, match=f"^example cannot be run here: {reasons}$"),
        run(recipe, choice),
    ):
        pass


def test_an_unknown_choice_names_the_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MICROGRID_TEST_SERVERS", "podman")
    with pytest.raises(ValueError, match="MICROGRID_TEST_SERVERS=podman: must be"), redis_server():
        pass


@pytest.mark.parametrize(("choice", "demanded"), [("auto", False), ("container", True), ("process", True)])
def test_only_auto_permits_a_skip(monkeypatch: pytest.MonkeyPatch, choice: str, *, demanded: bool) -> None:
    monkeypatch.setenv("MICROGRID_TEST_SERVERS", choice)
    assert server_is_demanded() is demanded
