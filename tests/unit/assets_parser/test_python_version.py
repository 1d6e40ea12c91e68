"""Which Python an asset gets."""

import pytest

from assets_parser.python_version import SUPPORTED, choose


@pytest.mark.parametrize("version", SUPPORTED)
def test_an_image_names_the_version(version: str) -> None:
    assert choose(f"python:{version}").version == version
    assert choose(f"python:{version}").notice == ""


@pytest.mark.parametrize(
    "image", ["python:3.12-slim", "python:3.12.4", "docker.io/library/python:3.12-alpine"]
)
def test_the_rest_of_an_image_does_not_count_and_is_told(image: str) -> None:
    choice = choose(image)
    assert choice.version == "3.12"
    assert image in choice.notice


@pytest.mark.parametrize(
    "image", ["python:3.7", "python:3", "python", "ubuntu:3.12", "python:3.120"]
)
def test_another_image_is_the_default_with_a_notice(image: str) -> None:
    choice = choose(image, ">=3.13")
    assert choice.version == "3.11"
    assert "3.11 is used" in choice.notice


@pytest.mark.parametrize(
    ("wanted", "version"),
    [
        ("", "3.11"),
        (">=3.11", "3.11"),
        (">=3.12.4", "3.12"),
        (">=3.9,<3.13", "3.9"),
        (" >= 3.9 , != 3.9.* ", "3.10"),
        ("==3.12.*", "3.12"),
        ("==3.12.4", "3.12"),
        ("3.13", "3.13"),
        ("~=3.10", "3.10"),
        ("~=3.10.2", "3.10"),
        (">3.11", "3.12"),
        ("<=3.9", "3.8"),
        (">=3", "3.8"),
        (">=3,<4", "3.8"),
        ("==3.*", "3.8"),
        (">=2.7,!=3.8", "3.9"),
    ],
)
def test_requires_python_gives_the_lowest_version(wanted: str, version: str) -> None:
    assert choose("", wanted).version == version


@pytest.mark.parametrize("wanted", ["^3.12", "3.12 or so", ">=x"])
def test_an_unreadable_requires_python_is_the_default_with_a_notice(wanted: str) -> None:
    choice = choose("", wanted)
    assert choice.version == "3.11"
    assert wanted in choice.notice


@pytest.mark.parametrize("wanted", [">=3.15", "<3.8", ">=4", "==3.7.*", "<3"])
def test_an_impossible_requires_python_is_an_error(wanted: str) -> None:
    with pytest.raises(ValueError, match=r"3\.8 to 3\.14"):
        choose("", wanted)
