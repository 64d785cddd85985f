package org.microgrid.flutter_dashboard

import android.Manifest
import android.app.Activity
import android.app.NotificationChannel
import android.app.NotificationManager
import android.content.Intent
import android.content.pm.PackageManager
import android.os.Build
import android.os.Handler
import android.os.Looper
import com.google.firebase.FirebaseApp
import com.google.firebase.FirebaseOptions
import com.google.firebase.messaging.FirebaseMessaging
import io.flutter.plugin.common.BinaryMessenger
import io.flutter.plugin.common.MethodChannel

/** Messages of Firebase Cloud Messaging, where res/values/firebase.xml names a project. */
class PushMessages(private val activity: Activity, private var opening: Intent?) {
    private var channel: MethodChannel? = null
    private var waiting: MethodChannel.Result? = null

    fun listenOn(messenger: BinaryMessenger) {
        channel = MethodChannel(messenger, "microgrid/push").apply {
            setMethodCallHandler { call, result ->
                when (call.method) {
                    "register" -> register(result)
                    "forget" -> forget(result)
                    "openedBy" -> {
                        result.success(opening?.getStringExtra(ALERT_IDS))
                        opening = null
                    }
                    else -> result.notImplemented()
                }
            }
        }
        PushService.onRenewed = { token ->
            Handler(Looper.getMainLooper()).post { channel?.invokeMethod("renewed", token) }
        }
    }

    fun close() {
        PushService.onRenewed = null
        channel?.setMethodCallHandler(null)
        channel = null
    }

    /** A message was tapped while the app was there. */
    fun opened(intent: Intent) {
        intent.getStringExtra(ALERT_IDS)?.let { channel?.invokeMethod("tapped", it) }
    }

    /** The user has said whether messages may be shown. */
    fun answered(requestCode: Int, grantResults: IntArray) {
        if (requestCode != REQUEST) return
        val result = waiting ?: return
        waiting = null
        if (grantResults.firstOrNull() == PackageManager.PERMISSION_GRANTED) giveToken(result) else result.success(null)
    }

    private fun register(result: MethodChannel.Result) {
        if (!isThere() || waiting != null) {
            result.success(null)
            return
        }
        makeChannels()
        val isAsked = Build.VERSION.SDK_INT >= Build.VERSION_CODES.TIRAMISU
        if (isAsked && activity.checkSelfPermission(Manifest.permission.POST_NOTIFICATIONS) != PackageManager.PERMISSION_GRANTED) {
            waiting = result
            activity.requestPermissions(arrayOf(Manifest.permission.POST_NOTIFICATIONS), REQUEST)
        } else {
            giveToken(result)
        }
    }

    private fun giveToken(result: MethodChannel.Result) {
        val messaging = FirebaseMessaging.getInstance()
        messaging.isAutoInitEnabled = true
        messaging.token.addOnCompleteListener { task ->
            // Without Google's services, or without a network: it is tried again later.
            result.success(if (task.isSuccessful) task.result else null)
        }
    }

    private fun forget(result: MethodChannel.Result) {
        if (!isThere()) {
            result.success(null)
            return
        }
        val messaging = FirebaseMessaging.getInstance()
        messaging.isAutoInitEnabled = false
        messaging.deleteToken().addOnCompleteListener { result.success(null) }
    }

    private fun isThere(): Boolean {
        if (FirebaseApp.getApps(activity).isNotEmpty()) return true
        val project = activity.getString(R.string.firebase_project_id)
        if (project.isEmpty()) return false
        val options = FirebaseOptions.Builder()
            .setProjectId(project)
            .setApplicationId(activity.getString(R.string.firebase_application_id))
            .setApiKey(activity.getString(R.string.firebase_api_key))
            .setGcmSenderId(activity.getString(R.string.firebase_sender_id))
            .build()
        FirebaseApp.initializeApp(activity.applicationContext, options)
        return true
    }

    /** The two that the server names; how they sound is the user's choice from then on. */
    private fun makeChannels() {
        if (Build.VERSION.SDK_INT < Build.VERSION_CODES.O) return
        val manager = activity.getSystemService(NotificationManager::class.java)
        val alarms = NotificationChannel("alarms", activity.getString(R.string.channel_alarms), NotificationManager.IMPORTANCE_HIGH)
        alarms.enableVibration(true)
        val notices = NotificationChannel("notices", activity.getString(R.string.channel_notices), NotificationManager.IMPORTANCE_LOW)
        manager.createNotificationChannels(listOf(alarms, notices))
    }

    private companion object {
        const val ALERT_IDS = "alert_ids"
        const val REQUEST = 7301
    }
}
