"""The path of a message from bytes to readings: decode, validate, clean, convert, enrich.

Pure functions: what they need (the receive time, the device registry) comes in as arguments.
"""
