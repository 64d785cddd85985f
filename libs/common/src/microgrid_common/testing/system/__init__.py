"""The whole monitor for somebody else's tests: broker, Redis, InfluxDB and every service, really running.

    with microgrid_system() as system:
        system.publish("village-1", "meter-1", consumption_kw=15.0)
        alarm = system.wait_for_alarm("village-1", rule_id="load-abnormality")

In pytest the fixtures `microgrid` and `microgrid_grid` of `microgrid_common.testing.plugin` do it.
`MICROGRID_TEST_SERVERS` chooses how it runs: `container` (the image that `MICROGRID_TEST_IMAGE` names, and
those of the servers), `process` (the services that are installed in this Python, and the servers' programs)
or `auto`, the default: containers where they can be had, else processes.
"""

from microgrid_common.testing.system.running import microgrid_system
from microgrid_common.testing.system.system import MicrogridSystem, PublishingFailedError

__all__ = ["MicrogridSystem", "PublishingFailedError", "microgrid_system"]
