"""What every `EvaluationProgress` must do."""

from datetime import UTC, datetime, timedelta

from microgrid_common.ports.evaluation_progress import EvaluationProgress, RuleOnDevice

_T0 = datetime(2026, 11, 23, 10, 0, 0, 123_456, tzinfo=UTC)


class EvaluationProgressContract:
    """Needs a fixture `progress`: an `EvaluationProgress` with nothing in it."""

    async def test_it_begins_empty(self, progress: EvaluationProgress) -> None:
        """A new system has judged nothing."""
        assert await progress.load() == {}

    async def test_what_was_saved_is_loaded(self, progress: EvaluationProgress) -> None:
        """To the microsecond, whatever a rule is called."""
        saved = {
            RuleOnDevice("village", "meter", "overload"): _T0,
            RuleOnDevice("village", "meter", "device:0a1b"): _T0 + timedelta(seconds=1),
        }
        await progress.save(saved)
        assert await progress.load() == saved

    async def test_saving_changes_only_what_is_named(self, progress: EvaluationProgress) -> None:
        """The rest stays."""
        first, second = RuleOnDevice("g", "d", "one"), RuleOnDevice("g", "d", "two")
        await progress.save({first: _T0, second: _T0})
        await progress.save({second: _T0 + timedelta(days=1)})
        await progress.save({})
        assert await progress.load() == {first: _T0, second: _T0 + timedelta(days=1)}
