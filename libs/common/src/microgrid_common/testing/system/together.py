"""Starting several things at the same time, and ending all of them whatever happens."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from typing import TypeVar

T = TypeVar("T")


def enter_together(stack: ExitStack, *managers: AbstractContextManager[T]) -> list[T]:
    """Enter context managers, each in a thread of its own, and give their ends to a stack.

    Raises:
        Exception: the first one's that failed, once all the others were entered; they end with the stack.
    """
    with ThreadPoolExecutor(len(managers)) as pool:
        entering = [pool.submit(manager.__enter__) for manager in managers]
    for manager, entered in zip(managers, entering, strict=True):
        if entered.exception() is None:
            stack.push(manager.__exit__)
    return [entered.result() for entered in entering]


def do_together(*tasks: Callable[[], object]) -> None:
    """Do things, each in a thread of its own.

    Raises:
        Exception: the first one's that failed, once all have ended.
    """
    with ThreadPoolExecutor(len(tasks)) as pool:
        done = [pool.submit(task) for task in tasks]
    for task in done:
        task.result()
