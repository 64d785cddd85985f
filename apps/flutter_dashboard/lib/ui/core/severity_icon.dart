import 'package:flutter/material.dart';

import '../../domain/models/alert.dart';

/// So that severities are told apart without colours too.
IconData severityIcon(Severity severity) => switch (severity) {
  Severity.critical => Icons.error,
  Severity.warning => Icons.warning_amber_rounded,
  Severity.info => Icons.info_outline,
};
