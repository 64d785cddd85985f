package org.microgrid.flutter_dashboard

object R {
    object string {
        const val firebase_project_id = 1
        const val firebase_application_id = 2
        const val firebase_api_key = 3
        const val firebase_sender_id = 4
        const val channel_alarms = 5
        const val channel_notices = 6
    }
}
