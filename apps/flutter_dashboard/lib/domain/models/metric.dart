/// The figures that the dashboard shows.
enum Metric {
  consumption('consumption_kw', 'kW'),
  generation('generation_kw', 'kW'),
  stateOfCharge('battery_soc', '%');

  const Metric(this.wireName, this.unit);

  /// Its name in the API.
  final String wireName;

  /// Of its values in the API.
  final String unit;
}
