import 'package:flutter_dashboard/data/repositories/overview_repository.dart';
import 'package:flutter_dashboard/domain/models/alert.dart';
import 'package:flutter_dashboard/domain/models/grid_standing.dart';
import 'package:flutter_dashboard/domain/models/grid_summary.dart';
import 'package:flutter_dashboard/domain/models/metric.dart';
import 'package:flutter_dashboard/domain/result.dart';

import '../models.dart';

class FakeOverviews implements OverviewRepository {
  Result<Overview> answer = Ok(fiveGrids());
  Overview? kept;
  int asked = 0;

  @override
  Overview? lastKnown() => kept;

  @override
  Future<Result<Overview>> overview() async {
    asked++;
    return answer;
  }
}

GridStanding standing({
  String id = 'village-1',
  String name = 'Kisumu South',
  Map<Metric, double> values = const {
    Metric.consumption: 10.5,
    Metric.generation: 9.82,
    Metric.stateOfCharge: 75,
  },
  Duration age = const Duration(seconds: 2),
  int critical = 0,
  int warning = 0,
  int info = 0,
  int devices = 3,
  int connected = 3,
}) => GridStanding(
  gridId: id,
  name: name,
  values: values,
  newest: values.isEmpty
      ? null
      : Measurement(
          value: values.values.first,
          ageAtReceipt: age,
          receivedAt: kNow,
        ),
  alerts: {
    Severity.critical: critical,
    Severity.warning: warning,
    Severity.info: info,
  },
  devices: devices,
  connected: connected,
);

/// Five grids, of which each has something else, or nothing, wrong with it.
Overview fiveGrids() => Overview(
  receivedAt: kNow,
  grids: [
    standing(),
    standing(
      id: 'village-2',
      name: 'Homa Bay',
      age: const Duration(minutes: 40),
      connected: 1,
    ),
    standing(
      id: 'village-3',
      name: 'Mbita Point',
      critical: 2,
      warning: 1,
      info: 4,
    ),
    standing(
      id: 'village-4',
      name: 'Rusinga',
      values: const {},
      devices: 0,
      connected: 0,
    ),
    standing(id: 'village-5', name: 'Siaya', warning: 12, connected: 2),
  ],
);

/// So many grids that nothing is wrong with.
Overview manyGrids(int count) => Overview(
  receivedAt: kNow,
  grids: [
    for (var number = 1; number <= count; number++)
      standing(id: 'grid-$number', name: 'Grid ${'$number'.padLeft(4, '0')}'),
  ],
);
