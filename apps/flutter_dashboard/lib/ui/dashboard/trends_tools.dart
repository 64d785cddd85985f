import 'dart:async';

import 'package:flutter/material.dart';

import '../../domain/models/share_outcome.dart';
import '../../l10n/words.dart';
import '../core/chart/chart_picture.dart';
import '../core/chart/chart_style.dart';
import 'trends_view_model.dart';

/// Zooming without gestures, the chart on the full screen, and its export.
class TrendsTools extends StatelessWidget {
  const TrendsTools(this._trends, {this.onFullScreen, super.key});

  final TrendsViewModel _trends;

  /// Null where it has the full screen already.
  final VoidCallback? onFullScreen;

  static const _step = 2.0;

  @override
  Widget build(BuildContext context) {
    final words = Words.of(context).chart;
    return ListenableBuilder(
      listenable: Listenable.merge([_trends, _trends.viewport.zoomed]),
      builder: (context, _) {
        final hasCurves = _trends.lines.isNotEmpty;
        final isZoomed = hasCurves && _trends.viewport.isZoomed;
        return Row(
          mainAxisAlignment: MainAxisAlignment.end,
          children: [
            IconButton(
              tooltip: words.zoomIn,
              icon: const Icon(Icons.zoom_in),
              onPressed: hasCurves ? () => _zoom(_step) : null,
            ),
            IconButton(
              tooltip: words.zoomOut,
              icon: const Icon(Icons.zoom_out),
              onPressed: isZoomed ? () => _zoom(1 / _step) : null,
            ),
            IconButton(
              tooltip: words.showAll,
              icon: const Icon(Icons.zoom_out_map),
              onPressed: isZoomed ? _trends.viewport.reset : null,
            ),
            _ExportMenu(_trends, isEnabled: hasCurves),
            if (onFullScreen != null)
              IconButton(
                tooltip: words.fullScreen,
                icon: const Icon(Icons.fullscreen),
                onPressed: onFullScreen,
              ),
          ],
        );
      },
    );
  }

  void _zoom(double factor) {
    final viewport = _trends.viewport;
    viewport.zoom(factor, around: (viewport.start + viewport.end) / 2);
  }
}

enum _Kind { table, picture }

class _ExportMenu extends StatelessWidget {
  const _ExportMenu(this._trends, {required this.isEnabled});

  final TrendsViewModel _trends;
  final bool isEnabled;

  @override
  Widget build(BuildContext context) {
    final words = Words.of(context).chart;
    return PopupMenuButton<_Kind>(
      tooltip: words.export,
      enabled: isEnabled,
      icon: const Icon(Icons.share),
      onSelected: (kind) => unawaited(_export(context, kind)),
      itemBuilder: (context) => [
        PopupMenuItem(value: _Kind.table, child: Text(words.exportTable)),
        PopupMenuItem(value: _Kind.picture, child: Text(words.exportPicture)),
      ],
    );
  }

  Future<void> _export(BuildContext context, _Kind kind) async {
    final words = Words.of(context);
    final messenger = ScaffoldMessenger.of(context);
    final style = ChartStyle.of(context)
        .copyWith(textScaler: TextScaler.noScaling);
    final outcome = switch (kind) {
      _Kind.table => await _trends.shareTable(),
      _Kind.picture => await _trends.sharePicture(
        await chartPicture(
          title: _title(words),
          lines: _trends.lines,
          viewport: _trends.viewport,
          style: style,
          words: words,
        ),
      ),
    };
    final told = switch (outcome) {
      HandedOver() => null,
      SavedAs(:final path) => words.chart.savedAs(path),
      NotShared() => words.chart.notSaved,
    };
    if (told != null) {
      messenger.showSnackBar(SnackBar(content: Text(told)));
    }
  }

  String _title(Words words) {
    final from = words.formats.exactTime(_trends.viewport.startTime);
    final until = words.formats.exactTime(_trends.viewport.endTime);
    return '${_trends.gridId}: $from – $until';
  }
}
