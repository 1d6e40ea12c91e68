"""Rules about pipeline.yml: schedule, dates, numbers, variables."""

import datetime
import re
from collections.abc import Iterator, Mapping

from assets_parser.cron import check_schedule
from assets_parser.faults import Fault
from assets_parser.model import Pipeline
from assets_parser.rules.notifications import problems
from assets_parser.rules.places import at_pipeline

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def check(pipeline: Pipeline) -> Iterator[Fault]:
    """Faults of the pipeline file itself."""
    yield from _schedule(pipeline)
    yield from _numbers(pipeline)
    yield from _variables(pipeline)
    for message in problems(pipeline.notifications):
        field = "notifications"
        yield at_pipeline(pipeline, "valid-pipeline-notifications", message, field=field)


def is_date(text: str) -> bool:
    """Whether the text is a day of the calendar, written YYYY-MM-DD."""
    try:
        return bool(_DATE.fullmatch(text) and datetime.date.fromisoformat(text))
    except ValueError:
        return False


def _schedule(pipeline: Pipeline) -> Iterator[Fault]:
    try:
        check_schedule(pipeline.schedule)
    except ValueError as error:
        message = f"schedule '{pipeline.schedule}' cannot be read: {error}"
        hint = "write five cron fields, or a word such as daily or hourly"
        yield at_pipeline(pipeline, "valid-pipeline-schedule", message, field="schedule", hint=hint)
    if pipeline.start_date and not is_date(pipeline.start_date):
        message = f"start_date '{pipeline.start_date}' is not a date"
        hint = "write it as YYYY-MM-DD"
        yield at_pipeline(
            pipeline, "valid-pipeline-start-date", message, field="start_date", hint=hint
        )


def _numbers(pipeline: Pipeline) -> Iterator[Fault]:
    if pipeline.concurrency <= 0:
        message = f"concurrency must be above 0, it is {pipeline.concurrency}"
        yield at_pipeline(pipeline, "valid-pipeline-concurrency", message, field="concurrency")
    if pipeline.max_active_steps is not None and pipeline.max_active_steps <= 0:
        message = f"max_active_steps must be above 0, it is {pipeline.max_active_steps}"
        field = "max_active_steps"
        yield at_pipeline(pipeline, "valid-pipeline-max-active-steps", message, field=field)
    if 0 != pipeline.default_timeout < 1:
        message = "a default timeout below one second stops every asset before it has begun"
        yield at_pipeline(pipeline, "valid-timeout", message, field="default.timeout")


def _variables(pipeline: Pipeline) -> Iterator[Fault]:
    for name, schema in pipeline.variables.items():
        if not isinstance(schema, Mapping) or "default" not in schema:
            message = f"variable '{name}' has no default"
            field = f"variables.{name}"
            hint = "add a default; null is one, too"
            yield at_pipeline(pipeline, "valid-variables", message, field=field, hint=hint)
