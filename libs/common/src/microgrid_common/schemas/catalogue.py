"""The metric catalogue: the one table behind validation, units, the API, the app's labels and the docs."""

from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Metric:
    """One measured quantity in its canonical unit."""

    name: str
    """The canonical name, on the wire and in the stores."""
    unit: str
    """The canonical unit; an empty string for a state that is 0 or 1."""
    minimum: float
    """The lowest value that a working sensor can report, in `unit`."""
    maximum: float
    """The highest value that a working sensor can report, in `unit`."""
    plausible_step: float
    """The largest believable change within one minute, in `unit`; a larger one is kept and flagged."""
    description: str
    aliases: tuple[str, ...] = ()
    """Other names under which payloads and requests may call it."""


def _temperature(component: str, description: str, *aliases: str) -> Metric:
    # The ends of what the common sensors (PT100, thermistor, DS18B20) report without a fault.
    return Metric(f"{component}_temperature_c", "°C", -40, 150, 40, description, aliases)


METRICS: tuple[Metric, ...] = (
    Metric(
        "consumption_kw",
        "kW",
        0,
        10_000,
        5_000,
        "Live power consumption",
        ("consumption_kW", "live_power_consumption"),
    ),
    Metric(
        "generation_kw", "kW", 0, 10_000, 5_000, "Live power generation", ("generation_kW", "live_generation")
    ),
    Metric("battery_soc", "%", 0, 100, 20, "Battery state of charge"),
    Metric("battery_power_kw", "kW", -10_000, 10_000, 5_000, "Battery power, positive while charging"),
    Metric(
        "grid_power_kw", "kW", -10_000, 10_000, 5_000, "Power over the grid tie, positive while importing"
    ),
    # A plausible step of 170 kWh: what the largest power above counts in a minute.
    Metric("energy_consumed_kwh", "kWh", 0, 1e9, 170, "Reading of the meter of consumed energy"),
    Metric("energy_generated_kwh", "kWh", 0, 1e9, 170, "Reading of the meter of generated energy"),
    Metric("dc_bus_voltage_v", "V", 0, 1_500, 500, "DC bus voltage"),
    Metric("dc_bus_current_a", "A", -5_000, 5_000, 2_000, "DC bus current, positive into the bus"),
    Metric("ac_voltage_v", "V", 0, 1_000, 500, "AC output voltage"),
    Metric("ac_frequency_hz", "Hz", 0, 100, 60, "AC output frequency"),
    Metric("grid_tie_connected", "", 0, 1, 1, "Grid-tie status: 1 connected, 0 disconnected"),
    _temperature("equipment", "Equipment temperature", "temp_equipment"),
    _temperature("battery", "Battery temperature"),
    _temperature("inverter", "Inverter temperature"),
    _temperature("transformer", "Transformer temperature"),
    _temperature("cabinet", "Cabinet temperature"),
    Metric("link_connected", "", 0, 1, 1, "Communication link status: 1 connected, 0 disconnected"),
    Metric("link_rssi_dbm", "dBm", -130, 0, 60, "Signal strength of the communication link"),
    # 1,500 W/m²: above the solar constant of 1,361 W/m², since cloud edges focus light for seconds.
    Metric("irradiance_w_m2", "W/m²", 0, 1_500, 1_200, "Solar irradiance", ("solar_irradiance",)),
    Metric("ambient_temperature_c", "°C", -60, 70, 20, "Ambient temperature"),
    Metric("humidity_percent", "%", 0, 100, 50, "Relative humidity"),
)

BY_NAME: MappingProxyType[str, Metric] = MappingProxyType({metric.name: metric for metric in METRICS})

BY_NAME_OR_ALIAS: MappingProxyType[str, Metric] = MappingProxyType(
    {name: metric for metric in METRICS for name in (metric.name, *metric.aliases)}
)


def find_metric(name: str) -> Metric | None:
    """The metric of that canonical name or alias; None when there is none."""
    return BY_NAME_OR_ALIAS.get(name)
