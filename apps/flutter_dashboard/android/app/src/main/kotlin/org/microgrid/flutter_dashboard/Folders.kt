package org.microgrid.flutter_dashboard

import android.content.Context
import io.flutter.plugin.common.BinaryMessenger
import io.flutter.plugin.common.MethodChannel

/** Says where the app may keep files. */
class Folders(private val context: Context) {
    fun listenOn(messenger: BinaryMessenger) {
        MethodChannel(messenger, "microgrid/folders").setMethodCallHandler { call, result ->
            when (call.method) {
                // Of what is in the first one, nothing goes away by itself.
                "folders" -> result.success(mapOf("kept" to context.filesDir.path, "cache" to context.cacheDir.path))
                else -> result.notImplemented()
            }
        }
    }
}
