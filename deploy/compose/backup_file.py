"""A backup is one tar file: what it is, everything as it lies in the state folder, and a manifest of sums."""

import hashlib
import io
import json
import re
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Final, Protocol

from deploy.compose.private_files import private_folder

FORMAT: Final = 1
"""Raised when an older restore could not read what is written."""

SETTINGS_NAME: Final = "settings.env"

_HEAD, _MANIFEST = "backup.json", "manifest.json"
_PARTS = re.compile(r"settings\.env|(secrets|data/(redis|influxdb|mosquitto))(/[^/\x00-\x1f]+)+")
_LARGEST_NOTE = 16 * 2**20
"""Of head and manifest: some ten thousand files."""
_BLOCK = 2**20


class BackupError(RuntimeError):
    """A backup cannot be made, or is not to be restored; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What a backup is, for people and for a later version."""

    made_at: str
    """UTC, as ISO 8601."""
    versions: Mapping[str, str]
    """Part of the system → its version."""
    format: int = FORMAT


class _Source(Protocol):
    def read(self, size: int, /) -> bytes: ...


class _Summed:
    """Reads, and sums what was read."""

    def __init__(self, source: _Source) -> None:
        self._source = source
        self._sum = hashlib.sha256()

    def read(self, size: int) -> bytes:
        block = self._source.read(size)
        self._sum.update(block)
        return block

    @property
    def hexdigest(self) -> str:
        return self._sum.hexdigest()


class _Forward:
    """A stream that is only written, as tarfile wants it."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._position = 0

    def write(self, data: bytes) -> int:
        self._position += len(data)
        return self._stream.write(data)

    def tell(self) -> int:
        return self._position


class BackupWriter:
    """Writes a backup from beginning to end, into a file or a pipe.

    Args:
        stream: where to; nothing in it is read or sought.
        head: what the backup is.
    """

    def __init__(self, stream: IO[bytes], head: Head) -> None:
        # Not its mode for streams, which writes what is left once more when it is forgotten after a failure.
        self._tar = tarfile.TarFile(fileobj=_Forward(stream), mode="w", format=tarfile.PAX_FORMAT)  # type: ignore[arg-type]
        self._head = asdict(head)
        self._sums: dict[str, str] = {}
        self.written = 0
        """Bytes of the parts until now."""
        self._note(_HEAD, self._head)

    def add(self, name: str, size: int, source: _Source) -> None:
        """Add a file.

        Args:
            name: where it lies in the state folder.
            size: how many bytes of the source are taken.
            source: what is in it.
        """
        if not _PARTS.fullmatch(name):
            raise BackupError(f"{name!r} has no place in a backup")
        summed = _Summed(source)
        self._tar.addfile(_private(name, size), summed)  # type: ignore[arg-type]
        self._sums[name] = summed.hexdigest
        self.written += size

    def add_file(self, name: str, path: Path) -> None:
        """Add a file as it is now; one that is replaced meanwhile is taken whole, as it was."""
        with path.open("rb") as file:
            self.add(name, file.seek(0, io.SEEK_END), _rewound(file))

    def add_bytes(self, name: str, content: bytes) -> None:
        """Add a file with this content."""
        self.add(name, len(content), io.BytesIO(content))

    def finish(self) -> None:
        """Write the manifest; without it a backup is none."""
        self._note(_MANIFEST, {**self._head, "sha256": self._sums})
        self._tar.close()

    def _note(self, name: str, content: object) -> None:
        data = json.dumps(content, indent=1).encode()
        self._tar.addfile(_private(name, len(data)), io.BytesIO(data))


def unpack(stream: IO[bytes], folder: Path) -> Head:
    """Unpack a backup into an empty folder, and look at every byte of it.

    Raises:
        BackupError: it is no backup, a newer one, or not as it was made. The folder has some of it.
        OSError: the disk has no room, or the file cannot be read.
    """
    with _readable(), tarfile.open(fileobj=stream, mode="r|", bufsize=_BLOCK) as tar:
        members = iter(tar)
        head = _head(tar, next(members, None))
        sums: dict[str, str] = {}
        manifest: dict[str, object] | None = None
        for member in members:
            if manifest is None and member.name == _MANIFEST:
                manifest = _json(tar, member)
            else:
                sums[member.name] = _unpack_part(tar, member, folder, sums)
        if manifest is None:
            raise BackupError("it ends before its end: it was cut off when it was made or copied")
        _require_same(manifest, head, sums)
        return head


def _head(tar: tarfile.TarFile, member: tarfile.TarInfo | None) -> Head:
    if member is None or member.name != _HEAD:
        raise BackupError("it is not a backup of this system")
    content = _json(tar, member)
    match content:
        case {"format": int(number)} if number > FORMAT:
            raise BackupError(f"its format is {number}, of a newer version: this one reads up to {FORMAT}")
        case {"format": int(number), "made_at": str(made_at), "versions": dict(versions)}:
            return Head(made_at=made_at, versions=versions, format=number)
    raise BackupError("what it says of itself is damaged")


def _require_same(manifest: Mapping[str, object], head: Head, sums: Mapping[str, str]) -> None:
    expected = manifest.get("sha256")
    if not isinstance(expected, dict) or {**asdict(head), "sha256": expected} != manifest:
        raise BackupError("its manifest is damaged")
    if different := sorted(name for name in {*sums, *expected} if sums.get(name) != expected.get(name)):
        raise BackupError(f"{different[0]} in it is not what it was when the backup was made")


def _unpack_part(tar: tarfile.TarFile, member: tarfile.TarInfo, folder: Path, seen: Mapping[str, str]) -> str:
    is_fit = _PARTS.fullmatch(member.name) and ".." not in member.name.split("/") and member.isreg()
    source = tar.extractfile(member) if is_fit and member.name not in seen else None
    if source is None:
        raise BackupError(f"{member.name!r} has no place in a backup")
    path = folder / member.name
    private_folder(path.parent)
    summed = _Summed(source)
    with path.open("xb") as file:
        path.chmod(0o600)
        while block := summed.read(_BLOCK):
            file.write(block)
    return summed.hexdigest


def _json(tar: tarfile.TarFile, member: tarfile.TarInfo) -> dict[str, object]:
    source = tar.extractfile(member) if member.size <= _LARGEST_NOTE else None
    content = json.loads(source.read()) if source else None
    if not isinstance(content, dict):
        raise BackupError(f"{member.name} in it is damaged")
    return content


@contextmanager
def _readable() -> Iterator[None]:
    try:
        yield
    except (tarfile.TarError, EOFError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise BackupError(f"it cannot be read: {error}") from error


def _private(name: str, size: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size = size
    info.mode = 0o600
    return info


def _rewound(file: IO[bytes]) -> IO[bytes]:
    file.seek(0)
    return file
