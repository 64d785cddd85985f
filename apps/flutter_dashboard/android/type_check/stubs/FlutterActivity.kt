package io.flutter.embedding.android

import android.content.Intent
import io.flutter.embedding.engine.FlutterEngine

open class FlutterActivity : android.app.Activity() {
    open fun configureFlutterEngine(flutterEngine: FlutterEngine) {}
    open fun cleanUpFlutterEngine(flutterEngine: FlutterEngine) {}
    override fun onNewIntent(intent: Intent) {}
    override fun onRequestPermissionsResult(requestCode: Int, permissions: Array<String>, grantResults: IntArray) {}
}
