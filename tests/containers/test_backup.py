"""A backup is restored as it was made, or not at all."""

import io
import json
import shutil
import tarfile
from collections import namedtuple
from collections.abc import Mapping
from pathlib import Path

import pytest
from deploy.compose import backup, backup_file
from deploy.compose.backup_file import BackupError, BackupWriter, Head
from deploy.compose.restore import BEFORE, READY, finish, restore
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

CONTENT = {
    "secrets/ca/ca.key": b"the key",
    "secrets/api.env": b"MICROGRID_INFLUX_TOKEN=t\n",
    "data/redis/appendonlydir/appendonly.aof.1.base.rdb": bytes(range(256)) * 40,
    "data/influxdb/engine/data/1a/autogen/1/000000001-000000001.tsm": b"",
}
OLD = {"secrets/ca/ca.key": b"another key", "data/redis/kept": b"x", "data/prometheus/wal": b"y"}


def backup_of(content: Mapping[str, bytes], **head: object) -> bytes:
    target = io.BytesIO()
    values = {"made_at": "2026-11-24T08:00:00+00:00", "versions": {"redis": "8"}, **head}
    writer = BackupWriter(target, Head(**values))  # type: ignore[arg-type]
    for name, data in content.items():
        writer.add_bytes(name, data)
    writer.finish()
    return target.getvalue()


def tar_of(*members: tarfile.TarInfo, head: bytes = b"") -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as tar:
        for member in members:
            tar.addfile(member, io.BytesIO(head))
    return target.getvalue()


def placed(folder: Path, content: Mapping[str, bytes]) -> Path:
    for name, data in content.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def restored(data: bytes, state: Path, *, over: bool = False) -> Head:
    return restore(io.BytesIO(data), state, state.parent / "settings.env", over=over)


def test_what_was_backed_up_is_restored_for_its_owner_alone(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()
    head = restored(backup_of(CONTENT), state)
    assert files(state) == CONTENT
    assert {path.stat().st_mode & 0o777 for path in state.rglob("*")} == {0o700, 0o600}
    assert head.versions == {"redis": "8"}


@given(place=st.integers(min_value=0), bit=st.integers(0, 7))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
def test_a_flipped_bit_is_refused_or_means_nothing(
    tmp_path_factory: pytest.TempPathFactory, place: int, bit: int
) -> None:
    data = bytearray(backup_of(CONTENT))
    data[place % len(data)] ^= 1 << bit
    state = placed(tmp_path_factory.mktemp("state"), OLD)
    try:
        restored(bytes(data), state, over=True)
    except BackupError:
        assert files(state) == OLD
    else:
        # It was in what fills a block up.
        assert {name: got for name, got in files(state).items() if not name.startswith(BEFORE)} == CONTENT


@pytest.mark.parametrize("name", sorted(name for name, data in CONTENT.items() if data))
def test_a_flipped_byte_of_a_file_is_refused_by_the_name_of_the_file(tmp_path: Path, name: str) -> None:
    data = bytearray(backup_of(CONTENT))
    data[data.index(CONTENT[name])] ^= 1
    with pytest.raises(BackupError, match=name):
        restored(bytes(data), placed(tmp_path / "state", OLD), over=True)
    assert files(tmp_path / "state") == OLD


@pytest.mark.parametrize("part", [0.0, 0.01, 0.3, 0.6, 0.9])
def test_a_backup_that_was_cut_off_is_refused(tmp_path: Path, part: float) -> None:
    whole = backup_of(CONTENT)
    cut = whole[: int(whole.rindex(b"manifest.json") * part)]
    with pytest.raises(BackupError):
        restored(cut, placed(tmp_path / "state", OLD), over=True)
    assert files(tmp_path / "state") == OLD


def test_a_newer_format_is_refused(tmp_path: Path) -> None:
    newer = backup_of(CONTENT, format=backup_file.FORMAT + 1)
    with pytest.raises(BackupError, match="of a newer version"):
        restored(newer, placed(tmp_path / "state", {}) / "state")


def test_another_tar_file_is_no_backup(tmp_path: Path) -> None:
    with pytest.raises(BackupError, match="not a backup"):
        restored(tar_of(tarfile.TarInfo("secrets/ca/ca.key")), tmp_path / "state")


@pytest.mark.parametrize(
    "name", ["../key", "/etc/passwd", "secrets/../../key", "data/prometheus/x", "secrets/\n", "state", ""]
)
def test_nothing_is_written_anywhere_else(tmp_path: Path, name: str) -> None:
    head = json.dumps({"format": 1, "made_at": "", "versions": {}}).encode()
    first = tarfile.TarInfo("backup.json")
    first.size = len(head)
    with pytest.raises(BackupError, match="no place"):
        restored(tar_of(first, tarfile.TarInfo(name), head=head), tmp_path / "state")
    assert not files(tmp_path)


def test_a_link_in_a_backup_is_refused(tmp_path: Path) -> None:
    head = json.dumps({"format": 1, "made_at": "", "versions": {}}).encode()
    first, link = tarfile.TarInfo("backup.json"), tarfile.TarInfo("secrets/link")
    first.size = len(head)
    link.type, link.linkname = tarfile.SYMTYPE, "/etc"
    with pytest.raises(BackupError, match="no place"):
        restored(tar_of(first, link, head=head), tmp_path / "state")


def test_what_is_there_is_replaced_only_when_told_and_kept_beside(tmp_path: Path) -> None:
    state = placed(tmp_path / "state", OLD)
    with pytest.raises(BackupError, match="OVER=yes"):
        restored(backup_of(CONTENT), state)
    assert files(state) == OLD
    restored(backup_of(CONTENT), state, over=True)
    assert files(state) == CONTENT | {f"{BEFORE}/{name}": data for name, data in OLD.items()}


def test_what_was_there_before_is_not_lost_to_a_second_restore(tmp_path: Path) -> None:
    state = placed(tmp_path / "state", OLD)
    restored(backup_of(CONTENT), state, over=True)
    before = files(state)
    with pytest.raises(BackupError, match=BEFORE):
        restored(backup_of({"secrets/x": b"1"}), state, over=True)
    assert files(state) == before


@pytest.mark.parametrize("moves", range(4))
def test_a_restore_that_is_interrupted_while_it_puts_things_in_place_goes_on(
    tmp_path: Path, moves: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = placed(tmp_path / "state", OLD)
    rename = Path.rename
    done: list[Path] = []

    def power_fails(path: Path, target: Path) -> Path:
        # The first one says that all is looked at.
        if len(done) > moves:
            raise KeyboardInterrupt
        done.append(path)
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", power_fails)
    with pytest.raises(KeyboardInterrupt):
        restored(backup_of(CONTENT), state, over=True)
    monkeypatch.undo()
    assert (state / READY).exists()
    finish(state, tmp_path / "settings.env")
    assert files(state) == CONTENT | {f"{BEFORE}/{name}": data for name, data in OLD.items()}


def test_settings_that_are_there_stay(tmp_path: Path) -> None:
    with_settings = backup_of(CONTENT | {"settings.env": b"MICROGRID_BIND=0.0.0.0\n"})
    restored(with_settings, tmp_path / "one" / "state")
    assert (tmp_path / "one" / "settings.env").read_text() == "MICROGRID_BIND=0.0.0.0\n"
    placed(tmp_path / "other", {"settings.env": b"mine"})
    restored(with_settings, tmp_path / "other" / "state")
    assert (tmp_path / "other" / "settings.env").read_text() == "mine"


def test_a_disk_without_room_is_said_before_anything_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")  # noqa: PYI024 - as shutil has it
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**12, 10**12, 5 * 10**9))
    backup.require_room(tmp_path, 4 * 10**9)
    with pytest.raises(BackupError, match=r"5\.0 GB free, and 5\.1 GB"):
        backup.require_room(tmp_path, 5 * 10**9)


def test_a_backup_is_whole_or_not_there(tmp_path: Path) -> None:
    path = tmp_path / "backup.tar"
    with pytest.raises(KeyboardInterrupt), backup.whole_or_not_at_all(path):
        raise KeyboardInterrupt
    assert not list(tmp_path.iterdir())
    with backup.whole_or_not_at_all(path) as file:
        file.write(b"x")
    assert {file.name: file.stat().st_mode & 0o777 for file in tmp_path.iterdir()} == {"backup.tar": 0o600}


def test_a_backup_has_a_name_of_its_own_in_a_folder_and_replaces_nothing(tmp_path: Path) -> None:
    assert backup.target_file(str(tmp_path), tmp_path).parent == tmp_path
    assert backup.target_file("", tmp_path / "backups").match("backups/microgrid-*Z.tar")
    assert (tmp_path / "backups").stat().st_mode & 0o777 == 0o700
    assert backup.target_file(str(tmp_path / "b.tar"), tmp_path) == tmp_path / "b.tar"
    (tmp_path / "b.tar").touch()
    with pytest.raises(BackupError, match="there already"):
        backup.target_file(str(tmp_path / "b.tar"), tmp_path)
    with pytest.raises(BackupError, match="no folder"):
        backup.target_file(str(tmp_path / "missing" / "b.tar"), tmp_path)
