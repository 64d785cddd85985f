"""The figures that follow from energies; each where it is defined, with its source.

Energies are in kWh and not negative.
"""


def self_sufficiency(consumption_kwh: float, import_kwh: float) -> float:
    """The share of the consumption that did not come from the utility, from 0 to 1.

    1 - import / consumption, the balance over the period: Luthander et al., Photovoltaic
    self-consumption in buildings, Applied Energy 142 (2015). What is imported to charge a battery counts as
    imported, so the share is cut at 0.

    Raises:
        ZeroDivisionError: nothing was consumed.
    """
    return _within_0_and_1(1 - import_kwh / consumption_kwh)


def self_consumption(generation_kwh: float, export_kwh: float) -> float:
    """The share of the generation that was not given to the utility, from 0 to 1.

    1 - export / generation; source as `self_sufficiency`.

    Raises:
        ZeroDivisionError: nothing was generated.
    """
    return _within_0_and_1(1 - export_kwh / generation_kwh)


def battery_throughput(charged_kwh: float, discharged_kwh: float) -> float:
    """The energy that went into the battery and out of it, in kWh, at its terminals: losses are in it."""
    return charged_kwh + discharged_kwh


def battery_cycles(throughput_kwh: float, capacity_kwh: float) -> float:
    """Equivalent full cycles: throughput / (2 · capacity), since one full cycle charges and discharges once.

    Args:
        throughput_kwh: as `battery_throughput`.
        capacity_kwh: more than 0.
    """
    return throughput_kwh / (2 * capacity_kwh)


def load_factor(consumption_kwh: float, peak_kw: float, hours: float) -> float:
    """Mean by highest load, from 0 to 1: consumption / (peak · hours), as utilities define it (IEV 691).

    The peak is that of an hour's mean, so that the mean is never above it.

    Raises:
        ZeroDivisionError: nothing was consumed.
    """
    return _within_0_and_1(consumption_kwh / (peak_kw * hours))


def co2_avoided_kg(generation_kwh: float, co2_kg_per_kwh: float) -> float:
    """Generation · emission factor of the energy that it replaces, in kg.

    The baseline emissions of the UNFCCC's small-scale methodologies for renewable energy (AMS-I.D, AMS-I.F),
    without emissions of the plant itself.
    """
    return generation_kwh * co2_kg_per_kwh


def availability(on_ms: float, known_ms: float) -> float:
    """The share of the known time in which there was voltage, from 0 to 1.

    After the average service availability index of IEEE 1366, with a measuring point in place of a customer.

    Raises:
        ZeroDivisionError: nothing is known.
    """
    return _within_0_and_1(on_ms / known_ms)


def _within_0_and_1(share: float) -> float:
    return min(max(share, 0.0), 1.0)
