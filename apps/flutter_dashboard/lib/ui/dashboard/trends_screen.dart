import 'dart:async';

import 'package:flutter/material.dart';
import 'package:flutter/services.dart';

import '../core/watched.dart';
import 'trends_panel.dart';
import 'trends_section.dart';
import 'trends_tools.dart';
import 'trends_view_model.dart';

/// The chart on the full screen; phones are turned for it.
class TrendsScreen extends StatefulWidget {
  const TrendsScreen(this._trends, {super.key});

  final TrendsViewModel _trends;

  @override
  State<TrendsScreen> createState() => _TrendsScreenState();
}

class _TrendsScreenState extends State<TrendsScreen> with WatchedState {
  /// Below this the chart has no room beside the choice of metrics, as on a phone that is kept upright: all scrolls.
  static const _leastHeight = 260.0;
  static const _leastChart = 200.0;

  /// A curve changes by a point or so in this time.
  static const _anewEvery = Duration(minutes: 1);

  Timer? _anew;

  @override
  void onWatched() => _anew = Timer.periodic(
    _anewEvery,
    (_) => unawaited(widget._trends.load()),
  );

  @override
  void onUnwatched() => _anew?.cancel();

  @override
  void initState() {
    super.initState();
    unawaited(
      SystemChrome.setPreferredOrientations(const [
        DeviceOrientation.landscapeLeft,
        DeviceOrientation.landscapeRight,
      ]),
    );
  }

  @override
  void dispose() {
    _anew?.cancel();
    unawaited(SystemChrome.setPreferredOrientations(const []));
    super.dispose();
  }

  @override
  Widget build(BuildContext context) {
    final textScale = MediaQuery.textScalerOf(context).scale(1);
    return Scaffold(
      appBar: AppBar(
        toolbarHeight: 48,
        titleSpacing: 0,
        title: PeriodMenu(widget._trends),
        actions: [TrendsTools(widget._trends)],
      ),
      body: SafeArea(
        child: Padding(
          padding: const EdgeInsets.symmetric(horizontal: 16, vertical: 4),
          child: LayoutBuilder(
            builder: (context, room) =>
                room.maxHeight < _leastHeight * textScale
                ? SingleChildScrollView(
                    child: TrendsPanel(
                      widget._trends,
                      chartHeight: _leastChart,
                      wheelZooms: true,
                    ),
                  )
                : TrendsPanel(widget._trends, wheelZooms: true),
          ),
        ),
      ),
    );
  }
}
