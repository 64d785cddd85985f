/// Of the app, as pubspec.yaml has it.
const appVersion = '0.1.0';
