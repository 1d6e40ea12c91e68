"""Renders the templates of a pipeline: parameters, custom check queries, intervals. For the plan.

Jinja is imported only when a text is a template: most pipelines have none.
"""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from assets_parser import interval as intervals
from assets_parser import limits
from assets_parser.environment import AssetContext
from assets_parser.faults import DefinitionError, Fault
from assets_parser.suggestions import did_you_mean

if TYPE_CHECKING:
    from assets_parser.sandbox import Sandbox

_SIGNS = ("{{", "{%", "{#")
_LINE_ENDS = re.compile(r"\r\n|\r")
_UNDEFINED = re.compile(r"'([^']+)' is undefined")
_MOST_TEXT = 200_000  # characters of one template


def names(context: AssetContext, values: Mapping[str, Any]) -> dict[str, Any]:
    """The names that a template of the asset may use; `values` are those of `var`."""
    return {
        **_moments(context),
        "pipeline": context.pipeline,
        "run_id": context.run_id,
        "this": context.asset,
        "full_refresh": context.full_refresh,
        "commit_hash": context.commit,
        "schema_prefix": context.schema_prefix,
        "var": dict(values),
    }


def is_template(text: str) -> bool:
    """Whether rendering could change more than the line ends of the text."""
    return any(sign in text for sign in _SIGNS)


class Renderer:
    """Renders texts with the same names; not for several threads at a time."""

    def __init__(self, names: Mapping[str, Any]) -> None:
        self.names = names
        self._sandbox: Sandbox | None = None

    def render(self, text: str, *, file: str = "", line: int = 1, asset: str = "") -> str:
        """The rendered text; `file` and `line` say where it starts, for the DefinitionError."""
        if not is_template(text):
            plain = _LINE_ENDS.sub("\n", text)
            return plain.removesuffix("\n")
        try:
            return self._rendered(text)
        except _Broken as broken:
            fault = Fault(
                rule="template",
                message=broken.message,
                hint=self._hint(broken.message),
                file=file,
                line=line + max(broken.line - 1, 0) if line else 0,
                asset=asset,
            )
            raise DefinitionError([fault]) from None

    def render_value(self, value: Any, *, file: str = "", line: int = 1, asset: str = "") -> Any:
        """A value whose nested texts are rendered and trimmed; keys are not."""
        if isinstance(value, str):
            return self.render(value, file=file, line=line, asset=asset).strip()
        if isinstance(value, Mapping):
            return {
                key: self.render_value(item, file=file, line=line, asset=asset)
                for key, item in value.items()
            }
        if isinstance(value, (list, tuple)):
            return [self.render_value(item, file=file, line=line, asset=asset) for item in value]
        return value

    def _rendered(self, text: str) -> str:
        if len(text) > _MOST_TEXT:
            raise _Broken(f"a template of more than {_MOST_TEXT:,} characters", 0)
        if self._sandbox is None:
            from assets_parser.sandbox import Sandbox  # noqa: PLC0415 - jinja2 takes a while

            self._sandbox = Sandbox()
        self._sandbox.start()
        parts: list[str] = []
        length = 0
        try:
            for part in self._sandbox.compiled(text).generate(self.names):
                length += len(part)
                limits.text(length)
                parts.append(part)
        except Exception as error:  # a template can raise whatever Python's operators raise
            raise _Broken.of(error) from None
        return "".join(parts)

    def _hint(self, message: str) -> str:
        found = _UNDEFINED.search(message)
        return did_you_mean(found[1], self.names) if found else ""


class _Broken(Exception):
    """Why a text cannot be rendered, and in which of its lines (0 if that is not known)."""

    def __init__(self, message: str, line: int) -> None:
        self.message = message
        self.line = line

    @classmethod
    def of(cls, error: Exception) -> "_Broken":
        """What an error of Jinja, or of Python below it, means to the person who wrote the text."""
        if isinstance(error, RecursionError):
            return cls("nested too deep", 0)
        line = getattr(error, "lineno", None) or _line_of(error)
        return cls(getattr(error, "message", "") or str(error) or type(error).__name__, line)


def _line_of(error: Exception) -> int:
    """The line of the template: Jinja puts frames of its own into the traceback."""
    line = 0
    frame = error.__traceback__
    while frame is not None:
        if (
            "__jinja_template__" in frame.tb_frame.f_globals
            or frame.tb_frame.f_code.co_filename
            in (
                "<template>",
                "<unknown>",
            )
        ):
            line = frame.tb_lineno
        frame = frame.tb_next
    return line


def _moments(context: AssetContext) -> dict[str, str]:
    interval = context.interval
    ends = {"start": interval.start, "end": interval.end, "execution": interval.execution}
    formats = {
        "date": intervals.date,
        "date_nodash": intervals.date_nodash,
        "datetime": intervals.date_time,
        "timestamp": intervals.timestamp,
    }
    return {f"{end}_{name}": text(at) for end, at in ends.items() for name, text in formats.items()}
