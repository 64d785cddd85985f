package com.google.firebase.messaging

import android.content.Intent
import android.os.IBinder

class Task<T> {
    val isSuccessful: Boolean = TODO()
    val result: T = TODO()
    fun addOnCompleteListener(listener: (Task<T>) -> Unit): Task<T> = TODO()
}

class FirebaseMessaging {
    var isAutoInitEnabled = false
    val token: Task<String> = TODO()
    fun deleteToken(): Task<Void> = TODO()

    companion object {
        fun getInstance(): FirebaseMessaging = TODO()
    }
}

open class FirebaseMessagingService : android.app.Service() {
    override fun onBind(intent: Intent?): IBinder? = null
    open fun onNewToken(token: String) {}
}
