import 'dashboard_words.dart';

class SpanishDashboardWords implements DashboardWords {
  const SpanishDashboardWords();

  @override
  String get noGrid => 'Todavía no hay ninguna microrred que pueda ver.';

  @override
  String get chooseGrid => 'Elegir una red';

  @override
  String get connecting => 'Conectando';

  @override
  String get offline => 'Sin conexión.';

  @override
  String offlineSince(String time) => 'Sin conexión. Así estaba a las $time.';

  @override
  String get alerts => 'Alertas';

  @override
  String alertsTitle(int count, {required bool hasMore}) =>
      hasMore ? 'Alertas ($count+)' : 'Alertas ($count)';

  @override
  String get noAlerts => 'No hay alertas activas.';

  @override
  String get alertsNotKnown => 'Aún no se sabe.';

  @override
  String get showFewer => 'Mostrar menos';

  @override
  String showAll(int count) => 'Mostrar las $count';

  @override
  String acknowledgedBy(String name) => 'reconocida por $name';

  @override
  String get whatToDo => 'Qué hacer';

  @override
  String get since => 'Desde';

  @override
  String get device => 'Equipo';

  @override
  String get acknowledged => 'Reconocida';

  @override
  String whenAndBy(String time, String name) => '$time, por $name';

  @override
  String get now => 'Ahora';

  @override
  String get notActiveAnyMore => 'Ya no está entre las alertas activas.';

  @override
  String get acknowledge => 'Reconocer';

  @override
  String get acknowledging => 'Reconociendo…';

  @override
  String notAcknowledged(String why) => 'No reconocida. $why';
}
