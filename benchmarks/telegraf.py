"""The peer on the ingest path: Telegraf's `mqtt_consumer` takes the same messages into the same InfluxDB."""

import asyncio
import csv
import re
import shutil
import subprocess
import time
from dataclasses import dataclass
from http import HTTPStatus
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


@dataclass(frozen=True, slots=True)
class Output:
    """How Telegraf hands on what it took."""

    name: str
    flush_interval: str
    batch_size: int


OUTPUTS = (Output("Telegraf", "10s", 1_000), Output("tuned Telegraf", "200ms", 5_000))
"""As it comes, and with the values that were fastest for it: 10,000 or two concurrent writes bring nothing
more."""

# It speaks MQTT 3.1.1, so only the broker limits what it has in flight: that has to be more than one batch.
# Telegraf throws away what exceeds the buffer, so that has to be more than what may be undelivered; as it
# comes, it is less.
_CONFIGURATION = """\
[agent]
  omit_hostname = true
  # One line for each batch: how far it is, without asking a server that is at work.
  debug = true
  flush_interval = "{output.flush_interval}"
  metric_batch_size = {output.batch_size}
  metric_buffer_limit = 200000

[[inputs.mqtt_consumer]]
  servers = ["tcp://{broker_host}:{broker_port}"]
  topics = ["{topic_filter}"]
  topic_tag = ""
  qos = 1
  client_id = "{client_id}"
  persistent_session = true
  max_undelivered_messages = 20000
  name_override = "telemetry"
  data_format = "json"
  json_query = "{{timestamp,metrics}}"
  json_time_key = "timestamp"
  json_time_format = "2006-01-02T15:04:05Z07:00"
  [[inputs.mqtt_consumer.topic_parsing]]
    topic = "{topic_filter}"
    tags = "_/grid_id/_/device_id/_"

[[outputs.influxdb_v2]]
  urls = ["{influx.url}"]
  token = "{influx.token}"
  organization = "{influx.org}"
  bucket = "{influx.bucket}"
  content_encoding = "gzip"
"""


def is_available() -> bool:
    """Whether there is a Telegraf; `tools/telegraf.sh` builds one."""
    return shutil.which("telegraf") is not None


def run(broker: Mosquitto, bucket: InfluxBucket, folder: Path, *, messages: int, output: Output) -> Result:
    """Queue messages for Telegraf and let it take them into an empty bucket.

    Raises:
        RuntimeError: it did not store all of them in time, or not all of their values.
    """
    address = BrokerAddress(broker.host, broker.port)
    _open_session(address)
    publish(address, messages)
    configuration, log = folder / "telegraf.conf", folder / "telegraf.log"
    configuration.write_text(
        _CONFIGURATION.format(
            broker_host=broker.host,
            broker_port=broker.port,
            topic_filter=_TOPIC_FILTER,
            client_id=_CLIENT_ID,
            influx=bucket,
            output=output,
        )
    )
    with measured_process(["telegraf", "--config", str(configuration)], log=log) as process:
        result = _measure(process, log, messages, output)
    stored, expected = asyncio.run(_count_values(bucket)), messages * METRICS
    if stored != expected:
        raise RuntimeError(f"Telegraf stored {stored} values instead of {expected}")
    return result


def _open_session(address: BrokerAddress) -> None:
    """Subscribe and leave. With MQTT 3.1.1, as Telegraf does, a session has no end."""
    broker = ["-h", address.host, "-p", str(address.port)]
    session = ["-V", "311", "-i", _CLIENT_ID, "-c", "-q", "1", "-t", _TOPIC_FILTER, "-E"]
    subprocess.run(["mosquitto_sub", *broker, *session], check=True)


def _measure(process: MeasuredProcess, log: Path, messages: int, output: Output) -> Result:
    """From the connection, before the first message, until InfluxDB has taken the last batch."""
    deadline = time.monotonic() + _TIME_LIMIT_SECONDS
    while _CONNECTED not in log.read_text():
        _wait(deadline, log)
    start, cpu_at_start = time.perf_counter(), process.cpu_seconds()
    while sum(int(batch) for batch in _WRITTEN.findall(log.read_text())) < messages:
        _wait(deadline, log)
    return Result(
        f"{output.name}: Mosquitto to InfluxDB",
        messages,
        time.perf_counter() - start,
        process.cpu_seconds() - cpu_at_start,
        process.peak_memory_megabytes(),
    )


def _wait(deadline: float, log: Path) -> None:
    if time.monotonic() > deadline:
        raise RuntimeError(f"Telegraf was not done in {_TIME_LIMIT_SECONDS:g} s:\n{log.read_text()[-2_000:]}")
    time.sleep(_POLL_SECONDS)


async def _count_values(bucket: InfluxBucket) -> int:
    query = f'from(bucket: "{bucket.bucket}") |> range(start: 0) |> group() |> count()'
    headers = {
        "Authorization": f"Token {bucket.token}",
        "Content-Type": "application/vnd.flux",
        "Accept": "application/csv",
    }
    async with (
        aiohttp.ClientSession(bucket.url, headers=headers) as http,
        http.post("/api/v2/query", params={"org": bucket.org}, data=query) as response,
    ):
        answer = await response.text()
    if response.status != HTTPStatus.OK:
        raise RuntimeError(f"InfluxDB answered {response.status}: {answer}")
    return sum(int(row["_value"]) for row in csv.DictReader(answer.splitlines()) if row.get("_value"))
