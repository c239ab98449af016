"""Recognise personal identifiers in text: expressions that are true where one stands.

Each recogniser asks of each text whether it holds something of the right *shape*, and
whether that something is *sound* (checksum, real date). It looks at the whole value and
inside longer text, after NFKC, so that full-width signs and the words around them hide
nothing.

- Resident ID 居民身份证 GB 11643: 17 digits and a check sign, a real date, a province
  (81, 82, 83: permits of Hong Kong, Macao, Taiwan). The 15 digits of before 1999 have
  no check sign. District codes are not looked up: they depend on the year of birth.
- Credit code 统一社会信用代码 GB 32100: letters may stand in the first two places.
- Bank card: 13 to 19 digits, Luhn (ISO/IEC 7812-1), also written in groups of four.
- Mobile 手机号 ``1[3-9]`` and nine digits, also after 86 or in groups.
- Plate 车牌 GA 36-2018, with the new-energy forms. The plates of Taiwan have no sign
  that tells them from other codes: they are suspected only. E-mail addresses.

Names and street addresses need a reader; here only the column's name speaks for them.

"身份证 110102199101010078" -> a sound ID; "110102199101010079" -> only its shape.
"""

import math
import re
from collections.abc import Callable
from typing import Literal, NamedTuple

import polars as pl

from schemas.entity import ALPHABET

Proposal = Literal["internal", "personal", "sensitive"]
ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
ID_SIGNS = "10X98765432"
# GB/T 2260, first two digits; 81 to 83 stand in residence permits.
PROVINCES = (
    *("11", "12", "13", "14", "15", "21", "22", "23", "31", "32", "33", "34"),
    *("35", "36", "37", "41", "42", "43", "44", "45", "46", "50", "51", "52"),
    *("53", "54", "61", "62", "63", "64", "65", "71", "81", "82", "83"),
)
SEATS = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
L, LD = "[A-HJ-NP-Z]", "[A-HJ-NP-Z0-9]"
SERIAL = f"(?:[A-HJK]{LD}[0-9]{{4}}|[0-9]{{5}}[A-HJK]|{LD}{{4}}(?:{LD}|[挂学警港澳]))"
PLATE = f"[{SEATS}]{L}[ ·•・-]?{SERIAL}(?:[^A-Z0-9]|$)"
TW_FORMS = f"{L}{{3}}-?[0-9]{{4}}|{L}{{2}}-[0-9]{{4}}|[0-9]{{4}}-{L}{{2}}"
PLATE_TW = f"(?:^|[^A-Za-z0-9-])(?:{TW_FORMS})(?:[^A-Za-z0-9-]|$)"
EMAIL = r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}"
# A card in groups of four, a mobile in groups of 3-4-4, or any run of signs.
RUN = (
    r"(?:[0-9]{4}[ -]){3}[0-9]{1,4}(?:[ -][0-9]{1,3})?"
    r"|1[3-9][0-9][ -][0-9]{4}[ -][0-9]{4}"
    r"|[0-9]+\.[0-9]+|[0-9A-Z]+"  # a fraction is no number of a person
)

# Nothing shorter than a mobile is looked for in runs: most texts are passed over.
LONG = "[0-9A-Za-z]{11}|[0-9]{3,4}[ -][0-9]{4}[ -][0-9]{4}"

Test = Callable[[pl.Expr], pl.Expr]


class Recogniser(NamedTuple):
    """One kind of personal datum.

    ``chance`` is the share of accidental values of this shape that pass its test: one
    run of 16 digits in ten passes Luhn. The tests may leave out texts that do not pass:
    they are for counting.
    """

    name: str
    proposal: Proposal
    chance: float
    shaped: Test
    sound: Test


def plain(text: pl.Expr) -> pl.Expr:
    """Write full-width and compatibility signs as plain ones (Unicode NFKC)."""
    return text.str.normalize("NFKC")


def runs(text: pl.Expr) -> pl.Expr:
    """List the runs of digits and letters in each text, groups joined."""
    found = text.str.to_uppercase().str.extract_all(RUN)
    return found.list.eval(pl.element().str.replace_all("[ -]", ""))


def any_run(test: Test) -> Test:
    """Ask whether one run of a text passes; texts without a long run are left out."""
    return lambda text: (
        runs(text.filter(text.str.contains(LONG)))
        .list.eval(test(pl.element()))
        .list.any()
    )


def matches(pattern: str) -> Test:
    """Ask whether a text holds the pattern."""
    return lambda text: text.str.contains(pattern)


def digits_sum(run: pl.Expr, weights: tuple[int, ...]) -> pl.Expr:
    """Sum the weighted digits of runs that are long enough; else null."""
    return pl.sum_horizontal(
        *(
            run.str.slice(i, 1).cast(pl.Int64, strict=False) * weight
            for i, weight in enumerate(weights)
        ),
        ignore_nulls=False,
    )


def is_day(text: pl.Expr) -> pl.Expr:
    """Ask whether eight digits are a day of the calendar, from 1800 on."""
    day = text.str.to_date("%Y%m%d", strict=False)
    return (day.dt.year() >= 1800).fill_null(False)


def id_shaped(run: pl.Expr) -> pl.Expr:
    """15 digits, or 17 and a digit or X."""
    return run.str.contains("^(?:[0-9]{15}|[0-9]{17}[0-9X])$")


def id_sound(run: pl.Expr) -> pl.Expr:
    """Province, day and check sign. 110102199101010078 -> true."""
    rest = digits_sum(run, ID_WEIGHTS) % 11
    sign = rest.replace_strict(
        dict(enumerate(ID_SIGNS)), default=None, return_dtype=pl.String
    )
    long = run.str.len_chars() == 18
    day = pl.when(long).then(run.str.slice(6, 8)).otherwise("19" + run.str.slice(6, 6))
    checked = pl.when(long).then(run.str.slice(17, 1) == sign).otherwise(True)
    known = run.str.slice(0, 2).is_in(PROVINCES)
    return id_shaped(run) & known & is_day(day) & checked.fill_null(False)


def code_shaped(run: pl.Expr) -> pl.Expr:
    """18 signs of the alphabet, six digits of a district among them."""
    return run.str.contains(f"^[{ALPHABET}]{{2}}[0-9]{{6}}[{ALPHABET}]{{10}}$")


def code_sound(run: pl.Expr) -> pl.Expr:
    """Weighted sum divisible by 31. 91110000600037341L -> true."""
    places = dict(zip(ALPHABET, range(31), strict=True))
    total = pl.sum_horizontal(
        *(
            run.str.slice(i, 1).replace_strict(
                places, default=None, return_dtype=pl.Int64
            )
            * (pow(3, i, 31) if i < 17 else 1)
            for i in range(18)
        ),
        ignore_nulls=False,
    )
    return code_shaped(run) & (total % 31 == 0).fill_null(False)


def card_shaped(run: pl.Expr) -> pl.Expr:
    """13 to 19 digits."""
    return run.str.contains("^[0-9]{13,19}$")


def card_sound(run: pl.Expr) -> pl.Expr:
    """Luhn: from the right every second digit doubled, its digits summed. 18 -> true.

    Zeros are put before the number up to 20 digits: they add nothing.
    """
    padded = run.str.pad_start(20, "0")
    signs = [padded.str.slice(i, 1).cast(pl.Int64, strict=False) for i in range(20)]
    doubled = [s * 2 - pl.when(s > 4).then(9).otherwise(0) for s in signs[::2]]
    total = pl.sum_horizontal(*doubled, *signs[1::2], ignore_nulls=False)
    zero = run.str.contains("^0+$")
    return card_shaped(run) & ~zero & (total % 10 == 0).fill_null(False)


def mobile_shaped(run: pl.Expr) -> pl.Expr:
    """11 digits."""
    return run.str.contains("^(?:86)?[0-9]{11}$")


def mobile_sound(run: pl.Expr) -> pl.Expr:
    """Begins 13 to 19."""
    return run.str.contains("^(?:86)?1[3-9][0-9]{9}$")


def upper(test: Test) -> Test:
    """Read small letters as capitals."""
    return lambda text: test(text.str.to_uppercase())


def itself(name: str, proposal: Proposal, test: Test) -> Recogniser:
    """Make a recogniser whose shape is all there is to test."""
    return Recogniser(name, proposal, 0.0, test, test)


RECOGNISERS = (
    # Of a hundred runs of 15 digits, two name a province and a day by accident.
    Recogniser("resident_id", "sensitive", 0.02, any_run(id_shaped), any_run(id_sound)),
    Recogniser(
        "credit_code", "internal", 1 / 31, any_run(code_shaped), any_run(code_sound)
    ),
    Recogniser(
        "bank_card", "sensitive", 0.1, any_run(card_shaped), any_run(card_sound)
    ),
    Recogniser(
        "mobile", "personal", 0.07, any_run(mobile_shaped), any_run(mobile_sound)
    ),
    itself("plate", "personal", upper(matches(PLATE))),
    itself("plate_tw_suspected", "personal", matches(PLATE_TW)),
    itself("email", "personal", matches(EMAIL)),
)  # fmt: skip

# What a column's name says of its values: kind, proposal, English words as they stand
# between underscores, Chinese words anywhere.
HINTS: tuple[tuple[str, Proposal, str, str], ...] = (
    (
        "identity",
        "sensitive",
        "id_?card|id_?no|ssn|passport|national_id|identity|certificate_no",
        "身份证|身分證|证件|證件|证号|護照|护照",
    ),
    (
        "account",
        "sensitive",
        "bank_?card|card_?no|card_?number|bank_?account|account_?no|iban|salary|income",
        "银行卡|卡号|卡號|账号|帳號|账户|帳戶|工资|薪|收入",
    ),
    (
        "health",
        "sensitive",
        "diagnos[ie]s|disease|patient|medical|icd|blood|hiv|pregnan\\w*|symptoms?",
        "诊断|診斷|病历|病歷|病史|疾病|患者|病人|血型|处方|體檢|体检",
    ),
    (
        "special",
        "sensitive",
        "religion|ethnicity|race|fingerprint|biometric|political",
        "宗教|信仰|民族|指纹|指紋|人脸|人臉|虹膜|政治面貌",
    ),
    (
        "person_name",
        "personal",
        "name|full_?name|first_?name|last_?name|surname|given_?name|user_?name|nick_?name"
        "|(?:contact|customer|client|owner|driver|student|employee|person)_?name",
        "姓名|联系人|聯絡人|户名|戶名|车主|車主|驾驶员|駕駛",
    ),
    (
        "contact",
        "personal",
        "phone|mobile|cell|tel|telephone|e?_?mail|wechat|qq|fax",
        "手机|手機|电话|電話|邮箱|郵箱|电邮|電郵|微信|联系方式",
    ),
    (
        "address",
        "personal",
        "address|addr|street|house_?no|zip|zip_?code|postcode",
        "地址|住址|门牌|門牌|籍贯|籍貫|邮编",
    ),
    (
        "location",
        "personal",
        "lat|lng|lon|latitude|longitude|gps|trajectory|geo(?:location|point)?",
        "经度|纬度|經度|緯度|坐标|座標|定位|轨迹|軌跡",
    ),
    (
        "birth",
        "personal",
        "birth|birth_?da(?:y|te)|dob|age|gender|sex",
        "出生|生日|年龄|年齡|性别|性別",
    ),
    (
        "vehicle",
        "personal",
        "plate|plate_?no|licen[cs]e_?plate|vin",
        "车牌|車牌|号牌|車號|车架",
    ),
    ("device", "personal", "ip|ip_?addr\\w*|mac|imei|device_?id", "设备号|設備號"),
)  # fmt: skip


class Hint(NamedTuple):
    """What a column's name speaks for."""

    kind: str
    proposal: Proposal


def hint_of(*names: str) -> Hint | None:
    """Ask a column's names for personal data. ``dest_lat`` -> location, personal.

    A bare ``name`` speaks for a person, ``station_name`` does not.
    """
    for kind, proposal, english, chinese in HINTS:
        whole = kind == "person_name"
        ends = ("^_", "_$") if whole else ("_", "_")
        pattern = f"{ends[0]}(?:{english}){ends[1]}"
        for name in names:
            if re.search(pattern, words(name)) or re.search(chinese, name):
                return Hint(kind, proposal)
    return None


def words(name: str) -> str:
    """Write a name's words between underscores. ``HomeAddress`` -> _home_address_"""
    apart = re.sub(r"([a-z])([A-Z])", r"\1_\2", name)
    return f"_{re.sub(r'[^a-z0-9]+', '_', apart.lower()).strip('_')}_"


def is_telling(shaped: int, matched: int, chance: float) -> bool:
    """Say whether more values pass than accident gives.

    Few values: more than twice what is expected; many: three standard deviations above.
    1,000 numbers of 16 digits, 102 pass Luhn -> false; 1 of 1 -> true.
    """
    expected = shaped * chance
    return matched > min(2 * expected, expected + 3 * math.sqrt(expected))
