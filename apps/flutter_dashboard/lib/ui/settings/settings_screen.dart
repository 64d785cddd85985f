import 'dart:async';

import 'package:flutter/material.dart';

import '../../domain/models/app_settings.dart';
import '../../domain/models/language.dart';
import '../../l10n/words.dart';
import '../core/section.dart';
import '../core/themes.dart';
import 'choice_dialog.dart';
import 'server_screen.dart';
import 'settings_view_model.dart';

/// What can be chosen about the app; there before the login too.
class SettingsScreen extends StatefulWidget {
  const SettingsScreen({required this.makeViewModel, super.key});

  final SettingsViewModel Function() makeViewModel;

  @override
  State<SettingsScreen> createState() => _SettingsScreenState();
}

class _SettingsScreenState extends State<SettingsScreen> {
  late final SettingsViewModel _settings = widget.makeViewModel();

  @override
  void dispose() {
    _settings.dispose();
    super.dispose();
  }

  @override
  Widget build(BuildContext context) {
    final words = Words.of(context);
    return Scaffold(
      appBar: AppBar(title: Text(words.shell.settings)),
      body: SafeArea(
        child: SingleChildScrollView(
          child: Center(
            child: ConstrainedBox(
              constraints: const BoxConstraints(maxWidth: 640),
              child: ListenableBuilder(
                listenable: _settings,
                builder: (context, _) => Column(
                  crossAxisAlignment: CrossAxisAlignment.stretch,
                  children: [
                    if (_settings.isSignedIn) _Account(_settings),
                    _Look(_settings),
                    _Server(_settings),
                    Section(
                      title: words.settings.about,
                      child: _Entry(
                        icon: Icons.info_outline,
                        name: words.settings.version,
                        value: _settings.version,
                      ),
                    ),
                  ],
                ),
              ),
            ),
          ),
        ),
      ),
    );
  }
}

class _Account extends StatelessWidget {
  const _Account(this._settings);

  final SettingsViewModel _settings;

  @override
  Widget build(BuildContext context) {
    final words = Words.of(context);
    return Section(
      title: words.settings.account,
      child: Column(
        crossAxisAlignment: CrossAxisAlignment.stretch,
        children: [
          _Entry(
            icon: Icons.person_outline,
            name: words.settings.signedInAs,
            value: _settings.username ?? '–',
          ),
          Align(
            alignment: Alignment.centerLeft,
            child: Padding(
              padding: const EdgeInsets.symmetric(vertical: 8),
              child: OutlinedButton.icon(
                style: OutlinedButton.styleFrom(
                  minimumSize: const Size(smallestTarget, smallestTarget),
                ),
                icon: const Icon(Icons.logout),
                label: Text(words.auth.signOut),
                onPressed: () => unawaited(_signOut(context)),
              ),
            ),
          ),
        ],
      ),
    );
  }

  Future<void> _signOut(BuildContext context) async {
    final words = Words.of(context);
    final isSure = await confirmed(
      context,
      question: words.auth.signOutQuestion,
      consequence: [
        words.auth.signOutConsequence,
        if (_settings.waiting > 0)
          words.settings.actionsAreLost(_settings.waiting),
      ].join(' '),
      no: words.auth.stay,
      yes: words.auth.signOut,
    );
    if (isSure) {
      _settings.signOut();
    }
  }
}

class _Look extends StatelessWidget {
  const _Look(this._settings);

  final SettingsViewModel _settings;

  @override
  Widget build(BuildContext context) {
    final words = Words.of(context).settings;
    final chosen = _settings.settings;
    return Section(
      title: words.look,
      child: Column(
        children: [
          _Entry(
            icon: Icons.brightness_6_outlined,
            name: words.theme,
            value: words.appearanceName(chosen.appearance),
            onTap: () => unawaited(
              showChoices(
                context,
                title: words.theme,
                choices: Appearance.values,
                chosen: chosen.appearance,
                nameOf: words.appearanceName,
                onChosen: _settings.chooseAppearance,
              ),
            ),
          ),
          _Entry(
            icon: Icons.translate,
            name: words.language,
            value: _languageName(words.languageOfDevice, chosen.language),
            onTap: () => unawaited(
              showChoices<Language?>(
                context,
                title: words.language,
                choices: [null, ...Language.values],
                chosen: chosen.language,
                nameOf: (language) =>
                    _languageName(words.languageOfDevice, language),
                onChosen: _settings.chooseLanguage,
              ),
            ),
          ),
        ],
      ),
    );
  }

  String _languageName(String ofDevice, Language? language) =>
      language?.ownName ?? ofDevice;
}

class _Server extends StatelessWidget {
  const _Server(this._settings);

  final SettingsViewModel _settings;

  @override
  Widget build(BuildContext context) {
    final words = Words.of(context).settings;
    return Section(
      title: words.server,
      child: _Entry(
        icon: Icons.dns_outlined,
        name: words.address,
        value: '${_settings.settings.server}',
        onTap: () => unawaited(
          Navigator.push(
            context,
            MaterialPageRoute<void>(
              builder: (context) => ServerScreen(_settings),
            ),
          ),
        ),
      ),
    );
  }
}

/// A thing and what is chosen for it.
class _Entry extends StatelessWidget {
  const _Entry({
    required this.icon,
    required this.name,
    required this.value,
    this.onTap,
  });

  final IconData icon;
  final String name;
  final String value;

  /// Null where there is nothing to choose.
  final VoidCallback? onTap;

  @override
  Widget build(BuildContext context) => ListTile(
    contentPadding: EdgeInsets.zero,
    leading: Icon(icon),
    title: Text(name),
    subtitle: Text(value),
    trailing: onTap == null ? null : const Icon(Icons.chevron_right),
    onTap: onTap,
  );
}
