"""The command line: ``datafactor demo``, ``run``, ``check``, ``show``, ``trace``, …

Each command computes an answer, then prints it for people or, with ``--json``, as one
object ``{schema, command, exit, data}``. Errors are one sentence on stderr.
"""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import rfc8785
from cyclopts import App, CycloptsError, Parameter
from rich.console import Console

from flows import face
from schemas.artifact import Stage
from schemas.errors import DatafactorError, FactorError, Refused, RegisterError
from schemas.pledging import PledgeKind

if TYPE_CHECKING:
    from flows.summary import Chain

HELP = "Carry a data factor from raw bytes to a financed asset; ask what rests on it."
app = App(name="datafactor", help=HELP, version=version("datafactor"))
# Piped text is for other programs and long lines: only a terminal has a width.
WIDE = None if sys.stdout.isatty() else 240
out = Console(highlight=False, soft_wrap=True, width=WIDE)
err = Console(stderr=True, highlight=False, soft_wrap=True)

Json = Annotated[bool, Parameter(name="--json", help="One JSON object on stdout.")]
Ref = Annotated[
    str,
    Parameter(
        help="factor[/stage[/frame]], loan:NUMBER, right:CERTIFICATE, metric:FACTOR/"
        "METRIC, agreement:NUMBER, licence:ID, sha256:…, an id prefix, or a path."
    ),
]


@dataclass(frozen=True)
class Answer:
    """What a command found, and how people see it."""

    command: str
    data: Any  # JSON of any shape
    show: Callable[[Console], None]
    exit: int = 0

    def give(self, as_json: bool) -> int:
        """Print it and return the exit code."""
        if as_json:
            body = {
                "schema": f"datafactor/{self.command}/1",
                "command": self.command,
                "exit": self.exit,
                "data": self.data,
            }
            sys.stdout.write(rfc8785.dumps(body).decode() + "\n")
        else:
            self.show(out)
        return self.exit


@app.command
def demo(*, json: Json = False) -> int:
    """Carry the New York flights of 2013 from raw bytes to a financed asset.

    First the same flights are given away: no loan is made on them. Then they are made a
    product of one's own: it is financed. At last a byte of them is flipped in a copy.

    Example: datafactor demo
    """
    from flows import demo as flights
    from tasks import store

    flights.fetch(store.current().settings.data)
    given = flights.given_away()
    if not json:
        flights.show_open(out, given)
    lent = run_one(flights.FACTOR, flights.AS_OF, Stage.CAPITAL, "", json)
    if lent.exit:
        return lent.give(json)
    found = flights.flipped()
    data = {**lent.data, "open": given, "flipped": found}
    if not json:
        lent.show(out)
    return Answer("demo", data, lambda c: flights.show_flipped(c, found)).give(json)


@app.command
def run(
    factor: str,
    *more: str,
    as_of: date | None = None,
    through: Stage = Stage.CAPITAL,
    partitions: str = "",
    json: Json = False,
) -> int:
    """Run factors through their stages; with PREFECT_API_URL set, as flow runs there.

    Several run in the order in which they feed each other. Only those named run: any
    other input must have been made before. What fails stops those that it feeds.

    Example: datafactor run flight-disruption --as-of 2026-06-30 --through product

    Args:
        partitions: FIRST..LAST, such as 2024-05-01..2024-05-31: make these only.
    """
    asked = partial(run_one, through=through, partitions=partitions, as_json=json)
    if not more:
        return asked(factor, as_of).give(json)
    from flows.order import in_turn

    answers = []
    for answer in in_turn((factor, *more), lambda name: asked(name, as_of), failure):
        answers.append(answer)
        if not json:
            answer.give(as_json=False)
    worst = max(answer.exit for answer in answers)
    if json:
        data = [answer.data for answer in answers]
        Answer("run", data, lambda _: None, worst).give(as_json=True)
    return worst


@app.command
def backfill(factor: str, span: str, *, json: Json = False) -> int:
    """Run the days of a span that the schedule fired on and the store does not know.

    Each once, in order, waiting for its end; without a schedule every day. A day that
    is refused or fails is said, and the others go on. Asked again it runs what is still
    missing.

    Example: datafactor backfill flight-disruption 2026-06-01..2026-06-30

    Args:
        span: FIRST..LAST day, or one day.
    """
    from flows import backfill as late

    plan = late.planned(factor, span)
    if not json:
        late.show_plan(out, plan)
    days = []
    for day in late.filled(plan, lambda d: chain_of(factor, d, Stage.CAPITAL, "")):
        days.append(day)
        if not json:
            late.show_day(out, day)
    bad = any(day["outcome"] != "done" for day in days)
    data = late.facts_of(plan, days)
    return Answer("backfill", data, lambda _: None, int(bad)).give(json)


def failure(name: str, said: str) -> Answer:
    """Say why one of several factors did not run to its end."""
    told = f"{name}: {said}"
    data = {"factor": name, "error": said}
    return Answer("run", data, lambda _: err.print(told, markup=False), 1)


def run_one(
    name: str, as_of: date | None, through: Stage, partitions: str, as_json: bool
) -> Answer:
    """Run one factor with its progress shown."""
    from flows import summary
    from flows.progress import Progress

    try:
        with Progress(out, quiet=as_json) as progress:
            chain = chain_of(name, as_of, through, partitions)
    except Refused as refused:
        return refusal(refused, progress.data())
    data = {
        "factor": name,
        "as_of": str(chain.as_of),
        "stages": progress.data(),
        "summary": dict(summary.lines(chain)),
        "notes": progress.notes,
        "next": summary.next_commands(chain),
    }
    reused = all(published.reused for _, published, _ in progress.done)
    return Answer("run", data, lambda console: face.ending(console, chain, reused))


def chain_of(name: str, as_of: date | None, through: Stage, partitions: str) -> "Chain":
    """Run the flow plainly, or on the Prefect server that the environment names."""
    from flows.runner import refuse_alone
    from flows.value_chain import value_chain

    refuse_alone()
    if not os.environ.get("PREFECT_API_URL"):
        return value_chain.fn(name, as_of, through, partitions)
    from prefect import tags

    with tags("datafactor", "value-chain", f"factor:{name}"):
        state = value_chain(name, as_of, through, partitions, return_state=True)
    if state.name == "Refused":
        raise Refused(name, (state.message or "",))
    chain: Chain = state.result()
    return chain


def refusal(
    refused: Refused,
    stages: list[dict[str, Any]],  # Any: JSON
    command: str = "run",
) -> Answer:
    """Say which gate is shut; the answer of a run that may not go on."""
    grounds = list(refused.grounds)
    data = {"refused": refused.stage, "grounds": grounds, "stages": stages}
    return Answer(command, data, lambda _: err.print(str(refused), markup=False), 1)


@app.command
def check(factor: str, *, json: Json = False) -> int:
    """Read a factor document, compile its contracts and SQL, and run nothing.

    Example: datafactor check flight-disruption
    """
    from flows.check import examine

    plan = examine(factor)
    return Answer("check", plan, lambda c: face.plan(c, plan)).give(json)


@app.command
def schema(*, json: Json = False) -> int:
    """Print the JSON Schema of factor documents: with it an editor completes them.

    Example: datafactor schema > factor.schema.json
    """
    from json import dumps

    from flows.check import factor_schema

    made = factor_schema()
    text = dumps(made, ensure_ascii=False, indent=1)
    return Answer("schema", made, lambda c: c.out(text, highlight=False)).give(json)


@app.command
def draft(
    *paths: str,
    output: Annotated[Path, Parameter(name=["--output", "-o"])],
    encoding: str = "",
    contract: Path | None = None,
    json: Json = False,
) -> int:
    """Read raw files and write a first factor document: guesses with their evidence.

    Example: datafactor draft sales.csv -o sales.yaml

    Args:
        paths: Files below DATAFACTOR_DATA, members of archives, patterns.
        output: The document to write; the factor is named after it.
        encoding: Of delimited text, such as gb18030; it is guessed if not said.
        contract: A data contract (ODCS v3) of the one file: its columns, rules, key and
            price instead of guesses. Data that contradict it are refused.
    """
    from flows.draft import draft_facts, drafted

    if contract is not None:
        from flows.contracted import contracted

        made, left = contracted(paths, contract, output, encoding)
        data = draft_facts(made, output) | {"left": list(left)}
        return Answer("draft", data, lambda c: face.draft(c, data)).give(json)
    data = draft_facts(drafted(paths, output, encoding), output)
    return Answer("draft", data, lambda c: face.draft(c, data)).give(json)


@app.command
def show(
    ref: Ref = "", *, failed: bool = False, limit: int = 20, json: Json = False
) -> int:
    """Show the latest runs (of all, of a factor), or the rows of a frame.

    FACTOR shows its runs, FACTOR/product and FACTOR/asset/journal rows; an id, a number
    or a file the runs that made it.
    With --failed: what failed, was refused or found nobody to approve it, and was not
    made good since; what to do, and what money rests on it.

    Example: datafactor show flight-disruption/asset/journal

    Args:
        failed: Show only what a person must look at, of all or of a factor.
        limit: How many rows of a frame to show.
    """
    from flows.rejected import frame_rows, in_full
    from tasks import store

    if failed:
        from flows import operate

        told = operate.failures(ref or None)
        return Answer("show", told, lambda c: operate.show(c, told)).give(json)
    s = store.current()
    named = "/" in ref or "@" in ref
    if named and store.is_frame(frame := store.resolve(s, ref)):
        rows = frame_rows(in_full(ref, frame), frame, limit)
        return Answer("show", rows, lambda c: face.rows(c, rows)).give(json)
    runs = store.runs(s, ref) if ref else store.runs(s)
    if ref and not runs:  # no factor: it must be an artifact
        made = store.resolve(s, ref).id
        runs = [r for r in store.runs(s) if made in {x.id for x in r.refs.values()}]
    data = [face.run_facts(run) for run in runs]
    return Answer("show", data, lambda c: face.runs(c, data)).give(json)


@app.command
def trace(ref: Ref, *, columns: bool = False, json: Json = False) -> int:
    """Follow the money, or an artifact, back to the bytes it rests on.

    Each stage says how many rows it took in, gave out and rejected, how many rules were
    asked and said no, which gates stood open, and how the lineage of each artifact is
    known: of its columns, or as a table.

    Example: datafactor trace loan:BANK-2026-001

    Args:
        columns: Follow each column back to the columns of the sources instead.
    """
    from flows.columns import column_facts
    from flows.trail import trail, trail_facts
    from tasks import store

    s = store.current()
    found = store.resolve(s, ref)
    if columns:
        edges = column_facts(ref, found)
        return Answer("trace", edges, lambda c: face.columns(c, edges)).give(json)
    data = trail_facts(ref, way := store.trail(s, found.id))
    return Answer("trace", data, lambda c: trail(c, way, data)).give(json)


@app.command
def impact(ref: Ref, *, limit: int = 1_000, json: Json = False) -> int:
    """Follow bytes forward to the products, assets, loans and money that rest on them.

    Also a right, a quality metric, an agreement, an order or a licence.

    Example: datafactor impact right:JB-DP-2026-018

    Args:
        limit: How many of each kind to list, of artifacts the nearest; the totals count
            all.
    """
    from flows.resting import impact_facts, show_rows, show_totals
    from tasks import store

    s = store.current()
    starts = store.every(s, ref)
    if not json:
        show_totals(out, ref, store.weigh(s, *starts))
    data = impact_facts(ref, starts, limit)
    return Answer("impact", data, lambda c: show_rows(c, data)).give(json)


@app.command
def rejects(
    ref: Ref,
    *,
    csv: Annotated[str, Parameter(allow_leading_hyphen=True)] = "",
    reveal: bool = False,
    limit: int | None = None,
    json: Json = False,
) -> int:
    """Count the rows that did not make it by rule and file, and show or export them.

    Example: datafactor rejects flight-disruption/resource/flights --csv mend.csv

    Args:
        csv: Write all of them to this file (mode 0600) instead; - is stdout.
        reveal: Show classified columns instead of masking them.
        limit: How many rows to show (20) or to write (all).
    """
    from flows.rejected import rejected_rows, write_csv

    if csv:
        written = write_csv(ref, csv, reveal, limit)
        if csv == "-":
            return 0
        told = f"{written:,} rejected rows of {ref} are in {csv}"
        data = {"frame": ref, "file": csv, "rows": written}
        return Answer("rejects", data, lambda c: c.print(told, markup=False)).give(json)
    data = rejected_rows(ref, reveal, 20 if limit is None else limit)
    return Answer("rejects", data, lambda c: face.rejects(c, data)).give(json)


@app.command
def quality(ref: Ref, *, plot: Path | None = None, json: Json = False) -> int:
    """Show the 20 quality indicators of a resource, its scores and how they moved.

    Example: datafactor quality flight-disruption --plot quality.svg

    Args:
        plot: Write the series as a line chart to this SVG file.
    """
    from flows.quality import quality_of, show_quality, write_plot

    data = quality_of(ref)
    if plot:
        write_plot(data, plot)
    return Answer("quality", data, lambda c: show_quality(c, data)).give(json)


@app.command
def answer(
    factor: str,
    *,
    where: tuple[str, ...] = (),
    plot: Path | None = None,
    json: Json = False,
) -> int:
    """Show the decision that a product serves and the rows that answer it.

    Example: datafactor answer flight-disruption --where origin=EWR --plot routes.svg

    Args:
        where: COLUMN=VALUE that a row must have; may be repeated.
        plot: Draw the answer to this SVG file.
    """
    from flows.answer import answer_of, show_answer, write_plot

    data = answer_of(factor, where)
    if plot:
        write_plot(factor, plot, where)
    return Answer("answer", data, lambda c: show_answer(c, data)).give(json)


@app.command
def export(
    ref: str,
    *,
    form: Annotated[
        Literal["odcs", "dcat", "openlineage", "croissant", "odrl"],
        Parameter(name="--as"),
    ],
    output: Annotated[Path, Parameter(name=["--output", "-o"])],
    json: Json = False,
) -> int:
    """Describe a product in an open format, or the runs of its factor as events.

    Example: datafactor export flight-disruption --as dcat -o descriptors

    Args:
        ref: A factor, or its product: flight-disruption/product.
        form: odcs: contract; dcat: catalogue; openlineage: runs; croissant: columns for
            programs; odrl: licence.
        output: Folder that the file goes into.
    """
    from flows.export import export as write

    data = write(ref, form, output)
    told = f"{data['as']} of {data['ref']} is in {data['file']}"
    return Answer("export", data, lambda c: c.print(told, markup=False)).give(json)


@app.command
def catalog(
    *,
    output: Annotated[Path, Parameter(name=["--output", "-o"])],
    lang: Literal["zh", "en"] | None = None,
    json: Json = False,
) -> int:
    """Write the catalogue that a buyer reads: a static site, no network needed.

    Example: datafactor catalog -o site

    Args:
        output: Folder of the site; an earlier catalogue in it is replaced.
        lang: One language; both if not said.
    """
    from flows.catalog import write_catalog
    from tasks.page.words import LANGUAGES

    data = write_catalog(output, (lang,) if lang else LANGUAGES)
    told = f"{len(data['products'])} products; open {output / 'index.html'}"
    return Answer("catalog", data, lambda c: c.print(told, markup=False)).give(json)


@app.command
def find(word: str, *more: str, json: Json = False) -> int:
    """Find resources and products whose document holds every word, best first.

    A word counts 8 in a name or title, 4 in a column's name, 2 in a unit, a label or a
    column's description, 1 in the scenario or a source; twice where it is whole.

    Example: datafactor find delay flights
    """
    from flows.find import find as search

    data = search((word, *more))
    return Answer("find", data, lambda c: face.found(c, data)).give(json)


@app.command
def redrive(
    ref: Ref,
    *,
    fixed: Annotated[Path | None, Parameter(name="--with")] = None,
    json: Json = False,
) -> int:
    """Move the rejects that pass now, after a rule or the rows were mended.

    Example: datafactor redrive flight-disruption/resource/flights --with mend.csv

    Args:
        fixed: What `rejects --csv FILE --reveal` wrote, with cells mended.
    """
    from flows.redrive import redrive_rows

    data = redrive_rows(ref, fixed)
    return Answer("redrive", data, lambda c: face.redriven(c, data)).give(json)


@app.command
def order(
    product: str,
    *,
    customer: str,
    code: str,
    use: str,
    fields: str = "",
    rows: int | None = None,
    quota: int | None = None,
    first: Annotated[date | None, Parameter(name="--from")] = None,
    until: date | None = None,
    number: str = "",
    json: Json = False,
) -> int:
    """Order a product for a use; its API key is shown once, and kept as a hash only.

    Example: datafactor order rain --customer "Crop Cover" --code 91110000600037341L
    --use claims --number SO-1

    Args:
        product: Its own name, or its factor's.
        customer: Registered name of the customer.
        code: Its unified social credit code.
        use: One of the uses that the product's scenario offers, by its short name.
        fields: Columns joined by commas; all of them if not said.
        rows: Rows of one delivery at most.
        quota: Units in all; of a product sold by quota a multiple of what it sells.
        first: First day of the term; today if not said.
        until: Last day of the term; the longest that the price allows if not said.
        number: Of the order. Ordered again under it, nothing is ordered twice.
    """
    from flows import market, selling

    columns = tuple(n.strip() for n in fields.split(",") if n.strip())
    asked = market.Asked(
        customer, code, use, number, columns, rows, quota, first, until
    )
    data = market.take_order(product, asked)
    return Answer("order", data, lambda c: selling.entitlement(c, data)).give(json)


@app.command
def renew(
    order: str,
    *,
    first: Annotated[date | None, Parameter(name="--from")] = None,
    until: date | None = None,
    quota: int | None = None,
    new_key: Annotated[bool, Parameter(negative=())] = False,
    json: Json = False,
) -> int:
    """Grant another term of an order at its own price; a quota is added at once.

    Example: datafactor renew SO-1 --quota 200

    Args:
        order: Number of the order.
        first: First day; the one after the last term if not said.
        until: Last day; the longest that the price allows if not said.
        quota: Units that it adds; as many as the order if not said.
        new_key: Replace a key that was lost or seen by others, and do nothing else: no
            term, nothing to pay. The new one is shown once, the old one opens nothing.
    """
    from flows import market, selling

    if new_key and (first or until or quota):
        raise RegisterError("--new-key grants no term: renew by a command of its own")
    data = (
        market.replace_key(order)
        if new_key
        else market.renew(order, first, until, quota)
    )
    return Answer("renew", data, lambda c: selling.entitlement(c, data)).give(json)


@app.command
def revoke(
    order: str, *, reason: str, on: date | None = None, json: Json = False
) -> int:
    """End what an order entitles to, from a day on: today if not said.

    Example: datafactor revoke SO-1 --reason "not paid"
    """
    from flows import market, selling

    data = market.revoke(order, reason, on)
    return Answer("revoke", data, lambda c: selling.entitlement(c, data)).give(json)


@app.command
def withdraw(
    product: str,
    *,
    reason: str,
    evidence: str = "",
    on: date | None = None,
    lift: bool = False,
    json: Json = False,
) -> int:
    """Withdraw a product from sale and delivery, or offer it again.

    Example: datafactor withdraw rain --reason "its source is disputed"

    Args:
        evidence: Document that shows it.
        on: First day on which it is so; today if not said.
        lift: Offer it again.
    """
    from flows import market, selling

    data = market.withdraw(product, reason, evidence, on, lift)
    return Answer("withdraw", data, lambda c: selling.withdrawal(c, data)).give(json)


@app.command
def deliver(
    order: str,
    *,
    output: Annotated[Path, Parameter(name=["--output", "-o"])],
    json: Json = False,
) -> int:
    """Write the file bundle of an order into a new folder, and count it.

    Example: datafactor deliver SO-1 -o bundle
    """
    from flows import selling
    from flows.deliver import deliver as hand_over

    data = hand_over(order, output)
    return Answer("deliver", data, lambda c: selling.delivery(c, data)).give(json)


@app.command
def whose(file: Path, product: str, *, json: Json = False) -> int:
    """Find the bundle that a copy came from, by the order of its rows.

    Example: datafactor whose leaked.csv rain
    """
    from flows import selling
    from flows.deliver import whose as compare

    data = compare(file, product)
    return Answer("whose", data, lambda c: selling.copies(c, data)).give(json)


@app.command
def usage(name: str = "", *, json: Json = False) -> int:
    """Count what was delivered by order and month: of an order, a product, or all.

    Example: datafactor usage SO-1
    """
    from flows import market, selling

    data = market.usage(name)
    return Answer("usage", data, lambda c: selling.usage(c, data)).give(json)


@app.command
def invoice(product: str, period: str, *, json: Json = False) -> int:
    """Invoice a month of a product: sealed use by its price, and what was bought.

    Example: datafactor invoice rain 2026-07
    """
    from flows import market, selling

    data = market.invoice(product, period)
    return Answer("invoice", data, lambda c: selling.invoice(c, data)).give(json)


@app.command
def serve(*, host: str = "127.0.0.1", port: int = 8321) -> int:
    """Serve products to those who ordered them: licensed rows, counted as they go.

    Example: datafactor serve --port 8321

    Args:
        host: Address to listen at; beyond this machine put TLS before it.
        port: 0 takes a free one.
    """
    from flows.serve import serve as run_server

    run_server(host, port, lambda said: out.print(said, markup=False))
    return 0


@app.command
def meter(*, json: Json = False) -> int:
    """Seal what was delivered since the last time; invoices are made of sealed use.

    Example: datafactor meter
    """
    from flows.meter import meter as seal

    data = seal()
    told = "".join(f"{n:,} deliveries of {name}\n" for name, n in data.items())
    said = f"sealed {told}".strip() if told else "every delivery is sealed already"
    return Answer("meter", data, lambda c: c.print(said, markup=False)).give(json)


@app.command
def decide(
    factor: str,
    event: Literal["impair", "provision", "dispose", "expire", "contribute"],
    *,
    number: str,
    evidence: str,
    reason: str,
    on: date | None = None,
    fair_value: str | None = None,
    costs: str | None = None,
    value_in_use: str | None = None,
    proceeds: str | None = None,
    tax: str | None = None,
    counterparty: str = "",
    json: Json = False,
) -> int:
    """Record what was decided of an asset; the close of its month posts it.

    Example: datafactor decide rain impair --number M-7 --value-in-use 312000.00
    --evidence REPORT-7 --reason "quality fell"

    Args:
        event: An impairment or NRV test, disposal, expiry, contribution to equity.
        number: Number of the decision, as in the minutes.
        evidence: Document that proves it.
        reason: Why.
        on: Day on which it takes effect; today if not said.
        fair_value: Fair value of an impairment test, price of a provision; yuan.
        costs: Of disposal, or of completion and sale; yuan.
        value_in_use: Yuan.
        proceeds: What comes for it, without tax; yuan.
        tax: VAT of a disposal, or sales taxes of a provision; yuan.
        counterparty: Buyer, or whose equity it is.
    """
    from flows import booking
    from flows.decide import decide as record

    said = {"fair_value": fair_value, "costs": costs, "value_in_use": value_in_use}
    said |= {"proceeds": proceeds, "tax": tax, "counterparty": counterparty}
    given = {"decision": number, "evidence": evidence, "reason": reason, **said}
    data = record(factor, event, on, **given)
    return Answer("decide", data, lambda c: booking.decisions(c, data)).give(json)


@app.command
def reverse(
    factor: str,
    entry: str,
    *,
    reason: str,
    evidence: str,
    on: date | None = None,
    json: Json = False,
) -> int:
    """Take a posted entry back by one of its own; what stands is never changed.

    Example: datafactor reverse rain incur/rain-index/V-7/1 --reason "paid twice"
    --evidence MEMO-3

    Args:
        entry: Key of the entry.
        reason: Why.
        evidence: Document that proves it.
        on: Day of the reversal; today if not said.
    """
    from flows import booking
    from flows.reverse import reverse as take_back

    data = take_back(factor, entry, on, reason, evidence)
    return Answer("reverse", data, lambda c: booking.taken_back(c, data)).give(json)


@app.command
def condition(
    loan: str,
    name: str,
    *,
    evidence: str,
    on: date | None = None,
    file: Path | None = None,
    json: Json = False,
) -> int:
    """Record that a condition precedent of a loan is met 先决条件.

    Example: datafactor condition BANK-2026-001 board --evidence MINUTES-4

    Args:
        name: Of the condition, as the document has it.
        evidence: Document that proves it.
        on: Day on which it is met; today if not said.
        file: The document itself, whose digest is kept.
    """
    from flows.lent import show as show_loan
    from flows.loans import meet

    data = meet(loan, name, on, file, evidence=evidence)
    return Answer("condition", data, lambda c: show_loan(c, data)).give(json)


@app.command
def draw(
    loan: str,
    *,
    evidence: str,
    tranche: str = "",
    amount: str | None = None,
    on: date | None = None,
    file: Path | None = None,
    json: Json = False,
) -> int:
    """Record that a loan was paid out 提款, and post it; every condition must be met.

    Example: datafactor draw BANK-2026-001 --on 2026-06-30 --evidence ADVICE-1

    Args:
        evidence: Advice of the bank.
        tranche: Which; need not be said where there is one.
        amount: Yuan; all of the tranche if not said.
        on: Day of payment; today if not said.
        file: The advice itself, whose digest is kept.
    """
    from flows.draw_loan import drawn
    from flows.lent import show as show_loan

    said = {"tranche": tranche, "amount": amount, "on": on, "file": file}
    try:
        data = drawn(loan, evidence, **said)
    except Refused as refused:
        return refusal(refused, [], "draw").give(json)
    return Answer("draw", data, lambda c: show_loan(c, data)).give(json)


@app.command
def pay(
    loan: str,
    amount: str,
    *,
    evidence: str,
    tranche: str = "",
    on: date | None = None,
    prepay: Literal["term", "instalment"] | None = None,
    file: Path | None = None,
    json: Json = False,
) -> int:
    """Record a payment 还款: to fees, then penalty, interest, principal; and post it.

    Example: datafactor pay BANK-2026-001 46000.00 --on 2026-09-21 --evidence ADVICE-2

    Args:
        amount: Yuan.
        evidence: Advice of the bank.
        tranche: Which; need not be said where there is one.
        on: Day of payment; today if not said.
        prepay: Let what is left over repay early: term or instalment is what stays.
        file: The advice itself, whose digest is kept.
    """
    from flows.lent import show as show_loan
    from flows.loans import pay as repay

    try:
        data = repay(loan, amount, tranche, on, prepay or "", file, evidence=evidence)
    except Refused as refused:
        return refusal(refused, [], "pay").give(json)
    return Answer("pay", data, lambda c: show_loan(c, data)).give(json)


@app.command
def fee(
    loan: str,
    name: str,
    amount: str,
    *,
    evidence: str,
    tranche: str = "",
    on: date | None = None,
    file: Path | None = None,
    json: Json = False,
) -> int:
    """Record a fee of a loan that fell due; the next payment serves it first.

    Example: datafactor fee BANK-2026-001 reminder 50.00 --evidence LETTER-1

    Args:
        name: What it is for.
        amount: Yuan.
        evidence: Document that asks for it.
        tranche: Which; need not be said where there is one.
        on: Day on which it is due; today if not said.
        file: The document itself, whose digest is kept.
    """
    from flows.lent import show as show_loan
    from flows.loans import charge

    data = charge(loan, name, amount, tranche, on, file, evidence=evidence)
    return Answer("fee", data, lambda c: show_loan(c, data)).give(json)


@app.command
def waive(
    loan: str,
    *,
    reason: str,
    evidence: str,
    on: date | None = None,
    file: Path | None = None,
    json: Json = False,
) -> int:
    """Record that the lender waives a default; the next watch weighs the loan anew.

    Example: datafactor waive BANK-2026-001 --reason "paid since" --evidence LETTER-2

    Args:
        reason: Why.
        evidence: Letter of the lender.
        on: Day on which it was said; today if not said.
        file: The document itself, whose digest is kept.
    """
    from flows.lent import show as show_loan
    from flows.loans import waive as forgive

    data = forgive(loan, on, file, reason=reason, evidence=evidence)
    return Answer("waive", data, lambda c: show_loan(c, data)).give(json)


@app.command
def loan(number: str, *, as_of: date | None = None, json: Json = False) -> int:
    """Show a loan: schedule, due, paid, days past due, class 五级分类, next day to pay.

    Example: datafactor loan BANK-2026-001 --as-of 2026-09-30

    Args:
        as_of: The day; today if not said.
    """
    from flows.lent import show as show_loan
    from flows.lent import standing

    data = standing(number, as_of)
    return Answer("loan", data, lambda c: show_loan(c, data)).give(json)


@app.command
def close(
    entity: str, period: str = "", *, rebuild: bool = False, json: Json = False
) -> int:
    """Close a month of an entity's books; a closed one stays as it is.

    Brings each factor up to the month's last day, amortises, books what was decided and
    invoiced, and closes the month to any posting. Run again, it goes on where it
    stopped. With PREFECT_API_URL set, it is a flow run there.

    Example: datafactor close jiangbei-data 2026-06

    Args:
        period: The month; the one before today's if not said.
        rebuild: Perform a close again from what it read then, and compare each byte.
    """
    from flows import booking
    from flows import close_period as flow
    from flows.progress import Progress

    if rebuild:
        data = flow.rebuild(entity, period)
        exit_code = 0 if data["same"] else 1
        show = partial(booking.rebuilt, data=data)
        return Answer("close", data, show, exit_code).give(json)
    try:
        with Progress(out, quiet=json) as progress:
            data = flow.closed(entity, period) | {"notes": progress.notes}
    except Refused as refused:
        return refusal(refused, progress.data(), "close").give(json)
    return Answer("close", data, lambda c: booking.closed(c, data)).give(json)


@app.command
def watch(entity: str = "", *, as_of: date | None = None, json: Json = False) -> int:
    """Watch what live pledges rest on: who must be warned, called, enforced, and why.

    A change of state is recorded once. What cannot be read is a warning, and the exit
    is 1. With PREFECT_API_URL set, it is a flow run there.

    Example: datafactor watch jiangbei-data --as-of 2026-07-31

    Args:
        entity: Whose pledges; those of all entities if not said.
    """
    from flows import watch_collateral as flow

    try:
        data = flow.watched(entity, as_of)
    except Refused as refused:
        return refusal(refused, [], "watch").give(json)
    failed = int(bool(data["trouble"]))
    return Answer("watch", data, lambda c: flow.show(c, data), failed).give(json)


@app.command
def approve(
    subject: str = "",
    *,
    reject: bool = False,
    note: str = "",
    sign: bool = False,
    anew: bool = False,
    json: Json = False,
) -> int:
    """Decide on entries above the threshold, with a key of your own; or list them.

    What nobody decides within DATAFACTOR_APPROVAL_WAIT counts as rejected.

    Example: datafactor approve 3f9c1e0a77b2

    Args:
        subject: The first 8 signs or more of what `datafactor approve` lists.
        reject: Say no; nothing is posted.
        note: What you add to the decision.
        sign: Print the signed decision as one line, to paste into the Prefect UI.
        anew: Propose once more what nobody decided in time; decides nothing.
    """
    from flows import approve as approving
    from flows import booking

    if not subject:
        waits = approving.waiting()
        return Answer("approve", waits, lambda c: booking.waiting(c, waits)).give(json)
    if anew:
        asked = approving.asked_anew(subject)
        return Answer("approve", asked, lambda c: booking.waiting(c, [asked])).give(
            json
        )
    given = approving.signed(subject, "reject" if reject else "approve", note)
    if sign:
        line = {"signed": approving.token(given)}
        return Answer("approve", line, lambda c: booking.line(c, line)).give(json)
    data = approving.decide(given)
    return Answer("approve", data, lambda c: booking.decided(c, data)).give(json)


@app.command
def distribute(
    factor: str,
    amount: str,
    *,
    evidence: str,
    on: date | None = None,
    json: Json = False,
) -> int:
    """Pass what a trust received on to its beneficiaries, to the fen, and post it.

    Example: datafactor distribute rain 100000.00 --evidence SLIP-7 --on 2026-07-15

    Args:
        amount: What is to be distributed, net of costs; yuan.
        evidence: Voucher of the receipt; the same again posts nothing.
        on: Day on which it was received; today if not said.
    """
    from flows import financing

    data = financing.distribute(factor, amount, on, evidence)
    return Answer("distribute", data, lambda c: financing.show(c, data)).give(json)


@app.command
def enforce(
    loan: str,
    *,
    evidence: str,
    step_in: bool = False,
    realise: str = "",
    costs: str = "0.00",
    tax: str = "0.00",
    buyer: str = "not named",
    enforcer: str = "not named",
    on: date | None = None,
    basis: str = "",
    file: Path | None = None,
    json: Json = False,
) -> int:
    """Enforce a pledge whose loan stands at default, as the watch recorded it.

    Example: datafactor enforce BANK-2026-001 --step-in --evidence NOTICE-1

    Costs are paid first, then rank by rank interest and principal; the rest is the
    pledgor's. The pledges of what was sold end.

    Example: datafactor enforce BANK-2026-001 --realise 6000000.00 --costs 100000.00
    --evidence SALE-1

    Args:
        loan: Number of the agreement.
        evidence: Notice, judgment or record of the sale.
        step_in: The lender takes over the right to operate.
        realise: What the sale of the asset brought, without tax; yuan.
        costs: Of enforcement; yuan.
        tax: Output VAT beside the proceeds; yuan.
        buyer: Who took the asset over.
        enforcer: Who bore the costs: court, auctioneer, lender.
        on: The day; today if not said.
        basis: Clause or judgment that allows it.
        file: That document itself; its digest is kept.
    """
    from flows import enforce as flow

    if step_in == bool(realise):
        raise RegisterError("say what is done: --step-in, or --realise PROCEEDS")
    if realise:
        who = {"tax": tax, "buyer": buyer, "enforcer": enforcer}
        data = flow.realise(loan, realise, costs, on, evidence, file, **who)
        return Answer("enforce", data, lambda c: flow.show_sale(c, data)).give(json)
    data = flow.step_in(loan, on, evidence, file, basis)
    return Answer("enforce", data, lambda c: flow.show_step_in(c, data)).give(json)


@app.command
def pool(
    name: str,
    *,
    as_of: date | None = None,
    output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None,
    json: Json = False,
) -> int:
    """Screen the loans of a plan, pay out what they brought in, and keep its books.

    Example: datafactor pool nine-borrowers --as-of 2025-12-31 -o page

    Args:
        name: Of a document in deployments/pools.
        as_of: Payment days up to this one; today if not said.
        output: Folder for the page of the plan.
    """
    from flows import pool as flow

    data = flow.run_pool(name, as_of, output)
    waits = int(bool(data["waits"]))
    return Answer("pool", data, lambda c: flow.show(c, data), waits).give(json)


@app.command
def rights(
    factor: str,
    *,
    on: date | None = None,
    known_on: date | None = None,
    json: Json = False,
) -> int:
    """Tell who holds which right over a factor's asset, and which disputes are open.

    Example: datafactor rights flight-disruption --on 2026-06-30 --known-on 2026-07-15

    Args:
        on: The day of which is told; today if not said.
        known_on: Count only what was recorded by the end of this day.
    """
    from flows import rights as registry

    data = registry.rights_of(factor, on, known_on)
    return Answer("rights", data, lambda c: registry.show(c, data)).give(json)


@app.command
def right(
    factor: str,
    event: Literal["grant", "change", "transfer", "renew", "revoke"],
    *,
    certificate: str,
    basis: str,
    evidence: str,
    on: date | None = None,
    kind: Annotated[
        Literal["hold", "process", "operate"] | None, Parameter(name="--right")
    ] = None,
    to: str | None = None,
    first: Annotated[date | None, Parameter(name="--from")] = None,
    until: date | None = None,
    scope: str | None = None,
    field: str | None = None,
    territory: str | None = None,
    exclusive: bool | None = None,
    sublicensable: bool | None = None,
    file: Path | None = None,
    json: Json = False,
) -> int:
    """Register a right: granted, changed, transferred, renewed or revoked (cancelled).

    Example: datafactor right flight-disruption renew --certificate JB-DP-2026-018
    --until 2033-06-30 --basis "renewed by the registrar" --evidence RENEWAL-2

    Args:
        certificate: Number of the registration certificate.
        basis: Why, and by whose decision.
        evidence: Document that proves it.
        on: First day on which it is so; today if not said, of a renewal the day after
            the last term.
        kind: Which right; all of the certificate if not said.
        to: Who holds it from then on: of a grant or a transfer.
        first: First day of a grant.
        until: Last day of a grant, or of a renewal.
        scope: What it covers, in words: of a grant or a change, as are those below.
        field: Field of use, an industry code; empty: any.
        territory: Where it holds, a code of GB/T 2260; empty: anywhere.
        exclusive: Nobody else has it.
        sublicensable: Its holder may let others use it.
        file: The evidence itself: its SHA-256 is kept.
    """
    from flows import rights as registry

    said = {
        "certificate": certificate,
        "basis": basis,
        "evidence": evidence,
        "right": kind,
        "holder": to,
        "valid_from": first,
        "valid_to": until,
        "scope": scope,
        "field": field,
        "territory": territory,
        "exclusive": exclusive,
        "sublicensable": sublicensable,
    }
    data = registry.register(factor, event, on, file, **said)
    return Answer("right", data, lambda c: registry.show(c, data)).give(json)


@app.command
def pledge(
    loan: str = "",
    event: PledgeKind | Literal[""] = "",
    *,
    evidence: str = "",
    on: date | None = None,
    registration: str = "",
    at: str = "",
    until: date | None = None,
    amount: str | None = None,
    junior: str = "",
    asset: str = "",
    by: str = "",
    reason: str = "",
    waived: Annotated[bool, Parameter(negative=())] = False,
    file: Path | None = None,
    json: Json = False,
) -> int:
    """List pledges, show one, or record what becomes of it.

    perfect and extend: registered at the external register. consent: the lender lets
    another agreement rank behind. add and substitute: another factor's asset secures
    some of it, or all. release_part: some of what is secured is let go.
    cancel: the external entry is gone; only then release.

    Example: datafactor pledge BANK-2026-001 perfect --registration ZD-7
    --at 2026-07-01T10:00+08:00 --until 2027-07-31 --evidence SEARCH-7 --file search.pdf

    Example: datafactor pledge BANK-2026-001 cancel --registration ZD-7
    --at 2027-07-02T09:00+08:00 --evidence CANCELLED-7 --file cancelled.pdf

    Args:
        loan: Number of the agreement; all are listed if not said.
        event: What happened; it is shown how the pledge stands if not said.
        evidence: Document that proves it.
        on: Day from which it holds, or of which is told; today if not said.
        registration: Number at the external register.
        at: When it was registered there, with its zone.
        until: Last day of the registration.
        amount: Yuan: let go, or most that the junior may secure.
        junior: Number of the agreement that may rank behind.
        asset: Which asset is let go, or gives way; the first one if not said.
        by: Factor whose asset is added, or takes the place.
        reason: Why it is released.
        waived: The lender lets its security go although something is owed.
        file: The document itself, such as the search result: its SHA-256 is kept.
    """
    from flows import pledges

    if not loan:
        found = pledges.listed(on)
        return Answer("pledge", found, lambda c: pledges.show_all(c, found)).give(json)
    if not event:
        data = pledges.told(loan, on)
        return Answer("pledge", data, lambda c: pledges.show(c, data)).give(json)
    if event in ("add", "substitute"):
        moved = {"replaces": asset, "amount": amount, "evidence": evidence}
        data = pledges.secured_by(loan, event, by, on, **moved, reason=reason)
        return Answer("pledge", data, lambda c: pledges.show(c, data)).give(json)
    said = {
        "evidence": evidence,
        "registration": registration,
        "registered_at": pledges.moment(at),
        "valid_to": until,
        "amount": amount,
        "junior": junior,
        "asset": asset,
        "reason": reason,
        "waived": waived,
    }
    data = pledges.record(loan, event, on, file, **said)
    return Answer("pledge", data, lambda c: pledges.show(c, data)).give(json)


@app.command
def dispute(
    factor: str,
    event: Literal["open", "lift"],
    *,
    number: str,
    ground: str,
    evidence: str,
    claimant: str = "",
    on: date | None = None,
    json: Json = False,
) -> int:
    """Open a dispute over a factor, which suspends every gate at once; or lift it.

    Example: datafactor dispute rain open --number D-1 --claimant "Town of A"
    --ground "claims the gauges" --evidence COURT-7

    Args:
        number: Of the dispute; a lift names the one that was opened.
        ground: What is claimed, or why it is over.
        evidence: Document that shows it.
        claimant: Who raises it.
        on: Day on which it was opened or lifted; today if not said.
    """
    from flows import rights as registry

    said = {
        "number": number,
        "claimant": claimant,
        "ground": ground,
        "evidence": evidence,
    }
    data = registry.dispute(factor, event, on, **said)
    return Answer("dispute", data, lambda c: registry.show(c, data)).give(json)


@app.command
def appraise(
    factor: str = "",
    *,
    output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None,
    as_of: date | None = None,
    reperform: Annotated[Path | None, Parameter(name="--reperform")] = None,
    json: Json = False,
) -> int:
    """Hand over an asset's appraisal as a bundle, or re-perform a bundle.

    Example: datafactor appraise flight-disruption -o appraisal

    Args:
        factor: Factor whose asset is appraised.
        output: Folder for the bundle: inputs, results, report, tornado plot, digests.
        as_of: The report that is known on this day; today if not said.
        reperform: A bundle: recompute it to the fen from itself alone, without a store.
    """
    from flows import appraise as flow

    if bool(factor) == (reperform is not None) or (reperform and (output or as_of)):
        raise FactorError("name either a factor, or a bundle after --reperform")
    if reperform:
        data = flow.reperform(reperform)
    else:
        data = flow.appraise(factor, as_of, output)
    return Answer("appraise", data, lambda c: flow.show_appraisal(c, data)).give(json)


@app.command
def compare(
    factor: str,
    *,
    supply: str = "open,shared,authorised-free,authorised-paid",
    policy: str = "",
    as_of: date | None = None,
    plot: Path | None = None,
    json: Json = False,
) -> int:
    """Set ways to supply one factor's data side by side: price, revenue, value, loan.

    Example: datafactor compare flight-disruption --supply open,authorised-paid

    Args:
        supply: Ways of supply, joined by commas.
        policy: Policies or their files, joined by commas; the document's own if not
            said.
        as_of: The day it speaks of; today if not said.
        plot: Draw the amounts to this SVG file.
    """
    from flows import compare as flow

    data = flow.compare(factor, flow.listed(supply), flow.listed(policy), as_of)
    if plot:
        flow.write_plot(data, plot)
    return Answer("compare", data, lambda c: flow.show(c, data)).give(json)


@app.command
def portfolio(
    *,
    by: Literal["industry", "lender", "borrower"] = "industry",
    stress: Path | None = None,
    policy: str = "cn-2025",
    as_of: date | None = None,
    json: Json = False,
) -> int:
    """Show how all live pledges stand, how they are spread, and what scenarios do.

    Example: datafactor portfolio --by industry --stress scenarios.csv

    Args:
        by: Share what is owed out by this; the policy limits industries.
        stress: CSV of scenario,industry,change: -0.2 is a fifth down, an empty industry
            all others.
        policy: Whose ladder and limits hold: its name, or its file.
        as_of: The day; today if not said.
    """
    from flows import portfolio as flow

    data = flow.portfolio(by, stress, policy, as_of)
    return Answer("portfolio", data, lambda c: flow.show(c, data)).give(json)


@app.command
def survey(
    *files: Path,
    by: Literal["industry", "region"] = "industry",
    output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None,
    json: Json = False,
) -> int:
    """Count what all factors hold by year, industry and region 数据资源普查.

    Example: datafactor survey -o survey; datafactor survey other-house.csv --by region

    Args:
        files: Tables of other houses, the survey.csv that `-o` wrote, to add up.
        by: How the second table is laid out.
        output: Folder for survey.csv and survey.html.
    """
    from flows import counted as flow

    data = flow.survey(files)
    data["written"] = flow.write(data, output) if output else []
    return Answer("survey", data, lambda c: flow.show(c, data, by)).give(json)


@app.command
def value(
    *factors: str,
    output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None,
    json: Json = False,
) -> int:
    """Say what factors cost, bring and serve by month, and what combining adds 价值.

    Example: datafactor value flight-disruption -o value

    Args:
        factors: Those of these names; all that have a product if not said.
        output: Folder for value.csv and value.html.
    """
    from flows import worth as flow

    data = flow.value(factors)
    data["written"] = flow.write(data, output) if output else []
    return Answer("value", data, lambda c: flow.show(c, data)).give(json)


@app.command
def deploy(
    *,
    check: bool = False,
    print_file: Annotated[bool, Parameter("--print")] = False,
    json: Json = False,
) -> int:
    """Bring a Prefect server to what the documents say; twice changes nothing.

    One deployment a factor, a close for each entity, the watches. With --check nothing
    is written, and a difference exits with 1.

    Example: datafactor deploy --check

    Args:
        check: Only tell what differs.
        print_file: Print the file that plain `prefect deploy` reads, and write nothing.
    """
    from flows import deploy as flow
    from flows.deployed import as_yaml

    if print_file:
        out.print(as_yaml(flow.all_wanted()), markup=False, end="", soft_wrap=True)
        return 0
    data = flow.deploy(check)
    exit_code = 1 if check and data["drift"] else 0
    show = partial(flow.show, data=data, check=check)
    return Answer("deploy", data, show, exit_code).give(json)


@app.command
def alarms(*, as_of: date | None = None, json: Json = False) -> int:
    """List what somebody must act on now: failed, stale, fallen, disputed, uncovered.

    On a server, what is new is told as an event, each fact once.

    Example: datafactor alarms

    Args:
        as_of: The day that data are held to; today if not said.
    """
    from flows import watch_house as flow

    data = flow.looked_over(as_of)
    return Answer("alarms", data, lambda c: flow.show(c, data)).give(json)


@app.command
def roles() -> int:
    """Print the SQL that gives a PostgreSQL database its owner, app and read roles.

    An administrator runs it once, and again after a migration; nothing is changed here.

    Example: datafactor roles | psql datafactor
    """
    from tasks.store.roles import statements

    out.print("\n".join(statements()), markup=False, soft_wrap=True)
    return 0


@app.command
def new(
    kind: Literal["factor", "task"],
    name: str,
    *,
    folder: Path = Path(),
    json: Json = False,
) -> int:
    """Begin a factor or a stage task of your own: commented files that pass at once.

    Example: datafactor new factor rain-gauges

    Args:
        kind: A factor document with rows to try it on, or a package with a stage task.
        name: Small letters and digits, words joined by -.
        folder: Where it is written; nothing that is there is overwritten.
    """
    from flows import begin

    made = begin.new_task if kind == "task" else begin.new_factor
    data = made(name, folder)
    return Answer("new", data, lambda c: begin.show(c, data)).give(json)


@app.command
def what_if(
    factor: str = "",
    *,
    withdraw: str = "",
    lapse: str = "",
    quality: Annotated[str, Parameter(allow_leading_hyphen=True)] = "",
    price: Annotated[str, Parameter(allow_leading_hyphen=True)] = "",
    as_of: date | None = None,
    json: Json = False,
) -> int:
    """Say what would follow of one event for values, books and loans; keep nothing.

    Example: datafactor what-if --withdraw flight-disruption/resource/flights

    Args:
        factor: Only this factor; all that have an asset if not said.
        withdraw: A source, or whatever else a REF names, can be used no more.
        lapse: Number of a certificate: its rights end on the day.
        quality: Points by which the quality score moves: -0.03.
        price: Share by which the price of the data moves: -0.2 is a fifth down.
        as_of: The day on which it happens; today if not said.
    """
    from flows import what_if as flow

    shock = flow.supposed(withdraw=withdraw, lapse=lapse, quality=quality, price=price)
    data = flow.what_if(shock, factor, as_of)
    return Answer("what-if", data, lambda c: flow.show(c, data)).give(json)


@app.command
def books(
    *names: str,
    asset: str = "",
    roll: bool = False,
    export: Literal["vouchers", "beancount"] | None = None,
    output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None,
    known_on: date | None = None,
    json: Json = False,
) -> int:
    """Show an entity's trial balance, roll-forward or ledger of an asset; export them.

    Of several entities each is shown, and their sum by account.

    Example: datafactor books jiangbei-data 2026-06

    Args:
        names: Entities; last a period: 2026-06, 2026 or 2026-01..2026-06. The last
            month posted if not said.
        asset: Show each line of this asset, with the REF that trace takes.
        roll: Show opening, increase, decrease and closing of assets, by origin.
        export: vouchers: a CSV that an ERP imports; beancount: a ledger.
        output: File of the export.
        known_on: Count only what was recorded by the end of this day.
    """
    from flows import accounts
    from flows import books as flow

    entities, period = flow.asked(names)
    opened = flow.opened(entities, period, known_on)
    if (export is None) != (output is None):
        raise FactorError("--export and -o FILE go together")
    show: Callable[[Console, Any], None] = accounts.balance
    if export and output:
        data = flow.exported(opened, export, output, bool(period))
        show = accounts.exported
    elif asset:
        data, show = flow.ledger_of(opened, asset), accounts.ledger
    elif roll:
        data, show = flow.roll_of(opened), accounts.roll
    else:
        data = flow.balance_of(opened)
    return Answer("books", data, lambda c: show(c, data)).give(json)


@app.command
def disclose(
    entity: str,
    period: str,
    *,
    output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None,
    reason: str = "",
    total: Annotated[dict[str, str] | None, Parameter(name="--total")] = None,
    json: Json = False,
) -> int:
    """State an entity's data resources (财会〔2023〕11号), tied to its books.

    Example: datafactor disclose jiangbei-data 2026-06 -o statement

    Args:
        period: A month 2026-06, a year 2026, or 2026-01..2026-06.
        output: Folder for the workbook and the page.
        reason: Why it replaces the statement of these periods that stands.
        total: What a line of the balance sheet holds in all, yuan:
            --total.intangible 46622000000.00; also inventory, development.
    """
    from flows import disclose as flow

    data = flow.disclosed(entity, period, reason, total, output)
    return Answer("disclose", data, lambda c: flow.show(c, data)).give(json)


@app.command
def pack(
    loan: str,
    *,
    output: Annotated[Path, Parameter(name=["--output", "-o"])],
    sample: int = 0,
    json: Json = False,
) -> int:
    """Hand over what a loan rests on as one file that verifies without a store.

    It holds the dossier, the appraisal's bundle, the posted frames, the journal and the
    chain of runs with its signed head. No row of the data is in it.

    Example: datafactor pack BANK-2026-001 -o pack.zip

    Args:
        loan: Number of the agreement.
        output: The file to write.
        sample: Rows of the product's public columns to show, as its document allows.
    """
    from flows import pack as flow

    data = flow.write_pack(loan, output, sample)
    return Answer("pack", data, lambda c: flow.show(c, data)).give(json)


@app.command
def erase(
    *refs: Ref,
    because: str = "",
    despite: tuple[str, ...] = (),
    ever: bool = False,
    json: Json = False,
) -> int:
    """Erase the bytes of a person or a source for good: hash and lineage stay.

    Without --because: say what would go and what rests on it, and erase nothing. No
    later run brings the bytes back; `verify` answers 4, and when, why and by whom.

    Example: datafactor erase flight-disruption/resource/flights --because "request 12"

    Args:
        refs: What to erase; of a partitioned resource all its parts.
        because: A request or a rule. It stays for ever: name no person.
        despite: The number of a live loan that rests on it, once for each.
        ever: All versions that the names ever stood for, not the newest alone.
    """
    from flows import erase as erasing

    if not refs:
        raise FactorError("name what to erase: a REF, or several")
    data = erasing.erase(refs, because, despite, ever)
    return Answer("erase", data, lambda c: erasing.show(c, refs, data)).give(json)


@app.command
def backup(folder: Path, *, check: bool = False, json: Json = False) -> int:
    """Copy the store to a folder: rows, bytes and signed heads, never the private key.

    It may run while others publish. Again into the same folder it copies what is new,
    and takes away what was erased since. Bytes that are missing or damaged: exit 1.

    Example: datafactor backup /backup/datafactor

    Args:
        check: Write nothing; hash every file there. Damaged or missing ones: exit 1.
    """
    from flows import keep

    if check:
        found = keep.read_again(folder)
        told = partial(keep.show_reread, data=found)
        return Answer("backup", found, told, int(not found["sound"])).give(json)
    data = keep.backed_up(folder)
    show = partial(keep.show_backup, data=data)
    return Answer("backup", data, show, int(not data["sound"])).give(json)


@app.command
def restore(folder: Path, *, json: Json = False) -> int:
    """Make the store of a backup anew where DATAFACTOR_HOME names nothing yet.

    On this machine or another, on SQLite or PostgreSQL, whichever it came from. Then
    everything is verified against the signed heads; exit as of `verify`. Who signed is
    trusted by deployments/signers/*.pub, as everywhere.

    Example: datafactor restore /backup/datafactor
    """
    from flows import keep

    data, code = keep.brought_back(folder)
    show = partial(keep.show_restore, data=data)
    return Answer("restore", data, show, code).give(json)


@app.command
def retention(*factors: str, json: Json = False) -> int:
    """List raw files and rejects that are kept longer than the policy says.

    Its rule is keep_raw_days. Nothing is erased: the answer names what `erase` takes.

    Example: datafactor retention flight-disruption
    """
    from flows import retention as kept

    data = kept.retention(factors)
    return Answer("retention", data, lambda c: kept.show(c, data)).give(json)


@app.command
def gc(*, grace: float = 24.0, json: Json = False) -> int:
    """Free the disk of what no artifact names: orphans, scratch, erased bytes.

    What a name leads to stays, however old it is. It may run while others publish.

    Example: datafactor gc --grace 48

    Args:
        grace: Hours that a file must have lain untouched; longer than any run lasts.
    """
    from flows import keep

    if grace < 0:
        raise FactorError("--grace counts hours: 0 or more")
    data = keep.freed(grace)
    return Answer("gc", data, lambda c: keep.show_freed(c, data)).give(json)


@app.command
def verify(
    pack: Path | None = None,
    *,
    head: str = "",
    anchor: Path | None = None,
    json: Json = False,
) -> int:
    """Recompute the chain, every projection, every register and every byte.

    Of a pack: all that can be recomputed from it, without a store. Exit bits: 0 sound,
    1 corrupt, 2 untrusted, 4 unverifiable; 64 wrong usage. The signed heads are looked
    up in DATAFACTOR_ANCHOR unless --anchor names a copy.

    Example: datafactor verify --anchor /backup/anchor.jsonl

    Args:
        pack: A pack that was handed over, instead of the store.
        head: Of a pack: the head that you keep, 64 hex digits.
        anchor: Signed heads; of a pack those that you keep, with their .pub beside.
    """
    if pack:
        from flows.pack import verify_pack

        what, findings = "pack", verify_pack(pack, head, anchor)
    elif head:
        raise FactorError("--head goes with a pack; of a store name its --anchor")
    else:
        from tasks import store

        s = store.current()
        own = s.settings.anchor / f"{s.id}.jsonl"
        what = "store"
        findings = store.verify(s, anchor or (own if own.exists() else None))
    data = face.finding_facts(findings)
    answer = Answer(
        "verify", data, lambda c: face.findings(c, data, what), findings.exit
    )
    return answer.give(json)


@app.command
def doctor(*, json: Json = False) -> int:
    """Examine the installation: store, guards, anchor, key, clock, disk, modes, server.

    Each finding that is not good says what to do. A bad one exits with 1.

    Example: datafactor doctor
    """
    from flows.examined import examined
    from tasks import store

    data = [face.doctor_facts(fact) for fact in examined(store.current())]
    bad = any(fact["state"] == "bad" for fact in data)
    return Answer("doctor", data, lambda c: face.doctor(c, data), int(bad)).give(json)


def main(argv: list[str] | None = None) -> int:
    """Run one command; say an error in one sentence, with ``--json`` also as JSON."""
    given = sys.argv[1:] if argv is None else argv
    os.environ.setdefault("DO_NOT_TRACK", "1")
    command = next(iter(given), "")
    try:
        result = app(
            given, exit_on_error=False, print_error=False, result_action="return_value"
        )
        return int(result or 0)
    except CycloptsError as error:
        return sorry(str(error), command, 64 if command == "verify" else 2, given)
    except (DatafactorError, Refused) as error:
        # A store that cannot be opened is not corrupt: it could not be verified.
        code = 4 if command == "verify" else 1
        return sorry(str(error), command, code, given)
    except OSError as error:
        where = error.filename or "the disk of DATAFACTOR_HOME"
        said = f"{error.strerror or error}: {where}; mend that, then run again"
        return sorry(said, command, 1, given)


def sorry(said: str, command: str, code: int, given: list[str]) -> int:
    """Say an error on stderr, and to programs as JSON."""
    err.print(said, markup=False)
    if "--json" in given:
        Answer(command, {"error": said}, lambda _: None, code).give(True)
    return code


if __name__ == "__main__":
    sys.exit(main())
