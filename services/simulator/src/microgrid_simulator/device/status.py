"""What a device says on its status topic: its birth with each connection, and its last will."""

from itertools import count

from microgrid_common.ports.message_publisher import Presence
from microgrid_common.schemas.status import BootEnd, DeviceStatus, PresenceStatus
from microgrid_common.schemas.topics import TopicKind, device_topic
from microgrid_simulator.device.samples import SampleBuffer


class StatusMessages:
    """Makes the birth and the will of each connection; both carry its number.

    Args:
        grid_id: the grid of the device.
        device_id: the device.
        buffer: knows the boot, and how far its numbers have come.
    """

    def __init__(self, grid_id: str, device_id: str, buffer: SampleBuffer) -> None:
        self._topic = device_topic(grid_id, device_id, TopicKind.STATUS)
        self._buffer = buffer
        self._connections = count(1)

    def __call__(self) -> Presence:
        """What to say about the next connection."""
        connection, boot_id = next(self._connections), self._buffer.boot_id
        earlier = tuple(BootEnd(boot_id=boot, last_seq=last) for boot, last in self._buffer.earlier_boots)
        online = DeviceStatus(
            status=PresenceStatus.ONLINE,
            boot_id=boot_id,
            connection=connection,
            last_seq=self._buffer.last_seq,
            earlier_boots=earlier or None,
        )
        offline = DeviceStatus(status=PresenceStatus.OFFLINE, boot_id=boot_id, connection=connection)
        return Presence(self._topic, online=online.encode(), offline=offline.encode())
