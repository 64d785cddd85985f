"""Files that only their owner reads."""

import os
from pathlib import Path


def write_private(path: Path, content: bytes | str) -> bool:
    """Write a file that its owner alone may read, whole or not at all.

    Returns:
        Whether it has changed.
    """
    data = content.encode() if isinstance(content, str) else content
    if path.exists() and path.read_bytes() == data:
        return False
    if not path.parent.exists():
        private_folder(path.parent)
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
    return True


def private_folder(path: Path) -> Path:
    """Make a folder that its owner alone may enter, and those above it that are missing."""
    if not path.parent.exists():
        private_folder(path.parent)
    path.mkdir(mode=0o700, exist_ok=True)
    path.chmod(0o700)
    return path


def give_to(folder: Path, user: int, group: int) -> None:
    """Make a folder and all in it another user's; only root can, and only root has to."""
    os.chown(folder, user, group)
    for parent, folders, files in os.walk(folder):
        for name in (*folders, *files):
            os.chown(Path(parent) / name, user, group, follow_symlinks=False)
