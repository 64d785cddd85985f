"""Publishing one message as a device does."""

import queue
from typing import Final

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

_ANSWER_SECONDS: Final = 20.0
_NOBODY_THERE: Final = 16
"""The broker has it, and nobody has asked for such messages: it is gone."""


class PublishingFailedError(RuntimeError):
    """A message did not reach the monitor; the text says why."""


def publish(host: str, port: int, topic: str, payload: str | bytes) -> None:
    """Publish a message with QoS 1, by MQTT 5, in a connection of its own.

    Raises:
        PublishingFailedError: the broker is away or refuses it, or nobody is there to take it.
    """
    answers: queue.Queue[ReasonCode] = queue.Queue()

    def on_publish(_c: Client, _d: object, _m: int, code: ReasonCode, _p: Properties) -> None:
        answers.put(code)

    client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
    client.on_publish = on_publish
    try:
        client.connect(host, port)
        client.loop_start()
        client.publish(topic, payload, qos=1)
        code = answers.get(timeout=_ANSWER_SECONDS)
    except (OSError, queue.Empty) as error:
        raise PublishingFailedError(f"the broker at {host}:{port} does not answer: {error!r}") from error
    finally:
        client.disconnect()
        client.loop_stop()
    if code.value == _NOBODY_THERE:
        raise PublishingFailedError(f"the broker has the message on {topic}, but no ingestor is there for it")
    if code.is_failure:
        raise PublishingFailedError(f"the broker refuses the message on {topic}: {code}")
