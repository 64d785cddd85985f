package org.microgrid.flutter_dashboard

import android.content.Intent
import io.flutter.embedding.android.FlutterActivity
import io.flutter.embedding.engine.FlutterEngine

/** The app's one window; connects what Dart cannot do by itself. */
class MainActivity : FlutterActivity() {
    private var push: PushMessages? = null

    override fun configureFlutterEngine(flutterEngine: FlutterEngine) {
        super.configureFlutterEngine(flutterEngine)
        val messenger = flutterEngine.dartExecutor.binaryMessenger
        SecureStore(this).listenOn(messenger)
        Folders(this).listenOn(messenger)
        ShareSheet(this).listenOn(messenger)
        push = PushMessages(this, intent).also { it.listenOn(messenger) }
    }

    override fun cleanUpFlutterEngine(flutterEngine: FlutterEngine) {
        push?.close()
        push = null
        super.cleanUpFlutterEngine(flutterEngine)
    }

    override fun onNewIntent(intent: Intent) {
        super.onNewIntent(intent)
        push?.opened(intent)
    }

    override fun onRequestPermissionsResult(requestCode: Int, permissions: Array<String>, grantResults: IntArray) {
        super.onRequestPermissionsResult(requestCode, permissions, grantResults)
        push?.answered(requestCode, grantResults)
    }
}
