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
MESSAGE_AGE = Histogram(
    "microgrid_reading_stored_age_seconds",
    "Time from arrival to stored, of the newest reading of each write.",
    buckets=(0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 60, 600, 3_600),
)
ALERT_TRANSITIONS = Counter("microgrid_alert_transitions_total", "Alert transitions.", ["transition"])
LIVE_CLIENTS = Gauge("microgrid_live_clients", "Open live connections.")
