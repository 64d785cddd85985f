"""Alarms, their rules and whom they are told, as clients see them."""
