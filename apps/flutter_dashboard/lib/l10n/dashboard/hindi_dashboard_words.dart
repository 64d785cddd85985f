import 'dashboard_words.dart';

class HindiDashboardWords implements DashboardWords {
  const HindiDashboardWords();

  @override
  String get noGrid => 'अभी ऐसा कोई माइक्रोग्रिड नहीं है जिसे आप देख सकें।';

  @override
  String get chooseGrid => 'ग्रिड चुनें';

  @override
  String get connecting => 'कनेक्ट हो रहा है';

  @override
  String get offline => 'ऑफ़लाइन।';

  @override
  String offlineSince(String time) => 'ऑफ़लाइन। यह $time की स्थिति है।';

  @override
  String get alerts => 'अलर्ट';

  @override
  String alertsTitle(int count, {required bool hasMore}) =>
      hasMore ? 'अलर्ट ($count+)' : 'अलर्ट ($count)';

  @override
  String get noAlerts => 'कोई सक्रिय अलर्ट नहीं है।';

  @override
  String get alertsNotKnown => 'अभी पता नहीं है।';

  @override
  String get showFewer => 'कम दिखाएँ';

  @override
  String showAll(int count) => 'सभी $count दिखाएँ';

  @override
  String acknowledgedBy(String name) => '$name ने स्वीकार किया';

  @override
  String get whatToDo => 'क्या करें';

  @override
  String get since => 'कब से';

  @override
  String get device => 'उपकरण';

  @override
  String get acknowledged => 'स्वीकार किया गया';

  @override
  String whenAndBy(String time, String name) => '$time, $name द्वारा';

  @override
  String get now => 'अभी';

  @override
  String get notActiveAnyMore => 'यह अब सक्रिय अलर्ट में नहीं है।';

  @override
  String get acknowledge => 'स्वीकार करें';

  @override
  String get acknowledging => 'स्वीकार हो रहा है…';

  @override
  String notAcknowledged(String why) => 'स्वीकार नहीं हुआ। $why';
}
