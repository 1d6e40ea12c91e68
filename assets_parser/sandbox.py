"""The Jinja environment for hostile templates: no files but the project's own, limited work.

Only assets_parser.templates makes one, and only for a text that is a template.
"""

from collections.abc import ItemsView, Iterable, Iterator, KeysView, Mapping, ValuesView
from typing import TYPE_CHECKING, Any

from jinja2 import (
    StrictUndefined,
    Template,
    TemplateSyntaxError,
    nodes,
    pass_context,
)
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Namespace
from jinja2.visitor import NodeTransformer

from assets_parser import allowance, limits, sql_helpers
from assets_parser.sandbox_filters import FILTERS, TESTS, check_helper, check_method

if TYPE_CHECKING:
    from assets_parser.included import Included

_COUNTED = "_counted"
_JOINED = "_joined"
_STATIC = "_static"
_FAIR = "_fair"
_MADE = "_made"
_LONG = 100  # characters of a template's own text that a loop may repeat unseen


class Sandbox(ImmutableSandboxedEnvironment):
    """Jinja as Bruin's templates know it, one rendering at a time; `start` resets its limits."""

    intercepted_binops = frozenset({"+", "*", "**", "%"})

    def __init__(self) -> None:
        super().__init__(undefined=_Missing, finalize=_printed, autoescape=False)
        self.filters = {**FILTERS, **_INNER_FILTERS}
        self.tests = dict(TESTS)
        self.globals["namespace"] = _Namespace
        del self.globals["lipsum"]
        self.policies["json.dumps_kwargs"] = {"sort_keys": True, "separators": (",", ":")}

    def start(self) -> None:
        """Begin a rendering with its full allowance."""
        allowance.current().start()

    def compiled(self, text: str, file: str = "", included: "Included | None" = None) -> Template:
        """The template, ready to render; TemplateSyntaxError also for what it may not read."""
        tree = _Counting(self, included, len(text)).visit(self.parse(text))
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
        allowance.current().spend()
        limits.nested((*args, *kwargs.values()))
        method = getattr(obj, "__wrapped__", obj)  # Jinja wraps str.format in a safe one
        owner = getattr(method, "__self__", None)
        if isinstance(owner, str):
            check_method(owner, method.__name__, args, kwargs)
        elif getattr(method, "__module__", "") == sql_helpers.__name__:
            check_helper((*args, *kwargs.values()))
        result = super().call(context, obj, *args, **kwargs)
        if isinstance(result, (KeysView, ValuesView, ItemsView)):
            result = list(result)  # as in Bruin
        allowance.current().made(result)
        return result

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """`+`, `*`, `**` and `%`, unless the result would be huge."""
        if operator == "+":
            limits.added(left, right)
        elif operator == "*":
            limits.multiplied(left, right)
        elif operator == "**":
            limits.raised(left, right)
        elif isinstance(left, str):
            limits.nested((right,))
            limits.percent_format(left, right)
        result = super().call_binop(context, operator, left, right)
        allowance.current().made(result)
        return result

    def getitem(self, obj: Any, argument: Any) -> Any:
        """An item or attribute; its key must not take forever to compare."""
        limits.nested((argument,))
        return super().getitem(obj, argument)


class _Missing(StrictUndefined):
    """An undefined name, also inside of a list that is printed."""

    __repr__ = StrictUndefined._fail_with_undefined_error


class _Namespace(Namespace):
    """A namespace that does not print what it holds, which may be without end."""

    def __repr__(self) -> str:
        return "<Namespace>"


class _Counting(NodeTransformer):
    """Makes loops, `~` and long text go through filters that count; refuses what reads files.

    Files of the project that a template includes by name become part of it, so that nothing is
    read while it renders, and what they do is counted too.
    """

    def __init__(self, sandbox: Sandbox, included: "Included | None", length: int) -> None:
        self._sandbox = sandbox
        self._included = included
        self._length = length  # of the text with all that it includes
        self._within: list[str] = []  # the files that include each other here

    def visit_For(self, node: nodes.For) -> nodes.Node:
        node.iter = _filtered(node.iter, _COUNTED)
        return self.generic_visit(node)

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:
        self.generic_visit(node)
        items = nodes.List(node.nodes, lineno=node.lineno)
        return _filtered(items, _JOINED)

    def visit_Compare(self, node: nodes.Compare) -> nodes.Node:
        self.generic_visit(node)
        node.expr = _filtered(node.expr, _FAIR)
        for operand in node.ops:
            operand.expr = _filtered(operand.expr, _FAIR)
        return node

    def visit_Pair(self, node: nodes.Pair) -> nodes.Node:
        self.generic_visit(node)
        node.key = _filtered(node.key, _FAIR)
        return node

    def visit_Getitem(self, node: nodes.Getitem) -> nodes.Node:
        self.generic_visit(node)
        return _filtered(node, _MADE) if isinstance(node.arg, nodes.Slice) else node

    def visit_TemplateData(self, node: nodes.TemplateData) -> nodes.Node:
        if len(node.data) <= _LONG:
            return node
        return _filtered(nodes.Const(node.data, lineno=node.lineno), _STATIC)

    def visit_Include(self, node: nodes.Include) -> nodes.Node:
        if self._included is None:
            return self.visit_Import(node)
        name = node.template.value if isinstance(node.template, nodes.Const) else None
        if not isinstance(name, str) or not node.with_context:
            message = "'include' takes one fixed name of a file, and no 'without context'"
            raise TemplateSyntaxError(message, node.lineno)
        try:
            text = self._included.text(name)
        except FileNotFoundError as error:
            if node.ignore_missing:
                return nodes.Scope([], lineno=node.lineno)
            raise TemplateSyntaxError(f"include: {error}", node.lineno) from None
        except (OSError, ValueError) as error:
            raise TemplateSyntaxError(f"include: {error}", node.lineno) from None
        return self._inlined(name, text, node.lineno)

    def _inlined(self, name: str, text: str, line: int) -> nodes.Node:
        """What the file does, at this line of the template: errors in it are shown there."""
        if name in self._within:
            raise TemplateSyntaxError(f"include: {name} includes itself", line)
        self._length += len(text)
        if self._length > limits.MOST_TEMPLATE:
            message = f"include: a template of more than {limits.MOST_TEMPLATE:,} characters"
            raise TemplateSyntaxError(message, line)
        self._within.append(name)
        try:
            tree = self.visit(self._sandbox.parse(text))
        except TemplateSyntaxError as error:
            if error.message and error.message.startswith("include: "):
                raise TemplateSyntaxError(error.message, line) from None
            message = f"include: {name}, line {error.lineno}: {error.message}"
            raise TemplateSyntaxError(message, line) from None
        finally:
            self._within.pop()
        return nodes.Scope(tree.body).set_lineno(line, override=True)

    def visit_Import(self, node: nodes.Node) -> nodes.Node:
        word = type(node).__name__.lower().removeprefix("from")
        raise TemplateSyntaxError(f"'{word}' is not allowed: a template stands alone", node.lineno)

    visit_FromImport = visit_Extends = visit_Import


def _filtered(node: nodes.Node, name: str) -> nodes.Filter:
    return nodes.Filter(node, name, [], [], None, None, lineno=node.lineno)


def _printed(value: Any) -> Any:
    """What stands for a value in the output, whose length is counted inside of macros too."""
    if value is None:
        return ""
    limits.nested((value,))
    allowance.current().printed(value if isinstance(value, str) else str(value))
    return value


def _counted(items: Iterable[Any]) -> Iterator[Any]:
    for item in items:
        allowance.current().spend()
        yield item


@pass_context  # so that the compiler does not compute it once and for all
def _static(context: Any, text: str) -> str:
    return text


def _joined(items: list[Any]) -> str:
    """What `~` makes: None is nothing, as where it is printed."""
    limits.nested(items)
    text = "".join("" if item is None else str(item) for item in items)
    allowance.current().made(text)
    return text


def _fair(value: Any) -> Any:
    limits.nested((value,))
    return value


def _made(value: Any) -> Any:
    allowance.current().made(value)
    return value


_INNER_FILTERS = {
    _COUNTED: _counted,
    _JOINED: _joined,
    _STATIC: _static,
    _FAIR: _fair,
    _MADE: _made,
}
