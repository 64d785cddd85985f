package io.flutter.plugin.common

interface BinaryMessenger

class MethodCall(@JvmField val method: String, @JvmField val arguments: Any?) {
    fun <T> argument(key: String): T? = TODO()
}

class MethodChannel(messenger: BinaryMessenger, name: String) {
    interface Result {
        fun success(result: Any?)
        fun error(code: String, message: String?, details: Any?)
        fun notImplemented()
    }

    fun interface MethodCallHandler {
        fun onMethodCall(call: MethodCall, result: Result)
    }

    fun setMethodCallHandler(handler: MethodCallHandler?) {}
    fun invokeMethod(method: String, arguments: Any?) {}
}
