import 'dart:async';

import 'package:flutter/material.dart';

import '../../l10n/words.dart';
import 'login_view_model.dart';

/// Where an operator signs in.
class LoginScreen extends StatefulWidget {
  const LoginScreen({
    required this.makeViewModel,
    required this.onSettings,
    super.key,
  });

  final LoginViewModel Function() makeViewModel;

  /// Whoever cannot sign in may need another server.
  final VoidCallback onSettings;

  @override
  State<LoginScreen> createState() => _LoginScreenState();
}

class _LoginScreenState extends State<LoginScreen> {
  late final LoginViewModel _viewModel = widget.makeViewModel();
  final _form = GlobalKey<FormState>();
  final _username = TextEditingController();
  final _password = TextEditingController();
  final _passwordFocus = FocusNode();
  bool _isPasswordShown = false;

  @override
  void dispose() {
    _viewModel.dispose();
    _username.dispose();
    _password.dispose();
    _passwordFocus.dispose();
    super.dispose();
  }

  void _signIn() {
    if (_form.currentState!.validate()) {
      unawaited(_viewModel.signIn(_username.text, _password.text));
    }
  }

  @override
  Widget build(BuildContext context) => Scaffold(
    extendBodyBehindAppBar: true,
    appBar: AppBar(
      backgroundColor: Colors.transparent,
      actions: [
        IconButton(
          tooltip: Words.of(context).shell.settings,
          icon: const Icon(Icons.settings_outlined),
          onPressed: widget.onSettings,
        ),
      ],
    ),
    body: SafeArea(
      child: Center(
        child: SingleChildScrollView(
          padding: const EdgeInsets.all(24),
          child: ConstrainedBox(
            constraints: const BoxConstraints(maxWidth: 400),
            child: AutofillGroup(
              child: Form(
                key: _form,
                child: ListenableBuilder(
                  listenable: _viewModel,
                  builder: (context, _) => _fields(context),
                ),
              ),
            ),
          ),
        ),
      ),
    ),
  );

  Widget _fields(BuildContext context) {
    final theme = Theme.of(context);
    final words = Words.of(context).auth;
    return Column(
      crossAxisAlignment: CrossAxisAlignment.stretch,
      mainAxisSize: MainAxisSize.min,
      children: [
        // A phone on its side has no room for it.
        if (MediaQuery.sizeOf(context).height > 480) ...[
          Icon(Icons.bolt, size: 56, color: theme.colorScheme.primary),
          const SizedBox(height: 8),
        ],
        Text(
          Words.appName,
          style: theme.textTheme.headlineMedium,
          textAlign: TextAlign.center,
        ),
        const SizedBox(height: 32),
        TextFormField(
          controller: _username,
          decoration: InputDecoration(labelText: words.username),
          autofillHints: const [AutofillHints.username],
          autocorrect: false,
          textInputAction: TextInputAction.next,
          onFieldSubmitted: (_) => _passwordFocus.requestFocus(),
          validator: (text) =>
              text!.trim().isEmpty ? words.enterUsername : null,
        ),
        const SizedBox(height: 16),
        TextFormField(
          controller: _password,
          focusNode: _passwordFocus,
          decoration: InputDecoration(
            labelText: words.password,
            suffixIcon: IconButton(
              tooltip: _isPasswordShown
                  ? words.hidePassword
                  : words.showPassword,
              icon: Icon(
                _isPasswordShown ? Icons.visibility_off : Icons.visibility,
              ),
              onPressed: () =>
                  setState(() => _isPasswordShown = !_isPasswordShown),
            ),
          ),
          autofillHints: const [AutofillHints.password],
          obscureText: !_isPasswordShown,
          autocorrect: false,
          enableSuggestions: false,
          textInputAction: TextInputAction.done,
          onFieldSubmitted: (_) => _signIn(),
          validator: (text) => text!.isEmpty ? words.enterPassword : null,
        ),
        const SizedBox(height: 16),
        if (_viewModel.failure case final failure?) ...[
          Semantics(
            liveRegion: true,
            child: Text(
              Words.of(context).common.failure(failure),
              style: theme.textTheme.bodyMedium?.copyWith(
                color: theme.colorScheme.error,
              ),
            ),
          ),
          const SizedBox(height: 16),
        ],
        FilledButton(
          onPressed: _viewModel.isRunning ? null : _signIn,
          child: _viewModel.isRunning
              ? SizedBox.square(
                  dimension: 20,
                  child: CircularProgressIndicator(
                    strokeWidth: 2,
                    semanticsLabel: words.signingIn,
                  ),
                )
              : Text(words.login),
        ),
      ],
    );
  }
}
