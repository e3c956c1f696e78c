"""Settings: by flag, then by variable, then by file; each refusal says where the value stands."""

from datetime import timedelta
from pathlib import Path

import pytest

from drskit.cadence import Ceilings
from drskit.errors import InvalidInput
from drskit.settings import Settings, read_settings


@pytest.fixture
def folder(tmp_path):
    """A folder with a drskit.toml."""
    (tmp_path / "drskit.toml").write_text('env = "file"\ntable_prefix = "file"\nregion = "eu-west-1"\n', "utf-8")
    return tmp_path


def refusal(environment, folder, **flags):
    with pytest.raises(InvalidInput) as fault:
        read_settings(environment, folder, **flags)
    assert 2 == fault.value.exit_code
    return str(fault.value)


def test_nothing_said_gives_the_defaults(tmp_path):
    """The names and numbers of the contract."""
    settings = read_settings({}, tmp_path)
    assert Settings() == settings
    assert ("drs-orchestration", "dev", Path("runs"), "auto") == (
        settings.table_prefix,
        settings.env,
        settings.runs,
        settings.ui,
    )
    assert (Ceilings(15, 30, 45), timedelta(seconds=420)) == (settings.poll_seconds, settings.quiescence)
    assert (None, None, None) == (settings.region, settings.profile, settings.clock_url)


def test_a_flag_goes_before_a_variable_and_a_variable_before_the_file(folder):
    """Each alone, and all together."""
    environment = {"DRSKIT_ENV": "variable", "DRSKIT_TABLE_PREFIX": "variable"}
    assert ("file", "file") == ((read := read_settings({}, folder)).table_prefix, read.env)
    assert ("variable", "variable") == ((read := read_settings(environment, folder)).table_prefix, read.env)
    assert ("variable", "flag") == ((read := read_settings(environment, folder, env="flag")).table_prefix, read.env)


def test_a_flag_that_was_not_given_and_an_empty_variable_say_nothing(folder):
    """What stands below them counts."""
    settings = read_settings({"DRSKIT_ENV": "", "AWS_REGION": ""}, folder, env=None, region=None)
    assert ("file", "eu-west-1") == (settings.env, settings.region)


def test_the_region_is_read_as_aws_region_before_aws_default_region(folder):
    """AWS_REGION is honoured although boto3 ignores it."""
    both = {"AWS_REGION": "us-west-2", "AWS_DEFAULT_REGION": "us-east-1"}
    assert "us-west-2" == read_settings(both, folder).region
    assert "us-east-1" == read_settings({"AWS_DEFAULT_REGION": "us-east-1"}, folder).region
    assert "ap-south-1" == read_settings(both, folder, region="ap-south-1").region


def test_every_documented_variable_is_read(tmp_path):
    """All of design §10."""
    settings = read_settings(
        {
            "DRSKIT_TABLE_PREFIX": "mine",
            "DRSKIT_ENV": "test",
            "DRSKIT_RUNS": "/srv/runs",
            "DRSKIT_UI": "static",
            "DRSKIT_POLL_SECONDS": "0.5, 1,2.25",
            "DRSKIT_QUIESCENCE_SECONDS": "330.5",
            "DRSKIT_CLOCK_URL": "http://127.0.0.1:5000/drskit/clock",
            "AWS_PROFILE": "drill",
            "DRSKIT_SOMETHING_ELSE": "ignored",
        },
        tmp_path,
    )
    assert ("mine", "test", Path("/srv/runs"), "static") == (
        settings.table_prefix,
        settings.env,
        settings.runs,
        settings.ui,
    )
    assert (Ceilings(0.5, 1, 2.25), 330.5) == (settings.poll_seconds, settings.quiescence_seconds)
    assert ("http://127.0.0.1:5000/drskit/clock", "drill") == (settings.clock_url, settings.profile)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("DRSKIT_POLL_SECONDS", "15"),
        ("DRSKIT_POLL_SECONDS", "15,30"),
        ("DRSKIT_POLL_SECONDS", "15,30,0"),
        ("DRSKIT_POLL_SECONDS", "15,30,-45"),
        ("DRSKIT_POLL_SECONDS", "15,30,nan"),
        ("DRSKIT_POLL_SECONDS", "15,30,inf"),
        ("DRSKIT_POLL_SECONDS", "a,b,c"),
        ("DRSKIT_QUIESCENCE_SECONDS", "seven minutes"),
        ("DRSKIT_QUIESCENCE_SECONDS", "-1"),
        ("DRSKIT_QUIESCENCE_SECONDS", "nan"),
        ("DRSKIT_QUIESCENCE_SECONDS", "1e9"),
        ("DRSKIT_UI", "dark"),
        ("DRSKIT_UI", "auto\n"),
        ("DRSKIT_ENV", "de v"),
        ("DRSKIT_ENV", "dev\n"),
        ("DRSKIT_TABLE_PREFIX", "x" * 61),
        ("DRSKIT_TABLE_PREFIX", "tables/ä"),
        ("DRSKIT_CLOCK_URL", "localhost:5000"),
        ("AWS_REGION", "west"),
        ("AWS_ENDPOINT_URL", "localhost:5000"),
    ],
)
def test_a_value_that_cannot_be_is_refused_with_its_origin(variable, value, tmp_path):
    """The variable, the value, and what to write."""
    text = refusal({variable: value}, tmp_path)
    assert text.startswith(f"{variable}: {value!r}")
    assert "rite " in text


def test_a_flag_is_named_as_it_is_typed(tmp_path):
    """Not by the name of the setting."""
    assert refusal({}, tmp_path, table_prefix="a b").startswith("--table-prefix: 'a b' cannot be")


def test_a_value_of_the_file_is_named_by_the_file(tmp_path):
    """With its path."""
    (tmp_path / "drskit.toml").write_text("env = 7\n", "utf-8")
    assert refusal({}, tmp_path).startswith(f"{tmp_path / 'drskit.toml'}: 7 cannot be the setting env")


def test_an_unknown_key_of_the_file_is_refused(tmp_path):
    """And the known ones are named."""
    (tmp_path / "drskit.toml").write_text('regoin = "us-west-2"\n', "utf-8")
    text = refusal({}, tmp_path)
    assert "drskit.toml: regoin: the key is unknown. Known: region, profile, " in text


@pytest.mark.parametrize("content", [b"env = ", b'env = "\xff"'])
def test_a_file_that_is_no_toml_is_refused(content, tmp_path):
    """With the parser's own place in it."""
    (tmp_path / "drskit.toml").write_bytes(content)
    assert "drskit.toml: this is not valid TOML: " in refusal({}, tmp_path)
