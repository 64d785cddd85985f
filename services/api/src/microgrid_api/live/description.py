"""What the documentation of the API begins with: how to use it, and the messages of live connections."""

from typing import Final

DESCRIPTION: Final = """\
Live values, alerts and history of a microgrid.

Sign in with `POST /api/login` and send the token as `Authorization: Bearer …` with every other call.
Times are ISO 8601 with milliseconds, in UTC; those of history are on the clock of the grid, with its offset.
An error is JSON with `detail`.

## Live data of a grid

Live data comes over a WebSocket at `/api/live/{grid_id}`, or as server-sent events from
`GET /api/live/{grid_id}/events`, with the token in the `Authorization` header or, for a browser, as
`?token=…`. Both send the same JSON messages; events also have `type` as their name and `cursor` as their id.

| `type` | what | fields |
| --- | --- | --- |
| `snapshot` | first, the state as it is | `readings`: metric → `value`, `time`, `device_id`; `alerts`, as \
in `GET /api/alerts/{grid_id}`, the newest 200, and `more_alerts`; `devices`: `device_id`, `connected`, \
`stale`, `last_seen`, the first 1,000, and `more_devices` |
| `reading` | new values; what a slow client cannot take is left out, but never the newest | `readings` |
| `devices` | devices that came, went, fell silent or were heard again, as they stand now | `devices` |
| `alert` | everything that happens to an alert, each once and in order | `transition`, `event`, `state`, \
`at`, `by`, `alert` |
| `heartbeat` | every 15 s | `connected`: whether the server hears of news at once |
| `resumed` | first, to a client that comes back by its cursor | `readings`, `devices`, `more_devices` |
| `gap` | alerts may be missing; a `snapshot` follows | `reason`: `trimmed`, `malformed` or `foreign`; \
`since`; `refetch`: a list of `part` and `endpoint` |
| `renewed`, `renewal_refused` | the answer to a token | `expires_at` |

`snapshot`, `resumed`, `reading`, `devices`, `alert` and `heartbeat` carry a `cursor`. Keep the last one, and
come back with `?cursor=…`, or for events with `Last-Event-ID`, as browsers do. It holds at every replica and
after restarts. You get `resumed` with the newest readings and links, then as `alert` messages every one that
you missed, then what comes. If the log does not go back so far, or the cursor is not one for this grid, you
get `gap` instead, and then a `snapshot`; `refetch` says where to find what neither tells.

Over the WebSocket you may send `{"type": "renew", "token": "…"}` with a new token of the same user before the
old one ends. Tokens are looked at with each heartbeat. Messages of yours are at most 8,192 characters, and
10 in 10 s. Of more than 1,000 alerts that wait for you the server drops none, but closes with 1013: come back
by your cursor. It also closes with 4401 (sign in again), 4404 (no such grid for you), 4403 (a web page of
another origin), 1008 (a message that is not understood), 1013 (come back later: too many clients, a client
that takes nothing, or a store that is away) or 1012 (the server restarts). Events end with one named `end`,
which has the `code` and the `reason`.

## Live data of the default grid, as the prototype has it

Without a cursor, over a WebSocket at `/api/live`:

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

## What the messages mean

Of an `alert` message, `transition` says what it means for the list of active alerts. `raised`: add the
alert. `cleared`: take it away. `changed`: leave the list as it is. An alert that is shelved, suppressed or
taken out of service is `cleared`; when that ends while the alarm lasts, it is `raised` again under the same
id. So a client that knows only these two and passes over others shows the right list. `event` says what
happened: `raised`, `cleared`, `returned`, `acknowledged`, `shelved`, `unshelved`, `suppressed`,
`unsuppressed`, `taken_out_of_service`, `returned_to_service`, `superseded`, `noted` or `assigned`; `state`
says where the alarm stands since then. `GET /api/alerts/{grid_id}/{alert_id}` has the rest.

A value in `readings` that is further from the device's value before than is believable has
`"implausible_step": true`.
"""
