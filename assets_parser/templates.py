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
from assets_parser.sql_helpers import SqlHelpers
from assets_parser.suggestions import did_you_mean

if TYPE_CHECKING:
    from assets_parser.included import Included
    from assets_parser.macros import Macros
    from assets_parser.sandbox import Sandbox

_SIGNS = ("{{", "{%", "{#")
_LINE_ENDS = re.compile(r"\r\n|\r")
_UNDEFINED = re.compile(r"'([^']+)' is undefined")
_MACROS = "<macros>"  # the name of the macros' template in tracebacks
_TOO_DEEP = (RecursionError, MemoryError, SyntaxError)  # the last two are Python's compiler's
_TEMPLATES = ("<template>", "<unknown>", _MACROS)


def names(context: AssetContext, values: Mapping[str, Any], dialect: str = "") -> dict[str, Any]:
    """The names that a template of the asset may use; `values` are those of `var`.

    `dialect` is that of the SQL which the helpers under `bruin` write.
    """
    return {
        **_moments(context),
        "pipeline": context.pipeline,
        "run_id": context.run_id,
        "this": context.asset,
        "full_refresh": context.full_refresh,
        "commit_hash": context.commit,
        "schema_prefix": context.schema_prefix,
        "var": dict(values),
        "bruin": SqlHelpers(dialect),
    }


def is_template(text: str) -> bool:
    """Whether rendering could change more than the line ends of the text."""
    return any(sign in text for sign in _SIGNS)


class Renderer:
    """Renders texts with the same names; not for several threads at a time."""

    def __init__(
        self,
        names: Mapping[str, Any],
        macros: "Macros | None" = None,
        included: "Included | None" = None,
    ) -> None:
        self.names = names
        self.macros = macros
        self.included = included
        self._sandbox: Sandbox | None = None
        self._all: Mapping[str, Any] | None = None  # with what the macros define

    def render(self, text: str, *, file: str = "", line: int = 1, asset: str = "") -> str:
        """The rendered text; `file` and `line` say where it starts, for the DefinitionError."""
        if not is_template(text):
            plain = _LINE_ENDS.sub("\n", text)
            return plain.removesuffix("\n")
        try:
            return self._rendered(text)
        except _Broken as broken:
            place = file, line + max(broken.line - 1, 0) if line else 0
            if broken.in_macros and self.macros:
                place = self.macros.place(broken.line)
            fault = Fault(
                rule="template",
                message=broken.message,
                hint=self._hint(broken.message),
                file=place[0],
                line=place[1],
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
        if len(text) > limits.MOST_TEMPLATE:
            raise _Broken(f"a template of more than {limits.MOST_TEMPLATE:,} characters", 0)
        if self._sandbox is None:
            from assets_parser.sandbox import Sandbox  # noqa: PLC0415 - jinja2 takes a while

            self._sandbox = Sandbox()
        scope = self._scope(self._sandbox)
        self._sandbox.start()
        parts: list[str] = []
        length = 0
        try:
            for part in self._sandbox.compiled(text, included=self.included).generate(scope):
                length += len(part)
                limits.text(length)
                parts.append(part)
        except Exception as error:  # a template can raise whatever Python's operators raise
            raise _Broken.of(error) from None
        return "".join(parts)

    def _scope(self, sandbox: "Sandbox") -> Mapping[str, Any]:
        """The names, and what the macros define with them."""
        if self._all is None:
            self._all = self.names
            if self.macros:
                self._all = {**self._exported(sandbox, self.macros), **self.names}
        return self._all

    def _exported(self, sandbox: "Sandbox", macros: "Macros") -> dict[str, Any]:
        if len(macros.text) > limits.MOST_TEMPLATE:
            raise _Broken(
                f"macros of more than {limits.MOST_TEMPLATE:,} characters", 1, in_macros=True
            )
        sandbox.start()
        try:
            return sandbox.exported(sandbox.compiled(macros.text, _MACROS), self.names)
        except Exception as error:  # see _rendered
            raise _Broken.of(error, in_macros=True) from None

    def _hint(self, message: str) -> str:
        found = _UNDEFINED.search(message)
        return did_you_mean(found[1], self.names) if found else ""


class _Broken(Exception):
    """Why a text cannot be rendered, and in which of its lines (0 if that is not known)."""

    def __init__(self, message: str, line: int, *, in_macros: bool = False) -> None:
        self.message = message
        self.line = line
        self.in_macros = in_macros

    @classmethod
    def of(cls, error: Exception, *, in_macros: bool = False) -> "_Broken":
        """What an error of Jinja, or of Python below it, means to the person who wrote the text."""
        if isinstance(error, _TOO_DEEP):
            return cls("nested too deep", 0, in_macros=in_macros)
        message = getattr(error, "message", "") or str(error) or type(error).__name__
        if line := getattr(error, "lineno", None):
            return cls(message, line, in_macros=in_macros)
        file, line = _place_of(error)
        return cls(message, line, in_macros=in_macros or file == _MACROS)


def _place_of(error: Exception) -> tuple[str, int]:
    """The template and its line: Jinja puts frames of its own into the traceback."""
    place = ("", 0)
    frame = error.__traceback__
    while frame is not None:
        file = frame.tb_frame.f_code.co_filename
        if "__jinja_template__" in frame.tb_frame.f_globals or file in _TEMPLATES:
            place = (file, frame.tb_lineno)
        frame = frame.tb_next
    return place


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
