package com.google.firebase

import android.content.Context

class FirebaseOptions {
    class Builder {
        fun setProjectId(id: String?): Builder = this
        fun setApplicationId(id: String): Builder = this
        fun setApiKey(key: String): Builder = this
        fun setGcmSenderId(id: String?): Builder = this
        fun build(): FirebaseOptions = TODO()
    }
}

class FirebaseApp {
    companion object {
        fun getApps(context: Context): List<FirebaseApp> = TODO()
        fun initializeApp(context: Context, options: FirebaseOptions): FirebaseApp = TODO()
    }
}
