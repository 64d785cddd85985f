"""What every implementation of a port must do, as tests to run over each of them.

A suite is a class without fixtures of its own: a test module subclasses it and provides them.
"""
