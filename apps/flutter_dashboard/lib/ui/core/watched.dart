import 'package:flutter/widgets.dart';

/// Tells a screen whether somebody looks at it: nobody looking, nobody asking.
///
/// Nobody does while the app is not on the screen, while another place of the navigation is shown, and while a page
/// lies over it. A screen of the navigation lives on meanwhile, with its state, so whatever polls, ticks or holds a
/// socket begins in [onWatched] and ends in [onUnwatched].
mixin WatchedState<T extends StatefulWidget> on State<T> {
  AppLifecycleListener? _lifecycle;
  bool _isAppShown = true;
  bool _isWatched = false;

  bool get isWatched => _isWatched;

  /// Somebody looks: called before the first frame, and whenever somebody looks again.
  @protected
  void onWatched();

  /// Nobody looks any more. It is not called when the state is disposed of.
  @protected
  void onUnwatched();

  @override
  void initState() {
    super.initState();
    _lifecycle = AppLifecycleListener(
      onHide: () => _appIsShown(false),
      onShow: () => _appIsShown(true),
    );
  }

  @override
  void didChangeDependencies() {
    super.didChangeDependencies();
    _update();
  }

  @override
  void dispose() {
    _lifecycle?.dispose();
    super.dispose();
  }

  void _appIsShown(bool isShown) {
    _isAppShown = isShown;
    _update();
  }

  void _update() {
    // What is hidden has no moving pictures either: the navigation and covered pages say so by this.
    final isWatched = _isAppShown && TickerMode.valuesOf(context).enabled;
    if (isWatched != _isWatched) {
      _isWatched = isWatched;
      isWatched ? onWatched() : onUnwatched();
    }
  }
}
