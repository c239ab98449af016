"""The catalogue as files, and as a real browser reads it."""

import json
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from flows import market
from flows.catalog import put_in_place, refuse_twice, score_text, write_catalog
from flows.cli import main
from flows.value_chain import value_chain
from schemas.artifact import Stage
from schemas.errors import Refused, StoreError
from tasks.page.graph import Box, cut, placed
from tasks.page.plot import Line, chart
from tasks.page.words import WORDS
from tests import shop
from tests.shop import DAY, DOCUMENT

CHROMIUM = shutil.which("chromium")
HTML = "{http://www.w3.org/1999/xhtml}"
SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = '<script>alert(1)</script> & \\"mist\\"'
SAMPLED = DOCUMENT.replace("filters: [town]}", "filters: [town], sample_rows: 3}")
SAMPLED = SAMPLED.replace("title: Rain in two towns", f'title: "{HOSTILE}"')
PUBLIC = "{name: town, logicalType: string, required: true, classification: public}"
BEFORE, PRODUCT = SAMPLED.split("product:\n")
SECRET = (
    f"{BEFORE}product:\n{PRODUCT.replace(PUBLIC, PUBLIC.replace('public', 'internal'))}"
)
SOLD = DOCUMENT[DOCUMENT.index("mode: quota") : DOCUMENT.index("}\n  delivery")]
MIST = (
    DOCUMENT.replace("factor: rain", "factor: mist")
    .replace("name: daily-rain", "name: daily-mist")
    .replace("Rain in two towns", "两镇的雾")
    .replace("decision: which claims to pay", "decision: 是否赔付")
    .replace(SOLD, "mode: free")
)
HAIL = (
    DOCUMENT.replace("factor: rain", "factor: hail")
    .replace("name: daily-rain", "name: daily-hail")
    .replace("Rain in two towns", "Hail in two towns")
    .replace('ceiling: {amount: "3.00"', 'ceiling: {amount: "2.99"')
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Rain in two versions, mist that was withdrawn, hail that was refused."""
    home = tmp_path_factory.mktemp("catalogue")
    with shop.shop(home):
        later = SECRET.replace("version: 1.2.0", "version: 2.0.0")
        shop.offer(home, later.replace("order: [day]\n", "order: [day]\n" + ENDS))
        for name, document in (("mist", MIST), ("hail", HAIL)):
            (home / "factors" / f"{name}.yaml").write_text(document, encoding="utf-8")
        value_chain.fn("mist", DAY, Stage.PRODUCT)
        market.withdraw("mist", "the gauge was moved", "note 7", None, lift=False)
        with pytest.raises(Refused):
            value_chain.fn("hail", DAY, Stage.PRODUCT)
        write_catalog(home / "site")
        yield home / "site"


ENDS = "  deprecated: {on: 2099-12-31, reason: gauges close, successor: radar 1.0.0}\n"


def read(site: Path, name: str) -> str:
    return (site / name).read_text("utf-8")


def tree(site: Path, name: str) -> ET.Element:
    """Read a page strictly, as XML: every tag closed, every attribute quoted."""
    return ET.fromstring(read(site, name))


PAGES = [
    f"{name}{ending}.html"
    for name in ("index", "products/daily-rain", "products/daily-mist")
    for ending in ("", ".en")
]


def test_the_site_holds_what_is_released_in_both_languages(site: Path) -> None:
    """Hail costs 0.01 more than its guide price, so it was refused."""
    pages = sorted(str(p.relative_to(site)) for p in site.rglob("*.html"))

    assert pages == sorted(PAGES)
    names = [p["name"] for p in json.loads(read(site, "catalog.json"))]
    assert names == ["daily-mist", "daily-rain"]
    assert "hail" not in "".join(read(site, page) for page in PAGES)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_whole_and_can_be_read_by_all(site: Path, name: str) -> None:
    page = tree(site, name)
    ids = [e.get("id") for e in page.iter() if e.get("id")]
    anchors = [str(a.get("href")) for a in page.iter(f"{HTML}a")]
    levels = [int(e.tag[-1]) for e in page.iter() if re.search(r"}h[1-6]$", e.tag)]

    assert page.get("lang") == ("en" if ".en." in name else "zh")
    assert len(ids) == len(set(ids))
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= level + 1 for level, after in pairwise(levels))
    assert all(svg.find(f"{SVG}title") is not None for svg in page.iter(f"{SVG}svg"))
    assert all(
        e.get("tabindex") == "0" for e in page.iter() if e.get("class") == "scroll"
    )
    assert all(th.get("scope") for th in page.iter(f"{HTML}th"))
    for href in anchors:
        if href.startswith("#"):
            assert href[1:] in ids
        else:
            assert (site / name).parent.joinpath(href).is_file(), href


@pytest.mark.parametrize("name", PAGES)
def test_a_page_asks_nothing_of_the_network_and_tells_no_path(
    site: Path, name: str
) -> None:
    text = read(site, name)
    loads = re.findall(r'(?:src|href|url)\s*[=(]\s*"?(?:https?:)?//[^"\s)]*', text)

    assert loads == []
    assert "<link" not in text
    assert "@import" not in text
    assert str(site.parent) not in text
    assert "/tmp" not in text


def test_what_a_document_says_is_never_taken_for_a_tag(site: Path) -> None:
    page = tree(site, "products/daily-rain.en.html")

    assert "".join(page.find(f".//{HTML}h1").itertext()) == HOSTILE.replace("\\", "")  # type: ignore[union-attr]  # it has one
    assert not [s for s in page.iter(f"{HTML}script")]


def text_of(site: Path, name: str, part: str = "main") -> str:
    found = tree(site, name).find(f".//{HTML}{part}")
    assert found is not None
    return re.sub(r"\s+", " ", " ".join(found.itertext()))


def test_a_buyer_reads_what_decides_a_purchase(site: Path) -> None:
    said = text_of(site, "products/daily-rain.en.html")

    for told in (
        *("a crop insurer", "which claims to pay", "claims Checking claims"),
        *("ads Advertising", "300.00 CNY for 100 rows", "Jiangbei rain"),
        *("at most 3.00 CNY a unit", "Rows 40", "40 rows", "rain.csv"),
        *("Offered until 2099-12-31", "radar 1.0.0", "0.1 mm"),
        "datafactor order rain --customer",
    ):
        assert told in said, told


def test_versions_are_listed_with_their_changes(site: Path) -> None:
    """From 1.2.0 to 2.0.0 the town became internal, and the offer got an end."""
    (rain,) = [
        p for p in json.loads(read(site, "catalog.json")) if p["name"] == "daily-rain"
    ]

    assert [v["version"] for v in rain["versions"]] == ["2.0.0", "1.2.0"]
    assert [c["level"] for c in rain["versions"][0]["changes"]] == ["major", "minor"]
    assert "breaking · columns: column town is internal, was public" in text_of(
        site, "products/daily-rain.en.html"
    )
    assert "不兼容 · 字段：" in text_of(site, "products/daily-rain.html")


def test_reviews_are_named_in_the_language_of_the_page(site: Path) -> None:
    chinese, english = (
        text_of(site, f"products/daily-rain{ending}.html") for ending in ("", ".en")
    )

    assert "来源合法" in chinese
    assert "Lawful source" in english
    for gate in json.loads(read(site, "catalog.json"))[1]["gates"]:
        assert f"gate_{gate}" in WORDS, gate


def test_only_public_columns_are_sampled(site: Path) -> None:
    """Town is internal in 2.0.0; mist asks for no sample."""
    rain, mist = [p["sample"] for p in json.loads(read(site, "catalog.json"))][::-1]

    assert rain["columns"] == ["day", "tenths_mm"]
    assert rain["rows"] == [["0", "0"], ["1", "1"], ["2", "4"]]
    assert rain["withheld"] == ["town"]
    assert mist == {"columns": [], "rows": [], "withheld": []}


def test_a_withdrawn_product_is_marked_and_cannot_be_ordered(site: Path) -> None:
    said = text_of(site, "products/daily-mist.html")

    assert "已撤回" in said
    assert "the gauge was moved" in said
    assert "目前不能订购" in said
    assert "datafactor order" not in said
    assert 'data-state="withdrawn"' in read(site, "index.html")


def test_descriptors_lie_beside_the_page(site: Path) -> None:
    links = [
        a.get("href") for a in tree(site, "products/daily-rain.html").iter(f"{HTML}a")
    ]

    assert "daily-rain.odcs.yaml" in links
    assert (site / "products" / "daily-rain.odcs.yaml").stat().st_size > 0


def test_another_folder_is_not_overwritten_but_an_old_catalogue_is(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = site.parent / "factors"
    with pytest.raises(StoreError, match="holds something else"):
        write_catalog(other)
    (site.parent / "english").mkdir()
    for _ in range(2):
        assert (
            main(["catalog", "-o", str(site.parent / "english"), "--lang", "en"]) == 0
        )
    assert "2 products" in capsys.readouterr().out
    assert (site.parent / "english" / "index.html").read_text("utf-8").count(
        'lang="zh"'
    ) <= 4
    assert not [p for p in site.parent.iterdir() if p.suffix in (".part", ".old")]


def test_an_old_site_stays_where_a_new_one_cannot_take_its_place(
    tmp_path: Path,
) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "index.html").write_text("old")

    with pytest.raises(FileNotFoundError):
        put_in_place(tmp_path / ".site-1.part", tmp_path / "site")

    assert (tmp_path / "site" / "index.html").read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["site"]


def test_a_score_of_nothing_is_told_and_none_is_not() -> None:
    assert score_text("0.000000") == "0.000"
    assert score_text("0.987654") == "0.988"
    assert score_text(None) == ""


def test_a_score_between_two_thousandths_is_the_same_on_card_and_page() -> None:
    """Half up in both: 0.9005 is 0.901, where half to even would say 0.900."""
    on_card = score_text("0.900500")
    on_page = chart("Title", "day", "score", [Line("total", [(DAY, 900_500)])])

    assert on_card == "0.901"
    assert "0.901" in on_page
    assert "0.900" not in on_page


def test_two_products_of_one_name_are_refused() -> None:
    refuse_twice(["rain", "mist"])
    with pytest.raises(StoreError, match="two factors offer rain: rename"):
        refuse_twice(["rain", "mist", "rain"])


def test_every_word_has_two_languages_that_ask_for_the_same() -> None:
    for key, (zh, en) in WORDS.items():
        assert zh, key
        assert en, key
        assert set(re.findall(r"{\w+}", zh)) == set(re.findall(r"{\w+}", en)), key


def luminance(colour: str) -> float:
    """WCAG 2.2: relative luminance of #rrggbb."""
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [
        p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts
    ]
    return sum(w * p for w, p in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_words_stand_out_from_their_ground(site: Path) -> None:
    """WCAG 2.2, 1.4.3: a contrast of at least 4.5."""
    css = read(site, "index.html")
    pairs = re.findall(r"color: (#\w{6}); background: (#\w{6})", css)
    inks = dict(re.findall(r"--(ink|soft|link): (#\w{6})", css))
    pairs += [
        (ink, ground) for ink in inks.values() for ground in ("#ffffff", "#f5f6f7")
    ]

    assert len(pairs) >= 10
    for ink, ground in pairs:
        light, dark = sorted((luminance(ink), luminance(ground)), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, (ink, ground)


def test_boxes_stand_to_the_right_of_all_they_are_made_of() -> None:
    boxes = [
        Box("a", "a", "", "raw", ()),
        Box("b", "b", "", "raw", ()),
        Box("c", "c", "", "resource", ("a",)),
        Box("d", "d", "", "product", ("c", "b")),
    ]

    assert placed(boxes) == {"a": (0, 0), "b": (0, 1), "c": (1, 0), "d": (2, 0)}
    assert cut("黄河水情日报的原始数据表") == "黄河水情日报的原始数…"


def browser(*asked: str) -> str:
    """Ask the browser; nothing of it may come from the network."""
    if CHROMIUM is None:
        pytest.skip("chromium is not installed: apt-get install chromium")
    quiet = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic")
    done = subprocess.run(
        [CHROMIUM, *quiet, "--disable-background-networking", *asked],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    return done.stdout


def shown(dom: str) -> list[str]:
    """Name the products whose card the page shows."""
    cards = re.findall(r'<li class="card"[^>]*>.*?products/([\w-]+)', dom, re.DOTALL)
    hidden = re.findall(
        r'<li class="card"[^>]* hidden=""[^>]*>.*?products/([\w-]+)', dom, re.DOTALL
    )
    return sorted(set(cards) - set(hidden))


def test_a_browser_searches_by_words(site: Path) -> None:
    found = browser(
        "--dump-dom", f"{(site / 'index.html').as_uri()}#q=%E8%B5%94%E4%BB%98"
    )
    nothing = browser(
        "--dump-dom", f"{(site / 'index.en.html').as_uri()}#q=rain%20zebra"
    )

    assert shown(found) == ["daily-mist"]
    assert '<span id="count">1</span>' in found
    assert shown(nothing) == []
    assert '<p id="none">' in nothing


def test_a_phone_shows_a_page_without_scrolling_sideways(
    site: Path, tmp_path: Path
) -> None:
    """A probe says how wide the page is at 360 px; only tables scroll in themselves."""
    page = read(site, "products/daily-rain.html").replace(
        "</body>",
        "<script>document.title = document.documentElement.scrollWidth"
        " + '/' + window.innerWidth;</script></body>",
    )
    frame = tmp_path / "page.html"
    frame.write_text(page, encoding="utf-8")
    holder = tmp_path / "phone.html"
    holder.write_text(
        '<!DOCTYPE html><iframe src="page.html" width="360" height="740"></iframe>'
        "<script>onload = () => setTimeout(() => { document.title ="
        " frames[0].document.title; }, 0);</script>",
        encoding="utf-8",
    )
    dom = browser("--allow-file-access-from-files", "--dump-dom", holder.as_uri())

    title = re.search(r"<title>(\d+)/(\d+)</title>", dom)
    assert title is not None
    assert int(title[1]) <= int(title[2])
