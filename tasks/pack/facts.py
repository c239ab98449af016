"""Tell all that a credit officer asks of a loan, from chain and frames alone, as JSON.

Amounts are text in yuan, days ISO texts, shares text with six decimals. Nothing here is
decided anew: what was decided is told with its ground, its evidence and its day.
"""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any, NamedTuple

from schemas.artifact import Publication
from schemas.asset import Valuation
from schemas.capital import Position
from schemas.money import yuan
from schemas.quality import DIMENSIONS, TOTAL
from tasks.capital.pledging import registration
from tasks.finance import ratio
from tasks.pack.account import account_facts, accounts_of
from tasks.pack.chain import Link, Output, closure, outputs
from tasks.pack.chosen import Loan, concerns, wanted
from tasks.pack.descent import lineage_of
from tasks.pack.erased import gone_in
from tasks.pack.frames import Held, Row, frame_named, register_frame, register_rows
from tasks.pack.journal import journal_of
from tasks.pack.steps import steps_of
from tasks.pledged import Held as Pledged
from tasks.pledged import held as held_by
from tasks.quality import shown as share
from tasks.rights import standing

Facts = dict[str, Any]  # JSON
NAMED = (
    *("accounts", "factor", "agreement", "entity", "asset", "version"),
    *("illustrative", "graded", "renewed", "public", "calendar", "lpr"),
)
BEFORE_LENDING = ("assess", "productize", "assetize", "post")
EVENTS = ("Loan", "LoanFact", "CollateralRoot", "PledgeEvent", "CoverState")


class Told(NamedTuple):
    """What facts are made of."""

    loan: Loan
    links: Sequence[Link]
    held: Sequence[Held]


def facts_of(told: Told) -> dict[str, Any]:  # Any: JSON
    """Tell everything, section by section."""
    return {
        "loan": loan_facts(told),
        "gates": gates_facts(told),
        "position": position_facts(told),
        "unsafe": unsafe_facts(told),
        "account": account_of(told),
        "steps": steps_of(told.loan.terms, owed_row(told)),
        "rights": rights_facts(told),
        "valuation": valuation_facts(told),
        "quality": quality_facts(told),
        "schedule": schedule_facts(told),
        "lineage": lineage_of(told.loan, outputs(told.links)),
        "sources": sources_facts(told),
        "erased": erased_facts(told),
        "contracts": contracts_facts(told),
        "pledge": pledge_facts(told),
        "journal": journal_facts(told),
        "decisions": decisions_facts(told),
    }


def said(value: Any) -> Any:  # Any: a cell of any column
    """Write a cell as JSON."""
    return str(value) if isinstance(value, date) else value


def plain(row: Row) -> Facts:
    """Write a row as JSON: fen as yuan, days as text."""
    return {
        name.removesuffix("_fen"): amount(value)
        if name.endswith("_fen")
        else said(value)
        for name, value in row.items()
    }


def amount(fen: int | None) -> str | None:
    """Write fen as exact yuan. 1230 -> '12.30'."""
    return None if fen is None else f"{yuan(fen):.2f}"


def loan_facts(told: Told) -> Facts:
    """Tell parties and terms, as the last decision read them."""
    loan, terms = told.loan, dict(told.loan.terms)
    borrower = terms.pop("borrower", None) or {}
    rules = {**(terms.pop("ladder", None) or {}), **(terms.pop("rules", None) or {})}
    for name in NAMED:
        terms.pop(name, None)
    if isinstance(terms.get("escrow"), dict):
        terms["escrow"] = terms["escrow"] | {"account": masked(terms["escrow"])}
    return {
        "number": loan.number,
        "factor": loan.factor,
        "entity": loan.entity,
        "asset": loan.asset,
        "version": str(loan.grant.said.terms.get("version", "")),
        "borrower": borrower,
        "rules": rules,
        "terms": terms,
        "title": title_of(told),
        "illustrative": loan.illustrative,
        "granted_on": said(loan.grant.said.as_of),
        "as_of": said(loan.newest.said.as_of),
    }


def masked(escrow: Facts) -> str:
    """Write an account with its last four digits only; the chain holds it whole."""
    return f"…{str(escrow.get('account', ''))[-4:]}"


def title_of(told: Told) -> str:
    """Say what the data are about, in the words of the product's document."""
    made = [o.link.said for o in rests_on(told).values()]
    titles = [str(said.terms.get("title", "")) for said in made if is_of(said, told)]
    return next((title for title in titles if title), told.loan.factor)


def is_of(said: Publication, told: Told) -> bool:
    """Ask whether a run made the product of the loan's own factor."""
    return (said.task, said.factor) == ("productize", told.loan.factor)


def gates_facts(told: Told) -> list[Facts]:
    """Tell every gate that stood before the money, stage by stage, with its day."""
    return [
        {
            "stage": one.said.stage,
            "run": one.seq,
            "gate": gate.gate,
            "passed": gate.passed,
            "ground": gate.ground,
            "evidence": gate.evidence,
            "on": said(one.said.as_of),
        }
        for one in gated(told)
        for gate in one.said.gates
    ]


def gated(told: Told) -> list[Link]:
    """List the runs whose gates stood before the loan, and the newest look at it."""
    above = closure(given(told.loan.grant), outputs(told.links)).values()
    before = {o.link.seq: o.link for o in above if o.link.said.task in BEFORE_LENDING}
    posts = [
        one
        for one in told.links[: told.loan.grant.seq]
        if (one.said.task, one.said.factor) == ("post", told.loan.factor)
    ]
    last = {one.seq: one for one in (*posts[-1:], told.loan.grant, told.loan.newest)}
    return [one for _, one in sorted({**before, **last}.items())]


def given(one: Link) -> list[str]:
    """List the artifacts that a run read."""
    return [i.id for i in one.said.inputs]


def position_row(told: Told) -> Row:
    """Find where the loan stands, as it was recorded last; empty if nowhere."""
    rows = frame_named(told.held, told.loan.newest.seq, "position")
    return rows[0] if rows else {}


def position_facts(told: Told) -> Facts:
    """Tell where the loan stands."""
    return plain(position_row(told) or dict.fromkeys(Position.to_schema().columns))


def account_of(told: Told) -> list[Facts]:
    """Tell how each tranche stands by what was recorded; nothing before it is drawn."""
    facts, on = register_frame(told.held, "LoanFact"), day_of(told)
    books = accounts_of(told.links, told.loan, facts, on)
    return [account_facts(part, book, on) for part, book in books]


def owed_row(told: Told) -> Row:
    """Say what is owed: as recorded where it was drawn, else by schedule."""
    facts, on = register_frame(told.held, "LoanFact"), day_of(told)
    books = [book for _, book in accounts_of(told.links, told.loan, facts, on)]
    row = position_row(told)
    recorded = {"outstanding_fen": sum(book.outstanding for book in books)}
    return {**row, **(recorded if books else {})}


def unsafe_facts(told: Told) -> list[Facts]:
    """Tell what would make the loan unsafe: until when, or from which figure on."""
    return [*ends(told), *floors(told)]


def ends(told: Told) -> Iterator[Facts]:
    """Tell the days after which something that the loan rests on has ended."""
    position, valued = position_row(told), valuation_row(told)
    holder = str((told.loan.terms.get("borrower") or {}).get("name", ""))
    day = told.loan.newest.said.as_of
    matures = position.get("matures_on")
    yield {"what": "maturity", "limit": said(matures), "source": told.loan.number}
    if day is not None and holder:
        rights = register_frame(told.held, "Right")
        stands = standing(rights, "operate", day, holder)
        yield {
            "what": "right",
            "limit": str(stands.last),
            "source": stands.evidence,
            "after": matures is not None and stands.last < matures,
        }
    mine = pledge_of(told)
    entries = mine.of("perfect", "extend") if mine else []
    if entries:
        until = max(entry["valid_to"] for entry in entries)
        yield {
            "what": "registration",
            "limit": str(until),
            "source": entries[-1]["registration"],
            "after": matures is not None and until < matures,
        }
    valid = valued.get("valid_to")
    yield {
        "what": "appraisal",
        "limit": said(valid),
        "source": valued.get("report", ""),
        "after": valid is None or matures is None or valid < matures,
    }


def floors(told: Told) -> Iterator[Facts]:
    """Tell the figures at which a gate shuts."""
    position, rules = owed_row(told), told.loan.terms.get("rules") or {}
    owed, policy = position.get("outstanding_fen"), rules.get("policy", "")
    scores = frame_named(told.held, run_of(told, "score"), "score")
    for row in scores:
        if row["dimension"] == TOTAL and row["score_ppm"] is not None:
            floor = max(row["score_ppm"] - row["step_ppm"], 0)
            yield {
                "what": "quality",
                "limit": share(floor),
                "now": share(row["score_ppm"]),
                "source": f"{told.loan.factor}/resource/score",
            }
            if "min_quality" in rules:
                yield {
                    "what": "min_quality",
                    "limit": str(rules["min_quality"]),
                    "now": share(row["score_ppm"]),
                    "source": f"{policy}/min_quality",
                }
    if owed is not None and "max_ltv" in rules:
        yield {
            "what": "max_ltv",
            "limit": str(rules["max_ltv"]),
            "now": ratio(owed, position.get("appraised_fen") or 0),
            "source": f"{policy}/max_ltv",
        }


def run_of(told: Told, role: str) -> int:
    """Find which run made what the last decision read in a role; 0 if none."""
    known = outputs(told.links)
    for i in told.loan.newest.said.inputs:
        if i.role == role and i.id in known:
            return known[i.id].link.seq
    return 0


def rights_facts(told: Told) -> Facts:
    """Tell the rights and disputes over the asset, event by event."""
    return {
        "rights": [plain(row) for row in register_rows(told.held, "Right")],
        "disputes": [plain(row) for row in register_rows(told.held, "Dispute")],
    }


def valuation_row(told: Told) -> Row:
    """Find the valuation that the last decision read; empty if there is none."""
    rows = frame_named(told.held, run_of(told, "valuation"), "valuation")
    return rows[0] if rows else {}


def valuation_facts(told: Told) -> Facts:
    """Tell book value beside appraised value, and the plan of its amortisation."""
    plan = frame_named(told.held, run_of(told, "valuation"), "amortization")
    valued = valuation_row(told) or dict.fromkeys(Valuation.to_schema().columns)
    return plain(valued) | {
        "plan": [
            {"period": row["period"], "carrying": amount(row["carrying_fen"])}
            for row in plan
        ]
    }


def quality_facts(told: Told) -> Facts:
    """Tell the scores day by day, and the indicators of the newest assessment."""
    days: dict[str, Facts] = {}
    for one in told.held:
        if one.kept.output.made.frame == "score":
            for row in one.frame.to_dicts():
                day = days.setdefault(str(row["as_of"]), {"as_of": str(row["as_of"])})
                ppm = row["score_ppm"]
                day[row["dimension"]] = None if ppm is None else share(ppm)
    names = (*DIMENSIONS, TOTAL)
    series = [
        {n: day.get(n) for n in ("as_of", *names)} for _, day in sorted(days.items())
    ]
    indicators = frame_named(told.held, run_of(told, "score"), "quality")
    kept = ("code", "name", "name_zh", "a", "b", "direction")
    return {
        "series": series,
        "indicators": [
            {n: row[n] for n in kept}
            | {"value": None if row["value_ppm"] is None else share(row["value_ppm"])}
            for row in indicators
        ],
    }


def schedule_facts(told: Told) -> list[Facts]:
    """Tell the plan of repayment, with LTV and coverage after each instalment."""
    appraised = position_row(told).get("appraised_fen") or 0
    rows = frame_named(told.held, told.loan.newest.seq, "repayment")
    return [
        plain(row)
        | {
            "ltv": ratio(row["balance_fen"], appraised),
            "coverage": ratio(appraised, row["balance_fen"]),
        }
        for row in rows
    ]


def rests_on(told: Told) -> dict[str, Output]:
    """List all that the loan's decisions rest on, down to raw bytes."""
    start = [*given(told.loan.grant), *given(told.loan.newest)]
    return closure(start, outputs(told.links))


def sources_facts(told: Told) -> list[Facts]:
    """Tell each file that the loan rests on: place, digest, licence, rows."""
    found, cleaned = [], cleaning(told)
    for output in rests_on(told).values():
        origin = output.made.origin
        if origin is not None:
            found.append(
                {
                    "factor": output.link.said.factor,
                    "table": output.made.frame,
                    "path": origin.path,
                    "member": origin.member,
                    "file_sha256": origin.file_sha256,
                    "sha256": output.made.ref.sha256,
                    "bytes": output.made.bytes,
                    "licence": origin.licence,
                    "kept": origin.retained,
                    **counted(cleaned.get(output.made.ref.id)),
                }
            )
    return sorted(
        found, key=lambda f: (f["factor"], f["table"], f["path"], f["member"])
    )


def erased_facts(told: Told) -> list[Facts]:
    """Tell which bytes that the loan rests on were erased: when, why, by whom."""
    mine = {kept.output.made.ref.id for kept in wanted(told.links, told.loan)}
    gone = gone_in(told.links)
    found = [gone[id] for id in gone.keys() & (rests_on(told).keys() | mine)]
    return sorted(found, key=lambda one: (one["on"], one["name"], one["id"]))


def cleaning(told: Told) -> dict[str, Link]:
    """Find the run that cleaned each raw artifact, the last of several."""
    return {
        id: one
        for one in told.links
        if (one.said.task, one.said.status) == ("clean", "COMPLETE")
        for id in given(one)
    }


def counted(run: Link | None) -> Facts:
    """Count the rows that cleaning took from raw bytes, and those it rejected.

    Several files that were cleaned as one table are counted together.
    """
    names = ("rows_in", "rows_out", "rejected", "dropped")
    if run is None:
        return dict.fromkeys(names)
    return {n: sum(getattr(b, n) for b in run.said.balances) for n in names}


def contracts_facts(told: Told) -> list[Facts]:
    """Tell what each contract on the way asked, and how often a row said no."""
    runs = {o.link.seq: o.link for o in rests_on(told).values()}
    runs[told.loan.newest.seq] = told.loan.newest
    found = []
    for seq, one in sorted(runs.items()):
        for balance in one.said.balances:
            checks = [c for c in one.said.checks if c.frame == balance.frame]
            found.append(
                {
                    "run": seq,
                    "frame": f"{one.said.factor}/{one.said.stage}/{balance.frame}",
                    "task": one.said.task,
                    "rows_in": balance.rows_in,
                    "rows_out": balance.rows_out,
                    "rejected": balance.rejected,
                    "dropped": balance.dropped,
                    "rules": [
                        {"rule": c.check, "examined": c.examined, "failed": c.failed}
                        for c in checks
                    ],
                }
            )
    return found


def pledge_facts(told: Told) -> Facts:
    """Tell the pledges of the asset, and what was recorded of them and of the loan."""
    mine = [
        row for row in register_rows(told.held, "Pledge") if concerns(row, told.loan)
    ]
    found: Facts = {"pledges": [plain(row) for row in mine]}
    for register in EVENTS:
        rows = [
            plain({n: v for n, v in row.items() if n != "sketch"})
            for row in register_rows(told.held, register)
            if concerns(row, told.loan)
        ]
        found[register] = rows
    found["watched_on"] = said(watched_on(told))
    own = pledge_of(told)
    state, ground = registration(own, day_of(told)) if own else ("unpledged", "")
    secured = None if own is None else amount(own.total)
    return found | {"registration": state, "ground": ground, "secured": secured}


def pledge_of(told: Told) -> Pledged | None:
    """Put the loan's own pledge together with all that happened to it; None if none."""
    rows, events = (register_rows(told.held, n) for n in ("Pledge", "PledgeEvent"))
    every = held_by(rows, events, ())
    return next((one for one in every if one.request == told.loan.number), None)


def watched_on(told: Told) -> date | None:
    """Find the last day on which the pledges of the entity were watched; None if never.

    A watch that changes nothing posts nothing: only its run tells of it.
    """
    days = [
        one.said.as_of
        for one in told.links
        if (one.said.task, one.said.status) == ("watch", "COMPLETE")
        and told.loan.entity in one.said.terms.get("entities", ())
        and all(gate.passed for gate in one.said.gates)
    ]
    return max((day for day in days if day is not None), default=None)


def day_of(told: Told) -> date:
    """Find the last day of which anything of the loan was recorded."""
    days = [told.loan.newest.said.as_of or date.min]
    for register, column in (
        ("LoanFact", "effective_on"),
        ("PledgeEvent", "effective_on"),
        ("CoverState", "watched_on"),
    ):
        rows = register_rows(told.held, register)
        days += [row[column] for row in rows if concerns(row, told.loan)]
    return max(days)


def journal_facts(told: Told) -> list[Facts]:
    """Tell the journal of asset and loan, line by line."""
    return [plain(row) for row in journal_of(told.held, told.loan).to_dicts()]


def decisions_facts(told: Told) -> list[Facts]:
    """Tell which runs decided, whose they are, and where they stand in the chain."""
    both = {one.seq: one for one in (told.loan.grant, told.loan.newest)}
    return [
        {
            "run": seq,
            "hash": one.hash,
            "on": said(one.said.as_of),
            "at": one.at,
            "who": one.who,
            "signer": one.signer,
        }
        for seq, one in sorted(both.items())
    ]
