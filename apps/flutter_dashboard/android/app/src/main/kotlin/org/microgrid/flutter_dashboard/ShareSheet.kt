package org.microgrid.flutter_dashboard

import android.app.Activity
import android.content.ClipData
import android.content.Intent
import androidx.core.content.FileProvider
import io.flutter.plugin.common.BinaryMessenger
import io.flutter.plugin.common.MethodChannel
import java.io.File
import java.io.IOException

/** Hands a file to another app of the user's choice. */
class ShareSheet(private val activity: Activity) {
    fun listenOn(messenger: BinaryMessenger) {
        MethodChannel(messenger, "microgrid/share").setMethodCallHandler { call, result ->
            if (call.method != "share") {
                result.notImplemented()
                return@setMethodCallHandler
            }
            try {
                share(
                    requireNotNull(call.argument<String>("name")),
                    requireNotNull(call.argument<String>("mime_type")),
                    requireNotNull(call.argument<ByteArray>("bytes")),
                )
                result.success(null)
            } catch (error: IOException) {
                result.error("disk", error.message, null)
            }
        }
    }

    private fun share(name: String, mimeType: String, bytes: ByteArray) {
        val folder = File(activity.cacheDir, "shared")
        // The last one was taken by now, or never will be.
        folder.deleteRecursively()
        folder.mkdirs()
        val file = File(folder, File(name).name)
        file.writeBytes(bytes)
        val address = FileProvider.getUriForFile(activity, "${activity.packageName}.shared", file)
        val send = Intent(Intent.ACTION_SEND)
            .setType(mimeType)
            .putExtra(Intent.EXTRA_STREAM, address)
            .addFlags(Intent.FLAG_GRANT_READ_URI_PERMISSION)
        send.clipData = ClipData.newRawUri(file.name, address)
        activity.startActivity(Intent.createChooser(send, null))
    }
}
