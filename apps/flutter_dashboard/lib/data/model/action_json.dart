import '../../domain/models/alert_action.dart';
import 'json_object.dart';

/// An action as it is kept until the server has answered it.
class KeptAction {
  const KeptAction(this.action, {this.sentMinutes});

  /// As [toJson] made it.
  ///
  /// Throws [FormatException] for anything else.
  factory KeptAction.fromJson(Object? kept) {
    final json = JsonObject.of(kept);
    final minutes = json.numberOrNull('shelve_minutes');
    final refused = json.textOrNull('refused');
    return KeptAction(
      AlertAction(
        key: json.text('key'),
        gridId: json.text('grid_id'),
        alertId: json.text('alert_id'),
        kind:
            ActionKind.values.asNameMap()[json.text('kind')] ??
            (throw FormatException('no such kind', kept)),
        text: json.textOrNull('text'),
        shelveFor: minutes == null ? null : Duration(minutes: minutes.toInt()),
        madeAt: json.time('made_at'),
        state: refused == null
            ? Pending(wasTried: json.fields['tried'] == true)
            : RefusedAction(_refusal(refused, json.textOrNull('words')), null),
      ),
      sentMinutes: json.numberOrNull('sent_minutes')?.toInt(),
    );
  }

  final AlertAction action;

  /// The minutes of a shelving that the server was told at the first attempt, and is told at each further one: under
  /// one key every attempt has to say the same. Null before the first.
  final int? sentMinutes;

  Map<String, Object?> toJson() {
    final state = action.state;
    return {
      'key': action.key,
      'grid_id': action.gridId,
      'alert_id': action.alertId,
      'kind': action.kind.name,
      'text': action.text,
      'shelve_minutes': action.shelveFor?.inMinutes,
      'sent_minutes': sentMinutes,
      'made_at': action.madeAt.toUtc().toIso8601String(),
      'tried': state is Pending && (state.wasTried || state.isSending),
      if (state is RefusedAction) ...{
        'refused': switch (state.why) {
          RefusedByServer() => 'server',
          WaitedTooLong() => 'waited',
          TooManyWait() => 'too_many',
        },
        'words': switch (state.why) {
          RefusedByServer(:final words) => words,
          _ => null,
        },
      },
    };
  }

  KeptAction as(ActionState state, {int? sentMinutes}) => KeptAction(
    action.as(state),
    sentMinutes: sentMinutes ?? this.sentMinutes,
  );
}

Refusal _refusal(String name, String? words) => switch (name) {
  'waited' => const WaitedTooLong(),
  'too_many' => const TooManyWait(),
  _ => RefusedByServer(words ?? ''),
};
