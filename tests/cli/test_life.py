"""The life of a source and the inventory at the terminal."""

from tests.cli.conftest import SOURCE, Site


def test_a_source_is_validated_suspended_and_accounted_for(site: Site) -> None:
    index = site("search", "--json").json()["found"][0]["index"]
    assert site("source", "validate", SOURCE, "--sample", str(index), "--reason", "looked at").code == 0
    assert site("source", "life", SOURCE, "--json").json()["state"] == "validated"
    assert site("source", "validate", SOURCE, "--sample", "0", "--reason", "no record").code == 1
    assert site("source", "suspend", SOURCE, "--reason", "moved").code == 0
    refused = site("append", site.file, "--source", SOURCE)
    assert (refused.code, "suspended" in refused.err) == (1, True)
    assert site("source", "resume", SOURCE, "--reason", "back").code == 0
    assert site("source", "close", SOURCE, "--reason", "replaced", "--at-source", "3").code == 0
    alone = site("source", "decommission", SOURCE, "--reason", "alone")
    assert (alone.code, "Somebody else" in alone.err) == (1, True)
    told = site("source", "statement", SOURCE)
    assert "Added here" in told.out
    assert site("verify").code == 0


def test_the_inventory_marks_what_nobody_looks_after(site: Site) -> None:
    assert "No system" in site("inventory", "list").out
    common = ("--owner", "production", "--class", "mes", "--criticality", "high", "--trail", "on")
    assert site("inventory", "put", "mes", "--title", "Execution", *common).code == 0
    assert site("inventory", "put", "erp", "--title", "ERP", *common, "--source", SOURCE).code == 0
    assert site("inventory", "put", "x", "--title", "X", *common, "--source", "nobody").code == 1
    rows = site("inventory", "list", "--json").json()
    assert [(row["listed"]["system"], row["standing"]) for row in rows] == [("erp", "connected"), ("mes", "open")]
    assert "▲ mes" in site("inventory", "list").out
    counted = "2 in the inventory: 1 connected, 0 reviewed elsewhere, 1 open."
    assert counted in site("inventory", "list").out
    looked = site("doctor", "--json")
    told = {one["name"]: one for one in looked.json()}["inventory, log records"]
    assert (looked.code, told["ok"], told["says"]) == (0, True, f"{counted} Open: mes.")
