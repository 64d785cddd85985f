"""The program that ends test servers when the test run itself was killed.

It is started by `cleanup.py`, reads from its standard input what must not outlive the test run, and acts
when that input ends, which happens however the run dies. It runs as a plain file: standard library only,
except for testcontainers when there were containers.
"""

import contextlib
import os
import shutil
import signal
import sys
import time

_LATE_CONTAINER_SECONDS = 1.0


def main() -> None:
    """Keep the list of what is alive until the input ends, then end all of it."""
    kept: set[tuple[str, str]] = set()
    for line in sys.stdin:
        action, kind, name = line.rstrip("\n").split(" ", 2)
        if action == "keep":
            kept.add((kind, name))
        else:
            kept.discard((kind, name))
    for kind, name in sorted(kept, key=_processes_first):
        if kind == "process":
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(int(name), signal.SIGKILL)
        elif kind == "directory":
            shutil.rmtree(name, ignore_errors=True)
        elif kind == "containers":
            _remove_containers(label=name)


def _processes_first(entry: tuple[str, str]) -> int:
    return 0 if entry[0] == "process" else 1


def _remove_containers(label: str) -> None:
    from testcontainers.core.docker_client import DockerClient  # noqa: PLC0415 - only if there were any

    client = DockerClient().client
    # The engine may still be creating a container that the dying run had just asked for.
    for pause in (_LATE_CONTAINER_SECONDS, 0.0):
        for container in client.containers.list(all=True, filters={"label": label}):
            with contextlib.suppress(Exception):
                container.remove(force=True, v=True)
        time.sleep(pause)
    for network in client.networks.list(filters={"label": label}):
        with contextlib.suppress(Exception):
            network.remove()
    client.close()


if __name__ == "__main__":
    main()
