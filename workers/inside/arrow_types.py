"""Arrow types: which one holds the values of two others, and which ones databases can take.

Used by sink.py in the asset's interpreter.
"""

# pyarrow has no types of its own
# mypy: disable-error-code="attr-defined, no-any-return"

from __future__ import annotations

from typing import Any, Callable

import pyarrow as pa
import pyarrow.types as t

UNITS = ("s", "ms", "us", "ns")


class TypeClash(TypeError):
    """Two values of one column have types that no one column can hold."""


def normal(kind: Any) -> Any:
    """The type that the file holds for values of this one; TypeError where there is none."""
    for test, change in _NORMAL:
        if test(kind):
            return change(kind)
    if isinstance(kind, pa.BaseExtensionType):
        raise TypeError("%s is not a type that databases take; convert it to text" % kind)
    return kind


def normal_field(field: Any) -> Any:
    """The field with a type that the file can hold, and without metadata."""
    try:
        return pa.field(str(field.name), normal(field.type))
    except TypeError as error:
        raise TypeError("column %r: %s" % (field.name, error)) from None


def unify(a: Any, b: Any) -> Any:
    """The narrowest type that holds the values of both; TypeClash if there is none."""
    if a.equals(b) or t.is_null(b):
        return a
    if t.is_null(a):
        return b
    for test, join in _UNIFY:
        if test(a) and test(b):
            return join(a, b)
    raise TypeClash("%s and %s" % (a, b))


def _is_list(kind: Any) -> bool:
    views = [getattr(t, name, None) for name in ("is_list_view", "is_large_list_view")]
    plain = t.is_list(kind) or t.is_large_list(kind) or t.is_fixed_size_list(kind)
    return plain or any(test is not None and test(kind) for test in views)


def _is_struct(kind: Any) -> bool:
    return bool(t.is_struct(kind))


def _is_text(kind: Any) -> bool:
    return t.is_string(kind) or t.is_large_string(kind)


def _is_bytes(kind: Any) -> bool:
    return t.is_binary(kind) or t.is_large_binary(kind) or t.is_fixed_size_binary(kind)


def _is_number(kind: Any) -> bool:
    return t.is_integer(kind) or t.is_floating(kind)


def _is_exact(kind: Any) -> bool:
    return t.is_integer(kind) or t.is_decimal(kind)


def _is(name: str) -> Callable[[Any], bool]:
    """pyarrow's test of that name; older versions lack the newest types."""
    return getattr(t, name, lambda kind: False)


def _is_nano(kind: Any) -> bool:
    return (t.is_timestamp(kind) or t.is_time64(kind)) and kind.unit == "ns"


def _micro(kind: Any) -> Any:
    return pa.timestamp("us", tz=kind.tz) if t.is_timestamp(kind) else pa.time64("us")


def _is_json(kind: Any) -> bool:
    return getattr(kind, "extension_name", "") in ("arrow.json", "arrow.bool8")


def _plain_extension(kind: Any) -> Any:
    return pa.bool_() if kind.extension_name == "arrow.bool8" else normal(kind.storage_type)


def _struct(kind: Any) -> Any:
    return pa.struct([normal_field(field) for field in _fields(kind)])


def _fields(kind: Any) -> list[Any]:
    return [
        kind[i] if hasattr(kind, "__getitem__") else kind.field(i) for i in range(kind.num_fields)
    ]


def _list(kind: Any) -> Any:
    make = pa.large_list if "large" in str(kind)[:6] else pa.list_
    return make(normal(kind.value_type))


def _refuse(kind: Any) -> Any:
    raise TypeError("%s is not a type that databases take; convert it first" % kind)


_NORMAL: list[tuple[Callable[[Any], bool], Callable[[Any], Any]]] = [
    (_is_nano, _micro),
    (t.is_dictionary, lambda kind: normal(kind.value_type)),
    (_is("is_run_end_encoded"), lambda kind: normal(kind.value_type)),
    (_is("is_string_view"), lambda kind: pa.large_string()),
    (_is("is_binary_view"), lambda kind: pa.large_binary()),
    (t.is_float16, lambda kind: pa.float32()),
    (_is_json, _plain_extension),
    (_is_list, _list),
    (_is_struct, _struct),
    (t.is_union, _refuse),
]


def _join_numbers(a: Any, b: Any) -> Any:
    if t.is_floating(a) or t.is_floating(b):
        same = t.is_float32(a) and t.is_float32(b)
        return pa.float32() if same else pa.float64()
    if t.is_signed_integer(a) == t.is_signed_integer(b):
        return a if a.bit_width >= b.bit_width else b
    return pa.int64()


def _join_exact(a: Any, b: Any) -> Any:
    digits = [(k.precision - k.scale, k.scale) if t.is_decimal(k) else (19, 0) for k in (a, b)]
    scale = max(scale for _, scale in digits)
    precision = max(whole for whole, _ in digits) + scale
    if precision > 76:
        raise TypeClash("%s and %s" % (a, b))
    return pa.decimal128(precision, scale) if precision <= 38 else pa.decimal256(precision, scale)


def _is_moment(kind: Any) -> bool:
    return t.is_timestamp(kind) or t.is_date(kind)


def _join_moments(a: Any, b: Any) -> Any:
    """A day beside moments is its midnight."""
    a, b = (pa.timestamp("s") if t.is_date(kind) else kind for kind in (a, b))
    if (a.tz is None) != (b.tz is None):
        raise TypeClash("moments with and without a time zone")
    unit = UNITS[max(UNITS.index(a.unit), UNITS.index(b.unit))]
    return pa.timestamp(unit, tz=a.tz if a.tz == b.tz else "UTC")


def _join_durations(a: Any, b: Any) -> Any:
    return pa.duration(UNITS[max(UNITS.index(a.unit), UNITS.index(b.unit))])


def _join_times(a: Any, b: Any) -> Any:
    return pa.time64("us")


def _join_lists(a: Any, b: Any) -> Any:
    make = pa.large_list if t.is_large_list(a) or t.is_large_list(b) else pa.list_
    return make(unify(a.value_type, b.value_type))


def _join_structs(a: Any, b: Any) -> Any:
    return pa.struct(unify_fields(_fields(a), _fields(b)))


def unify_fields(old: Any, new: Any) -> list[Any]:
    """The fields of both, in order of appearance, each wide enough for the values of both."""
    kinds = {field.name: field.type for field in old}
    for field in new:
        try:
            known = kinds.get(field.name)
            kinds[field.name] = field.type if known is None else unify(known, field.type)
        except TypeClash as error:
            raise TypeClash("%r holds %s" % (field.name, error)) from None
    return [pa.field(name, kind) for name, kind in kinds.items()]


_UNIFY: list[tuple[Callable[[Any], bool], Callable[[Any, Any], Any]]] = [
    (_is_number, _join_numbers),
    (_is_exact, _join_exact),
    (_is_text, lambda a, b: pa.large_string()),
    (_is_bytes, lambda a, b: pa.large_binary()),
    (_is_moment, _join_moments),
    (t.is_duration, _join_durations),
    (t.is_time, _join_times),
    (_is_list, _join_lists),
    (_is_struct, _join_structs),
]


def conform(array: Any, kind: Any, name: str, say: Callable[[str], None]) -> Any:
    """The array as another type that holds its values; ValueError where one would be lost.

    Only what a moment has below a microsecond is cut off, and `say` is told.
    """
    if array.type.equals(kind):
        return array
    try:
        if t.is_null(array.type):
            return pa.nulls(len(array), kind)
        if getattr(t, "is_run_end_encoded", lambda k: False)(array.type):
            array = array.cast(array.type.value_type)
        if isinstance(array.type, pa.BaseExtensionType):
            array = array.storage
        return array.cast(kind)
    except (pa.ArrowNotImplementedError, pa.ArrowTypeError, pa.ArrowInvalid) as error:
        if _is_nano(array.type):
            say(_NANO % name)
            return array.cast(kind, safe=False)
        if not (pa.types.is_nested(kind) and pa.types.is_nested(array.type)):
            raise ValueError("column %r: %s" % (name, error)) from None
        return pa.array(array.to_pylist(), type=kind)


_NANO = (
    "column %r holds moments with digits below a microsecond, which databases do not keep: "
    "they were cut off"
)
