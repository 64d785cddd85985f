"""Who calls, what they may do, and what is on record about it."""
