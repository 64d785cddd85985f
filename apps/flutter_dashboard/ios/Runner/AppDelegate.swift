import Flutter
import Security
import UIKit
import UserNotifications

/// The app on iOS; connects what Dart cannot do by itself.
///
/// All of it is in this one file, since it is the one that the Xcode project of `flutter create` knows.
@main
@objc class AppDelegate: FlutterAppDelegate {
  private let push = PushMessages()

  override func application(
    _ application: UIApplication,
    didFinishLaunchingWithOptions options: [UIApplication.LaunchOptionsKey: Any]?
  ) -> Bool {
    GeneratedPluginRegistrant.register(with: self)
    if let registrar = registrar(forPlugin: "Microgrid") {
      let messenger = registrar.messenger()
      SecureStore.listen(on: messenger)
      Folders.listen(on: messenger)
      ShareSheet.listen(on: messenger)
      push.listen(on: messenger)
    }
    UNUserNotificationCenter.current().delegate = push
    return super.application(application, didFinishLaunchingWithOptions: options)
  }

  override func application(
    _ application: UIApplication, didRegisterForRemoteNotificationsWithDeviceToken deviceToken: Data
  ) {
    push.registered(deviceToken.map { String(format: "%02x", $0) }.joined())
  }

  override func application(
    _ application: UIApplication, didFailToRegisterForRemoteNotificationsWithError error: Error
  ) {
    push.registered(nil)
  }
}

/// Keeps texts in the Keychain of this device; they go into no backup and to no other device.
enum SecureStore {
  static func listen(on messenger: FlutterBinaryMessenger) {
    let channel = FlutterMethodChannel(name: "microgrid/secure_store", binaryMessenger: messenger)
    channel.setMethodCallHandler { call, result in
      switch call.method {
      case "read":
        result(read(call.arguments as? String ?? ""))
      case "write":
        let arguments = call.arguments as? [String: String] ?? [:]
        answer(result, write(arguments["name"] ?? "", arguments["text"] ?? ""))
      case "delete":
        let status = SecItemDelete(query(call.arguments as? String ?? "") as CFDictionary)
        answer(result, status == errSecItemNotFound ? errSecSuccess : status)
      default:
        result(FlutterMethodNotImplemented)
      }
    }
  }

  private static func read(_ name: String) -> String? {
    var asked = query(name)
    asked[kSecReturnData as String] = true
    asked[kSecMatchLimit as String] = kSecMatchLimitOne
    var found: CFTypeRef?
    guard SecItemCopyMatching(asked as CFDictionary, &found) == errSecSuccess, let data = found as? Data else {
      return nil
    }
    return String(data: data, encoding: .utf8)
  }

  private static func write(_ name: String, _ text: String) -> OSStatus {
    let value: [String: Any] = [
      kSecValueData as String: Data(text.utf8),
      // Also while the screen is locked, for a message may be tapped there.
      kSecAttrAccessible as String: kSecAttrAccessibleAfterFirstUnlockThisDeviceOnly,
    ]
    let status = SecItemUpdate(query(name) as CFDictionary, value as CFDictionary)
    guard status == errSecItemNotFound else {
      return status
    }
    return SecItemAdd(query(name).merging(value) { _, new in new } as CFDictionary, nil)
  }

  private static func query(_ name: String) -> [String: Any] {
    [
      kSecClass as String: kSecClassGenericPassword,
      kSecAttrService as String: "microgrid",
      kSecAttrAccount as String: name,
    ]
  }

  private static func answer(_ result: FlutterResult, _ status: OSStatus) {
    result(status == errSecSuccess ? nil : FlutterError(code: "keychain", message: "\(status)", details: nil))
  }
}

/// Says where the app may keep files.
enum Folders {
  static func listen(on messenger: FlutterBinaryMessenger) {
    let channel = FlutterMethodChannel(name: "microgrid/folders", binaryMessenger: messenger)
    channel.setMethodCallHandler { call, result in
      guard call.method == "folders" else {
        result(FlutterMethodNotImplemented)
        return
      }
      result([
        "kept": path(.applicationSupportDirectory),
        "cache": path(.cachesDirectory),
      ])
    }
  }

  private static func path(_ folder: FileManager.SearchPathDirectory) -> String {
    NSSearchPathForDirectoriesInDomains(folder, .userDomainMask, true)[0]
  }
}

/// Hands a file to another app of the user's choice.
enum ShareSheet {
  static func listen(on messenger: FlutterBinaryMessenger) {
    let channel = FlutterMethodChannel(name: "microgrid/share", binaryMessenger: messenger)
    channel.setMethodCallHandler { call, result in
      guard call.method == "share", let arguments = call.arguments as? [String: Any],
        let name = arguments["name"] as? String, let bytes = arguments["bytes"] as? FlutterStandardTypedData
      else {
        result(FlutterMethodNotImplemented)
        return
      }
      let file = FileManager.default.temporaryDirectory.appendingPathComponent((name as NSString).lastPathComponent)
      do {
        try bytes.data.write(to: file, options: .atomic)
        show(file)
        result(nil)
      } catch {
        result(FlutterError(code: "disk", message: error.localizedDescription, details: nil))
      }
    }
  }

  private static func show(_ file: URL) {
    let scenes = UIApplication.shared.connectedScenes.compactMap { $0 as? UIWindowScene }
    guard let screen = scenes.flatMap(\.windows).first(where: \.isKeyWindow)?.rootViewController else {
      return
    }
    let sheet = UIActivityViewController(activityItems: [file], applicationActivities: nil)
    // On an iPad it needs a place to point to.
    sheet.popoverPresentationController?.sourceView = screen.view
    sheet.popoverPresentationController?.sourceRect = CGRect(
      x: screen.view.bounds.midX, y: screen.view.bounds.midY, width: 0, height: 0)
    screen.present(sheet, animated: true)
  }
}

/// Messages of Apple's push service.
final class PushMessages: NSObject, UNUserNotificationCenterDelegate {
  private var channel: FlutterMethodChannel?
  private var waiting: FlutterResult?
  private var known: String?
  private var openedBy: String?
  private var isListenedTo = false

  func listen(on messenger: FlutterBinaryMessenger) {
    let channel = FlutterMethodChannel(name: "microgrid/push", binaryMessenger: messenger)
    channel.setMethodCallHandler { [weak self] call, result in
      switch call.method {
      case "register":
        self?.register(result)
      case "forget":
        UIApplication.shared.unregisterForRemoteNotifications()
        self?.known = nil
        result(nil)
      case "openedBy":
        self?.isListenedTo = true
        result(self?.openedBy)
        self?.openedBy = nil
      default:
        result(FlutterMethodNotImplemented)
      }
    }
    self.channel = channel
  }

  /// Apple has given an address, in hexadecimal digits; none where it could not.
  func registered(_ token: String?) {
    let before = known
    known = token
    if let result = waiting {
      waiting = nil
      result(token)
    } else if let token, token != before {
      channel?.invokeMethod("renewed", arguments: token)
    }
  }

  func userNotificationCenter(
    _ center: UNUserNotificationCenter, didReceive response: UNNotificationResponse,
    withCompletionHandler done: @escaping () -> Void
  ) {
    if let ids = response.notification.request.content.userInfo["alert_ids"] as? String {
      if isListenedTo {
        channel?.invokeMethod("tapped", arguments: ids)
      } else {
        openedBy = ids
      }
    }
    done()
  }

  func userNotificationCenter(
    _ center: UNUserNotificationCenter, willPresent notification: UNNotification,
    withCompletionHandler done: @escaping (UNNotificationPresentationOptions) -> Void
  ) {
    // The app is on the screen, and has it by the live connection; the sound is for who looks away.
    done([.sound])
  }

  private func register(_ result: @escaping FlutterResult) {
    guard waiting == nil else {
      result(nil)
      return
    }
    UNUserNotificationCenter.current().requestAuthorization(options: [.alert, .sound]) { isGranted, _ in
      DispatchQueue.main.async {
        guard isGranted else {
          result(nil)
          return
        }
        self.waiting = result
        UIApplication.shared.registerForRemoteNotifications()
      }
    }
  }
}
