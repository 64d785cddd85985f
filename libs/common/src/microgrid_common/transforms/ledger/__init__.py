"""The ledger: what becomes of a device's numbers, as pure functions.

`news` gathers what an entry of the log says of each device, `transitions` adds that to the device's ledger,
and `asking` decides what to ask back.
"""
