"""The settings of the whole system in one process."""

from typing import Literal

from pydantic import AnyUrl

from microgrid_alert_engine.notifier.settings import NotifierSettings
from microgrid_alert_engine.settings import AlertEngineSettings
from microgrid_api.settings import ApiSettings
from microgrid_common.runtime.settings import Port
from microgrid_ingestor.settings import IngestorSettings
from microgrid_simulator.settings import SimulatorSettings

LOOPBACK = "127.0.0.1"


class StandaloneSettings(
    IngestorSettings, AlertEngineSettings, NotifierSettings, ApiSettings, SimulatorSettings
):
    """What it reads from `MICROGRID_…` variables and `.env`: the settings of its services, and a few more."""

    telemetry_store: Literal["influx", "sqlite"] = "sqlite"
    """One file, so that nothing has to be installed; `influx` for a server of your own."""
    mqtt_port: Port = 1883
    """Where the embedded broker speaks MQTT 3.1.1."""
    mqtt5_port: Port = 1884
    """Where the embedded broker speaks MQTT 5."""
    simulate: bool = True
    """Whether a simulated device publishes readings."""

    def for_devices(self) -> "StandaloneSettings":
        """The settings of what speaks to the broker as a device does."""
        return self._at(self.mqtt_port)

    def for_services(self, redis_url: str) -> "StandaloneSettings":
        """The settings of the services, which use the embedded servers."""
        # The embedded broker dies when a shared subscription comes back; one receiver needs no sharing.
        changes = {
            "redis_url": redis_url,
            "mqtt_shared_group": "",
            "ingestor_name": "standalone",
            "alert_engine_name": "standalone",
            "notifier_name": "standalone",
        }
        return self._at(self.mqtt5_port).model_copy(update=changes)

    def _at(self, port: int) -> "StandaloneSettings":
        return self.model_copy(update={"mqtt_url": AnyUrl(f"mqtt://{LOOPBACK}:{port}")})
