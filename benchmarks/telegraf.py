"""The peer on the ingest path: Telegraf's `mqtt_consumer` takes the same messages into the same InfluxDB."""

import asyncio
import re
import subprocess
import time
from pathlib import Path

import aiohttp

from benchmarks.measured_process import MeasuredProcess, measured_process
from benchmarks.queued_messages import METRICS, publish
from benchmarks.result import Result
from microgrid_common.adapters.mqtt.address import BrokerAddress
from microgrid_common.testing.servers import InfluxBucket, Mosquitto

_CLIENT_ID = "telegraf-bench"
_TOPIC_FILTER = "microgrid/+/device/+/telemetry"
_TIME_LIMIT_SECONDS = 120.0
_POLL_SECONDS = 0.005
_CONNECTED = "[inputs.mqtt_consumer] Connected"
_WRITTEN = re.compile(r"Wrote batch of (\d+) metrics")

# Everything that costs Telegraf time and does not change what is stored is off, and the rest is set to what
# was fastest for it.
_CONFIGURATION = """
[agent]
  omit_hostname = true
  debug = true  # one line for each batch: how far it is, without asking anybody
  flush_interval = "{flush}"
  metric_batch_size = {batch}
  metric_buffer_limit = 200000

[[inputs.mqtt_consumer]]
  servers = ["tcp://{broker_host}:{broker_port}"]
  topics = ["{topic_filter}"]
  topic_tag = ""
  qos = 1
  client_id = "{client_id}"
  persistent_session = true
  max_undelivered_messages = {undelivered}
  name_override = "telemetry"
{data_format}
  [[inputs.mqtt_consumer.topic_parsing]]
    topic = "{topic_filter}"
    tags = "_/grid_id/_/device_id/_"
{parser_tables}
[[outputs.influxdb_v2]]
  urls = ["{url}"]
  token = "{token}"
  organization = "{org}"
  bucket = "{bucket}"
  content_encoding = "gzip"
  concurrent_writes = {concurrent}
"""
