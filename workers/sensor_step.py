"""The sensor step. Called by workers.steps."""

from workers.context import StepContext, StepResult
from workers.errors import StepFailed


def run(context: StepContext) -> StepResult:
    """Not there yet."""
    raise StepFailed("config", "the sensor step is not there yet")
