"""Saving a runbook: whole or not at all, and never over what somebody else wrote."""

import pytest

from drskit.errors import ChangedMeanwhile, InvalidInput, InvalidRunbook
from drskit.resources import PACKAGE
from drskit.runbookfile import place_of, read_if_any, save_runbook
from tests.harness import RUNBOOKS

SHOP = (RUNBOOKS / "shop.yaml").read_text()
OTHER = SHOP.replace("PT20M", "PT25M")


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_new_runbook_is_written_with_its_folder(tmp_path):
    """And nothing is left beside it."""
    path = tmp_path / "runbooks" / "shop.yaml"
    assert path == save_runbook(path, SHOP, expected=None).path
    assert (SHOP, ["shop.yaml"]) == (path.read_text(), names(path.parent))


def test_a_runbook_is_replaced_with_its_mode_kept(tmp_path):
    """It is another file of the same name and rights."""
    path = tmp_path / "shop.yaml"
    path.write_text(SHOP)
    path.chmod(0o600)
    save_runbook(path, OTHER, expected=SHOP)
    assert (OTHER, 0o600, ["shop.yaml"]) == (path.read_text(), path.stat().st_mode & 0o777, names(tmp_path))


def test_what_is_not_valid_replaces_nothing(tmp_path):
    """Complaints name the file that it was to be."""
    path = tmp_path / "shop.yaml"
    path.write_text(SHOP)
    with pytest.raises(InvalidRunbook, match=r"shop.yaml:17: waves\[0\].rto"):
        save_runbook(path, SHOP.replace("PT20M", "soon"), expected=SHOP)
    assert (SHOP, ["shop.yaml"]) == (path.read_text(), names(tmp_path))


@pytest.mark.parametrize(("expected", "word"), [(SHOP, "was changed"), (None, "was made")])
def test_what_somebody_else_wrote_is_not_overwritten(tmp_path, expected, word):
    """Only when a person says so, and then it is kept."""
    path = tmp_path / "shop.yaml"
    theirs = SHOP + "# theirs\n"
    path.write_text(theirs)
    with pytest.raises(ChangedMeanwhile, match=word):
        save_runbook(path, OTHER, expected=expected)
    assert theirs == path.read_text()
    saved = save_runbook(path, OTHER, expected=expected, overwrite=True)
    assert (OTHER, theirs) == (path.read_text(), saved.kept.read_text())
    assert saved.kept.name in str(saved)


def test_what_is_the_same_already_is_no_quarrel(tmp_path):
    """Two people who wrote the same have lost nothing."""
    path = tmp_path / "shop.yaml"
    path.write_text(OTHER)
    assert None is save_runbook(path, OTHER, expected=SHOP).kept


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    """In words."""
    (tmp_path / "runbooks").write_text("a file")
    with pytest.raises(InvalidInput, match="cannot be written"):
        save_runbook(tmp_path / "runbooks" / "shop.yaml", SHOP, expected=None)


def test_a_file_is_read_or_not_there(tmp_path):
    """What is there and cannot be read is no absence."""
    assert None is read_if_any(tmp_path / "none.yaml")
    (tmp_path / "bad.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InvalidInput, match="cannot be read"):
        read_if_any(tmp_path / "bad.yaml")


def test_a_runbook_is_saved_where_its_project_is(tmp_path):
    """In place below the working folder or beside the notebooks; a shipped one is copied, never written to."""
    own = tmp_path / "runbooks" / "shop.yaml"
    own.parent.mkdir()
    notebooks = tmp_path / "notebooks"
    notebooks.mkdir()
    assert own == place_of("runbooks/shop.yaml", own, tmp_path)
    assert own == place_of("runbooks/shop.yaml", own, notebooks)
    assert tmp_path / "runbooks" / "new.yaml" == place_of("runbooks/new.yaml", None, notebooks)
    assert notebooks / "new.yaml" == place_of("new.yaml", None, notebooks)
    shipped = PACKAGE / "data" / "runbooks" / "shop.yaml"
    assert own == place_of("runbooks/shop.yaml", shipped, tmp_path)
    assert own == place_of("runbooks/shop.yaml", RUNBOOKS / "shop.yaml", tmp_path)
    assert PACKAGE / "runbooks" / "shop.yaml" == place_of("runbooks/shop.yaml", shipped, PACKAGE)
    assert own == place_of(str(own), None, notebooks)
