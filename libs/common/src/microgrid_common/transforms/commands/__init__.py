"""Commands to devices, as pure functions.

`parameters` checks what somebody wants against the catalogue, and `steps` says how a command comes from state
to state.
"""
