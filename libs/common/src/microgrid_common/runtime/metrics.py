"""The Prometheus metrics of the path of a reading, in the order of the path.

They stand in one file so that a dashboard's author finds them all, and so that the services that share a
process share their definitions.
"""

from prometheus_client import Counter, Gauge, Histogram

MESSAGES_RECEIVED = Counter("microgrid_messages_received_total", "Messages taken from the broker.")
READINGS_ACCEPTED = Counter("microgrid_readings_accepted_total", "Readings appended to the log.")
QUARANTINED = Counter("microgrid_quarantined_total", "Messages put in quarantine, by reason.", ["reason"])
READINGS_STORED = Counter("microgrid_readings_stored_total", "Readings written to the telemetry store.")
BATCH_MESSAGES = Histogram(
    "microgrid_ingest_batch_messages",
    "Messages in one append to the log.",
    buckets=(1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000),
)
STORE_WRITE_READINGS = Histogram(
    "microgrid_store_write_readings",
    "Readings in one write to the telemetry store.",
    buckets=(1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000),
)
MESSAGE_AGE = Histogram(
    "microgrid_reading_stored_age_seconds",
    "Time from arrival to stored, of the newest reading of each write.",
    buckets=(0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 60, 600, 3_600),
)
END_TO_END_AGE = Histogram(
    "microgrid_reading_end_to_end_age_seconds",
    "Time from measurement to stored, of the newest reading of each write.",
    buckets=(0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 60, 600, 3_600, 21_600, 86_400, 604_800),
)
STREAM_ENTRIES = Gauge("microgrid_stream_entries", "Entries in a stream.", ["stream"])
STREAM_LAG = Gauge(
    "microgrid_stream_lag_entries",
    "Entries of a stream that no member of a consumer group has been given yet.",
    ["stream", "group"],
)
STREAM_PENDING = Gauge(
    "microgrid_stream_pending_entries",
    "Entries of a stream that a consumer group has been given and has not acknowledged.",
    ["stream", "group"],
)
LOG_MEMORY_USED = Gauge("microgrid_log_memory_used_bytes", "Memory that the durable log uses.")
LOG_MEMORY_LIMIT = Gauge(
    "microgrid_log_memory_limit_bytes", "Memory at which appending to the durable log stops; 0: no limit."
)
LOG_USED_RATIO = Gauge(
    "microgrid_log_used_ratio",
    "Memory of the durable log in use, 0 to 1; from 0.9 no messages are taken from the broker. 0: no limit.",
)
QUARANTINE_MESSAGES = Gauge(
    "microgrid_quarantine_messages", "Messages in quarantine, by state and reason.", ["state", "reason"]
)
QUARANTINE_STORED = Gauge("microgrid_quarantine_stored_bytes", "What the messages in quarantine take.")
QUARANTINE_DROPPED_OPEN = Gauge(
    "microgrid_quarantine_dropped_open_messages",
    "Messages that had to leave quarantine before somebody looked at them, since the beginning.",
)
ROLLUP_BUCKETS_WAITING = Gauge(
    "microgrid_rollup_buckets_waiting", "Five minutes and hours of devices that are to be rolled up."
)
ROLLUPS_MADE = Counter("microgrid_rollups_made_total", "Roll-ups written, by their length.", ["kind"])
LINK_CHANGES = Counter(
    "microgrid_device_link_changes_total",
    "Devices that were connected, disconnected, stale or fresh again.",
    ["change"],
)
LEDGER_DUPLICATES = Counter("microgrid_ledger_duplicates_total", "Numbered readings that had arrived before.")
LEDGER_MISSING = Gauge(
    "microgrid_ledger_missing",
    "Samples that devices numbered and that never arrived; every replica shows the number of all.",
    ["device_type"],
)
BACKFILL_REQUESTS = Counter(
    "microgrid_backfill_requests_total", "Requests to devices for samples that never arrived."
)
COMMANDS = Counter("microgrid_commands_total", "Commands to devices that came to a state.", ["state"])
ALERT_TRANSITIONS = Counter("microgrid_alert_transitions_total", "Alert transitions.", ["transition"])
NOTIFICATIONS = Counter(
    "microgrid_notifications_total",
    "Deliveries, by the kind of channel and what became of them; retried and repeated ones come again.",
    ["channel", "outcome"],
)
NOTIFICATIONS_WAITING = Gauge(
    "microgrid_notifications_waiting", "Deliveries that wait for a channel.", ["channel"]
)
NOTIFICATIONS_OLDEST = Gauge(
    "microgrid_notifications_oldest_seconds",
    "Age of the oldest delivery that waits for a channel; 0: none waits.",
    ["channel"],
)
LIVE_CLIENTS = Gauge("microgrid_live_clients", "Open live connections.")
DEPENDENCY_UP = Gauge(
    "microgrid_dependency_up",
    "Whether what the service depends on answers, asked at each scrape as by /readyz: 1 or 0.",
    ["dependency"],
)
DEVICES = Gauge("microgrid_devices", "Devices that were ever heard of, by grid.", ["grid_id"])
DEVICES_CONNECTED = Gauge("microgrid_devices_connected", "Those that are connected.", ["grid_id"])
DEVICES_STALE = Gauge(
    "microgrid_devices_stale", "Those that have been silent for longer than they should.", ["grid_id"]
)
ALARMS_RAISED = Counter(
    "microgrid_alarms_raised_total",
    "Alarms raised by the rules and shown to the operator; hidden ones are not counted.",
    ["grid_id", "severity"],
)
ALARMS_ACTIVE = Gauge(
    "microgrid_alarms_active", "Alarms that last and are not put aside.", ["grid_id", "severity"]
)
API_REQUESTS = Counter(
    "microgrid_api_requests_total",
    "Requests answered, by the route's template, not the path.",
    ["method", "route", "status"],
)
API_REQUEST_SECONDS = Histogram(
    "microgrid_api_request_seconds",
    "Time until an answer begins.",
    ["method", "route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
DISK_SIZE = Gauge(
    "microgrid_disk_size_bytes", "Size of the watched disk; by default the data folder is on it."
)
DISK_FREE = Gauge("microgrid_disk_free_bytes", "What is free on it.")
CERTIFICATE_EXPIRY = Gauge(
    "microgrid_certificate_expiry_timestamp_seconds",
    "When a certificate file ends, the first of those in it, as Unix time; 0: it cannot be read.",
    ["certificate"],
)
