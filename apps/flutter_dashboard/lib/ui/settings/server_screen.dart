import 'dart:async';

import 'package:flutter/material.dart';

import '../../l10n/words.dart';
import 'choice_dialog.dart';
import 'settings_view_model.dart';

/// Where one says which server the app is to talk to.
class ServerScreen extends StatefulWidget {
  const ServerScreen(this.settings, {super.key});

  final SettingsViewModel settings;

  @override
  State<ServerScreen> createState() => _ServerScreenState();
}

class _ServerScreenState extends State<ServerScreen> {
  final _form = GlobalKey<FormState>();
  late final _address = TextEditingController(
    text: '${widget.settings.settings.server}',
  );
  late final _pin = TextEditingController(
    text: widget.settings.settings.pin?.toString() ?? '',
  );

  @override
  void dispose() {
    _address.dispose();
    _pin.dispose();
    super.dispose();
  }

  Future<void> _save() async {
    if (!_form.currentState!.validate()) {
      return;
    }
    final settings = widget.settings;
    if (settings.signsOut(_address.text) && !await _isSure()) {
      return;
    }
    if (mounted) {
      Navigator.pop(context);
      settings.chooseServer(_address.text, _pin.text);
    }
  }

  Future<bool> _isSure() {
    final words = Words.of(context);
    final waiting = widget.settings.waiting;
    return confirmed(
      context,
      question: words.settings.changeServerQuestion,
      consequence: [
        words.settings.changeServerConsequence,
        if (waiting > 0) words.settings.actionsAreLost(waiting),
      ].join(' '),
      no: words.common.cancel,
      yes: words.settings.change,
    );
  }

  @override
  Widget build(BuildContext context) {
    final words = Words.of(context).settings;
    return Scaffold(
      appBar: AppBar(title: Text(words.server)),
      body: SafeArea(
        child: SingleChildScrollView(
          padding: const EdgeInsets.all(16),
          child: Center(
            child: ConstrainedBox(
              constraints: const BoxConstraints(maxWidth: 640),
              child: Form(
                key: _form,
                child: Column(
                  crossAxisAlignment: CrossAxisAlignment.stretch,
                  children: [
                    TextFormField(
                      controller: _address,
                      decoration: InputDecoration(
                        labelText: words.address,
                        hintText: 'https://',
                        errorMaxLines: 5,
                      ),
                      // Large text takes more than a line.
                      minLines: 1,
                      maxLines: 3,
                      keyboardType: TextInputType.url,
                      textInputAction: TextInputAction.next,
                      autocorrect: false,
                      validator: (text) =>
                          switch (widget.settings.problemOf(text!)) {
                            final problem? => words.addressProblem(problem),
                            null => null,
                          },
                    ),
                    const SizedBox(height: 24),
                    TextFormField(
                      controller: _pin,
                      decoration: InputDecoration(
                        labelText: words.pin,
                        helperText: words.pinHelp,
                        helperMaxLines: 20,
                        errorMaxLines: 5,
                      ),
                      autocorrect: false,
                      enableSuggestions: false,
                      maxLines: null,
                      validator: (text) => widget.settings.isKey(text!)
                          ? null
                          : words.pinProblem,
                    ),
                    const SizedBox(height: 24),
                    FilledButton(
                      onPressed: () => unawaited(_save()),
                      child: Text(words.save),
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
