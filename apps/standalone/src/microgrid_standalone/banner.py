"""What a person sees when the system is up."""

import os

from microgrid_standalone.settings import LOOPBACK, StandaloneSettings


def banner(settings: StandaloneSettings) -> str:
    """Where everything is, how to get in, and how to stop."""
    broker = f"mqtt://{LOOPBACK}"
    api = f"http://{settings.api_host}:{settings.api_port}"
    store = (
        "telemetry.sqlite3, valkey/"
        if settings.telemetry_store == "sqlite"
        else f"valkey/; readings in {settings.influx_url}"
    )
    simulator = (
        f"on: {settings.simulator_profile}, every {settings.simulator_interval_seconds:g} s "
        "(MICROGRID_SIMULATE=0 leaves it out)"
        if settings.simulate
        else "off"
    )
    lines = [
        ("API", f"{api}  (described at {api}/docs)"),
        ("Sign in", 'user "user", password "password"; the token is "prototype_token"'),
        ("Live", f"{api.replace('http', 'ws', 1)}/api/live?token=prototype_token"),
        ("Broker", f"{broker}:{settings.mqtt_port} (3.1.1), {broker}:{settings.mqtt5_port} (5); no login"),
        ("Simulator", simulator),
        ("Data", f"{settings.data_dir.resolve()}  ({store})"),
        ("Health", f"{api}/readyz, {api}/metrics"),
        ("Try", f"curl -H 'Authorization: Bearer prototype_token' {api}/api/dashboard/realtime"),
    ]
    body = "\n".join(f"  {label:10} {text}" for label, text in lines)
    rule = "─" * 78
    title = f"Microgrid monitor is running, for this machine only (process {os.getpid()}). Ctrl-C stops it."
    return f"{rule}\n{title}\n\n{body}\n{rule}"
