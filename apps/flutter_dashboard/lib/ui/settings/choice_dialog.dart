import 'dart:async';

import 'package:flutter/material.dart';

import '../../l10n/words.dart';

/// Let somebody choose one of several; it holds at once.
Future<void> showChoices<T>(
  BuildContext context, {
  required String title,
  required List<T> choices,
  required T chosen,
  required String Function(T choice) nameOf,
  required void Function(T choice) onChosen,
}) => showDialog<void>(
  context: context,
  builder: (context) => AlertDialog(
    title: Text(title),
    scrollable: true,
    contentPadding: const EdgeInsets.symmetric(vertical: 16),
    content: RadioGroup<int>(
      groupValue: choices.indexOf(chosen),
      onChanged: (index) {
        Navigator.pop(context);
        onChosen(choices[index!]);
      },
      child: Column(
        mainAxisSize: MainAxisSize.min,
        children: [
          for (final (index, choice) in choices.indexed)
            RadioListTile(value: index, title: Text(nameOf(choice))),
        ],
      ),
    ),
    actions: [
      TextButton(
        onPressed: () => Navigator.pop(context),
        child: Text(Words.of(context).common.cancel),
      ),
    ],
  ),
);

/// Ask before something that cannot be undone.
Future<bool> confirmed(
  BuildContext context, {
  required String question,
  required String consequence,
  required String no,
  required String yes,
}) async =>
    await showDialog<bool>(
      context: context,
      builder: (context) => AlertDialog(
        title: Text(question),
        content: Text(consequence),
        scrollable: true,
        actions: [
          TextButton(
            onPressed: () => Navigator.pop(context, false),
            child: Text(no),
          ),
          FilledButton(
            onPressed: () => Navigator.pop(context, true),
            child: Text(yes),
          ),
        ],
      ),
    ) ??
    false;
