"""What `make restore` does."""

import subprocess
import sys
from pathlib import Path

from deploy.compose.backup import STANDARD_OUTPUT, require_room
from deploy.compose.backup_file import BackupError
from deploy.compose.one_at_a_time import BusyError, one_at_a_time
from deploy.compose.restore import BEFORE, restore
from deploy.compose.up import SETTINGS, Deployment, this_deployment, what_docker_lacks


def what_is_there(project: str) -> list[str]:
    """The names of the containers of a compose project, also of those that only wait for Docker to start."""
    label = f"label=com.docker.compose.project={project}"
    asked = ("docker", "ps", "--all", "--filter", label, "--format", "{{.Names}}")
    return subprocess.run(asked, check=True, capture_output=True, text=True).stdout.split()


def _restore_from(deployment: Deployment, told: str, *, over: bool) -> str:
    if problem := what_docker_lacks():
        raise BackupError(problem)
    if running := what_is_there(deployment.project):
        raise BackupError(f"{running[0]} is there: make down first")
    state = deployment.installation.state
    if told == STANDARD_OUTPUT:
        head = restore(sys.stdin.buffer, state, SETTINGS, over=over)
    else:
        path = Path(told).expanduser()
        with path.open("rb") as file:
            require_room(state, path.stat().st_size)
            head = restore(file, state, SETTINGS, over=over)
    before = state / BEFORE
    kept = f"\n  What was there before is in {before}: remove it when all is well" if before.exists() else ""
    return f"The system of {head.made_at} is in place. make up starts it{kept}"


def main() -> int:
    """Restore from the file that is named, or standard input (`-`); `yes` after it allows to replace."""
    deployment = this_deployment()
    told, *more = sys.argv[1:]
    try:
        with one_at_a_time(deployment.installation.state):
            done = _restore_from(deployment, told, over=more == ["yes"])
    except (BackupError, BusyError, OSError, subprocess.CalledProcessError) as error:
        print(f"make restore: {error}; nothing has changed", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("make restore: interrupted; make restore again", file=sys.stderr)
        return 130
    print(f"  {done}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
