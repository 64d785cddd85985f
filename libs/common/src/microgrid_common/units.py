"""Units: from what a sensor reports to the canonical unit of the metric catalogue.

Factors are exact by definition in the SI Brochure (9th edition); degrees Fahrenheit after
NIST SP 811, appendix B.9.
"""

from types import MappingProxyType

_TO_CANONICAL: dict[tuple[str, str], tuple[float, float]] = {
    # (from, to): (factor, offset); value_to = value_from * factor + offset
    ("W", "kW"): (1e-3, 0.0),
    ("MW", "kW"): (1e3, 0.0),
    ("Wh", "kWh"): (1e-3, 0.0),
    ("MWh", "kWh"): (1e3, 0.0),
    ("mV", "V"): (1e-3, 0.0),
    ("kV", "V"): (1e3, 0.0),
    ("mA", "A"): (1e-3, 0.0),
    ("kA", "A"): (1e3, 0.0),
    ("mHz", "Hz"): (1e-3, 0.0),
    ("kHz", "Hz"): (1e3, 0.0),
    ("°F", "°C"): (5 / 9, -160 / 9),
    ("K", "°C"): (1.0, -273.15),
    ("kW/m²", "W/m²"): (1e3, 0.0),
    ("mW/cm²", "W/m²"): (10.0, 0.0),
    ("fraction", "%"): (100.0, 0.0),
}

# How firmware without a degree sign or a superscript in its font spells the same units.
SPELLINGS: MappingProxyType[str, str] = MappingProxyType(
    {
        "F": "°F", "degF": "°F", "C": "°C", "degC": "°C", "percent": "%",
        "W/m2": "W/m²", "W/m^2": "W/m²", "kW/m2": "kW/m²", "mW/cm2": "mW/cm²",
    }
)  # fmt: skip


_SHOWN_CHARACTERS = 20
"""The longest unit has six; what a sender puts in its place can be of any length."""


class UnknownUnitError(ValueError):
    """There is no conversion between two units."""


def convert(value: float, unit: str, canonical_unit: str) -> float:
    """Convert `value` from `unit` to `canonical_unit`.

    Raises:
        UnknownUnitError: there is no such conversion.
    """
    unit = SPELLINGS.get(unit, unit)
    if unit == canonical_unit:
        return value
    try:
        factor, offset = _TO_CANONICAL[unit, canonical_unit]
    except KeyError:
        raise UnknownUnitError(
            f"{unit[:_SHOWN_CHARACTERS]!r} cannot be converted; allowed: {allowed_units(canonical_unit)}"
        ) from None
    return value * factor + offset


def allowed_units(canonical_unit: str) -> str:
    """The units that can be converted to `canonical_unit`, for a message to a person."""
    return ", ".join(
        [canonical_unit or "none", *(source for source, target in _TO_CANONICAL if target == canonical_unit)]
    )
