"""Dashboards and alert rules ask for what the services really expose, and say what Grafana understands."""

import json
from itertools import combinations
from pathlib import Path
from typing import Any, cast

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard
from prometheus_client import generate_latest
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.parser import text_string_to_metric_families
from tests.observability.files import (
    COMPOSE,
    DASHBOARDS,
    GRAFANA,
    PROMETHEUS,
    RULE_FILES,
    alert_rules,
    queries,
    read_dashboard,
    read_yaml,
)
from tests.observability.promql import asked_for

from microgrid_alert_engine.notifier.settings import NotifierSettings
from microgrid_alert_engine.settings import AlertEngineSettings
from microgrid_api.settings import ApiSettings
from microgrid_common.runtime import metrics
from microgrid_ingestor.settings import IngestorSettings

MADE_BY_PROMETHEUS = {"up", "ALERTS"}
SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}
LABELS_OF_PROMETHEUS = {"job", "instance", "le", "alertname", "alertstate", "severity"}


def exposed() -> set[str]:
    """The names that `/metrics` has."""
    return {
        f"{family.name}{suffix}"
        for family in text_string_to_metric_families(generate_latest().decode())
        for suffix in SUFFIXES.get(family.type, ("",))
    }


def labels_of(metric: str) -> set[str]:
    """The labels that a metric of ours has."""
    for collector in vars(metrics).values():
        if isinstance(collector, MetricWrapperBase) and metric.startswith(collector._name):
            rest = metric.removeprefix(collector._name)
            if rest in {"", "_total", "_bucket", "_sum", "_count"}:
                return set(collector._labelnames)
    return set()


@pytest.mark.parametrize(("place", "query"), queries(), ids=lambda value: value.partition("(")[0][:60])
def test_a_query_names_only_what_the_services_expose(place: str, query: str) -> None:
    asked = asked_for(query)
    assert asked.metrics, f"{place} asks for no metric"
    assert asked.metrics <= exposed() | MADE_BY_PROMETHEUS
    there = LABELS_OF_PROMETHEUS.union(*(labels_of(metric) for metric in asked.metrics))
    assert asked.labels <= there


def test_a_dashboard_lets_choose_among_grids_that_are_exposed() -> None:
    chosen = [
        each["query"]["query"] for file in DASHBOARDS for each in read_dashboard(file)["templating"]["list"]
    ]
    assert chosen
    for query in chosen:
        metric, label = query.removeprefix("label_values(").removesuffix(")").split(", ")
        assert metric in exposed()
        assert label in labels_of(metric)


def test_a_name_that_is_nowhere_exposed_is_found_in_every_part_of_a_query() -> None:
    asked = asked_for(
        'topk(3, sum by (grid) (rate(made_up_total{route=~"a|b", x!=""}[5m]))) / on (job) up offset 5m > 1e3'
        " and made_up_2"
    )
    assert asked.metrics == {"made_up_total", "up", "made_up_2"}
    assert asked.labels == {"grid", "route", "x", "job"}


@pytest.mark.parametrize("file", DASHBOARDS, ids=lambda file: file.stem)
def test_grafana_knows_every_field_of_a_dashboard(file: Path) -> None:
    """Grafana's own types leave out what they do not know, and fail on what is missing or of another type."""
    register_default_plugins()
    dashboard = read_dashboard(file)
    understood = json.loads(JSONEncoder().encode(Dashboard.from_json(dashboard)))
    assert not list(lost(dashboard, understood, "dashboard"))


def lost(written: object, understood: object, place: str) -> list[str]:
    """Where something was written that was not understood."""
    match written, understood:
        case dict(), dict():
            return [
                found
                for name, value in cast("dict[str, Any]", written).items()
                for found in (
                    lost(value, understood[name], f"{place}.{name}")
                    if name in understood
                    else [f"{place}.{name}"]
                )
            ]
        case list(), list() if len(written) == len(understood):
            pairs = zip(written, understood, strict=True)
            return [found for index, pair in enumerate(pairs) for found in lost(*pair, f"{place}[{index}]")]
    return [] if written == understood else [place]


@pytest.mark.parametrize("file", DASHBOARDS, ids=lambda file: file.stem)
def test_panels_have_numbers_of_their_own_and_do_not_overlap(file: Path) -> None:
    panels = read_dashboard(file)["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    for panel in panels:
        assert panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24
    for one, other in combinations((panel["gridPos"] for panel in panels), 2):
        apart = (
            one["x"] + one["w"] <= other["x"]
            or other["x"] + other["w"] <= one["x"]
            or one["y"] + one["h"] <= other["y"]
            or other["y"] + other["h"] <= one["y"]
        )
        assert apart


def test_there_is_a_dashboard_for_each_thing_to_watch_and_grafana_finds_it() -> None:
    assert {read_dashboard(file)["title"] for file in DASHBOARDS} == {
        "Services",
        "Lag",
        "Quarantine",
        "Alarm load",
        "Device fleet",
    }
    assert all(read_dashboard(file)["uid"] == file.stem for file in DASHBOARDS)
    [provider] = read_yaml(GRAFANA / "provisioning" / "dashboards" / "microgrid.yml")["providers"]
    assert provider["options"]["path"] == "/etc/grafana/dashboards"


def test_every_panel_asks_the_data_source_that_is_provisioned() -> None:
    [source] = read_yaml(GRAFANA / "provisioning" / "datasources" / "prometheus.yml")["datasources"]
    wanted = {"type": source["type"], "uid": source["uid"]}
    for file in DASHBOARDS:
        dashboard = read_dashboard(file)
        asking = [*dashboard["templating"]["list"], *dashboard["panels"]]
        asking += [target for panel in dashboard["panels"] for target in panel["targets"]]
        assert all(each["datasource"] == wanted for each in asking)


def watched() -> dict[str, tuple[list[str], int]]:
    """Each service that Prometheus asks: by which names, and on which port."""
    return {
        job["job_name"]: (job["dns_sd_configs"][0]["names"], job["dns_sd_configs"][0]["port"])
        for job in read_yaml(PROMETHEUS / "prometheus.yml")["scrape_configs"]
        if "dns_sd_configs" in job
    }


def test_prometheus_asks_each_service_on_the_port_that_its_settings_have() -> None:
    defaults = {
        "ingestor": IngestorSettings.model_fields["health_port"].default,
        "alert-engine": AlertEngineSettings.model_fields["health_port"].default,
        "notifier": NotifierSettings.model_fields["health_port"].default,
        "api": ApiSettings.model_fields["api_port"].default,
    }
    assert watched() == {name: ([name], port) for name, port in defaults.items()}


def test_in_containers_each_service_is_found_once_and_answers() -> None:
    """Docker's DNS has an address for each network that two containers share."""
    services = read_yaml(COMPOSE)["services"]
    for name in watched():
        assert len(set(services[name]["networks"]) & set(services["prometheus"]["networks"])) == 1, name
        listening = services[name]["environment"]
        assert listening["MICROGRID_API_HOST" if name == "api" else "MICROGRID_HEALTH_HOST"] == "0.0.0.0"


def test_grafana_alone_has_a_port_outside_and_that_on_loopback() -> None:
    services = read_yaml(COMPOSE)["services"]
    assert "ports" not in services["prometheus"]
    assert all(port.startswith("127.0.0.1:") for port in services["grafana"]["ports"])
    assert set(services["grafana"]["networks"]) & set(services["prometheus"]["networks"]) == {"watch"}


def test_containers_see_the_files_that_are_written_for_them() -> None:
    mounts = {
        target.removesuffix(":ro"): (COMPOSE.parent / source).resolve()
        for name in ("prometheus", "grafana")
        for source, _, target in (
            volume.partition(":") for volume in read_yaml(COMPOSE)["services"][name]["volumes"]
        )
    }
    assert mounts["/etc/prometheus"] == PROMETHEUS.resolve()
    assert mounts["/etc/grafana/provisioning"] == (GRAFANA / "provisioning").resolve()
    assert mounts["/etc/grafana/dashboards"] == (GRAFANA / "dashboards").resolve()


def test_an_alert_says_how_urgent_it_is_and_what_to_do() -> None:
    names = [rule["alert"] for rule in alert_rules()]
    assert len(set(names)) == len(names)
    for rule in alert_rules():
        assert rule["labels"]["severity"] in {"critical", "warning"}, rule["alert"]
        what, _, to_do = rule["annotations"]["summary"].partition(". ")
        assert what, rule["alert"]
        assert to_do, f"{rule['alert']} does not say what to do"


def test_every_alert_has_a_case_in_which_it_fires_and_one_in_which_it_does_not() -> None:
    for file in RULE_FILES:
        firing = [
            {sample["labels"] for sample in check["exp_samples"]}
            for case in read_yaml(PROMETHEUS / "tests" / file.name)["tests"]
            for check in case["promql_expr_test"]
        ]
        for group in read_yaml(file)["groups"]:
            for rule in group["rules"]:
                named = f'{{alertname="{rule["alert"]}"}}'
                assert any(named in alerts for alerts in firing), rule["alert"]
                assert any(named not in alerts for alerts in firing), rule["alert"]
