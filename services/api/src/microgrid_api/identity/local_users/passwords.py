"""Passwords: how they are hashed, and which are accepted."""

import asyncio
from typing import Final

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

SHORTEST_PASSWORD: Final = 10
LONGEST_PASSWORD: Final = 256
"""Characters: more than anybody types, and a bound on the work of hashing."""


class WeakPasswordError(ValueError):
    """A new password is refused; the message says what is needed."""


class Passwords:
    """Hashes and verifies passwords with Argon2id, off the event loop, a few at a time.

    Args:
        hasher: None: with the parameters that `pwdlib` recommends.
        at_once: how many may be hashed at the same time: each takes 64 MB.
    """

    def __init__(self, hasher: Argon2Hasher | None = None, *, at_once: int = 2) -> None:
        self._hash = PasswordHash((hasher or Argon2Hasher(),))
        self._room = asyncio.Semaphore(at_once)
        self._nobodys: str | None = None

    async def hash(self, password: str) -> str:
        """The hash of a password, with its own salt."""
        async with self._room:
            return await asyncio.to_thread(self._hash.hash, password)

    async def verify(self, password: str, password_hash: str | None) -> bool:
        """Whether it is the password of that hash; with None, False after the same time.

        So the time does not tell whether there is a user of some name.
        """
        if len(password) > LONGEST_PASSWORD or not _is_text(password):
            password, password_hash = "", None
        if password_hash is None:
            self._nobodys = self._nobodys or await self.hash("nobody's")
        async with self._room:
            right = await asyncio.to_thread(self._hash.verify, password, password_hash or self._nobodys or "")
        return right and password_hash is not None


def check_new_password(password: str, *, username: str) -> None:
    """Refuse what is easily guessed.

    Raises:
        WeakPasswordError: it is too short or too long, or is made from the user's name.
    """
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD or not _is_text(password):
        raise WeakPasswordError(f"Allowed: {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters")
    if len(set(password)) < 4 or username in password.lower():  # noqa: PLR2004 - as in "aaaaaaaaaa"
        raise WeakPasswordError("Not the user name, and not one character again and again")


def _is_text(password: str) -> bool:
    # JSON can say half of a character, which no keyboard does.
    try:
        password.encode()
    except UnicodeEncodeError:
        return False
    return True
