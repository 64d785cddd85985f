"""Alarms: conditions, their life, and what becomes of an alert. Pure: no I/O, no clock.

`docs/alarms.md` tells how the parts fit; `documents` holds what is remembered between two readings.
"""
