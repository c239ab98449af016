"""Ask what would follow if a source, a right, the quality or the price went: in yuan.

The stages' own functions are run on changed facts (``flows/virtual.py``), from value
over impairment and coverage to margin calls, and nothing is kept.

Withdrawn: what rests on the source can be made and offered no more, so its value is 0.
Lapsed: the right ends on the day; without a right to process and to operate the value
is 0, and what was made of that asset's product goes with it. Quality: the score moves
by so many points of 1, with it δ and X1, and the gate ``quality`` is asked again.
Price: forecasts and deals move by a share (``tasks/asset/appraise/shock.py``).

A loan stands as the watch of the day would find it, by its ratio and by its signs.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any, Literal, NamedTuple

import polars as pl
from rich.console import Console

from flows.calendar import scheduled_date
from flows.document import factor_named
from flows.face import table
from flows.held import live_pledges, owed_on, states, value_on, values_on
from flows.looked import Found, looked
from flows.virtual import Known, all_of, asset_on, known_of
from flows.watch_collateral import assets_of, policies_of, terms_of
from schemas.asset import AssetTerms
from schemas.errors import DatafactorError, FactorError, RegisterError
from schemas.factor import Factor
from schemas.money import exact_fen, shown, yuan
from schemas.quality import TOTAL, WHOLE
from schemas.registers import (
    CollateralRoot,
    CoverState,
    Dispute,
    Invoice,
    LoanFact,
    Order,
    Pledge,
    PledgeEvent,
    Right,
)
from schemas.watch import WatchTerms
from tasks import store
from tasks.asset.appraise.shock import at_price, at_quality
from tasks.asset.appraise.value import in_force
from tasks.asset.impair import impairment, recoverable_amount
from tasks.capital.coverage import cover
from tasks.capital.eligibility import carrying
from tasks.capital.hold import At, hold
from tasks.capital.watch import NAMES, RANKS, watch
from tasks.finance import ratio
from tasks.pledged import Held as Pledged

Facts = dict[str, Any]  # JSON
Kind = Literal["withdraw", "lapse", "quality", "price"]
MOST = 10  # a price eleven times as high: more is a slip of the keyboard
NEEDED = ["right_to_process", "right_to_operate"]


class Shock(NamedTuple):
    """What is supposed: a name for a source or a right, else a change."""

    kind: Kind
    name: str = ""
    change: Decimal = Decimal(0)

    def __str__(self) -> str:
        if self.kind == "withdraw":
            return f"{self.name} were withdrawn"
        if self.kind == "lapse":
            return f"the right {self.name} lapsed"
        return f"the {self.kind} moved by {self.change}"


class Standing(NamedTuple):
    """What an asset is worth, in fen, None where it cannot be shown; gates shut.

    ``known``: the facts that it rests on, ``valuation`` (contract Valuation) what the
    third stage says of it, where it says anything.
    """

    value_fen: int | None
    shut: tuple[str, ...]
    known: Known
    valuation: pl.DataFrame | None = None


@dataclass(frozen=True)
class Concerned:
    """An asset that is hit, as it stands and as it would."""

    factor: Factor
    carrying_fen: int | None  # what the ledger carries; None: nothing ever
    before: Standing
    after: Standing

    @property
    def at(self) -> At:
        """Its entity and name."""
        assert self.factor.asset is not None
        return self.factor.entity, self.factor.asset.name


def what_if(shock: Shock, name: str, as_of: date | None) -> Facts:
    """Say what would follow: values, impairment, coverage, margin calls.

    Args:
        shock: What is supposed.
        name: Only this factor; all that have an asset if empty.
        as_of: The day on which it happens; today if not said.

    Raises:
        StoreError: Nothing is called so.
        RegisterError: No such right is registered.
        FactorError: A change is out of range, or the factor has no asset.
    """
    refuse_odd(shock)
    day = as_of or scheduled_date("Asia/Shanghai")
    factors = [f for f in assetized() if name in ("", f.factor)]
    if name and not factors:
        factor_named(name)  # says which there are, if none is called so
        raise FactorError(f"{name} has no asset yet: `datafactor run {name}` makes it")
    hit = [concern(f, own, shock, day) for f, own in concerned(factors, shock)]
    lent = [*loans_of(hit, day)]
    return {
        "what": str(shock),
        "as_of": str(day),
        "assets": [asset_facts(one) for one in hit],
        "loans": lent,
        "totals": totals(hit, lent),
    }


def supposed(**given: str) -> Shock:
    """Read what a person supposes: one thing, and a change as a number.

    Raises:
        FactorError: None or several are given, or a change is no number.
    """
    said = {kind: text for kind, text in given.items() if text}
    if len(said) != 1:
        raise FactorError(f"suppose one thing: {', '.join(f'--{n}' for n in given)}")
    (kind, text), *_ = said.items()
    if kind == "withdraw":
        return Shock("withdraw", text)
    if kind == "lapse":
        return Shock("lapse", text.removeprefix("right:"))
    try:
        return Shock(kind, change=Decimal(text))  # type: ignore[arg-type]  # as above
    except ArithmeticError:
        raise FactorError(f"--{kind} {text} is no number: write -0.03") from None


def refuse_odd(shock: Shock) -> None:
    """Ask for a change that can be."""
    if not shock.change.is_finite():
        raise FactorError(f"--{shock.kind} must be a finite number: write -0.03")
    if shock.kind == "quality" and not -1 <= shock.change <= 1:
        raise FactorError("--quality is a change of the score, from -1 to 1")
    if shock.kind == "price" and not -1 <= shock.change <= MOST:
        raise FactorError(f"--price is a share from -1 to {MOST}: -0.2 is a fifth down")


def assetized() -> Iterator[Factor]:
    """List the factors whose asset was made, as their documents now say."""
    for run in store.newest(store.current(), "assetize"):
        terms = factor_named(run.publication.factor)
        if terms.asset:
            yield terms


def concerned(factors: Sequence[Factor], shock: Shock) -> Iterator[tuple[Factor, bool]]:
    """Choose the factors that are hit; with them whether directly, or by what they use.

    A price and a quality concern all, a source what was made of it, a right its asset
    and what was made of that asset's product.
    """
    if shock.kind in ("price", "quality"):
        yield from ((factor, True) for factor in factors)
        return
    s = store.current()
    own = [] if shock.kind == "withdraw" else [*bound(factors, shock.name)]
    names = [f"{f.factor}/product" for f in own] or [shock.name]
    starts = {id for name in names for id in store.every(s, name)}
    for factor in factors:
        if factor in own:
            yield factor, True
        elif starts & ancestors(factor):
            yield factor, False


def bound(factors: Sequence[Factor], certificate: str) -> Iterator[Factor]:
    """Find the factors over whose asset a right is registered."""
    held = all_of(Right).filter(certificate=certificate)
    if held.is_empty():
        raise RegisterError(
            f"no right is registered under {certificate}: `datafactor rights FACTOR`"
            " lists certificates"
        )
    at = set(held.select("entity", "asset").iter_rows())
    yield from (f for f in factors if f.asset and (f.entity, f.asset.name) in at)


def ancestors(factor: Factor) -> set[str]:
    """List all that the asset of a factor, and what it is pledged for, was made of."""
    s = store.current()
    runs = store.newest(s, "assetize", factor.factor)
    made = [ref.id for run in runs for ref in run.refs.values()]
    asset = factor.asset.name if factor.asset else ""
    loans = [p.request for p in live_pledges() if p.secured.get(asset, 0) > 0]
    made += [store.resolve(s, f"loan:{number}").id for number in loans]
    return {node.id for id in made for node in store.trace(s, id)}


def concern(factor: Factor, own: bool, shock: Shock, day: date) -> Concerned:
    """Set an asset as it stands beside what it would be."""
    terms = factor.asset
    if terms is None:
        raise FactorError(f"{factor.factor} has no asset")
    known = known_of(factor, day)
    change = CHANGES[shock.kind] if own else withdrawn
    return Concerned(
        factor=factor,
        carrying_fen=carrying(known.journal, terms.accounts),
        before=stand(terms, known, day),
        after=change(terms, known, shock, day),
    )


def stand(terms: AssetTerms, known: Known, day: date) -> Standing:
    """Value an asset on a day, by the functions that a run would call."""
    try:
        made = asset_on(terms, known, day)
    except DatafactorError as error:
        return Standing(None, (str(error),), known)
    failed = made.gates.filter(~pl.col("passed")).collect()
    shut = tuple(f"{g}: {why}" for g, why in failed.select("gate", "ground").rows())
    found = made.valuation.collect()
    if not failed.filter(pl.col("gate").is_in(NEEDED)).is_empty():
        return Standing(0, shut, known, worthless(found))
    return Standing(value_on(found.row(0, named=True), day), shut, known, found)


def at_other_price(
    terms: AssetTerms, known: Known, shock: Shock, day: date
) -> Standing:
    """Value it at another price."""
    return revalued(terms, known, day, lambda report: at_price(report, shock.change))


def at_other_quality(
    terms: AssetTerms, known: Known, shock: Shock, day: date
) -> Standing:
    """Value it at another quality, and ask the gate whether it fell too far."""
    total = known.score.filter(dimension=TOTAL)["score_ppm"].to_list()
    if not total or not total[0]:
        return Standing(None, ("nothing of the resource was scored",), known)
    now = min(max(total[0] + int(shock.change * WHOLE), 0), WHOLE)
    moved = pl.when(pl.col("dimension") == TOTAL)
    score = known.score.with_columns(
        before_ppm=moved.then("score_ppm").otherwise("before_ppm"),
        before_on=moved.then("as_of").otherwise("before_on"),
        score_ppm=moved.then(now).otherwise("score_ppm"),
    )
    by = Decimal(now) / total[0]
    fallen = replace(known, score=score)
    return revalued(terms, fallen, day, lambda report: at_quality(report, by))


def revalued(
    terms: AssetTerms, known: Known, day: date, change: Callable[[Any], Any]
) -> Standing:
    """Value it by another appraisal in the place of the one in force."""
    report = in_force(terms.appraisal, day)
    try:
        other = tuple(change(a) if a is report else a for a in terms.appraisal)
    except DatafactorError as error:
        return Standing(None, (str(error),), known)
    return stand(terms.model_copy(update={"appraisal": other}), known, day)


def without_right(terms: AssetTerms, known: Known, shock: Shock, day: date) -> Standing:
    """Value it after a right was cancelled on the day."""
    mine = known.rights.filter(certificate=shock.name)
    ended = mine.filter(event="grant").with_columns(
        event=pl.lit("revoke"),
        effective_on=pl.lit(day),
        number=pl.lit(mine.height + 1, pl.Int64),
        basis=pl.lit("supposed to lapse"),
    )
    left = replace(known, rights=pl.concat([known.rights, ended]))
    return stand(terms, left, day)


def withdrawn(terms: AssetTerms, known: Known, shock: Shock, day: date) -> Standing:
    """Say what is left of an asset whose data may be used no more: nothing."""
    gone = f"if {shock}, what was made of it cannot be made or offered"
    now = stand(terms, known, day).valuation
    return Standing(0, (gone,), known, None if now is None else worthless(now))


def worthless(valuation: pl.DataFrame) -> pl.DataFrame:
    """Let a valuation say that nothing is left. Contract: Valuation."""
    return valuation.with_columns(appraised_fen=pl.lit(0, pl.Int64))


CHANGES: Mapping[Kind, Callable[[AssetTerms, Known, Shock, date], Standing]] = {
    "price": at_other_price,
    "quality": at_other_quality,
    "lapse": without_right,
    "withdraw": withdrawn,
}


def loss_of(carrying_fen: int | None, standing: Standing) -> int | None:
    """Compute what is carried beyond what can be recovered (CAS 8 art. 15), in fen.

    Recoverable is taken as the appraised value; costs of disposal are not stated. Never
    below 0, and never up: a value above what is carried changes nothing.
    """
    if standing.value_fen is None:
        return None
    recovered = recoverable_amount(standing.value_fen, None, None)
    return impairment(max(carrying_fen or 0, 0), recovered)


def loans_of(hit: Sequence[Concerned], day: date) -> Iterator[Facts]:
    """Say of each loan on an asset that is hit how it stands and would stand.

    What others owe on the same data counts before and beside it, so all live pledges
    are held. A state is the worse of what the ratio says and what the watch finds.
    """
    pledges = live_pledges()
    asked = requests_on({one.at for one in hit}, pledges)
    owed, values = owed_on(pledges, day), values_on(day)
    before = values | {one.at: one.before.value_fen for one in hit}
    after = before | {one.at: one.after.value_fen for one in hit}
    for name, policy in policies_of(pledges, "")[0].items():
        mine = [p for p in pledges if p.pledge["entity"] == name]
        seen = looked(assets_of(mine), day)
        terms = terms_of(policy, [name], mine, seen, day)
        held = hold(pledges, owed, before, states())
        now = held_so(held, watched_so(terms, seen, hit, day, "before"), terms)
        so_far = dict(now.select("request", "state").iter_rows())
        held = hold(pledges, owed, after, so_far)
        then = held_so(held, watched_so(terms, seen, hit, day, "after"), terms)
        told = then.join(now, on="request", suffix="_before")
        for row in told.filter(pl.col("request").is_in([*asked])).to_dicts():
            yield loan_facts(row)


def requests_on(assets: set[At], pledges: Sequence[Pledged]) -> set[str]:
    """Name the agreements that some assets secure."""
    return {
        one.request
        for one in pledges
        for asset, fen in one.secured.items()
        if fen > 0 and (one.pledge["entity"], asset) in assets
    }


def held_so(
    held: pl.LazyFrame, watched: pl.DataFrame, terms: WatchTerms
) -> pl.DataFrame:
    """Cover the pledges that were watched; the worse of both states holds.

    Columns: of Covered, and outstanding_fen, value_fen, ground (of the watch).
    """
    rank = pl.col("state").replace_strict(RANKS, return_dtype=pl.Int64)
    seen = watched.select("request", "ground", seen=rank)
    stood = cover(held, terms.coverage).collect().join(seen, on="request")
    worst = pl.max_horizontal(rank, "seen")
    owed = held.select("request", "outstanding_fen", "value_fen").collect()
    return stood.with_columns(
        state=worst.replace_strict(NAMES, return_dtype=pl.String)
    ).join(owed, on="request")


def watched_so(
    terms: WatchTerms,
    found: Found,
    hit: Sequence[Concerned],
    day: date,
    when: Literal["before", "after"],
) -> pl.DataFrame:
    """Run the watch on facts that were changed. Contract: Watched."""
    s = store.current()
    frames = {f: store.scan(s, ref) for f, ref in found.valuations.items()}
    scores = {f: store.scan(s, ref) for f, ref in found.scores.items()}
    rights = [all_of(Right)]
    for one in hit:
        name, so = one.factor.factor, one.before if when == "before" else one.after
        frames.pop(name, None)
        if so.valuation is not None:
            frames[name] = so.valuation.lazy()
        if not so.known.score.is_empty():
            scores[name] = so.known.score.lazy()
        rights.append(so.known.rights)
    key = list(Right.to_schema().unique or ())
    known = pl.concat(rights).unique(key, keep="first", maintain_order=True)
    made = watch(
        pledges=all_of(Pledge).lazy(),
        events=all_of(PledgeEvent).lazy(),
        roots=all_of(CollateralRoot).lazy(),
        states=all_of(CoverState).lazy(),
        facts=all_of(LoanFact).lazy(),
        rights=known.lazy(),
        orders=all_of(Order).lazy(),
        invoices=all_of(Invoice).lazy(),
        valuations=frames,
        scores=scores,
        terms=terms,
        as_of=day,
        disputes=all_of(Dispute).lazy(),
    )
    return made.watched.collect()


def loan_facts(row: Facts) -> Facts:
    """Tell one loan; money as text in yuan, null where no value can be shown."""
    return {
        "loan": row["request"],
        "outstanding": money(row["outstanding_fen"]),
        "value_before": money(row["value_fen_before"]),
        "value_after": money(row["value_fen"]),
        "ltv_before": share(row["ltv_ppm_before"]),
        "ltv_after": share(row["ltv_ppm"]),
        "state_before": row["state_before"],
        "state_after": row["state"],
        "repay": money(row["repay_fen"]),
        "top_up": money(row["top_up_fen"]),
        "ground": row["ground"],
    }


def asset_facts(one: Concerned) -> Facts:
    """Tell one asset; money as text in yuan, null where it cannot be shown."""
    standing = {"before": one.before, "after": one.after}
    losses = {when: loss_of(one.carrying_fen, s) for when, s in standing.items()}
    return {
        "factor": one.factor.factor,
        "asset": one.at[1],
        "carrying": money(one.carrying_fen),
        **{f"value_{when}": money(s.value_fen) for when, s in standing.items()},
        **{f"loss_{when}": money(loss) for when, loss in losses.items()},
        "shut": [why for why in one.after.shut if why not in one.before.shut],
        "shut_before": list(one.before.shut),
    }


def totals(hit: Sequence[Concerned], lent: Sequence[Facts]) -> Facts:
    """Add up what would follow; what cannot be shown counts as 0 and is counted."""
    falls = [(one.before.value_fen or 0) - (one.after.value_fen or 0) for one in hit]
    more = [
        (loss_of(one.carrying_fen, one.after) or 0)
        - (loss_of(one.carrying_fen, one.before) or 0)
        for one in hit
    ]
    called = [n["repay"] for n in lent if n["state_after"] == "margin_call"]
    broken = [n["outstanding"] for n in lent if n["state_after"] == "default"]
    bare = [max(in_fen(n["outstanding"]) - in_fen(n["value_after"]), 0) for n in lent]
    return {
        "value_fall": money(sum(falls)),
        "impairment": money(sum(more)),
        "margin_calls": money(sum(map(in_fen, called))),
        "defaulted": money(sum(map(in_fen, broken))),
        "shortfall": money(sum(bare)),
        "unknown": sum(one.after.value_fen is None for one in hit),
    }


def money(amount: int | None) -> str | None:
    """Write fen as text in yuan; null where unknown."""
    return None if amount is None else f"{yuan(amount):f}"


def in_fen(amount: str | None) -> int:
    """Read an amount of the facts; unknown is 0."""
    return exact_fen(Decimal(amount or 0))


def share(ppm: int | None) -> str | None:
    """Write millionths. 557,538 -> 0.557538; null where undefined."""
    return None if ppm is None else ratio(ppm, WHOLE)


def told(amount: str | None) -> str:
    """Write an amount of the facts for people."""
    return "not known" if amount is None else shown(in_fen(amount))


def show(console: Console, data: Facts) -> None:
    """Show what would follow: assets, loans, the sum, and what would be shut."""
    console.print(f"if {data['what']}, on {data['as_of']}:", markup=False)
    if not data["assets"]:
        console.print("  no asset in the store rests on it")
        return
    rows = [
        (
            *(a["asset"], told(a["carrying"] or "0"), told(a["value_before"])),
            *(told(a["value_after"]), told(a["loss_before"]), told(a["loss_after"])),
        )
        for a in data["assets"]
    ]
    head = ("asset", "carried", "value", "value then")
    console.print(table("\nCNY", (*head, "loss", "loss then (CAS 8)"), rows))
    loans = [
        (
            *(n["loan"], told(n["outstanding"]), told(n["value_after"])),
            f"{n['ltv_before'] or '–'} → {n['ltv_after'] or '–'}",
            f"{n['state_before']} → {n['state_after']}",
            *(told(n["repay"]), told(n["top_up"])),
        )
        for n in data["loans"]
    ]
    named = ("loan", "owed", "value then", "LTV", "state", "repay", "or top up")
    console.print(table("\nloans, CNY", named, loans))
    sums = {n: told(v) for n, v in data["totals"].items() if n != "unknown"}
    said = "; ".join(f"{n.replace('_', ' ')} {v}" for n, v in sums.items())
    console.print(f"\nin all: {said} CNY", markup=False)
    for loan in data["loans"]:
        if loan["state_after"] != "normal":
            console.print(f"  {loan['loan']}: {loan['ground']}", markup=False)
    for asset in data["assets"]:
        for why in asset["shut"]:
            console.print(f"  shut: {asset['asset']}: {why}", markup=False)
    console.print("nothing was kept", markup=False)
