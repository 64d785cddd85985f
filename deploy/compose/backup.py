"""What `make backup` does: copies all that the running system keeps into one file, and stops nothing."""

import os
import shutil
import sys
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Final

from deploy.compose.backup_file import SETTINGS_NAME, BackupError, BackupWriter, Head
from deploy.compose.one_at_a_time import BusyError, one_at_a_time
from deploy.compose.private_files import private_folder
from deploy.compose.up import SETTINGS, CommandFailedError, Deployment, this_deployment, what_docker_lacks

STANDARD_OUTPUT: Final = "-"
NEEDED: Final = frozenset({"mosquitto", "redis", "influxdb"})

_KEPT = ("secrets", "data/redis", "data/influxdb", "data/mosquitto")
_UNITS: Final = {"GB": 10**9, "MB": 10**6, "kB": 10**3}
_SPARE_BYTES = 64 * 2**20
_SNAPSHOT = "backup.rdb"
_BROKER_SAVES_WITHIN_SECONDS = 10.0

# Redis begins with what this names, and appends to a file that it makes beside it.
_REDIS = "data/redis/appendonlydir"
_REDIS_BASE = f"{_REDIS}/appendonly.aof.1.base.rdb"
_REDIS_FILES = f"{_REDIS}/appendonly.aof.manifest"
_REDIS_BEGINS_WITH = b"file appendonly.aof.1.base.rdb seq 1 type b\n"


def back_up(deployment: Deployment, target: IO[bytes], *, settings: Path) -> int:
    """Copy what the system keeps, in the order in which a reading goes through it.

    So what had arrived before is in one of the copies, whatever happens meanwhile: a reading that moves on
    is in the next one, too, and is stored once.

    Args:
        deployment: runs.
        target: where to; it is not sought in.
        settings: the file of the operator's settings; it may be missing.

    Returns:
        The number of bytes.

    Raises:
        BackupError: it cannot be done now.
        CommandFailedError: a part of the system does not give its copy.
    """
    if missing := NEEDED - set(deployment.compose("ps", "--services", "--status", "running").split()):
        raise BackupError(f"{', '.join(sorted(missing))}: not running; make up first")
    state = deployment.installation.state
    begun = time.time()
    writer = BackupWriter(
        target, Head(made_at=_now().isoformat(timespec="seconds"), versions=_versions(deployment))
    )
    with _said("broker", writer):
        _add_broker(writer, state / "data" / "mosquitto" / "mosquitto.db", begun)
    with _said("Redis", writer):
        _add_redis(writer, deployment)
    with _said("InfluxDB", writer):
        _add_influxdb(writer, deployment)
    # The last, so that a certificate that is revoked meanwhile is on the list.
    with _said("secrets", writer):
        _add_secrets(writer, state, settings)
    writer.finish()
    return writer.written


def _add_broker(writer: BackupWriter, database: Path, begun: float) -> None:
    deadline = time.monotonic() + _BROKER_SAVES_WITHIN_SECONDS
    while not database.exists() or database.stat().st_mtime < begun:
        if time.monotonic() > deadline:
            raise BackupError("the broker saves nothing any more: see make logs")
        time.sleep(0.1)
    writer.add_file("data/mosquitto/mosquitto.db", database)


def _add_redis(writer: BackupWriter, deployment: Deployment) -> None:
    password = deployment.installation.value("redis-admin", "REDISCLI_AUTH") or ""
    snapshot = deployment.installation.state / "data" / "redis" / _SNAPSHOT
    # As a replica: Redis goes on, and gives what it held at one moment.
    call = ("sh", "-c", f"redis-cli --user admin --rdb /data/{_SNAPSHOT} 2>&1")
    said = b""
    try:
        with deployment.output_of(
            "exec", "-T", "-e", "REDISCLI_AUTH", "redis", *call, REDISCLI_AUTH=password
        ) as output:
            said = output.read()
        writer.add_file(_REDIS_BASE, snapshot)
    except CommandFailedError:
        raise BackupError(f"Redis gives no snapshot: {said.decode(errors='replace').strip()}") from None
    finally:
        snapshot.unlink(missing_ok=True)
    writer.add_bytes(_REDIS_FILES, _REDIS_BEGINS_WITH)


def _add_influxdb(writer: BackupWriter, deployment: Deployment) -> None:
    call = deployment.run_at_store("store-snapshot")
    try:
        with deployment.output_of(*call) as output, tarfile.open(fileobj=output, mode="r|") as archive:
            for member in archive:
                if content := archive.extractfile(member):
                    writer.add(f"data/influxdb/{member.name}", member.size, content)
    except tarfile.TarError:
        raise BackupError("InfluxDB gives no whole copy") from None
    except BaseException:
        deployment.remove_setup()
        raise


def _add_secrets(writer: BackupWriter, state: Path, settings: Path) -> None:
    for path in sorted((state / "secrets").rglob("*")):
        if path.is_file() and path.suffix != ".new":
            writer.add_file(str(path.relative_to(state)), path)
    if settings.exists():
        writer.add_file(SETTINGS_NAME, settings)


def _versions(deployment: Deployment) -> dict[str, str]:
    call = ("exec", "-T", "redis", "redis-server", "--version")
    words = deployment.compose(*call).split()
    redis = next((word.removeprefix("v=") for word in words if word.startswith("v=")), "")
    images = deployment.compose("config", "--images", *sorted(NEEDED), "api").split()
    return {"redis-server": redis, **dict(image.rsplit(":", 1) for image in images)}


@contextmanager
def _said(part: str, writer: BackupWriter) -> Iterator[None]:
    before, begun = writer.written, time.monotonic()
    yield
    print(
        f"  {part:<10}{shown_size(writer.written - before):>10}  {time.monotonic() - begun:.1f} s",
        file=sys.stderr,
    )


def _now() -> datetime:
    return datetime.now(UTC)


def size_of_state(state: Path) -> int:
    """How much there is to copy, in bytes: more than a backup takes, which has neither logs nor indexes."""
    files = (path for part in _KEPT for path in (state / part).rglob("*") if path.is_file())
    return sum(path.stat().st_size for path in files)


def require_room(folder: Path, size: int) -> None:
    """Refuse what does not fit.

    Raises:
        BackupError: the disk of the folder has less room.
    """
    if (free := shutil.disk_usage(folder).free) < size + _SPARE_BYTES:
        need = shown_size(size + _SPARE_BYTES)
        raise BackupError(f"the disk of {folder} has {shown_size(free)} free, and {need} may be needed")


def shown_size(size: float) -> str:
    """A number of bytes, for people."""
    unit = next((unit for unit, bytes_ in _UNITS.items() if size >= bytes_), "kB")
    return f"{size / _UNITS[unit]:.1f} {unit}"


def target_file(told: str, default: Path) -> Path:
    """The file that a backup becomes: the one that was told, or a new one in the folder that was told.

    Raises:
        BackupError: it is there already, or its folder is not.
    """
    path = Path(told).expanduser() if told else private_folder(default)
    if path.is_dir() or told.endswith("/"):
        path /= f"microgrid-{_now():%Y%m%dT%H%M%SZ}.tar"
    if path.exists():
        raise BackupError(f"{path} is there already")
    if not path.parent.is_dir():
        raise BackupError(f"there is no folder {path.parent}")
    return path


@contextmanager
def whole_or_not_at_all(path: Path) -> Iterator[IO[bytes]]:
    """A new file that its owner alone may read; nothing of it stays when the block fails."""
    part = path.with_name(f"{path.name}.part")
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.rename(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _back_up_to(deployment: Deployment, told: str) -> str:
    if problem := what_docker_lacks():
        raise BackupError(problem)
    state = deployment.installation.state
    size = size_of_state(state)
    # Redis' snapshot lies here for a moment.
    require_room(state, size_of_state(state / "data" / "redis"))
    if told == STANDARD_OUTPUT:
        written = back_up(deployment, sys.stdout.buffer, settings=SETTINGS)
        sys.stdout.buffer.flush()
        return f"{shown_size(written)} written"
    path = target_file(told, Path.cwd() / "backups")
    require_room(path.parent, size)
    with whole_or_not_at_all(path) as file:
        back_up(deployment, file, settings=SETTINGS)
    return f"{path}: {shown_size(path.stat().st_size)}. It holds keys and passwords; keep it elsewhere too"


def main() -> int:
    """Back up the system of `make up` into the file or folder that is named, or to standard output (`-`)."""
    deployment = this_deployment()
    try:
        with one_at_a_time(deployment.installation.state):
            done = _back_up_to(deployment, sys.argv[1] if len(sys.argv) > 1 else "")
    except (BackupError, BusyError, CommandFailedError, OSError, tarfile.TarError) as error:
        print(f"make backup: {error}; no backup is made", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("make backup: interrupted; no backup is made", file=sys.stderr)
        return 130
    print(f"  {done}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
