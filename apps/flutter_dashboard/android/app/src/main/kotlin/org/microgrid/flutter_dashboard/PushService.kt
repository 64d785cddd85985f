package org.microgrid.flutter_dashboard

import com.google.firebase.messaging.FirebaseMessagingService

/**
 * Hears when Firebase gives this installation another address.
 *
 * Messages are shown by Firebase itself while the app is not on the screen; while it is, the app has them by the live connection.
 */
class PushService : FirebaseMessagingService() {
    override fun onNewToken(token: String) {
        onRenewed?.invoke(token)
    }

    companion object {
        /** Null while the app is not open: it asks for the address when it opens. */
        @Volatile
        var onRenewed: ((String) -> Unit)? = null
    }
}
