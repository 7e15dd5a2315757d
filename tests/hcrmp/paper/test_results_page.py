"""What README and the results' page say stands in the tables that the commands wrote."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hcrmp.paper.driven import FOLDER, read
from hcrmp.paper.methods import METHODS
from hcrmp.paper.trainings import method_of
from hcrmp.run_folder import read_json

ROOT = Path(__file__).parents[3]
RESULTS = ROOT / "configs" / "experiment" / "paper" / "results"
PAGES = [ROOT / "README.md", RESULTS / "README.md", ROOT / "tests" / "benchmarks" / "README.md"]


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def test_the_rows_of_readmes_main_table_are_those_of_the_tables() -> None:
    written = [cells(line) for page in RESULTS.rglob("t*.md") for line in page.read_text("utf-8").splitlines()]
    rows = [
        cells(line) for line in PAGES[0].read_text("utf-8").splitlines()
        if re.match(r"\| [^|]+ \| (\d+|-) \| \d", line)
    ]  # fmt: skip
    assert len(rows) > 10
    shares = slice(1, 6)  # seeds, SR, CR, off road, timeout
    for row in rows:
        assert any(row[shares] == other[shares] for other in written), row


def test_what_readme_says_of_the_planner_in_the_box_stands_on_its_card() -> None:
    card = (ROOT / "hcrmp" / "planners" / "bundled" / "README.md").read_text("utf-8")
    successes = {row[0] + row[1]: row[2] for row in map(cells, card.splitlines()) if len(row) > 2}
    told = re.search(r"It succeeds in (.+?) % .+?, (.+?) % .+?, and (.+?) % ", PAGES[0].read_text("utf-8"))
    assert told is not None
    assert list(told.groups()) == [successes[name] for name in ("mean5400", "mean1200", "route300")]


def test_what_planners_drove_is_what_the_tables_say() -> None:
    pages = [*sorted(RESULTS.glob("table[1234].json")), *RESULTS.glob("senses.json")]
    tables = [read_json(path)["methods"] for path in pages]
    files = sorted((RESULTS / FOLDER).glob("*.parquet"))
    planners = [(method, told) for table in tables for method, told in table.items() if method in METHODS]
    named = {f"{method}-{seed}" for method, told in planners for seed in told["seeds"]}
    assert {file.stem for file in files} == named
    for file in files:
        driven = read(file)
        outcomes = [one.record.outcome for one in driven.attempts if one.record is not None]
        assert len(outcomes) == 1200
        for table in (table for table in tables if method_of(driven.name) in table):
            told = table[method_of(driven.name)]["seeds"][str(driven.seed)]
            assert outcomes.count("success") / 1200 == pytest.approx(told), file


@pytest.mark.parametrize("page", PAGES, ids=["README", "results", "benchmarks"])
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)]+)\)", page.read_text("utf-8")):
        if link.startswith("https://"):
            continue
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        assert target.exists(), link
        if anchor:
            headings = re.findall(r"^#+ (.+)$", target.read_text("utf-8"), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}, link
