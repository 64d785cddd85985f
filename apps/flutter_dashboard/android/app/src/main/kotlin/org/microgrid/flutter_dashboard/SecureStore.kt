package org.microgrid.flutter_dashboard

import android.content.Context
import android.security.keystore.KeyGenParameterSpec
import android.security.keystore.KeyProperties
import android.util.Base64
import io.flutter.plugin.common.BinaryMessenger
import io.flutter.plugin.common.MethodChannel
import java.security.GeneralSecurityException
import java.security.KeyStore
import javax.crypto.Cipher
import javax.crypto.KeyGenerator
import javax.crypto.SecretKey
import javax.crypto.spec.GCMParameterSpec

/** Keeps texts encrypted under a key that Android's Keystore does not give away, not even to the app. */
class SecureStore(context: Context) {
    private val kept = context.getSharedPreferences("secure_store", Context.MODE_PRIVATE)

    fun listenOn(messenger: BinaryMessenger) {
        MethodChannel(messenger, "microgrid/secure_store").setMethodCallHandler { call, result ->
            try {
                when (call.method) {
                    "read" -> result.success(read(call.arguments as String))
                    "write" -> {
                        write(requireNotNull(call.argument<String>("name")), requireNotNull(call.argument<String>("text")))
                        result.success(null)
                    }
                    "delete" -> {
                        kept.edit().remove(call.arguments as String).commit()
                        result.success(null)
                    }
                    else -> result.notImplemented()
                }
            } catch (error: GeneralSecurityException) {
                // Its kind alone: what is kept must not get into a log by way of a message.
                result.error("unreadable", error.javaClass.simpleName, null)
            }
        }
    }

    private fun read(name: String): String? {
        val (vector, encrypted) = (kept.getString(name, null) ?: return null).split(":").map { Base64.decode(it, Base64.NO_WRAP) }
        val cipher = Cipher.getInstance(CIPHER)
        cipher.init(Cipher.DECRYPT_MODE, key(), GCMParameterSpec(TAG_BITS, vector))
        cipher.updateAAD(name.toByteArray())
        return String(cipher.doFinal(encrypted))
    }

    private fun write(name: String, text: String) {
        val cipher = Cipher.getInstance(CIPHER)
        cipher.init(Cipher.ENCRYPT_MODE, key())
        cipher.updateAAD(name.toByteArray())
        val encrypted = cipher.doFinal(text.toByteArray())
        val parts = listOf(cipher.iv, encrypted).joinToString(":") { Base64.encodeToString(it, Base64.NO_WRAP) }
        kept.edit().putString(name, parts).commit()
    }

    private fun key(): SecretKey {
        val store = KeyStore.getInstance(KEYSTORE).apply { load(null) }
        (store.getKey(ALIAS, null) as? SecretKey)?.let { return it }
        val made = KeyGenerator.getInstance(KeyProperties.KEY_ALGORITHM_AES, KEYSTORE)
        made.init(
            KeyGenParameterSpec.Builder(ALIAS, KeyProperties.PURPOSE_ENCRYPT or KeyProperties.PURPOSE_DECRYPT)
                .setBlockModes(KeyProperties.BLOCK_MODE_GCM)
                .setEncryptionPaddings(KeyProperties.ENCRYPTION_PADDING_NONE)
                .setKeySize(KEY_BITS)
                .build(),
        )
        return made.generateKey()
    }

    private companion object {
        const val KEYSTORE = "AndroidKeyStore"
        const val ALIAS = "microgrid"
        const val CIPHER = "AES/GCM/NoPadding"
        const val KEY_BITS = 256
        const val TAG_BITS = 128
    }
}
