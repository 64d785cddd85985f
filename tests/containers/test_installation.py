"""What `make up` prepares: made once, kept, and each part for who needs it alone."""

import os
import stat
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID
from deploy.compose.certificates import Authority, NameTooLongError
from deploy.compose.installation import HERE, Installation
from deploy.compose.redis_users import USERS, acl_file
from ruamel.yaml import YAML


def installed(state: Path, **settings: str) -> Installation:
    installation = Installation(state, state / "compose.env", settings)
    installation.prepare()
    return installation


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_what_is_there_stays(tmp_path: Path) -> None:
    installed(tmp_path)
    before = contents(tmp_path)
    installed(tmp_path)
    assert contents(tmp_path) == before


def test_no_two_installations_have_a_secret_in_common(tmp_path: Path) -> None:
    one, other = (contents(installed(tmp_path / name).secrets) for name in ("one", "other"))
    same = {name for name in one if one[name] == other[name]}
    assert same == {"mosquitto/acl"}


def test_secrets_are_private(tmp_path: Path) -> None:
    secrets = installed(tmp_path).secrets
    paths = [secrets, *secrets.rglob("*")]
    modes = {(path.is_dir(), stat.S_IMODE(path.stat().st_mode)) for path in paths}
    assert modes == {(True, 0o700), (False, 0o600)}


def test_a_new_host_name_renews_the_servers_certificates_alone(tmp_path: Path) -> None:
    before = contents(installed(tmp_path).secrets)
    after = contents(installed(tmp_path, MICROGRID_HOST_NAMES="box.example, 192.0.2.7").secrets)
    changed = {name for name in after if after[name] != before[name]}
    assert {"mosquitto/server.pem", "mosquitto/server.key", "proxy/server.pem"} <= changed
    assert not {name for name in changed if name.endswith(("ca.pem", "client.pem", ".acl", ".env"))}
    names = x509.load_pem_x509_certificate(after["proxy/server.pem"]).extensions.get_extension_for_class(
        x509.SubjectAlternativeName
    )
    assert {"localhost", "box.example", "192.0.2.7"} <= {str(name.value) for name in names.value}


def test_what_is_configured_anew_starts_anew(tmp_path: Path) -> None:
    before = installed(tmp_path).environment.read_text().splitlines()
    after = installed(tmp_path, MICROGRID_HOST_NAMES="box.example").environment.read_text().splitlines()
    names = {line.partition("=")[0] for line in set(after) - set(before)}
    assert {"MICROGRID_MOSQUITTO_FILES", "MICROGRID_PROXY_FILES"} <= names
    assert "MICROGRID_REDIS_FILES" not in names


def test_a_device_is_named_by_its_place_in_the_topics(tmp_path: Path) -> None:
    authority = Authority.kept_in(tmp_path)
    certificate = x509.load_pem_x509_certificate(authority.device("village-1", "meter-1")[0])
    (name,) = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    assert name.value == "village-1/device/meter-1"
    certificate.verify_directly_issued_by(authority.certificate)


def test_a_name_for_which_a_certificate_has_no_room_is_refused(tmp_path: Path) -> None:
    authority = Authority.kept_in(tmp_path)
    authority.device("g" * 28, "d" * 28)
    with pytest.raises(NameTooLongError):
        authority.device("g" * 28, "d" * 29)


def test_passwords_are_not_in_the_acl_file() -> None:
    passwords = {name: f"password-of-{name}" for name in (*USERS, "admin")}
    text = acl_file(passwords)
    assert not [password for password in passwords.values() if password in text]


@pytest.mark.parametrize("name", ["alert-engine", "notifier", "api"])
def test_dangerous_commands_are_for_nobody_who_does_not_need_them(name: str) -> None:
    rules = USERS[name].rules()
    assert "-@all" in rules
    assert not {"+flushall", "+config", "+keys", "+info", "+xtrim", "+@all", "~*"} & set(rules)


def test_the_api_reads_readings_and_does_not_change_them() -> None:
    rules = USERS["api"].rules()
    assert "%R~readings:*" in rules
    assert "~readings:*" not in rules


SERVICES = YAML(typ="safe").load(HERE / "compose.yaml")["services"]


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_every_container_is_held_within_limits(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    bounded = {"driver": "json-file", "options": {"max-size": "10m", "max-file": "3"}}
    assert service["logging"] == ({"driver": "none"} if name == "setup" else bounded)
    assert service["restart"] == ("no" if name == "setup" else "unless-stopped")
    assert {"mem_limit", "cpus", "pids_limit", "user"} <= service.keys()


def test_only_broker_and_proxy_have_ports_and_those_on_loopback() -> None:
    with_ports = {name: service for name, service in SERVICES.items() if "ports" in service}
    assert {name for name, service in with_ports.items() if "profiles" not in service} == {
        "mosquitto",
        "proxy",
    }
    for service in with_ports.values():
        assert all(
            port.startswith(("${MICROGRID_BIND:-127.0.0.1}:", "127.0.0.1:")) for port in service["ports"]
        )


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files to others")
def test_what_root_makes_is_read_by_containers_that_are_not_root(tmp_path: Path) -> None:
    installation = installed(tmp_path)
    assert "MICROGRID_USER=10001:10001" in installation.environment.read_text()
    assert (installation.secrets / "proxy" / "server.pem").stat().st_uid == 10_001
    assert (installation.secrets / "ca" / "ca.key").stat().st_uid == 0
