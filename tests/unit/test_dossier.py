"""The dossier's page: figures of worked cases, nothing of a document run as markup."""

import re
from collections import Counter
from datetime import date
from html.parser import HTMLParser
from typing import Any

import pytest

from tasks.pack.steps import steps_of
from tasks.page.amounts import Level, Series, amounts, stacked, tick
from tasks.page.descent import Box, descent, layered, nearest
from tasks.page.dossier import page, percent

EVIL = '<script>alert("1")</script>'
NOBODY = {"name": EVIL, "credit_code": "91320400MA0JB0001E"}


REGISTERS = (*("pledges", "PledgeEvent", "LoanFact", "CoverState", "CollateralRoot"),)


def facts(**changed: Any) -> dict[str, Any]:
    """A loan of 5,000,000.00 on 8,968,000.00 (COL-01), due in one sum."""
    gate = {"stage": "capital", "run": 9, "gate": "borrower", "passed": True}
    gate |= {"ground": EVIL, "evidence": EVIL, "on": "2026-06-30"}
    decided = {"run": 9, "hash": "0" * 64, "on": "2026-06-30", "who": EVIL}
    decided |= {"at": "2026-06-30T00:00:00+00:00", "signer": "f" * 64}
    due = {"month": 1, "due_on": "2027-06-30", "principal": "5000000.00"}
    due |= {"interest": "180000.00", "payment": "5180000.00", "balance": "0.00"}
    box: dict[str, Any] = {
        "box": "a/raw/b",
        "stage": "raw",
        "task": "collect",
        "name": EVIL,
    }
    box |= {"many": 1, "rows": None, "bytes": 12, "sha256": "ab" * 32, "parents": []}
    return {
        "loan": {
            "number": EVIL,
            "title": EVIL,
            "illustrative": True,
            "borrower": NOBODY,
            "terms": {"lender": EVIL, "conditions": [{"name": EVIL, "text": EVIL}]},
            "rules": {},
            "asset": EVIL,
            "version": "1.0.0",
            "granted_on": "2026-06-30",
            "as_of": "2026-06-30",
        },
        "gates": [gate],
        "position": {
            "principal": "5000000.00",
            "outstanding": "5000000.00",
            "appraised": "8968000.00",
            "ltv": "0.557538",
        },
        "unsafe": [{"what": "maturity", "limit": "2027-06-30", "source": EVIL}],
        "account": [],
        "steps": [],
        "rights": {"rights": [], "disputes": []},
        "valuation": {
            "book": "650000.00",
            "appraised": "8968000.00",
            "appraised_on": "2026-06-20",
            "valid_to": "2027-06-19",
            "report": EVIL,
            "appraiser": EVIL,
            "approach": "income 1",
            "plan": [{"period": "2026-07", "carrying": "640000.00"}],
        },
        "quality": {"series": [], "indicators": []},
        "schedule": [due | {"ltv": "0.000000", "coverage": ""}],
        "lineage": [box],
        "sources": [],
        "erased": [
            {"name": EVIL, "on": "2026-07-01", "reason": EVIL, "person": EVIL}
            | {"kind": "raw", "id": "1" * 64, "sha256": "ab" * 32}
        ],
        "contracts": [],
        "pledge": {
            **{name: [] for name in REGISTERS},
            "registration": "unperfected",
            "ground": "no registration is recorded 未登记",
            "secured": "5000000.00",
            "watched_on": None,
        },
        "journal": [],
        "decisions": [decided],
    } | changed


END = {"head": "0" * 64, "seq": 9, "at": "2026-06-30T00:00:00+00:00", "store": "s"}
END |= {"signer": "f" * 64, "bundle": "", "sample": False}


class Tags(HTMLParser):
    """Collect the elements of a page and what they point to."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.links += [v or "" for n, v in attrs if n in ("href", "src")]


def read(text: bytes) -> Tags:
    found = Tags()
    found.feed(text.decode())
    return found


def test_what_a_document_says_never_becomes_markup() -> None:
    text = page(facts(), END)

    assert read(text).tags["script"] == 0
    assert b"<script" not in text
    assert text.count(b"&lt;script&gt;") > 10


def test_the_page_needs_no_script_and_nothing_from_elsewhere() -> None:
    text = page(facts(), END)
    found = read(text)

    assert all(link.startswith("#") for link in found.links)
    assert not {"script", "link", "img", "iframe", "object"} & found.tags.keys()
    assert b"default-src 'none'" in text
    assert not re.search(rb"url\(|@import", text)


def test_a_loan_without_registration_is_shown_as_unperfected_in_both_languages() -> (
    None
):
    text = page(facts(), END).decode()

    assert "未办理登记" in text
    assert "unperfected" in text
    assert "ILLUSTRATIVE" in text
    assert "示例" in text


def test_what_was_repaid_is_owed_no_more_at_a_glance() -> None:
    part = {"tranche": "1", "lender": EVIL, "drawn_on": "2026-06-30"}
    part |= {"drawn": "5000000.00", "outstanding": "4583333.33", "due": "0.00"}
    text = page(facts(account=[part | {"on": "2026-07-30"}]), END).decode()

    figures = re.findall(r'<p class="figure[^>]*>([^<]*)<', text)

    assert figures[:4] == ["5,000,000.00", "4,583,333.33", "8,968,000.00", "51.11 %"]
    assert "as recorded to" in text


def test_a_right_is_valid_from_a_day_and_not_pledged_on_it() -> None:
    text = page(facts(), END).decode()

    rights = text[text.index('id="rights"') : text.index('id="journal"')]

    assert "Valid from" in rights
    assert "Pledged on" not in rights


def test_every_section_that_is_listed_is_there() -> None:
    text = page(facts(), END).decode()

    listed = re.findall(r'<a href="#([a-z]+)"><span', text)
    assert len(listed) == 15  # one leads to what was erased
    assert all(f'id="{name}"' in text for name in listed)


def test_steps_begin_where_the_debt_is_the_share_of_the_value() -> None:
    rules = {"warning_ltv": "0.60", "default_ltv": "0.80", "policy": "cn"}
    where = {"outstanding_fen": 500_000_000, "appraised_fen": 1_000_000_000}

    warning, default = steps_of({"rules": rules}, where)

    # 5,000,000.00 / 0.60 = 8,333,333.33…, / 0.80 = 6,250,000.00
    assert (warning["begins"], default["begins"]) == ("8333333.33", "6250000.00")
    assert (warning["fall_ppm"], default["fall_ppm"]) == (166_666, 375_000)
    assert warning["source"] == "cn/warning_ltv"


def test_nothing_is_owed_so_no_step_can_begin() -> None:
    assert steps_of({"rules": {"max_ltv": "0.5"}}, {"outstanding_fen": 0}) == []


@pytest.mark.parametrize(("span", "step"), [(5, 1), (47, 10), (51, 20), (101, 50)])
def test_a_scale_has_at_most_five_steps(span: int, step: int) -> None:
    assert tick(span) == step


def test_columns_stand_one_on_another_from_the_foot_of_the_frame() -> None:
    drawn = stacked("t", ("p", "i"), [(date(2026, 7, 30), (60, 40))], str)

    rects = re.findall(r'y="(\d+)" width="638" height="(\d+)"', drawn)
    # 100 on a scale of 100 over 240 px: 60 % are 144 px, the rest stands on them.
    assert rects == [("112", "144"), ("16", "96")]


def test_a_step_holds_its_figure_until_the_next_day() -> None:
    days = [(date(2026, 7, 1), 100), (date(2026, 7, 31), 50)]

    drawn = amounts("t", [Series("debt", days, step=True)], str, [Level("l", 100)])

    assert 'd="M104 16H744V136"' in drawn


def test_a_thing_lies_below_all_that_is_made_of_it() -> None:
    boxes = [
        Box("loan", "", "", "", "capital", ("value", "bytes")),
        Box("value", "", "", "", "asset", ("table",)),
        Box("table", "", "", "", "resource", ("bytes",)),
        Box("bytes", "", "", "", "raw", ()),
    ]

    assert layered(boxes) == [["loan"], ["value"], ["table"], ["bytes"]]
    # The way over the table is drawn, the short cut is not.
    assert [*nearest(boxes[0], {b.key: b for b in boxes})] == ["value"]
    assert descent("t", boxes).count("<path") == 3


def test_a_drawing_of_things_made_of_each_other_ends() -> None:
    """A forged chain may say so."""
    boxes = [
        Box("a", "", "", "", "asset", ("b",)),
        Box("b", "", "", "", "asset", ("a",)),
    ]

    assert "<svg" in descent("t", boxes)


def test_shares_are_written_as_per_cent() -> None:
    assert (percent("0.557538"), percent(166_666), percent(None)) == (
        *("55.75 %", "16.67 %"),
        "",
    )
