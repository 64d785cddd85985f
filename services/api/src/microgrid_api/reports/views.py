"""The JSON of energy reports."""

from datetime import UTC, date, datetime
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from microgrid_api.web.wire_time import WireTime
from microgrid_common.schemas.grid import Grid, Tariff
from microgrid_common.transforms.reports.days import Flow, Peak
from microgrid_common.transforms.reports.figures import (
    Availability,
    Cost,
    Energy,
    EnergyReport,
    Figure,
    Missing,
    PeriodFigures,
)
from microgrid_common.transforms.reports.periods import Period

_ENERGY: dict[str, JsonValue] = {"kwh": 41.2, "metered_kwh": 41.2, "integrated_kwh": 0, "coverage": 1}
_INTEGRATED: dict[str, JsonValue] = {**_ENERGY, "metered_kwh": 0, "integrated_kwh": 41.2, "coverage": 0.98}
_PERIOD: dict[str, JsonValue] = {
    "label": "2026-11-23",
    "from": "2026-11-23",
    "to": "2026-11-23",
    "start": "2026-11-22T21:00:00.000Z",
    "end": "2026-11-23T21:00:00.000Z",
    "is_over": True,
    "generation": _ENERGY,
    "consumption": _INTEGRATED,
    "import": None,
    "export": None,
    "battery_charged": None,
    "battery_discharged": None,
    "battery_throughput_kwh": None,
    "battery_cycles": None,
    "self_sufficiency": None,
    "self_consumption": None,
    "peak": {"kw": 4.8, "start": "2026-11-23T16:00:00.000Z", "end": "2026-11-23T17:00:00.000Z"},
    "load_factor": 0.36,
    "co2_avoided_kg": 32.96,
    "cost": None,
    "availability": {"share": 0.998, "coverage": 1, "estimated_share": 0.04},
    "unknown": {
        "import": "not_measured",
        "export": "not_measured",
        "battery_charged": "not_measured",
        "battery_discharged": "not_measured",
        "battery_throughput_kwh": "not_measured",
        "battery_cycles": "not_measured",
        "self_sufficiency": "not_measured",
        "self_consumption": "not_measured",
        "cost": "not_measured",
    },
}


def _example(**fields: JsonValue) -> ConfigDict:
    return ConfigDict(use_attribute_docstrings=True, json_schema_extra={"examples": [fields]})


def to_the_watt_hour(figure: float) -> float:
    """Rounded to what is worth telling: watt-hours, grams, thousandths of a share."""
    return round(figure, 3)


class EnergyView(BaseModel):
    """Energy of one kind."""

    model_config = _example(**_ENERGY)

    kwh: float
    """A lower bound where `coverage` is below 1."""
    metered_kwh: float
    """The part that meters counted."""
    integrated_kwh: float
    """The part that is estimated: the area under the measured power."""
    coverage: float
    """The share of the time, over all devices that measure it, that is known; from 0 to 1."""

    @classmethod
    def of(cls, energy: Energy) -> Self:
        """`energy` as clients see it."""
        return cls(
            kwh=to_the_watt_hour(energy.kwh),
            metered_kwh=to_the_watt_hour(energy.metered_kwh),
            integrated_kwh=to_the_watt_hour(energy.integrated_kwh),
            coverage=to_the_watt_hour(energy.coverage),
        )


class PeakView(BaseModel):
    """The hour of the highest consumption."""

    kw: float
    """Its mean power."""
    start: WireTime
    end: WireTime

    @classmethod
    def of(cls, peak: Peak) -> Self:
        """`peak` as clients see it."""
        return cls(kw=to_the_watt_hour(peak.kw), start=_time(peak.start_ms), end=_time(peak.end_ms))


class CostView(BaseModel):
    """Money, by the grid's present tariff."""

    currency: str
    """ISO 4217."""
    import_cost: float
    export_income: float
    net_cost: float
    """What is to be paid; negative for what is earned."""

    @classmethod
    def of(cls, cost: Cost) -> Self:
        """`cost` as clients see it."""
        return cls(
            currency=cost.currency,
            import_cost=to_the_watt_hour(cost.import_cost),
            export_income=to_the_watt_hour(cost.export_income),
            net_cost=to_the_watt_hour(cost.net_cost),
        )


class AvailabilityView(BaseModel):
    """For how much of the time there was voltage."""

    share: float
    """Of the known time; from 0 to 1."""
    coverage: float
    """The share of the time that is known."""
    estimated_share: float
    """The share of the known time in hours in which the voltage came or went: there it is estimated."""

    @classmethod
    def of(cls, availability: Availability) -> Self:
        """`availability` as clients see it."""
        return cls(
            share=to_the_watt_hour(availability.share),
            coverage=to_the_watt_hour(availability.coverage),
            estimated_share=to_the_watt_hour(availability.estimated_share),
        )


class PeriodView(BaseModel):
    """What is told about one day, week or month. Null is what is not known: `unknown` says why."""

    model_config = _example(**_PERIOD)

    label: str
    """As ISO 8601 writes it: `2026-11-23`, `2026-W48`, `2026-11`; `total` for all of it."""
    first: Annotated[date, Field(serialization_alias="from")]
    """The first day, in the grid's calendar."""
    last: Annotated[date, Field(serialization_alias="to")]
    """The last day, which is part of it."""
    start: WireTime
    end: WireTime
    is_over: bool
    """Whether all of it is in the past; of one that runs, the figures are those until now."""
    generation: EnergyView | None
    consumption: EnergyView | None
    imported: Annotated[EnergyView | None, Field(serialization_alias="import")]
    """From the utility, over the grid tie."""
    export: EnergyView | None
    """To the utility."""
    battery_charged: EnergyView | None
    battery_discharged: EnergyView | None
    battery_throughput_kwh: float | None
    """Charged and discharged together."""
    battery_cycles: float | None
    """Equivalent full cycles."""
    self_sufficiency: float | None
    """The share of the consumption that did not come from the utility."""
    self_consumption: float | None
    """The share of the generation that was not given to the utility."""
    peak: PeakView | None
    load_factor: float | None
    """Mean by highest consumption."""
    co2_avoided_kg: float | None
    cost: CostView | None
    availability: AvailabilityView | None
    unknown: dict[str, Missing]
    """Figure → why it is null."""

    @classmethod
    def of(cls, figures: PeriodFigures) -> Self:
        """`figures` as clients see them."""
        energies = {
            flow: None if isinstance(energy, Missing) else EnergyView.of(energy)
            for flow, energy in figures.energies.items()
        }
        return cls(
            label=figures.stretch.label,
            first=figures.stretch.first,
            last=figures.stretch.last,
            start=_time(figures.start_ms),
            end=_time(figures.end_ms),
            is_over=figures.is_over,
            generation=energies[Flow.GENERATION],
            consumption=energies[Flow.CONSUMPTION],
            imported=energies[Flow.IMPORT],
            export=energies[Flow.EXPORT],
            battery_charged=energies[Flow.CHARGED],
            battery_discharged=energies[Flow.DISCHARGED],
            battery_throughput_kwh=_figure(figures.battery_throughput_kwh),
            battery_cycles=_figure(figures.battery_cycles),
            self_sufficiency=_figure(figures.self_sufficiency),
            self_consumption=_figure(figures.self_consumption),
            peak=None if isinstance(figures.peak, Missing) else PeakView.of(figures.peak),
            load_factor=_figure(figures.load_factor),
            co2_avoided_kg=_figure(figures.co2_avoided_kg),
            cost=None if isinstance(figures.cost, Missing) else CostView.of(figures.cost),
            availability=None
            if isinstance(figures.availability, Missing)
            else AvailabilityView.of(figures.availability),
            unknown=reasons(figures),
        )


class EnergyReportView(BaseModel):
    """What a grid generated, used and exchanged."""

    model_config = _example(
        grid_id="village-1",
        name="Kisumu South",
        time_zone="Africa/Nairobi",
        period="day",
        generated_at="2026-11-24T06:30:00.000Z",
        tariff=None,
        co2_kg_per_kwh=0.8,
        battery_capacity_kwh=None,
        total={**_PERIOD, "label": "total"},
        periods=[_PERIOD],
    )

    grid_id: str
    name: str
    time_zone: str
    """Whose days, weeks and months are meant."""
    period: Period
    generated_at: WireTime
    tariff: Tariff | None
    """What `cost` is calculated with."""
    co2_kg_per_kwh: float | None
    """What `co2_avoided_kg` is calculated with."""
    battery_capacity_kwh: float | None
    """What `battery_cycles` is calculated with."""
    total: PeriodView
    periods: list[PeriodView]
    """In order of time."""

    @classmethod
    def of(cls, report: EnergyReport, grid: Grid, *, period: Period, now: datetime) -> Self:
        """`report` as clients see it."""
        return cls(
            grid_id=grid.grid_id,
            name=grid.name,
            time_zone=grid.time_zone,
            period=period,
            generated_at=now,
            tariff=grid.tariff,
            co2_kg_per_kwh=grid.co2_kg_per_kwh,
            battery_capacity_kwh=grid.battery_capacity_kwh,
            total=PeriodView.of(report.total),
            periods=[PeriodView.of(figures) for figures in report.periods],
        )


def reasons(figures: PeriodFigures) -> dict[str, Missing]:
    """Why figures are not told; by the names that the JSON has for them."""
    named: dict[str, object] = {
        **{flow.value: energy for flow, energy in figures.energies.items()},
        "battery_throughput_kwh": figures.battery_throughput_kwh,
        "battery_cycles": figures.battery_cycles,
        "self_sufficiency": figures.self_sufficiency,
        "self_consumption": figures.self_consumption,
        "peak": figures.peak,
        "load_factor": figures.load_factor,
        "co2_avoided_kg": figures.co2_avoided_kg,
        "cost": figures.cost,
        "availability": figures.availability,
    }
    return {name: figure for name, figure in named.items() if isinstance(figure, Missing)}


def _figure(figure: Figure) -> float | None:
    return None if isinstance(figure, Missing) else to_the_watt_hour(figure)


def _time(time_ms: int) -> datetime:
    return datetime.fromtimestamp(time_ms / 1000, UTC)
