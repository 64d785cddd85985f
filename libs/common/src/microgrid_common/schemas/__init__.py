"""What travels on the wire: identifiers, topics, payloads, readings, alerts, the metric catalogue.

Everything here is pure data. Golden examples of each form lie in `contracts/golden`.
"""
