"""What a device does between its sensors and the broker. Pure: no I/O, no clock.

It numbers samples, keeps the last ones, packs them into messages, finds what it is asked for again, and
does what it is told.
"""

from microgrid_simulator.device.commands import CommandDesk
from microgrid_simulator.device.messages import OutgoingMessage
from microgrid_simulator.device.outbox import Outbox
from microgrid_simulator.device.samples import NumberedSample, SampleBuffer
from microgrid_simulator.device.status import StatusMessages

__all__ = ["CommandDesk", "NumberedSample", "Outbox", "OutgoingMessage", "SampleBuffer", "StatusMessages"]
