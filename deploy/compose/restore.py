"""Putting a backup in the place of what is there: every byte is looked at before anything changes."""

import os
import shutil
from pathlib import Path
from typing import IO, Final

from deploy.compose.backup_file import SETTINGS_NAME, BackupError, Head, unpack
from deploy.compose.private_files import private_folder, write_private

UNPACKED, READY, BEFORE = "restore-unpacked", "restore-ready", "before-restore"
"""Folders of the state folder: not yet looked at, to be put in place, and what was there before."""

_PARTS: Final = ("secrets", "data")


def restore(source: IO[bytes], state: Path, settings: Path, *, over: bool) -> Head:
    """Put a backup in place of what is there, whole or not at all.

    Args:
        source: the backup.
        state: the folder of the system's secrets and data. What was there goes into its folder `BEFORE`.
        settings: the file of the operator's settings; one that is there stays.
        over: whether something may be there.

    Raises:
        BackupError: the backup is not good, or something is there; nothing has changed.
        OSError: the disk has no room, or the backup cannot be read; nothing has changed.
    """
    finish(state, settings)
    _require_free(state, over=over)
    unpacked = state / UNPACKED
    _remove(unpacked)
    private_folder(unpacked)
    try:
        head = unpack(source, unpacked)
        os.sync()
    except BaseException:
        _remove(unpacked)
        raise
    unpacked.rename(state / READY)
    finish(state, settings)
    return head


def finish(state: Path, settings: Path) -> None:
    """Go on with a restore that was interrupted after all had been looked at; else do nothing."""
    ready = state / READY
    if not ready.exists():
        return
    for name in _PARTS:
        # What is gone from here is in place already.
        if (ready / name).exists():
            if (state / name).exists():
                private_folder(state / BEFORE)
                (state / name).rename(state / BEFORE / name)
            (ready / name).rename(state / name)
    if (told := ready / SETTINGS_NAME).exists() and not settings.exists():
        write_private(settings, told.read_bytes())
    _remove(ready)


def _require_free(state: Path, *, over: bool) -> None:
    if not any((state / name).exists() for name in _PARTS):
        return
    if not over:
        raise BackupError(f"{state} has a system in it: OVER=yes puts the backup in its place")
    if (state / BEFORE).exists():
        raise BackupError(f"{state / BEFORE} is what was there before the last restore: move it away first")


def _remove(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)
