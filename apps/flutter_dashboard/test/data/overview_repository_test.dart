import 'dart:convert';
import 'dart:io';

import 'package:flutter_dashboard/data/repositories/overview_repository.dart';
import 'package:flutter_dashboard/data/services/api/api_client.dart';
import 'package:flutter_dashboard/data/services/api/signed_in_client.dart';
import 'package:flutter_dashboard/data/services/local/last_known.dart';
import 'package:flutter_dashboard/domain/models/grid_standing.dart';
import 'package:flutter_dashboard/domain/result.dart';
import 'package:flutter_test/flutter_test.dart';

class _Tokens implements AccessTokens {
  @override
  Future<Result<String>> current() async => const Ok('token');

  @override
  Future<Result<String>> renewed({required String refused}) async =>
      const Failed(LoginEnded());
}

Map<String, Object?> _grid(int number) => {
  'grid_id': 'grid-$number',
  'name': 'Grid $number',
  'at': '2026-11-24T10:30:00.000Z',
  'consumption_kW': null,
  'generation_kW': null,
  'battery_soc': null,
  'alerts': {'critical': 0, 'warning': 0, 'info': 0},
  'devices': {'total': 0, 'connected': 0, 'stale': 0},
  'newest_value_at': null,
};

void main() {
  late Directory folder;
  late HttpServer server;
  late LastKnown lastKnown;
  late RemoteOverviewRepository overviews;
  late List<Uri> asked;

  /// The status of a page that begins after a grid.
  late int Function(String? after) status;

  setUp(() async {
    HttpOverrides.global = null;
    asked = [];
    status = (_) => 200;
    server = await HttpServer.bind(InternetAddress.loopbackIPv4, 0);
    server.listen((request) async {
      asked.add(request.uri);
      final after = request.uri.queryParameters['cursor'];
      final first = after == null ? 1 : int.parse(after) + 1;
      request.response.statusCode = status(after);
      request.response.write(
        jsonEncode({
          'grids': [
            for (var number = first; number < first + 2; number++)
              _grid(number),
          ],
          'next_cursor': first < 5 ? '${first + 1}' : null,
        }),
      );
      await request.response.close();
    });
    folder = await Directory.systemTemp.createTemp('overview');
    lastKnown = LastKnown(File('${folder.path}/known.json'));
    overviews = RemoteOverviewRepository(
      SignedInClient(
        ApiClient(Uri.parse('http://127.0.0.1:${server.port}')),
        _Tokens(),
      ),
      lastKnown,
    );
  });

  tearDown(() async {
    await server.close(force: true);
    await folder.delete(recursive: true);
  });

  test('all pages are one overview, and it is kept', () async {
    final Ok(value: overview) = await overviews.overview() as Ok<Overview>;

    final ids = [for (var number = 1; number <= 6; number++) 'grid-$number'];
    expect(overview.grids.map((grid) => grid.gridId), ids);
    expect(asked.map((uri) => uri.queryParameters['cursor']), [null, '2', '4']);
    expect(overviews.lastKnown()!.grids.map((grid) => grid.gridId), ids);
  });

  test('a page that does not come leaves what was known', () async {
    await overviews.overview();
    status = (after) => after == '4' ? 503 : 200;

    expect(await overviews.overview(), isA<Failed<Overview>>());
    expect(overviews.lastKnown()!.grids, hasLength(6));
  });
}
