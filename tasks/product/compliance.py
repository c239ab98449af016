"""Answer the compliance review 合规评估 of a product: each question with evidence.

A question passes on an answer with evidence; without a review, without evidence, or
without a policy that is in force, it is shut. Limits that are no statute's stand in the
policy.

A review that says ``none-personal`` over a query that shows a column ``age`` classified
personal, which no step treats and nothing measures -> consent is shut, naming age.

Source: Personal Information Protection Law, articles 4, 13, 23, 28-29, 38, 55-56; GB/T
43697-2024; opinion on public data of 2024 with 发改数据规〔2025〕27号 and
发改价格〔2025〕65号.
"""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import NamedTuple

from schemas.compliance import Answer as Reply
from schemas.compliance import Compliance, PublicData
from schemas.grade import GRADES, Grade, grade_of
from schemas.product import ProductRules, ProductTerms
from schemas.scenario import is_placeholder, plain
from tasks.finance import months_later
from tasks.product.case import Answer, Case
from tasks.product.counts import in_words
from tasks.product.lineage import PERSONAL, RANK, Taken, peopled, showing
from tasks.rights import covers, within

QUESTIONS = (
    "lawful_source", "undisputed", "grade", "consent", "third_party_rights",
    "cross_border", "use_limits", "public_data",
)  # fmt: skip
REVIEW = (
    "nobody has reviewed the product; write product.compliance with an answer and its"
    " evidence to each question"
)
SHOWN = 8  # columns in a sentence


class Reviewed(NamedTuple):
    """A product with its review and the rules of the day."""

    case: Case
    said: Compliance
    rules: ProductRules

    @property
    def terms(self) -> ProductTerms:
        return self.case.terms


class Verdict(NamedTuple):
    """What stands against a question, what it rests on, and what to say if nothing."""

    wrong: list[str]
    evidence: str
    well: str


def compliance(case: Case) -> Iterator[Answer]:
    """Answer every question of the review, and whether the policy is in force."""
    rules, said = case.terms.rules, case.terms.compliance
    if rules is None:
        yield "policy_in_force", False, "no policy was filled in; name one", ""
        return
    begins = rules.applies_from
    told = f"policy {rules.policy} applies from {begins}"
    yield "policy_in_force", begins <= case.as_of, told, rules.policy
    if said is None:
        yield from ((asked, False, REVIEW, "") for asked in QUESTIONS)
        return
    for asked, answer in review(Reviewed(case, said, rules)).items():
        ground = "; ".join(answer.wrong) or answer.well
        yield asked, not answer.wrong, ground, answer.evidence


def review(of: Reviewed) -> dict[str, Verdict]:
    """Give each question its verdict, in the order of ``QUESTIONS``."""
    return {
        "lawful_source": confirmed("lawful_source", of.said.lawful_source),
        "undisputed": confirmed("undisputed", of.said.undisputed),
        "grade": grade(of),
        "consent": consent(of),
        "third_party_rights": confirmed(
            "third_party_rights", of.said.third_party_rights
        ),
        "cross_border": cross_border(of),
        "use_limits": use_limits(of),
        "public_data": public_data(of),
    }


def lacks(field: str, text: str) -> list[str]:
    """Say that a field proves nothing, where it is empty or a placeholder."""
    if not is_placeholder(text):
        return []
    return [f"compliance.{field} names no document; name the one that shows it"]


def confirmed(field: str, reply: Reply) -> Verdict:
    """Take a yes that has its evidence."""
    wrong = lacks(f"{field}.evidence", reply.evidence)
    if not reply.answer:
        no = WHEN_NO[field]
        wrong = [f"compliance.{field} is answered no: {no}", *wrong]
    return Verdict(wrong, reply.evidence, f"{field.replace('_', ' ')}: yes")


WHEN_NO = {
    "lawful_source": "obtain the data lawfully, or the authorisation for it",
    "undisputed": "settle the dispute first",
    "third_party_rights": "obtain the licence of whoever holds rights, or leave it out",
}


def grade_found(terms: ProductTerms) -> dict[str, Grade]:
    """Grade what is read and what is offered, by table; the product is ``product``."""
    own = [
        grade_of(c.affects.object, c.affects.harm) for c in terms.columns if c.affects
    ]
    top = {"product": max(own, key=GRADES.index)} if own else {}
    return terms.graded | top


def highest(found: Mapping[str, Grade]) -> Grade:
    """Take the highest 就高从严; data that nobody graded are general."""
    return max(found.values(), key=GRADES.index, default="general")


def grade(of: Reviewed) -> Verdict:
    """Refuse core data; ask for the assessment of important data."""
    found, evidence = grade_found(of.terms), "affects: of the columns"
    top = highest(found)
    where = ", ".join(name for name, one in found.items() if one == top)
    if top in of.rules.refused_grades:
        wrong = [f"{where} holds {top} data, which may not be offered; leave it out"]
        return Verdict(wrong, evidence, "")
    if top in of.rules.assessed_grades:
        return assessed(where, top, of.said.important_assessed)
    told = f"{where}: {top}" if found else "no column says more than general"
    return Verdict([], evidence, told)


def assessed(where: str, top: Grade, reply: Reply | None) -> Verdict:
    """Take the assessment of important data."""
    if reply is None or not reply.answer:
        wrong = f"{where} holds {top} data; have it assessed and write"
        return Verdict([f"{wrong} compliance.important_assessed"], "", "")
    wrong_proof = lacks("important_assessed.evidence", reply.evidence)
    return Verdict(wrong_proof, reply.evidence, f"{where}: {top}, assessed")


class Personal(NamedTuple):
    """Columns classified personal or sensitive."""

    read: dict[str, str]  # table.column: class, of what the query reads
    held: dict[str, str]  # column: class, of the product

    def of(self, kind: str) -> list[str]:
        every = self.held | self.read
        return sorted(name for name, one in every.items() if one == kind)


def personal(case: Case) -> Personal:
    """Find the personal columns that are read, and those that are offered."""
    labels = {c.name: c.classification or "undecided" for c in case.terms.columns}
    return Personal(
        {edge.held.name: edge.held.label for edge in case.taken},
        {name: one for name, one in labels.items() if RANK[one] >= PERSONAL},
    )


def consent(of: Reviewed) -> Verdict:
    """Ask for the ground on which personal information is processed and handed on."""
    found, said = personal(of.case), of.said.consent
    wrong = lacks("consent.evidence", said.evidence)
    if said.basis == "none-personal":
        wrong += contradicted(of.case, found)
    else:
        wrong += ungrounded(of, found)
    told = f"{len(found.read)} personal columns read, {len(found.held)} offered"
    return Verdict(wrong, said.evidence, f"basis {said.basis}: {told}")


def contradicted(case: Case, found: Personal) -> Iterator[str]:
    """Say where personal columns belie ``none-personal``.

    A column that only chooses rows or is counted leaves no value behind, but the rows
    are about persons all the same: something must say how they are measured.
    """
    asked, tables = case.terms.deidentification, peopled(case.terms)
    basis = "compliance.consent.basis is none-personal, but"
    if found.held:
        yield (
            f"{basis} the product offers {', '.join(sorted(found.held))}, classified"
            " personal or sensitive; name the basis, or de-identify these columns"
        )
    if bare := untreated(case):
        told = ", ".join(f"{e.output} shows {e.held.name}" for e in bare[:SHOWN])
        more = f" and {len(bare) - SHOWN} more" if len(bare) > SHOWN else ""
        yield (
            f"{basis} {told}{more}, classified personal or sensitive; drop or treat the"
            " column, list it in quasi_identifiers or sensitive, or name the basis"
        )
    elif (found.read or tables) and not (asked.cells or asked.quasi_identifiers):
        rows = f"the rows of {', '.join(tables)}"
        yield (
            f"{basis} the query reads {', '.join(sorted(found.read)) or rows},"
            " classified personal or sensitive, and nothing measures whom it tells of;"
            " write"
            " deidentification.quasi_identifiers or a step cells, or name the basis"
        )


def untreated(case: Case) -> list[Taken]:
    """List what may show a personal column, untreated and in no measured role.

    Whether a step really changes its column, the gate ``disclosure`` sees in the rows.
    """
    asked = case.terms.deidentification
    decided = {*asked.quasi_identifiers, *asked.sensitive, *asked.treated}
    decided |= in_words(case.terms)
    bare = {c.name for c in case.terms.columns} - decided
    return [e for e in showing(case.terms, case.taken) if e.output in bare]


def ungrounded(of: Reviewed, found: Personal) -> Iterator[str]:
    """Ask for separate consent and an impact assessment where the law does."""
    said = of.said.consent
    sensitive = found.of("sensitive")
    handed_on = sorted(found.held) if said.basis == "consent" else []
    if (asked := sensitive or handed_on) and not said.separate:
        yield (
            f"{', '.join(asked)} needs a separate consent (PIPL arts. 23 and 29);"
            " obtain it and write compliance.consent.separate"
        )
    if (asked := sensitive or sorted(found.held)) and is_placeholder(said.assessment):
        yield (
            f"{', '.join(asked)} needs an impact assessment (PIPL arts. 55-56); name"
            " it in compliance.consent.assessment"
        )


def cross_border(of: Reviewed) -> Verdict:
    """Ask for the ground on which data leave the country."""
    said, proof = of.said.cross_border, of.said.cross_border_evidence
    if said == "none":
        return Verdict([], "compliance.cross_border", "it stays in the country")
    wrong = lacks("cross_border_evidence", proof)
    top, allowed = highest(grade_found(of.terms)), of.rules.important_export_grounds
    if top in of.rules.assessed_grades and said not in allowed:
        wrong.append(
            f"{top} data leave the country only where {' or '.join(allowed)}, not"
            f" on a {said} ground; have the transfer assessed, or keep it inside"
        )
    return Verdict(wrong, proof, f"it may leave the country: {said}")


def use_limits(of: Reviewed) -> Verdict:
    """See that each limit on the use reaches the customer in words."""
    scenario = of.terms.scenario
    told = [*of.terms.licence.clauses]
    told += scenario.prohibited_uses.values() if scenario else []
    known = [plain(text) for text in told]
    wrong = [
        f"the limit {limit!r} reaches no customer; write it in licence.clauses or in"
        " scenario.prohibited_uses"
        for limit in of.said.use_limits
        if not any(plain(limit) in text for text in known)
    ]
    count = len(of.said.use_limits)
    return Verdict(wrong, "compliance.use_limits", f"{count} limits, all told")


def public_data(of: Reviewed) -> Verdict:
    """Hold public data to the terms on which they are supplied 公共数据授权运营."""
    own = of.said.public_data
    come = {"": own} if own else {}
    come |= {f"inputs.{n}: ": s for n, s in of.terms.public_inputs.items()}
    if not come:
        return Verdict([], "compliance.public_data", "no public data are named")
    wrong = [f"{place}{w}" for place, s in come.items() for w in unmet(of, s)]
    evidence = "; ".join(map(evidence_of, come.values()))
    supplies = ", ".join(dict.fromkeys(s.supply for s in come.values()))
    return Verdict(wrong, evidence, f"public data, {supplies}")


def unmet(of: Reviewed, said: PublicData) -> Iterator[str]:
    """List what the product does that one supply of public data does not allow."""
    yield from supplied(of, said)
    if said.supply.startswith("authorised"):
        yield from lacks("public_data.agreement", said.agreement)
        yield from lacks("public_data.implementing_body", said.implementing_body)
        yield from authorised(of, said)
    if said.supply == "authorised-paid":
        yield from lacks("public_data.fee_rule", said.fee_rule)


def evidence_of(said: PublicData) -> str:
    """Name who supplies the data, and under which agreement."""
    agreement = f", agreement {said.agreement}" if said.agreement else ""
    return f"{said.supply} by {said.authority}{agreement}"


def supplied(of: Reviewed, said: PublicData) -> Iterator[str]:
    """Say what the way of supply forbids: raw rows, or a price."""
    price = of.terms.price
    if said.raw_leaves and said.supply not in of.rules.raw_supplies:
        yield (
            f"raw rows of {said.supply} public data stay in the domain"
            " 原始数据不出域; hand on results only"
        )
    if said.supply in of.rules.free_supplies and price.mode != "free":
        yield (
            f"{said.supply} public data are offered free of charge, not by"
            f" {price.mode}; write price: {{mode: free}}"
        )


def authorised(of: Reviewed, said: PublicData) -> Iterator[str]:
    """Compare the product with the agreement: operator, field, territory, term."""
    provider, scenario = of.terms.provider, of.terms.scenario
    names = {provider.name, provider.credit_code} if provider else set()
    if of.rules.authorised_operator_only and said.operator not in names:
        yield (
            f"the agreement authorises {said.operator or 'nobody'}, not the provider"
            f" {provider.name if provider else ''}; offer it through the operator"
        )
    industry = scenario.industry if scenario else ""
    if not any(covers(field, industry) for field in said.fields):
        yield (
            f"the agreement covers {', '.join(said.fields) or 'no field'}, not"
            f" {industry or 'a product without a field'}; have it extended"
        )
    if not within(of.terms.licence.territory, said.territory):
        yield (
            f"the agreement covers {said.territory or 'no territory'}, the licence"
            f" {of.terms.licence.territory or 'any place'}; write licence.territory"
        )
    yield from in_term(of, said)


def in_term(of: Reviewed, said: PublicData) -> Iterator[str]:
    """See that the agreement holds on the day, and no longer than the rule."""
    begins, ends, day = said.valid_from, said.valid_to, of.case.as_of
    if begins is None or ends is None:
        yield "the agreement has no term; write valid_from and valid_to"
        return
    if not begins <= day <= ends:
        yield f"the agreement runs {begins} to {ends}, which {day} is not in; renew it"
    years = of.rules.authorisation_max_years
    if ends > months_later(begins, 12 * years) - timedelta(days=1):
        yield f"the agreement runs {begins} to {ends}, longer than {years} years"
