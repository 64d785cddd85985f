"""What the path of a message has to do with devices beside their readings."""

from dataclasses import dataclass

from microgrid_ingestor.command_keeper import CommandKeeper
from microgrid_ingestor.device_directory import DeviceDirectory
from microgrid_ingestor.link_keeper import LinkKeeper


@dataclass(frozen=True, slots=True)
class DeviceDesk:
    """What the path of a message has to do with devices beside their readings."""

    directory: DeviceDirectory
    """Knows who is registered."""
    keeper: LinkKeeper
    """Is told who was heard, and who comes and goes."""
    commands: CommandKeeper
    """Is told what devices say about commands."""
    only_registered: bool = False
    """Whether what others send is put in quarantine."""
