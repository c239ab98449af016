"""Decide whether a product may become an asset: every ground at once."""

from collections.abc import Mapping, Set
from dataclasses import dataclass
from datetime import date

import polars as pl

from schemas.asset import CONDITIONS, AssetTerms
from schemas.contract import frame_of
from schemas.gates import Gates
from schemas.money import shown
from schemas.policy import AssetRules
from schemas.rights import Claim
from tasks.asset.amortize import Life, useful_life
from tasks.asset.cost import proven_twice, unfounded
from tasks.asset.recognize import Decision
from tasks.quality import quality_holds
from tasks.rights import Spell, Standing, disputed, lacking, spells_of, standing

Answer = tuple[str, bool, str, str]  # gate, passed, ground, evidence
SHOWN = 6  # vouchers that a sentence names


@dataclass(frozen=True)
class Case:
    """What an accountant has on the table."""

    terms: AssetTerms
    rules: AssetRules
    as_of: date
    rights: pl.DataFrame  # contract Right: posted before, and granted by the document
    disputes: pl.DataFrame  # contract Dispute: over the factor or the asset
    vouchers: pl.DataFrame  # contract Cost, and tax_fen
    spent: pl.DataFrame  # contract Cost: lines of the entity that are posted
    borne: pl.DataFrame  # voucher lines with this product's part, and ``capitalised``
    score: pl.DataFrame  # contract Score: of the resource
    decision: Decision

    @property
    def book(self) -> int:
        """Book value in fen: the cost that is capitalised."""
        return int(self.borne.filter("capitalised")["amount_fen"].sum())

    @property
    def amortised_from(self) -> date | None:
        """The day an intangible asset was ready: its month is the first one charged."""
        begins = self.decision.outcome == "intangible" and self.book
        return self.decision.ready if begins else None

    @property
    def life(self) -> Life | None:
        """The useful life of an asset in use, which right or contract may shorten."""
        if (ready := self.amortised_from) is None:
            return None
        right = self.held("operate")
        return useful_life(
            self.terms.amortization, ready, right.last if right.live else None
        )

    def held(self, right: str) -> Standing:
        """Say how a right of the entity stands on the day, nobody else's."""
        return standing(self.rights, right, self.as_of, self.terms.holder or None)

    def spells(self, right: str) -> list[Spell]:
        """List what the entity has of a right from the day on."""
        found = spells_of(self.rights, right, self.terms.holder or None)
        return [spell for spell in found if spell.last >= self.as_of]


def gates(case: Case, product_rows: int) -> pl.DataFrame:
    """Answer every gate of the third stage. Contract: Gates."""
    begins = case.rules.applies_from
    said = f"policy {case.rules.policy} applies from {begins}"
    full = f"the product holds {product_rows:,} rows"
    answers = [
        ("policy_in_force", begins <= case.as_of, said, case.rules.policy),
        held(case, "process"),
        held(case, "operate"),
        ("product", product_rows > 0, full, "the product"),
        vouchers_prove_cost(case),
        conditions_are_proved(case),
        recognised_under_the_rule(case),
        within_the_right(case),
        within_the_inputs(case),
        public_data_stay_free(case),
        quality_holds(case.score),
        disputed(case.disputes, (case.terms.factor, case.terms.name), case.as_of),
    ]
    return frame_of(Gates, [(*answer, case.as_of) for answer in answers])


def held(case: Case, right: str) -> Answer:
    """Ask whether the entity holds a right on the day, not somebody else."""
    found = case.held(right)
    return f"right_to_{right}", found.live, found.ground, found.evidence


def vouchers_prove_cost(case: Case) -> Answer:
    """Ask for evidence of every voucher line, and for cost that this product bears.

    A digest that a line names must be that of the file, where the file is at hand; a
    line below 0 names the line that it takes back; one document proves one voucher.
    """
    lines = case.vouchers
    digests = lines.filter(pl.col("file_sha256") != "")
    named = set(digests.select("evidence", "file_sha256").iter_rows())
    said, same = compared(named, case.terms.at_hand)
    bare, wrong = unproven(lines), [*amiss(lines), *twice(lines, case.spent)]
    total = shown(int(case.borne["amount_fen"].sum()))
    grounds = [
        f"{bare} of {lines.height} voucher lines lack evidence",
        *wrong,
        f"{digests.height} name the digest of a file, {said}",
        f"the product bears {total} CNY, {shown(case.book)} of it capitalised",
    ]
    passed = bare == 0 and not wrong and same and case.borne.height > 0
    return "vouchers", passed, "; ".join(grounds), "the vouchers"


def unproven(vouchers: pl.DataFrame) -> int:
    """Count the voucher lines without evidence."""
    return vouchers.filter(pl.col("evidence").str.strip_chars() == "").height


def amiss(vouchers: pl.DataFrame) -> list[str]:
    """Say what is wrong with signs: lines that take back too much, or odd taxes."""
    loose = unfounded(vouchers)
    odd = vouchers.filter(pl.col("amount_fen").sign() * pl.col("tax_fen") < 0).height
    said = {
        f"{loose} lines below 0 do not name the line of their pool, no smaller and no"
        " later, that they take back (or lines above 0 name one): write voucher/line in"
        " reverses": loose,
        f"{odd} state a tax of the other sign than their amount": odd,
    }
    return [ground for ground, times in said.items() if times]


def twice(vouchers: pl.DataFrame, spent: pl.DataFrame) -> list[str]:
    """Say which vouchers rest on the evidence of another one, if any do."""
    lines = proven_twice(vouchers, spent)
    if lines.is_empty():
        return []
    names = lines["voucher"].unique().sort().to_list()
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return [
        f"{lines.height} lines rest on evidence that stands under another voucher too"
        f" ({', '.join(names[:SHOWN])}{more}): keep each document under one voucher,"
        " and correct by a line in red and a new voucher with evidence of its own"
    ]


def conditions_are_proved(case: Case) -> Answer:
    """Ask that the evidence of the development conditions is what was signed."""
    conditions = case.terms.recognition.conditions
    named = {(met.evidence, met.evidence_sha256) for met in conditions}
    said, same = compared(named, case.terms.at_hand)
    ground = f"{len(conditions)} of {len(CONDITIONS)} conditions name their evidence"
    return "condition_evidence", same, f"{ground} by digest, {said}", "CAS 6 art. 9"


def compared(
    named: Set[tuple[str, str]], at_hand: Mapping[str, str]
) -> tuple[str, bool]:
    """Hold the digests that are named against the files that are at hand."""
    found = {name for name, _ in named if name in at_hand}
    other = {name for name, digest in named if at_hand.get(name, digest) != digest}
    said = f"of {len(found)} files at hand {len(other)} are other than named"
    if other:
        said += f" ({', '.join(sorted(other))}): put back the file that was signed"
    return said, not other


def recognised_under_the_rule(case: Case) -> Answer:
    """Ask that nothing is capitalised of the time before the rule (applied forward)."""
    begins, first = case.rules.recognition_from, case.borne.filter("capitalised")
    rule = f"{case.rules.policy}/recognition_from"
    if first.is_empty():
        return "recognition_date", True, "nothing is capitalised", rule
    days = first["incurred_on"]
    early = days.filter(days < begins).len()
    ground = f"{early} of {days.len()} capitalised lines lie before {begins}"
    return "recognition_date", early == 0, ground, rule


def within_the_right(case: Case) -> Answer:
    """Ask that the useful life ends no later than the right to operate.

    A useful life beyond the right is shortened to it, and said (CAS 6 application
    guidance); the gate is shut where no whole month of it is left.
    """
    found, life = case.held("operate"), case.life
    told = life.said if life else "no term is claimed"
    passed = found.live and (life is None or life.months > 0)
    ground = f"{told}; right to operate to {found.last if found.live else 'no day'}"
    return "term_of_right", passed, ground, found.evidence


def within_the_inputs(case: Case) -> Answer:
    """Ask that no right of the asset goes beyond what every input brings.

    A right to operate that is longer or wider than the agreement of authorised
    operation, or than a licence or another asset's right allows, is refused; the
    sentence names the input.
    """
    titles = case.terms.titles
    claims = [claim(s) for kind in ("process", "operate") for s in case.spells(kind)]
    wrong = dict.fromkeys(said for one in claims for said in lacking(one, titles))
    told = f"{len(claims)} terms of rights, within what all inputs bring"
    proof = "; ".join(dict.fromkeys(t.evidence for t in titles)) or "product inputs"
    return "rights_of_inputs", not wrong, "; ".join(wrong) or told, proof


def claim(spell: Spell) -> Claim:
    """Say what a right over the asset claims of its inputs."""
    return Claim.model_validate(
        {n: getattr(spell, n) for n in Claim.model_fields}  # of the same names
    )


def public_data_stay_free(case: Case) -> Answer:
    """Refuse to recognise what is made of public data that stay free of charge.

    Open, shared and authorised-free supplies are free to all: not recognised, and not
    pledged (数据二十条; 发改价格〔2025〕65号). With ``charged`` answered no the tree
    says so itself.
    """
    free, charged = case.terms.free, case.terms.recognition.charged
    if not free:
        return "public_data", True, "no public data that stay free", "product inputs"
    told = f"public data, {', '.join(free)}, are free to all and not recognised"
    if charged.answer:
        told += "; answer recognition.charged: no"
    return "public_data", not charged.answer, told, charged.evidence
