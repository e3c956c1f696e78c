"""YAML as plain data: what is read, what is refused, and the line of everything."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drskit.errors import InvalidInput
from drskit.yamlfile import MAX_BYTES, MAX_DEPTH, Document, YamlFault, read_file, read_text, spell


def read(text: str) -> Document:
    return read_text(text, source="file.yaml")


def refusal(text: str) -> str:
    with pytest.raises(YamlFault) as fault:
        read(text)
    return str(fault.value)


# --- what is read ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["012345670123", "no", "on", "1e3", "0x1f", "2026-11-23", "1_000", "true", ".inf"])
def test_a_scalar_stays_the_string_that_was_written(word):
    """An account id keeps its leading zero, and `no` stays a word."""
    assert {"key": word} == read(f"key: {word}").data


@pytest.mark.parametrize("nothing", ["", "~", "null"])
def test_nothing_is_nothing(nothing):
    """A plain null is None."""
    assert {"key": None} == read(f"key: {nothing}").data


@pytest.mark.parametrize("quoted", ['""', '"~"', "'null'"])
def test_a_quoted_null_is_a_string(quoted):
    """What stands in quotes is text."""
    assert {"key": quoted[1:-1]} == read(f"key: {quoted}").data


def test_a_byte_order_mark_is_no_part_of_the_text():
    """Editors of Windows write one."""
    assert {"version": "1"} == read("\ufeffversion: 1").data


def test_a_merge_key_is_a_plain_key():
    """`<<` merges nothing."""
    assert {"<<": {"a": "1"}} == read("<<: {a: 1}").data


# --- lines -----------------------------------------------------------------------------------------------------------


def test_every_value_has_its_line():
    """Lines count from 1 and are those of the keys."""
    document = read("version: 1\nwaves:\n  - name: A\n    needs:\n      [X,\n       Y]\n")
    assert 1 == document.line(("version",))
    assert 2 == document.line(("waves",))
    assert 3 == document.line(("waves", 0, "name"))
    assert 4 == document.line(("waves", 0, "needs"))
    assert 6 == document.line(("waves", 0, "needs", 1))


def test_what_is_missing_has_the_line_of_what_is_around_it():
    """A key that is not there is looked for where it should be."""
    document = read("version: 1\nwaves:\n  - name: A\n")
    assert 3 == document.line(("waves", 0, "groups"))
    assert 1 == document.line(("plan",))


def test_a_complaint_reads_file_line_key_and_message():
    """The form of every complaint about a file."""
    document = read("a:\n  b: 1\n")
    assert "file.yaml:2: a.b: wrong." == document.complaint(("a", "b"), "wrong.")
    assert "file.yaml:1: wrong." == document.complaint((), "wrong.")


def test_a_location_is_spelled_as_a_person_writes_it():
    """Keys with dots, positions in brackets."""
    assert "waves[1].checks.all[0]" == spell(("waves", 1, "checks", "all", 0))


# --- what is refused -------------------------------------------------------------------------------------------------


def test_a_key_that_stands_twice_is_refused_with_both_lines():
    """YAML itself would keep the last one, silently."""
    text = "groups:\n  a: {expect: 1}\n  b: {expect: 1}\n  a: {expect: 2}\n"
    assert "file.yaml:4: groups.a: the key stands twice (line 2). Keep one." == refusal(text)


@pytest.mark.parametrize("text", ["a: &x 1", "a: 1\nb: *x", "a: &x {b: *x}", "a: &x []\nb: [*x, *x]"])
def test_anchors_and_aliases_are_refused(text):
    """A reader cannot see what they stand for, and a bomb is made of them."""
    assert "anchors and aliases" in refusal(text)


def test_a_bomb_is_never_built():
    """The text of 335 bytes that would become 39 MB ends at its first anchor."""
    layers = "".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]\n" for n in range(1, 9))
    assert refusal("l0: &l0 lol\n" + layers).startswith("file.yaml:1: anchors")


@pytest.mark.parametrize("tag", ["!!str", "!!int", "!!binary", "!!python/object/apply:os.system", "!local", "!"])
@pytest.mark.parametrize("form", ["key: {tag} a", "{tag} key: a", "{tag} {{key: a}}", "key: {tag} [a]"])
def test_tags_are_refused(form, tag):
    """On values, keys, mappings and lists, even where they would change nothing."""
    assert "is not accepted. Remove it." in refusal(form.format(tag=tag))


@pytest.mark.parametrize("brackets", ["[]", "{}"])
def test_nesting_has_an_end(brackets):
    """64 levels are read, 65 are not, and 3,000 are no trouble for Python's stack."""
    start, end = ("[", "]") if brackets == "[]" else ("{a: ", "}")
    read(start * MAX_DEPTH + end * MAX_DEPTH)
    for depth in (MAX_DEPTH + 1, 3_000):
        assert "file.yaml:1: nested more than 64 deep. Flatten the file." == refusal(start * depth + end * depth)


def test_the_size_has_an_end():
    """A megabyte is read; what is longer is not even looked at."""
    read("a: " + "x" * (MAX_BYTES - 3))
    assert "at most 1,000,000 bytes are read" in refusal("a: " + "x" * (MAX_BYTES - 2))
    assert "at most 1,000,000 bytes are read" in refusal("a: " + "ä" * (MAX_BYTES // 2))


@pytest.mark.parametrize(("letter", "name"), [("\0", "U+0000"), ("\x1b", "U+001B"), ("\ud800", "U+D800")])
def test_control_characters_are_refused_where_they_stand(letter, name):
    """The complaint names the line and the character, and does not repeat the character."""
    assert f"file.yaml:2: the character {name} is not accepted. Remove it." == refusal(f"a: 1\nb: x{letter}y\n")


def test_half_a_character_is_refused():
    """A lone surrogate, written as an escape, could be stored nowhere."""
    assert "file.yaml:2: half a character" in refusal('a: 1\nb: "\\ud83d"\n')


@pytest.mark.parametrize("text", ['a: "\\UFFFFFFFF"', 'a: "\\U00110000"', f"%YAML 1.{'1' * 5_000}\n---\na: b"])
def test_numbers_that_no_yaml_can_mean_are_refused(text):
    """Python's own errors about them do not pass."""
    assert "Correct it." in refusal(text)


@pytest.mark.parametrize("text", ["", "\n\n", "# only a remark\n", "---\n"])
def test_an_empty_file_is_refused(text):
    """It declares nothing, and that is said."""
    if text == "---\n":
        assert read(text).data is None
    else:
        assert "file.yaml:1: the file is empty." == refusal(text)


@pytest.mark.parametrize(
    ("text", "line"), [("a: 1\nb: [\n", 3), ("a: 1\n\tb: 2\n", 2), ("a: 1\n---\nb: 2\n", 2), ('a: "x\n', 2)]
)
def test_broken_yaml_is_refused_with_its_line(text, line):
    """The line is where the reader stopped."""
    assert refusal(text).startswith(f"file.yaml:{line}: this is not valid YAML: ")


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("a: {text: Sound?, by: [mira]}\n", "In braces and brackets a text with a question mark stands in quotes."),
        ("a: Look at this: it is sound\n", "A text with a colon and a space in it stands in quotes; else mend"),
    ],
)
def test_a_text_that_yaml_takes_for_something_else_is_refused_with_what_to_do(text, remedy):
    """A question is what an approval asks."""
    assert "file.yaml:1: this is not valid YAML: " in refusal(text)
    assert remedy in refusal(text)


def test_a_key_is_a_plain_word():
    """A list is no key."""
    assert "file.yaml:2: a key must be a plain word." == refusal("a: 1\n? [b]\n: c\n")


# --- files -----------------------------------------------------------------------------------------------------------


def test_a_file_is_read_as_its_text(tmp_path):
    """The path is the name in complaints."""
    path = tmp_path / "shop.yaml"
    path.write_text("a: ä\n", encoding="utf-8")
    assert (str(path), {"a": "ä"}) == (read_file(path).source, read_file(path).data)


def test_a_file_that_is_not_utf8_is_refused(tmp_path):
    """And the first byte that is wrong is named."""
    path = tmp_path / "shop.yaml"
    path.write_bytes("a: ä\n".encode("latin-1"))
    with pytest.raises(YamlFault, match=r"shop.yaml:1: the file is not UTF-8 \(byte 3\). Save it as UTF-8."):
        read_file(path)


def test_a_large_file_is_not_even_opened(tmp_path):
    """Its size alone refuses it."""
    path = tmp_path / "shop.yaml"
    path.write_bytes(b"x" * (MAX_BYTES + 1))
    with pytest.raises(YamlFault, match="1,000,001 bytes; at most 1,000,000 are read"):
        read_file(path)


def test_a_file_that_is_not_there_is_no_fault_of_its_text(tmp_path):
    """A missing file and a folder say what they are."""
    with pytest.raises(InvalidInput, match="does not exist"):
        read_file(tmp_path / "none.yaml")
    with pytest.raises(InvalidInput, match="cannot be read: Is a directory"):
        read_file(tmp_path)


# --- whatever comes --------------------------------------------------------------------------------------------------


@given(st.text(alphabet=st.sampled_from("ab:-[]{}&*!|>?%@\"'#,\\Ux0189 \n\t~<.\0"), max_size=60) | st.text())
def test_no_text_raises_anything_but_a_fault(text):
    """Whatever is written, it is data or a YamlFault."""
    with contextlib.suppress(YamlFault):
        assert read(text).line(()) >= 1
