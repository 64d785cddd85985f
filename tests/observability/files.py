"""The files of Prometheus and Grafana, read."""

import json
from pathlib import Path
from typing import Any, Final

from ruamel.yaml import YAML

REPOSITORY: Final = Path(__file__).parents[2]
COMPOSE: Final = REPOSITORY / "deploy" / "compose" / "compose.yaml"
OBSERVABILITY: Final = COMPOSE.parent / "observability"
PROMETHEUS: Final = OBSERVABILITY / "prometheus"
GRAFANA: Final = OBSERVABILITY / "grafana"

DASHBOARDS: Final = sorted((GRAFANA / "dashboards").glob("*.json"))
RULE_FILES: Final = sorted((PROMETHEUS / "rules").glob("*.yml"))


def read_yaml(file: Path) -> Any:
    """What a file of YAML 1.2 says."""
    return YAML(typ="safe", pure=True).load(file)


def read_dashboard(file: Path) -> dict[str, Any]:
    """A dashboard as Grafana reads it."""
    document: dict[str, Any] = json.loads(file.read_text())
    return document


def alert_rules() -> list[dict[str, Any]]:
    """All of them, in order."""
    return [rule for file in RULE_FILES for group in read_yaml(file)["groups"] for rule in group["rules"]]


def queries() -> list[tuple[str, str]]:
    """Each query of a rule or a panel, with the name of where it stands."""
    found = [(rule["alert"], rule["expr"]) for rule in alert_rules()]
    for file in DASHBOARDS:
        dashboard = read_dashboard(file)
        for panel in dashboard["panels"]:
            found += [(f"{file.stem}: {panel['title']}", target["expr"]) for target in panel["targets"]]
    return found
