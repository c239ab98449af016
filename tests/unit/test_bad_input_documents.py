"""Bad input, rows 51 to 65 of the catalogue: documents, JSON, Parquet, joins.

Each test is named after its row; the answers are explained in ``test_bad_input_text``.
"""

import io
import json
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from schemas.artifact import ArtifactRef, Made, Publication, Stage
from schemas.document import load, read
from schemas.errors import FactorError, SourceError, StoreError
from schemas.resource import JoinBalance, ResourceTerms, Source
from schemas.terms import Terms
from tasks import store
from tasks.contract import compile_contract, contract_pass
from tasks.resource.transform import transform
from tasks.sql import run_sql
from tests.builders import temporary_store
from tests.carried import carried, column, refusal, source
from tests.unit.test_limited import FAR
from tests.unit.test_sql import FRAMES, HOSTILE

A = column("a")
PLAIN = "name: a\npath: a.csv\nlicence: CC0-1.0\n"


class Loan(Terms):
    """What a document may say of money and words."""

    country: str
    start: str
    code: str
    rate: Decimal


@pytest.fixture
def document(tmp_path: Path) -> Path:
    return tmp_path / "factor.yaml"


def told(file: Path, content: str | bytes, model: type[Terms] = Source) -> str:
    """Get the refusal of a document; each problem is one line."""
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(FactorError) as refused:
        load(file, model)
    lines = str(refused.value).splitlines()
    assert all(line.startswith("factor.yaml line ") for line in lines)
    return str(refused.value)


@pytest.mark.parametrize("query", HOSTILE[:12])
def test_row_51_sql_that_reads_files_is_refused_before_it_is_run(
    query: str, tmp_path: Path
) -> None:
    """All 78 forms stand in ``test_sql``; here is that none of them is data."""
    secret = tmp_path / "hostname.csv"
    secret.write_text("carrier,a\nsecret,1\n")

    with pytest.raises(FactorError) as refused:
        run_sql(query.replace("«file»", str(secret)), FRAMES, "resource.consolidate")

    assert str(refused.value).startswith("resource.consolidate")
    assert "secret" not in str(refused.value).replace(str(secret), "")


@pytest.mark.parametrize(
    "name",
    ["a; DROP TABLE x", "a b", 'a"', "A", "1a", "a--", "", "\uff41", "a" * 64],
)
def test_row_52_a_name_that_is_no_plain_identifier_is_refused(
    document: Path, name: str
) -> None:
    columns = f"columns:\n- {{name: {json.dumps(name)}, logicalType: string}}\n"

    message = told(document, PLAIN + columns)

    assert "columns.0.name" in message
    assert "^[a-z][a-z0-9_]{0,62}$" in message


def test_row_53_a_template_in_a_document_stays_text_and_is_run_by_nothing(
    document: Path,
) -> None:
    template = "{{ ().__class__.__base__.__subclasses__() }}"
    document.write_text(
        f"name: a\npath: a.csv\nlicence: '{template}'\n"
        "columns: [{name: a, logicalType: string, description: '${HOME} `id`'}]\n"
    )

    loaded = load(document, Source)

    assert loaded.licence == template
    assert loaded.columns[0].description == "${HOME} `id`"
    with pytest.raises(FactorError):
        run_sql(f"SELECT {template} AS a FROM flights", FRAMES, "product.query")


@pytest.mark.parametrize(
    "tag", ["!!python/object/apply:os.system [id]", "!!float 1", "!secret a", "! a"]
)
def test_row_54_a_tag_is_refused_with_its_line(document: Path, tag: str) -> None:
    message = told(document, f"name: a\npath: {tag}\n")

    assert message == "factor.yaml line 2: a tag (!) is not allowed; remove it"


def test_row_55_aliases_that_would_unfold_are_refused_at_the_first(
    document: Path,
) -> None:
    laughs = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n"
        for old, new in zip("abcdefgh", "bcdefghi", strict=True)
    )

    assert "line 1: an anchor (&) is not allowed; write the value out" in told(
        document, laughs
    )
    large = b"name: " + b"a" * 2_000_000
    assert "longer than 1,000,000 bytes" in told(document, large)


def test_row_56_a_key_written_twice_is_refused_with_both_lines(document: Path) -> None:
    message = told(document, "cap: 70\nname: a\ncap: 90\n")

    assert message == "factor.yaml line 3, cap: written twice, first in line 1"


def test_row_57_words_that_look_like_other_things_stay_words(document: Path) -> None:
    document.write_text("country: NO\nstart: 1:30\ncode: 010\nrate: 0.10\n")

    assert load(document, Loan) == Loan(
        country="NO", start="1:30", code="010", rate=Decimal("0.10")
    )
    assert str(load(document, Loan).rate) == "0.10"
    message = told(document, "country: true\nstart: 7\ncode: a\nrate: 1\n", Loan)
    assert "line 1, country" in message
    assert "line 2, start" in message


@pytest.mark.parametrize(
    "opened", ["a: " + "[" * 5_000, "{a: " * 5_000, "- " * 5_000], ids=["[", "{", "-"]
)
def test_row_58_a_document_nested_too_deeply_is_refused(
    document: Path, opened: str
) -> None:
    assert "nested deeper than 32 levels" in told(document, opened)


def test_row_58_json_nested_too_deeply_is_refused() -> None:
    deep = "[" * 100_000 + "]" * 100_000
    lists = f'[{{"a": {deep}}}]'.encode()
    levels = "[" * 40 + "]" * 40

    assert "nested too deeply" in refusal(lists, source("a.json", A))
    # One line of JSON lines is a record of its own: it alone is kept apart.
    lines = f'{{"a": "x"}}\n{{"a": {deep}}}\n{{"a": {levels}}}\n'.encode()
    found = carried(lines, source("a.jsonl", A))
    assert (found.rows, found.lines) == ([("x",)], [2, 3])


@pytest.mark.parametrize("bad", ['{"a": 1, "a": 2}', '{"a": NaN}', '{"a": Infinity}'])
def test_row_59_json_that_repeats_a_key_or_writes_nan_is_refused(bad: str) -> None:
    given = source("a.json", A)

    message = refusal(f'[{{"a": "x"}},\n{bad}]'.encode(), given)

    assert "line 2: is no JSON that can be read" in message
    found = carried(f'{{"a": "x"}}\n{bad}\n'.encode(), source("a.jsonl", A))
    assert (found.rows, found.lines) == ([("x",)], [2])
    assert found.failed == {"*:unreadable line": 1}


def test_row_60_lines_that_drift_from_the_contract_are_quarantined() -> None:
    given = source("a.jsonl", A, column("n", "integer"))
    raw = b'{"a": "x", "n": 1}\n{"a": "y", "n": "many"}\n{"a": "z", "n": {"v": 1}}\n'
    raw += b'{"a": "u", "n": 2, "new": true}\n{"a": "v", "n": 3}\n'

    found = carried(raw, given)

    assert found.rows == [("x", 1), ("v", 3)]
    assert found.lines == [2, 3, 4]
    assert found.rejects["n"].to_list() == ["many", '{"v":1}', None]
    assert found.failed == {"n:parse": 2, "*:ragged line": 1}


@pytest.mark.parametrize(
    "path",
    [
        *("../.env", "~/.ssh/id_rsa", "/root/.netrc", "$HOME/.pgpass", "/etc/shadow"),
        *("${DATAFACTOR_KEY}", "package:cryptography/../../signing.key"),
        *("env:SECRET", "secret://database"),
    ],
)
def test_row_61_a_document_cannot_name_keys_secrets_or_the_environment(
    document: Path, path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET", "word of the environment")
    document.write_text(
        f"name: a\npath: {json.dumps(path)}\nlicence: CC0-1.0\n"
        "columns: [{name: a, logicalType: string}]\n"
    )

    with temporary_store(tmp_path, DATAFACTOR_DATA=str(tmp_path)) as s:
        written = load(document, Source)
        with pytest.raises(SourceError) as refused:
            store.locate(s, written.file)

    assert written.path == path  # nothing is filled in
    assert "word of the environment" not in str(refused.value)
    assert str(Path.home()) not in str(refused.value).replace(path, "")


def test_row_61_a_key_that_no_document_has_is_refused(document: Path) -> None:
    assert "environment: unknown key" in told(document, PLAIN + "environment: {}\n")


def parquet(frame: pl.DataFrame) -> bytes:
    buffer = io.BytesIO()
    frame.write_parquet(buffer)
    return buffer.getvalue()


SOUND = parquet(pl.DataFrame({"a": [f"x{at}" for at in range(1_000)]}))


def test_row_62_parquet_cut_short_lying_or_misnamed_is_refused() -> None:
    given = source("a.parquet", A)
    claim = SOUND.rindex(b"\x16\xd0\x0f")  # 1,000 rows, the group's or the file's
    lying = SOUND[: claim + 1] + b"\xd2\x0f" + SOUND[claim + 3 :]

    assert len(carried(SOUND, given).rows) == 1_000
    assert "is cut short" in refusal(SOUND[:-100], given)
    assert "is no Parquet file; declare its format" in refusal(b"a\nx\n", given)
    assert "about its number of rows" in refusal(lying, given)
    assert "declare" in refusal(SOUND, source("a.csv", A))


def test_row_63_a_flipped_bit_in_stored_parquet_is_refused_by_its_hash(
    tmp_path: Path,
) -> None:
    """Of 423 such flips Polars read 305 as other data; the store reads none."""
    with temporary_store(tmp_path) as s:
        with store.scratch(s) as folder:
            part = folder / "a.parquet"
            part.write_bytes(SOUND)
            sha256 = store.place(s, part, private=False)
        ref = ArtifactRef(
            **{"id": "1" * 64, "sha256": sha256, "name": "a", "rows": 1_000},
            **{"contract": "0" * 64, "kind": "frame"},
        )
        made = Made(frame="a", ref=ref, bytes=len(SOUND))
        store.publish(
            s,
            Publication(
                **{"task": "t", "stage": Stage.RESOURCE, "status": "COMPLETE"},
                **{"factor": "f", "key": "2" * 64, "code": "0" * 64, "terms": {}},
                artifacts=(made,),
            ),
        )
        held = store.path(s, sha256)
        held.chmod(0o600)
        for at in range(4, len(SOUND), 97):
            flipped = bytearray(SOUND)
            flipped[at] ^= 1
            held.write_bytes(flipped)
            with pytest.raises(StoreError, match="have changed"):
                store.scan(s, ref)
        held.write_bytes(SOUND)
        assert store.scan(s, ref).collect().height == 1_000


def test_row_64_a_far_cell_is_refused_by_what_the_sheet_claims() -> None:
    """That a reader which lays it out dies in its child, ``test_limited`` shows."""
    assert len(FAR) < 4_800
    assert "claims 17,179,869,184 cells" in refusal(FAR, source("a.xlsx", A))


def test_row_65_rows_that_a_join_drops_for_a_null_key_are_counted_or_refused(
    tmp_path: Path,
) -> None:
    frames = {
        "flights": pl.LazyFrame({"carrier": ["UA", None, None], "delay": [1, 2, 3]}),
        "airlines": pl.LazyFrame({"carrier": ["UA", None], "name": ["United", "?"]}),
    }
    terms = {
        "columns": [column("name"), column("delay", "integer")],
        "consolidate": "SELECT a.name, f.delay FROM flights f"
        " JOIN airlines a ON f.carrier = a.carrier",
    }
    balance = compile_contract(JoinBalance.to_schema())
    out = tmp_path / "valid", tmp_path / "rejects", tmp_path

    def judged(**expect: str) -> tuple[int, int, list[str]]:
        made = transform(
            frames, ResourceTerms.model_validate({**terms, "expect": expect})
        )
        joins = made.joins.collect()
        verdict = contract_pass(joins.lazy(), balance, *out)
        bad = [name for name, count in verdict.failed.items() if count]
        return made.resource.collect().height, joins["dropped"].item(), bad

    rows, dropped, bad = judged()

    assert (rows, dropped) == (1, 2)  # a null key meets nothing, not even null
    assert [name for name in bad if "a join that drops rows" in name] == bad != []
    for path in out[:2]:
        path.unlink()
    assert judged(airlines="n:1") == (1, 2, [])


def test_every_row_of_the_catalogue_has_its_test() -> None:
    text = "".join(
        file.read_text() for file in Path(__file__).parent.glob("test_bad_input_*.py")
    )

    missing = [n for n in range(1, 66) if f"def test_row_{n}_" not in text]

    assert missing == []


def test_a_document_is_read_as_written_before_any_model_sees_it(document: Path) -> None:
    document.write_text("a: [1, two, null]\n")

    value, lines = read(document)

    assert value == {"a": [1, "two", None]}
    assert lines[("a", 1)] == 1
