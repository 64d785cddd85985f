"""Tells people about alarms: whom, through which channels, when, and never twice."""
