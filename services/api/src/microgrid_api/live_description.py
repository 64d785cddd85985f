"""What the documentation of the API begins with: how to use it, and the messages of live connections."""

from typing import Final

DESCRIPTION: Final = """\
Live values, alerts and history of a microgrid.

Sign in with `POST /api/login` and send the token as `Authorization: Bearer …` with every other call.
Times are ISO 8601 with milliseconds, in UTC; those of history are on the clock of the grid, with its offset.
An error is JSON with `detail`.

Live data comes over a WebSocket at `/api/live`, with the token in the `Authorization` header or, for a
browser, as `/api/live?token=…`. The server sends JSON messages:

| `type` | what | fields |
| --- | --- | --- |
| `snapshot` | first, the state as it is | `readings`: metric → `value`, `time`, `device_id`; \
`alerts`, the newest 500, and `more_alerts` if there are more |
| `reading` | new values; a slow client gets only the latest ones | `readings`, as in `snapshot` |
| `alert` | everything that happens to an alert, nothing left out | `transition`, `event`, `state`, `at`, \
`alert` |
| `device` | a device came, went, fell silent or was heard again | `device_id`, `change`, `at`, and how it \
stands now: `connected`, `stale`, `last_seen` |
| `heartbeat` | every 15 s | |

Of an `alert` message, `transition` says what it means for the list of active alerts. `raised`: add the
alert. `cleared`: take it away. `changed`: leave the list as it is. An alert that is shelved, suppressed or
taken out of service is `cleared`; when that ends while the alarm lasts, it is `raised` again under the same
id. So a client that knows only these two and passes over others shows the right list. `event` says what
happened: `raised`, `cleared`, `returned`, `acknowledged`, `shelved`, `unshelved`, `suppressed`,
`unsuppressed`, `taken_out_of_service`, `returned_to_service`, `superseded`, `noted` or `assigned`; `state`
says where the alarm stands since then. `GET /api/alerts/{grid_id}/{alert_id}` has the rest.

A value in `readings` that is further from the device's value before than is believable has
`"implausible_step": true`.

It closes with 4401 (sign in again), 4404 (no such grid for you), 4403 (a web page of another origin), 1013
(come back later: too many clients, a client that fell behind, or a store that is away) or 1012 (the server
restarts).
"""
