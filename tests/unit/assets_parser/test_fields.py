"""Typed fields: all faults of a file are found, and no file of few bytes costs much."""

from pathlib import Path

import pytest

from assets_parser.faults import DefinitionError
from tests.support.written import block, load_one, places, read


def test_all_faults_of_a_file_are_reported_with_their_lines(tmp_path: Path) -> None:
    """Never only the first."""
    column = "columns:\n  - name: id\n    primary_key: 1\n    checks: [not_null]"
    header = f"name: a\nretries: '3'\ntags: daily\n{column}"
    with pytest.raises(DefinitionError) as caught:
        read(tmp_path, header)
    assert [fault.line for fault in caught.value.faults] == [3, 4, 7, 8]


def test_a_repeated_key_names_the_first_line(tmp_path: Path) -> None:
    """Both places are needed to repair it."""
    with pytest.raises(DefinitionError, match="written twice, first in line 2"):
        read(tmp_path, "name: a\nowner: b\nname: c")


def test_an_unknown_key_is_a_warning_that_names_the_nearest_known_one(tmp_path: Path) -> None:
    """It loads, as in Bruin."""
    loaded = load_one(tmp_path, "a.py", block("name: a\ndepend: [b]\ndescripton: c"))
    assert loaded.pipeline.assets[0].unknown_fields == ("depend", "descripton")
    assert [fault.hint for fault in loaded.faults] == [
        "did you mean 'depends'?",
        "did you mean 'description'?",
    ]
    assert loaded.errors == ()


def test_lines_of_fields_are_kept(tmp_path: Path) -> None:
    """Later rules point at them."""
    header = (
        "name: a\ncolumns:\n  - name: id\n    checks:\n      - name: unique\n      - name: not_null"
    )
    asset = read(tmp_path, header)
    assert asset.lines["columns"] == 3
    assert asset.lines["columns.0.checks.1"] == 7
    assert asset.columns[0].checks[1].line == 7


@pytest.mark.parametrize(
    "parameters",
    [
        "&p\n  a: *p",
        "\n  a: &a [x,x,x,x,x,x,x,x,x,x]\n"
        + "".join(
            f"  {chr(98 + i)}: &{chr(98 + i)} [{','.join([f'*{chr(97 + i)}'] * 10)}]\n"
            for i in range(9)
        ),
    ],
    ids=["contains itself", "alias bomb"],
)
def test_aliases_cannot_grow_without_bound(tmp_path: Path, parameters: str) -> None:
    """A file of a few hundred bytes must not take the memory of the machine."""
    with pytest.raises(DefinitionError):
        read(tmp_path, f"parameters: {parameters}")


def test_merge_keys_multiply_no_more_than_aliases_do(tmp_path: Path) -> None:
    """The same bomb, through `<<`."""
    levels = [f"  a{i}: &a{i} {{<<: [{','.join([f'*a{i - 1}'] * 10)}]}}" for i in range(1, 10)]
    with pytest.raises(DefinitionError):
        read(tmp_path, "\n".join(["parameters:", "  a0: &a0 {x: 1}", *levels]))


def test_a_plain_check_name_is_told_how_to_be_written(tmp_path: Path) -> None:
    """`checks: [not_null]` is a common mistake."""
    loaded = load_one(tmp_path, "a.py", block("columns:\n  - name: id\n    checks: [not_null]"))
    assert loaded.errors[0].hint == "write name: not_null"
    assert places(loaded.errors) == [("assets/a.py", 4, "field")]


@pytest.mark.parametrize("number", ["9223372036854775808", "0xFFFFFFFFFFFFFFFF"])
def test_a_whole_number_has_64_bits(tmp_path: Path, number: str) -> None:
    """Go's int holds no more, and neither do databases."""
    with pytest.raises(DefinitionError, match="expected a whole number"):
        read(tmp_path, f"retries: {number}")


def test_a_key_of_nothing_is_left_out(tmp_path: Path) -> None:
    """It is no key named `~`; as in Bruin it says nothing."""
    asset = read(tmp_path, "~: x\nmeta: {~: x, a: b}\nparameters: {null: x, '~': y}")
    assert (asset.unknown_fields, asset.meta, asset.parameters) == ((), {"a": "b"}, {"~": "y"})


def test_a_tagged_date_in_a_free_value_is_a_moment_too(tmp_path: Path) -> None:
    """Written out, `!!timestamp` means what an unquoted date means."""
    asset = read(tmp_path, "parameters: {day: !!timestamp 2024-01-31}")
    assert asset.parameters == {"day": "2024-01-31T00:00:00Z"}


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("[.inf, 2]", [".inf", "2"]),
        ("[9223372036854775808, 1]", ["9223372036854775808", "1"]),
        ("[-9223372036854775808]", [-(2**63)]),
        ("[!!binary aGVsbG8=, b]", ["hello", "b"]),
    ],
)
def test_a_list_of_values_holds_numbers_that_go_can_hold_or_texts(
    tmp_path: Path, value: str, found: list[object]
) -> None:
    """Texts as they are written."""
    header = f"columns:\n  - checks:\n      - {{name: accepted_values, value: {value}}}"
    assert read(tmp_path, header).columns[0].checks[0].value == found


@pytest.mark.parametrize("value", [".inf", "9223372036854775808"])
def test_a_check_compares_with_numbers_that_go_holds(tmp_path: Path, value: str) -> None:
    """JSON, in which a step's description is kept, has no infinity either."""
    with pytest.raises(DefinitionError):
        read(tmp_path, f"columns:\n  - checks:\n      - {{name: max, value: {value}}}")


def test_empty_options_of_a_platform_say_nothing(tmp_path: Path) -> None:
    """An empty warehouse is none."""
    asset = read(tmp_path, "snowflake: {warehouse: ''}\ndoris: {properties: {}, buckets: 2}")
    assert asset.options == {"doris": {"buckets": 2}}


def test_a_notification_without_target_that_says_more_is_kept(tmp_path: Path) -> None:
    """A rule then says what is missing; one that says nothing at all is left out."""
    asset = read(tmp_path, "notifications: {slack: [{success: no}, {channel: ''}]}")
    assert [(one.service, one.success) for one in asset.notifications] == [("slack", False)]


def test_unit_tests_have_fields_of_their_own(tmp_path: Path) -> None:
    """Texts are texts, and an unknown key is named."""
    rows = "rows: [{id: 1, day: ~}]"
    asset = read(tmp_path, f"unit_tests:\n  - {{name: 5, colour: x, expected: {{{rows}}}}}")
    assert asset.unit_tests == ({"name": "5", "expected": {"rows": [{"id": 1, "day": None}]}},)
    assert asset.unknown_fields == ("colour",)
    with pytest.raises(DefinitionError):
        read(tmp_path, "unit_tests:\n  - {name: a, expected: {ctes: {base: {count: many}}}}")
