"""Why there is no connection to the broker, in words that say what to check. Never with what we logged in."""

import os
import ssl
from datetime import timedelta
from typing import Final

import mqtt5

from microgrid_common.ports.errors import RetryableError

TAKEN_OVER_PAUSE: Final = timedelta(seconds=10)
"""Two clients with one id end each other's connection by each connect: this is how often they may."""

_LOGIN: Final = (
    "check the user and password in MICROGRID_MQTT_URL, and whether the broker lets this client in"
)
_VERSION: Final = "check that the broker at MICROGRID_MQTT_URL speaks MQTT 5"
_CERTIFICATE: Final = "check MICROGRID_MQTT_CERTIFICATE_FILE and _KEY_FILE"
_WITHOUT_TLS: Final = "check that the broker speaks MQTT, without TLS, at MICROGRID_MQTT_URL"
_WITH_TLS: Final = f"check that the broker speaks TLS at MICROGRID_MQTT_URL; {_CERTIFICATE}"

_LOGIN_ADVICE: Final = {
    mqtt5.ConnAckReasonCode.UNSUPPORTED_PROTOCOL_VERSION.value: _VERSION,
    mqtt5.ConnAckReasonCode.CLIENT_ID_NOT_VALID.value: "check MICROGRID_INGESTOR_NAME",
    mqtt5.ConnAckReasonCode.BAD_USER_NAME_OR_PASSWORD.value: _LOGIN,
    mqtt5.ConnAckReasonCode.NOT_AUTHORIZED.value: _LOGIN,
    mqtt5.ConnAckReasonCode.BANNED.value: _LOGIN,
}
_OTHER_NAME: Final = "give each replica a MICROGRID_INGESTOR_NAME of its own"
_NOT_TLS: Final = frozenset({"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE"})
_OTHER_HOST: Final = frozenset({62, 64})
"""OpenSSL's numbers for a certificate of another host name, and of another address."""


def refused_login(code: int, words: str) -> RetryableError:
    """The broker answered a connect, and does not let us in.

    Args:
        code: the reason code of MQTT 5.
        words: what it is called.
    """
    return _problem(f"the broker refused the login ({words})", _LOGIN_ADVICE.get(code))


class ClosedWithoutReasonError(RetryableError):
    """The broker ended a session that it had let in, and did not say why."""


def disconnected(code: mqtt5.DisconnectReasonCode) -> RetryableError:
    """The broker ended the connection, and said why."""
    if code is mqtt5.DisconnectReasonCode.SESSION_TAKEN_OVER:
        return RetryableError(
            f"another client has our client id: {_OTHER_NAME}", retry_after=TAKEN_OVER_PAUSE
        )
    return RetryableError(f"disconnected by the broker ({in_words(code)})")


def closed_again_without_reason() -> RetryableError:
    """Session after session is closed soon after it began.

    Mosquitto before 2.0.15 does not say that another client took the session over
    (eclipse-mosquitto/mosquitto issues 2340 and 2607).
    """
    return RetryableError(
        f"closed by the broker again and again: perhaps another client has our client id: {_OTHER_NAME}",
        retry_after=TAKEN_OVER_PAUSE,
    )


def malformed_packet(detail: object, *, logged_in: bool) -> RetryableError:
    """The broker sent something that is not MQTT 5."""
    return _problem(f"malformed packet ({detail})", None if logged_in else _VERSION)


def no_connection(error: BaseException | None, *, tls: bool, logged_in: bool) -> RetryableError:
    """The connection could not be made, or is gone without a word of MQTT.

    Args:
        error: what the network said; None when the other side just closed.
        tls: whether the connection is over TLS.
        logged_in: whether the broker had let us in: then our settings are right.
    """
    match error:
        case ssl.SSLCertVerificationError() if error.verify_code in _OTHER_HOST:
            what = f"the broker's certificate is of another host ({error.verify_message})"
            return _problem(what, "check the host in MICROGRID_MQTT_URL")
        case ssl.SSLCertVerificationError():
            what = f"the broker's certificate is not trusted ({error.verify_message})"
            return _problem(what, "check MICROGRID_MQTT_CA_FILE, and that certificate")
        case ssl.SSLError():
            reason = error.reason or "handshake failed"
            what = f"TLS failed ({reason.lower().replace('_', ' ')})"
            return _problem(what, _WITH_TLS if reason in _NOT_TLS else _CERTIFICATE)
        case None | ConnectionResetError() | TimeoutError():
            what = "no answer in time" if isinstance(error, TimeoutError) else "closed by the broker"
            # A broker's word about our certificate may get lost with the connection that it closes.
            return _problem(what, None if logged_in else _WITH_TLS if tls else _WITHOUT_TLS)
        case OSError(errno=int(number)) if number > 0:
            # asyncio's own text is about its calls.
            return RetryableError(os.strerror(number).lower())
        case _:
            return RetryableError(str(error))


def in_words(code: mqtt5.ConnAckReasonCode | mqtt5.SubAckReasonCode | mqtt5.DisconnectReasonCode) -> str:
    """A reason code as it is called in the standard."""
    return code.name.lower().replace("_", " ")


def _problem(what: str, advice: str | None) -> RetryableError:
    return RetryableError(f"{what}: {advice}" if advice else what)
