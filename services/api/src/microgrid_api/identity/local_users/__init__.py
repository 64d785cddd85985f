"""Users whom this system knows by a password of its own."""
