"""forecast: how long and how much, before anything starts."""

from tests.cli.plans import world


def test_a_forecast_asks_for_nothing_to_be_set_up_and_starts_nothing(open_shell):
    """A row for each wave, what it stands on, and the same as JSON; no table is needed."""
    shell = open_shell(world({"instance_type": "m5.large"}, {"instance_type": "x9.large"}), tables=False)
    said = shell.run("forecast", "tiny.yaml").stdout
    assert "as in captured launches" in said
    assert "Costs at least $0.4" in said
    assert "AWS list prices of 2025-03-02" in said
    told = shell.json("forecast", "tiny.yaml")
    assert ("tiny", True, None) == (told["PlanId"], told["AtLeast"], told["MaxUsd"])
    assert ["One", "Two"] == [wave["WaveName"] for wave in told["Waves"]]
    assert ["m5.large", "x9.large"] == [wave["InstanceTypes"][0]["InstanceType"] for wave in told["Waves"]]
    shell.run("tables", "create")
    assert [] == shell.json("executions", "list")


def test_prices_that_are_not_there_are_found_by_daylight(open_shell):
    """With the runbook's line."""
    shell = open_shell(tables=False)
    text = (shell.folder / "tiny.yaml").read_text()
    shell.write("dear.yaml", f"{text}budget: {{max_usd: 10, prices: ours.yaml}}\n")
    assert "dear.yaml:" in (said := shell.complaint("forecast", "dear.yaml"))
    assert "budget.prices" in said
    shell.write(
        "ours.yaml", "version: 1\ndated: 2026-01-01\nsource: our contract\nregions: {us-west-2: {large: {t3: 1}}}\n"
    )
    assert "our contract of 2026-01-01" in shell.run("forecast", "dear.yaml").stdout
