"""Fail when a source file has become too long to be read in one go.

Counts the lines of every file that git tracks or would track. A file that has to be longer is named in
EXCEPTIONS, with its own limit and the reason.
"""

import subprocess
import sys
from pathlib import Path, PurePosixPath

PATTERNS = ("*.py", "*.dart")
SOURCE_LINES = 300
TEST_LINES = 400
TEST_DIRECTORIES = {"tests", "test", "testing", "integration_test"}
EXCEPTIONS: dict[str, int] = {}


def limit_of(path: str) -> int:
    """Return how many lines a file may have."""
    directories = PurePosixPath(path).parts[:-1]
    # The library's own `testing` package is source: others build on it.
    is_test = bool(TEST_DIRECTORIES.intersection(directories)) and "src" not in directories
    return EXCEPTIONS.get(path, TEST_LINES if is_test else SOURCE_LINES)


def files() -> list[str]:
    """List the files that git tracks or does not ignore."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *PATTERNS],
        capture_output=True,
        text=True,
        check=True,
    )
    return sorted({path for path in listing.stdout.split("\0") if path and Path(path).is_file()})


def main() -> int:
    """Name the files that are too long; the exit code is 1 if there are any."""
    too_long = 0
    checked = files()
    for path in checked:
        lines = len(Path(path).read_bytes().splitlines())
        if lines > limit_of(path):
            print(f"{path}: {lines} lines, at most {limit_of(path)}: split it")
            too_long += 1
    print(f"file size: {len(checked)} files, {too_long} too long")
    return 1 if too_long else 0


if __name__ == "__main__":
    sys.exit(main())
