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
        *_signing_in(settings, api),
        ("Broker", f"{broker}:{settings.mqtt_port} (3.1.1), {broker}:{settings.mqtt5_port} (5); no login"),
        ("Simulator", simulator),
        ("Data", f"{settings.data_dir.resolve()}  ({store})"),
        ("Health", f"{api}/readyz, {api}/metrics"),
    ]
    body = "\n".join(f"  {label:11} {text}" for label, text in lines)
    rule = "─" * 78
    title = f"Microgrid monitor is running, for this machine only (process {os.getpid()}). Ctrl-C stops it."
    return f"{rule}\n{title}\n\n{body}\n{rule}"


def _signing_in(settings: StandaloneSettings, api: str) -> list[tuple[str, str]]:
    if settings.auth_mode == "prototype":
        return [
            ("Sign in", 'user "user", password "password"; the token is "prototype_token"'),
            ("Live", f"{api.replace('http', 'ws', 1)}/api/live?token=prototype_token"),
            ("Try", f"curl -H 'Authorization: Bearer prototype_token' {api}/api/dashboard/realtime"),
        ]
    if settings.auth_mode == "cognito":
        return [("Sign in", f"POST {api}/api/auth/login, as a user of the Cognito pool")]
    folder = settings.data_dir.resolve()
    first_admin = (
        f"MICROGRID_AUTH_MODE=local MICROGRID_TELEMETRY_STORE={settings.telemetry_store} "
        f"MICROGRID_DATA_DIR={folder} MICROGRID_REDIS_URL=unix://{folder}/valkey/valkey.sock "
        ".venv/bin/microgrid-api create-admin NAME"
    )
    return [("Sign in", f"POST {api}/api/auth/login, as a user kept here"), ("First admin", first_admin)]
