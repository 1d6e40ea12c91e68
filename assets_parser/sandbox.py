"""The Jinja environment for hostile templates: no files, nothing of Python's, limited work.

Only assets_parser.templates makes one, and only for a text that is a template.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import wraps
from typing import Any

from jinja2 import (
    StrictUndefined,
    Template,
    TemplateSyntaxError,
    Undefined,
    nodes,
    pass_context,
    pass_environment,
)
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

from assets_parser import limits
from assets_parser.date_filters import FILTERS
from assets_parser.limits import TooMuch

_COUNTED = "_counted"
_JOINED = "_joined"
_STATIC = "_static"
_LONG = 100  # characters of a template's own text that a loop may repeat unseen
_PADDING_FILTERS = ("center", "indent", "batch", "slice", "wordwrap", "round")
_PADDING_METHODS = frozenset({"center", "ljust", "rjust", "zfill", "expandtabs"})
_FORMATS = frozenset({"format", "format_map"})


class Sandbox(ImmutableSandboxedEnvironment):
    """Jinja as Bruin's templates know it, one rendering at a time; `start` resets its limits."""

    intercepted_binops = frozenset({"+", "*", "**", "%"})

    def __init__(self) -> None:
        super().__init__(undefined=StrictUndefined, finalize=_printed, autoescape=False)
        self.work = self.printed = 0
        self.filters.update(FILTERS)
        self.filters.update({name: _padded(self.filters[name]) for name in _PADDING_FILTERS})
        self.filters["join"] = _join(self.filters["join"])
        self.filters["replace"] = _replace(self.filters["replace"])
        self.filters["format"] = _format(self.filters["format"])
        self.filters["default"] = self.filters["d"] = _default
        self.filters[_COUNTED] = _counted
        self.filters[_JOINED] = _joined
        self.filters[_STATIC] = _static
        del self.globals["lipsum"]
        self.policies["json.dumps_kwargs"] = {"sort_keys": True, "separators": (",", ":")}

    def start(self) -> None:
        """Begin a rendering with its full allowance."""
        self.work = self.printed = 0

    def spend(self) -> None:
        """Count one loop pass or call; TooMuch at the limit."""
        self.work += 1
        if self.work > limits.MOST_WORK:
            raise TooMuch(f"more than {limits.MOST_WORK:,} loop passes and calls")

    def compiled(self, text: str, file: str = "") -> Template:
        """The template, ready to render; TemplateSyntaxError also for include and import."""
        tree = _Counting().visit(self.parse(text))
        if not file:
            return self.from_string(tree)
        code = self.compile(tree, filename=file)
        return Template.from_code(self, code, self.make_globals(None))

    def exported(self, template: Template, names: Mapping[str, Any]) -> dict[str, Any]:
        """The macros and values that a template defines; what it prints is dropped."""
        context = template.new_context(dict(names))
        try:
            for _ in template.root_render_func(context):
                pass
        except Exception:
            self.handle_exception()  # the same error, with the template's lines
        return {name: context.vars[name] for name in context.exported_vars}

    def call(self, context: Any, obj: Any, /, *args: Any, **kwargs: Any) -> Any:
        """A call from a template: counted, and no text of absurd length."""
        self.spend()
        method = getattr(obj, "__wrapped__", obj)  # Jinja wraps str.format in a safe one
        owner = getattr(method, "__self__", None)
        if isinstance(owner, str):
            _check_method(owner, method.__name__, args, kwargs)
        return super().call(context, obj, *args, **kwargs)

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """`+`, `*`, `**` and `%`, unless the result would be huge."""
        if operator == "+":
            limits.added(left, right)
        elif operator == "*":
            limits.multiplied(left, right)
        elif operator == "**":
            limits.raised(left, right)
        elif isinstance(left, str):
            limits.percent_format(left, right)
        return super().call_binop(context, operator, left, right)


class _Counting(NodeTransformer):
    """Makes loops, `~` and long text go through filters that count; refuses what reads files."""

    def visit_For(self, node: nodes.For) -> nodes.Node:
        node.iter = _filtered(node.iter, _COUNTED)
        return self.generic_visit(node)

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:
        self.generic_visit(node)
        items = nodes.List(node.nodes, lineno=node.lineno)
        return _filtered(items, _JOINED)

    def visit_TemplateData(self, node: nodes.TemplateData) -> nodes.Node:
        if len(node.data) <= _LONG:
            return node
        return _filtered(nodes.Const(node.data, lineno=node.lineno), _STATIC)

    def visit_Include(self, node: nodes.Node) -> nodes.Node:
        word = type(node).__name__.lower().removeprefix("from")
        raise TemplateSyntaxError(f"'{word}' is not allowed: a template stands alone", node.lineno)

    visit_Import = visit_FromImport = visit_Extends = visit_Include


def _filtered(node: nodes.Node, name: str) -> nodes.Filter:
    return nodes.Filter(node, name, [], [], None, None, lineno=node.lineno)


@pass_environment
def _printed(environment: Sandbox, value: Any) -> Any:
    """What stands for a value in the output, whose length is counted inside of macros too."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else str(value)
    environment.printed += len(text)
    limits.text(environment.printed)
    return value


def _default(value: Any, default_value: Any = "", boolean: bool = False) -> Any:
    """Jinja's default, which in Bruin also replaces None."""
    is_missing = isinstance(value, Undefined) or value is None
    return default_value if is_missing or (boolean and not value) else value


@pass_environment
def _counted(environment: Sandbox, items: Iterable[Any]) -> Iterator[Any]:
    for item in items:
        environment.spend()
        yield item


@pass_context  # so that the compiler does not compute it once and for all
def _static(context: Any, text: str) -> str:
    return text


def _joined(items: list[Any]) -> str:
    texts = [str(item) for item in items]
    limits.joined(texts)
    return "".join(texts)


def _check_method(owner: str, method: str, args: Any, kwargs: Any) -> None:
    if method in _PADDING_METHODS:
        limits.padding(args)
    elif method in _FORMATS:
        limits.brace_format(owner, (*args, *kwargs.values()))
    elif method == "join" and args and isinstance(args[0], (list, tuple)):
        limits.joined(args[0], owner)
    elif method == "replace" and all(isinstance(arg, str) for arg in args[:2]):
        limits.replaced(owner, *args[:2])


def _padded(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)  # keeps what Jinja notes on a function, such as pass_environment
    def padded(*args: Any, **kwargs: Any) -> Any:
        limits.padding((*args, *kwargs.values()))
        return function(*args, **kwargs)

    return padded


def _join(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def join(context: Any, items: Iterable[Any], d: Any = "", attribute: Any = None) -> Any:
        found = list(items)
        limits.joined(found, str(d))
        return function(context, found, d, attribute)

    return join


def _replace(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def replace(context: Any, s: Any, old: Any, new: Any, count: Any = None) -> Any:
        limits.replaced(str(s), str(old), str(new))
        return function(context, s, old, new, count)

    return replace


def _format(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def form(value: Any, *args: Any, **kwargs: Any) -> Any:
        limits.percent_format(str(value), (*args, *kwargs.values()))
        return function(value, *args, **kwargs)

    return form
