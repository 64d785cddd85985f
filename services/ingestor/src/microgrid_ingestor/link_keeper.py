"""Keeps the link of each device: who is connected, who was heard when, who has gone silent."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from functools import partial

import structlog

from microgrid_common.ports.durable_log import Record
from microgrid_common.ports.errors import RetryableError
from microgrid_common.ports.link_store import DeviceKey, LinkStore, LinkWrite
from microgrid_common.ports.message_source import MessageSource
from microgrid_common.runtime import metrics
from microgrid_common.runtime.backoff import until_it_works
from microgrid_common.schemas.device_link import DeviceLink, LinkEvent
from microgrid_common.schemas.presence import DevicePresence
from microgrid_common.schemas.streams import LINK_KIND, readings_stream_of
from microgrid_common.transforms.link_rules import LinkRules, LinkWatch
from microgrid_common.transforms.link_steps import Sighting, Step, heard, said, silent
from microgrid_ingestor.device_directory import DeviceDirectory

log = structlog.get_logger()

ROUND_EVERY = timedelta(seconds=1)
"""How often what was heard is written down, and how late silence may be noticed."""

_LINKS_PER_CALL = 500
"""One call stays a few milliseconds of Redis' time."""

_HICCUP = timedelta(seconds=5)
"""Rounds further apart than this mean that Redis or this process stood still: nobody listened."""

Take = Callable[[DeviceLink | None], Step]


class LinkKeeper:
    """Takes what comes of devices, and what does not, into their links.

    Any number of replicas do so together: each change is decided on what was read, and made only if nobody
    was quicker; then it is decided anew.

    Args:
        links: where they are kept.
        directory: knows how often a device should report.
        rules: how long to wait before something is believed.
        shards: into how many streams the readings are divided; changes are told there.
        clock: the time, aware.
    """

    def __init__(
        self,
        links: LinkStore,
        directory: DeviceDirectory,
        *,
        rules: LinkRules,
        shards: int,
        clock: Callable[[], datetime],
    ) -> None:
        self._links = links
        self._directory = directory
        self._rules = rules
        self._shards = shards
        self._clock = clock
        self._heard: dict[DeviceKey, Sighting] = {}
        self._listening_since: datetime | None = None
        self._looked_at: datetime | None = None

    def note(self, sightings: Iterable[Sighting]) -> None:
        """Remember what was heard until the next round writes it down."""
        for sighting in sightings:
            key = (sighting.grid_id, sighting.device_id)
            if earlier := self._heard.get(key):
                sighting = sighting.joined(earlier)  # noqa: PLW2901 - the same, and more
            self._heard[key] = sighting

    async def take(self, reports: Iterable[DevicePresence]) -> None:
        """Take in births and last wills; they are kept when it returns. Waits for the store, never fails."""
        by_device: dict[DeviceKey, list[DevicePresence]] = defaultdict(list)
        for report in reports:
            by_device[report.grid_id, report.device_id].append(report)
        try:
            await self._change({key: partial(_all_said, said) for key, said in by_device.items()})
        except Exception:
            # Readings do not wait for what is wrong with links: silence and the next message tell, too.
            log.exception("device_reports_failed", devices=len(by_device))

    async def run(self, source: MessageSource) -> None:
        """Make rounds until cancelled.

        Args:
            source: where messages come from; while it is away silence says nothing.
        """
        while True:
            await self.make_round(listening=await _is_there(source))
            await asyncio.sleep(ROUND_EVERY.total_seconds())

    async def make_round(self, *, listening: bool) -> None:
        """Write down what was heard, then look at those that were not.

        Args:
            listening: whether messages can arrive now.
        """
        self._note_listening(listening=listening)
        heard_now, self._heard = self._heard, {}
        await self._change(
            {key: partial(_heard, sighting, self._rules) for key, sighting in heard_now.items()}
        )
        # Writing may have waited for Redis.
        self._note_listening(listening=listening)
        if self._listening_since is not None:
            await self._look_at_silence(self._listening_since)

    def _note_listening(self, *, listening: bool) -> None:
        now = self._clock()
        stood_still = now - (self._looked_at or now) > _HICCUP
        self._looked_at = now
        if not listening:
            self._listening_since = None
        elif self._listening_since is None or stood_still:
            # Devices that come back after an outage take their time, too.
            self._listening_since = now + self._rules.settling

    async def _look_at_silence(self, listening_since: datetime) -> None:
        while True:
            now = self._clock()
            due = await until_it_works(
                lambda: self._links.due(now, limit=_LINKS_PER_CALL),  # noqa: B023 - awaited here
                dependency="redis",
            )
            await self._change({key: partial(_silent, now, self._watch(key, listening_since)) for key in due})
            if len(due) < _LINKS_PER_CALL:
                return

    async def _change(self, wanted: Mapping[DeviceKey, Take]) -> None:
        remaining = list(wanted)
        while remaining:
            keys = remaining[:_LINKS_PER_CALL]
            done = await until_it_works(partial(self._try_to_change, keys, wanted), dependency="redis")
            remaining = [key for key in keys if key not in done] + remaining[_LINKS_PER_CALL:]

    async def _try_to_change(self, keys: list[DeviceKey], wanted: Mapping[DeviceKey, Take]) -> set[DeviceKey]:
        """Change links; returns those that nobody else changed meanwhile."""
        links = await self._links.get_many(keys)
        steps = {key: wanted[key](links.get(key)) for key in keys}
        unchanged = {key for key, step in steps.items() if key in links and step.link is links[key]}
        writes = [
            self._write(key, links.get(key), step) for key, step in steps.items() if key not in unchanged
        ]
        made = await self._links.apply(writes)
        changed = {write.key for write, was_made in zip(writes, made, strict=True) if was_made}
        for key in changed:
            for event in steps[key].events:
                _tell(event)
        return changed | unchanged

    def _write(self, key: DeviceKey, before: DeviceLink | None, step: Step) -> LinkWrite:
        stream = readings_stream_of(key[0], self._shards)
        link = step.link
        since = self._listening_since or self._clock()
        return LinkWrite(
            key,
            before.revision if before else 0,
            link,
            self._watch(key, since).look_again_at(link) if link else None,
            tuple(Record(stream, LINK_KIND, event.model_dump_json().encode()) for event in step.events),
        )

    def _watch(self, key: DeviceKey, listening_since: datetime) -> LinkWatch:
        device = self._directory.devices.get(key)
        return LinkWatch(rules=self._rules, device=device, listening_since=listening_since)


async def _is_there(source: MessageSource) -> bool:
    try:
        await source.ping()
    except RetryableError:
        return False
    return True


def _heard(sighting: Sighting, rules: LinkRules, link: DeviceLink | None) -> Step:
    return heard(link, sighting, rules)


def _all_said(reports: list[DevicePresence], link: DeviceLink | None) -> Step:
    events: list[LinkEvent] = []
    for report in reports:
        step = said(link, report)
        link = step.link
        events.extend(step.events)
    return Step(link, tuple(events))


def _silent(now: datetime, watch: LinkWatch, link: DeviceLink | None) -> Step:
    return silent(link, now, watch) if link else Step(None)


def _tell(event: LinkEvent) -> None:
    metrics.LINK_CHANGES.labels(change=event.change.value).inc()
    log.info(
        "device_link_changed", change=event.change.value, grid_id=event.grid_id, device_id=event.device_id
    )
