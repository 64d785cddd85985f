"""Devices, their ledgers, messages in quarantine and commands, as clients see them."""
