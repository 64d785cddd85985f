package io.flutter.embedding.engine

import io.flutter.plugin.common.BinaryMessenger

class DartExecutor {
    val binaryMessenger: BinaryMessenger = TODO()
}

class FlutterEngine {
    val dartExecutor: DartExecutor = TODO()
}
