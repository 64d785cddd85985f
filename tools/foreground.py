"""Run a program in the terminal's foreground, apart from the `make` that starts it.

Ctrl-C then reaches the program alone: it stops in order, and `make` ends with the program's own exit code
and not with an error message of its own.
"""

import os
import signal
import sys


def main() -> None:
    """Become the program given on the command line."""
    if sys.stdin.isatty() and os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp():
        # The terminal stops a background process that takes the foreground, unless it ignores this.
        signal.signal(signal.SIGTTOU, signal.SIG_IGN)
        os.setpgid(0, 0)
        os.tcsetpgrp(sys.stdin.fileno(), os.getpid())
        signal.signal(signal.SIGTTOU, signal.SIG_DFL)
        # Ctrl-Z would stop the program and leave make and the shell waiting for it for ever.
        signal.signal(signal.SIGTSTP, signal.SIG_IGN)
    os.execv(sys.argv[1], sys.argv[1:])


if __name__ == "__main__":
    main()
