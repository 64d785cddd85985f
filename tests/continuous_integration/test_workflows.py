"""The files of continuous integration: valid, pinned, with the least permissions, and about what is there."""

import json
import re
import shlex
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from ruamel.yaml import YAML

REPOSITORY = Path(__file__).parents[2]
GITHUB = REPOSITORY / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
PINNED = re.compile(r"[\w.-]+/[\w.-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")
COMMANDS = {"make", "sudo", "pipx", "docker", "gh"}
"""What a runner has before anything is installed."""


def read_yaml(file: Path) -> Any:
    return YAML(typ="safe", pure=True).load(file)


def schema_errors(name: str, document: object) -> list[str]:
    """What the published schema of such files says against one."""
    schema = resources.files("check_jsonschema") / "builtin_schemas" / "vendor" / f"{name}.json"
    validator = jsonschema_rs.validator_for(json.loads(schema.read_text()))
    return [error.message for error in validator.iter_errors(document)]


def jobs() -> list[tuple[str, dict[str, Any]]]:
    """Each job of each workflow, with its name."""
    return [
        (f"{file.stem}: {name}", job) for file in WORKFLOWS for name, job in read_yaml(file)["jobs"].items()
    ]


def commands() -> list[list[str]]:
    """Each command of each step, in words."""
    runs = [step["run"] for _, job in jobs() for step in job["steps"] if "run" in step]
    return [shlex.split(part) for run in runs for line in run.splitlines() for part in line.split(" && ")]


def recipe(target: str) -> list[str]:
    """The commands of a target of the Makefile."""
    makefile = (REPOSITORY / "Makefile").read_text()
    found = re.search(rf"^{target}:[^\n]*\n((?:\t[^\n]*\n)+)", makefile, re.MULTILINE)
    assert found, f"make {target} is not there"
    return [line.strip().removeprefix("@").replace("$(BIN)", ".venv/bin") for line in found[1].splitlines()]


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.stem)
def test_a_workflow_is_one(file: Path) -> None:
    assert schema_errors("github-workflows", read_yaml(file)) == []


def test_dependabot_is_configured_for_all_that_is_pinned() -> None:
    document = read_yaml(GITHUB / "dependabot.yml")
    assert schema_errors("dependabot", document) == []
    assert {update["package-ecosystem"] for update in document["updates"]} == {
        "uv",
        "github-actions",
        "docker",
        "docker-compose",
    }


def test_the_schema_finds_what_is_wrong() -> None:
    assert schema_errors("dependabot", {"version": 2, "updates": [{"package-ecosystem": "made-up"}]})


def test_every_action_is_pinned_to_one_commit_and_says_which_version_that_is() -> None:
    for file in WORKFLOWS:
        used = re.findall(r"uses: (.*)", file.read_text())
        assert used
        for action in used:
            assert PINNED.fullmatch(action), f"{file.name}: {action}"


def test_no_token_may_do_more_than_read_unless_its_job_needs_it() -> None:
    for file in WORKFLOWS:
        assert read_yaml(file)["permissions"] == {"contents": "read"}, file.name
    allowed = {name: job["permissions"] for name, job in jobs() if "permissions" in job}
    assert allowed == {
        "release: image": {"contents": "read", "packages": "write"},
        "release: release": {"contents": "write"},
    }


@pytest.mark.parametrize(("name", "job"), jobs(), ids=lambda value: value if isinstance(value, str) else "")
def test_a_job_ends_some_time_and_leaves_no_token_behind(name: str, job: dict[str, Any]) -> None:
    assert job["timeout-minutes"] <= 60, name
    for step in job["steps"]:
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False


def test_tests_run_on_the_oldest_and_the_newest_python() -> None:
    [tested] = [job for name, job in jobs() if name == "ci: test"]
    assert tested["strategy"]["matrix"]["python"] == ["3.11", "3.13"]
    assert {"run": "make test"} in tested["steps"]


def test_what_is_run_is_there() -> None:
    for words in commands():
        assert words[0] in COMMANDS, words
        if words[0] == "make":
            for target in words[1:]:
                assert recipe(target)
        if "--file" in words:
            assert (REPOSITORY / words[words.index("--file") + 1]).is_file(), words


def test_what_somebody_else_chose_is_never_part_of_a_command() -> None:
    """An expression is put into the command before the shell reads it: the name of a branch could be code."""
    for _, job in jobs():
        assert not [step["run"] for step in job["steps"] if "${{" in step.get("run", "")]


def test_hooks_before_a_commit_are_the_commands_of_make_check() -> None:
    repositories = read_yaml(REPOSITORY / ".pre-commit-config.yaml")["repos"]
    own = [hook for each in repositories if each["repo"] == "local" for hook in each["hooks"]]
    of_make = [command for command in recipe("check") if command.startswith(".venv/bin/")]
    assert [hook["entry"] for hook in own] == of_make
    assert all(
        re.fullmatch(r"v\d+\.\d+\.\d+", each["rev"]) for each in repositories if each["repo"] != "local"
    )
