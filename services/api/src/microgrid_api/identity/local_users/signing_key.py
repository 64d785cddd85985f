"""The key that tokens are signed with, where the settings name none: made once, and kept in a file."""

import os
import secrets
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Final

_KEY_BYTES: Final = 48
_FILE_NAME: Final = "api-signing-key"


def kept_signing_key(data_dir: Path) -> bytes:
    """The key in the data folder; the first call makes it, readable by the owner alone.

    Raises:
        OSError: the folder cannot be read or written.
    """
    path = data_dir / _FILE_NAME
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists():
        # Whole before it has its name: another process that starts now reads all of it, and the same.
        with NamedTemporaryFile(dir=data_dir, prefix=_FILE_NAME) as file:
            file.write(secrets.token_bytes(_KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
            with suppress(FileExistsError):
                path.hardlink_to(file.name)
    return path.read_bytes()
