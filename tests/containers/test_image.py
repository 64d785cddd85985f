"""What is in the image beside its base, in any of its layers: the programs, and no secret."""

import json
import re
import subprocess
import tarfile
from pathlib import Path, PurePosixPath
from secrets import token_urlsafe

import pytest
from deploy.compose.installation import HERE
from tests.containers.built_image import build_image
from tests.secret_scan.scanner import secrets_in

pytestmark = pytest.mark.integration

BASE = "python:3.13-slim-trixie"
KEEPS_SECRETS = {".key", ".p12", ".pfx", ".env", ".jks"}
OUR_PACKAGES = re.compile(r"/lib/python[^/]+/site-packages/(?=microgrid_)")
NOT_FOR_THE_IMAGE = {".git", "deploy"}
"""Folders of the repository; a system that runs has its secrets in the second one."""


@pytest.fixture(scope="module")
def own_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every file that a layer of ours adds, also one that a later layer takes away; and what Docker notes."""
    image = build_image(tmp_path_factory.mktemp("state"), tested="what is in the image")
    folder = tmp_path_factory.mktemp("image") / "files"
    folder.mkdir()
    base = layers_of(BASE)
    ours = [index for index, layer in enumerate(layers_of(image)) if layer not in base]
    assert ours
    archive = folder.with_name("image.tar")
    subprocess.run(("docker", "save", "--output", str(archive), image), check=True, capture_output=True)
    with tarfile.open(archive) as saved:
        layers = json.loads(read(saved, "manifest.json"))[0]["Layers"]
        for index in ours:
            layer = saved.extractfile(layers[index])
            assert layer is not None
            with tarfile.open(fileobj=layer) as files:
                put_regular_files(files, folder / f"layer-{index}")
    archive.unlink()
    for name, command in (("config", ("inspect",)), ("history", ("history", "--no-trunc"))):
        said = subprocess.run(("docker", *command, image), check=True, capture_output=True, text=True)
        (folder / f"{name}.txt").write_text(said.stdout)
    return folder


def layers_of(image: str) -> list[str]:
    call = ("docker", "inspect", "--format", "{{json .RootFS.Layers}}", image)
    layers: list[str] = json.loads(subprocess.run(call, check=True, capture_output=True).stdout)
    return layers


def read(archive: tarfile.TarFile, name: str) -> bytes:
    file = archive.extractfile(name)
    assert file is not None
    return file.read()


def put_regular_files(archive: tarfile.TarFile, folder: Path) -> None:
    """Links lead out of the folder, and what they lead to is there anyway."""
    for member in archive:
        path = PurePosixPath(member.name)
        if member.isfile() and not path.is_absolute() and ".." not in path.parts:
            # What is in Python's own folders the scanner takes for published by others, and passes over it.
            target = folder / OUR_PACKAGES.sub("/ours/", member.name)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(read(archive, member.name))


def test_the_base_is_the_one_of_the_dockerfile() -> None:
    assert (HERE / "Dockerfile").read_text().rpartition("FROM ")[2].startswith(f"{BASE}\n")


def test_no_file_is_there_that_keeps_secrets(own_files: Path) -> None:
    files = [path.relative_to(own_files) for path in own_files.rglob("*") if path.is_file()]
    # The first part is the layer.
    assert any(path.parts[1:3] == ("opt", "microgrid") for path in files)
    assert [path for path in files if path.suffix in KEEPS_SECRETS or path.name.startswith(".env")] == []
    assert [path for path in files if NOT_FOR_THE_IMAGE.intersection(path.parts)] == []


def test_no_secret_is_found_in_it(own_files: Path) -> None:
    [package] = own_files.glob("*/opt/microgrid/ours/microgrid_common")
    planted = package / "settings.py"
    planted.write_text(f'MICROGRID_AUTH_SIGNING_KEY = "{token_urlsafe(32)}"\n')
    assert set(secrets_in(own_files)) == {str(planted.relative_to(own_files))}
