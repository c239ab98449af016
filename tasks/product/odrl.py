"""Say a product's licence as an ODRL 2.2 offer, in JSON-LD.

Permissions, prohibitions and duties keep their words where ODRL has them; where ODRL
has given a word up for one of Creative Commons (commercial use, share-alike, notice),
that one stands. Terms of the house are bound to the uses that the scenario offers; the
text of a licence of the catalogue admits no such limit, so none is written for it.

``distribute`` prohibited, ``attribute`` owed -> a prohibition with action distribute,
and in each permission a duty with action attribute.

Source: ODRL Information Model 2.2, sections 2.1 to 2.6; ODRL Vocabulary 2.2.
"""

from collections.abc import Iterator
from typing import Any

from schemas.licence import Duty, Permission
from schemas.product import ProductTerms

Node = dict[str, Any]  # Any: JSON
CONTEXT: list[Any] = [  # Any: a link, and what it lacks
    "http://www.w3.org/ns/odrl.jsonld",
    {"cc": "http://creativecommons.org/ns#", "dct": "http://purl.org/dc/terms/"},
]
YUAN = "http://dbpedia.org/resource/Renminbi"
ACTIONS: dict[Permission, str] = {"commercialize": "cc:CommercialUse"}
DUTIES: dict[Duty, tuple[str, str]] = {
    "attribute": ("attribute", "Name the source"),
    "share-alike": ("cc:ShareAlike", "Hand on under the same licence"),
    "include-notice": ("cc:Notice", "Keep the notices"),
    "state-changes": ("annotate", "State that it was changed"),
}


def odrl(terms: ProductTerms) -> Node:
    """Write the offer of a product.

    Args:
        terms: With provider and scenario filled in from the documents.
    """
    licence = terms.licence
    offer = {
        "@context": CONTEXT,
        "@type": "Offer",
        "uid": f"{named(terms)}:offer",
        "conflict": "prohibit",
        "dct:title": licence.name,
        "dct:description": list(licence.clauses),
        "permission": [permission(terms, act) for act in licence.permissions],
        "prohibition": [rule(terms, act) for act in licence.prohibitions]
        + [*prohibited_uses(terms)],
    }
    return {key: value for key, value in offer.items() if value}


def named(terms: ProductTerms) -> str:
    """Name a version of a product for the world."""
    return f"urn:datafactor:{terms.factor}:{terms.name}:{terms.version}"


def rule(terms: ProductTerms, act: Permission) -> Node:
    """Write what a permission and a prohibition share."""
    made: Node = {"target": named(terms), "action": ACTIONS.get(act, act)}
    if terms.provider:
        made["assigner"] = f"urn:uscc:{terms.provider.credit_code}"
    return made


def permission(terms: ProductTerms, act: Permission) -> Node:
    """Write one permission with its limits and what is owed for it."""
    made = rule(terms, act)
    if limits := [*constraints(terms)]:
        made["constraint"] = limits
    owed = [duty(terms, one) for one in terms.licence.duties]
    owed += [*payments(terms)] if act == "use" else []
    return made | ({"duty": owed} if owed else {})


def constraints(terms: ProductTerms) -> Iterator[Node]:
    """Bind a permission to the uses offered and to a territory."""
    if terms.scenario and not terms.listed:
        uses = [{"@id": use_of(terms, name)} for name in terms.scenario.uses]
        told = "; ".join(terms.scenario.uses.values())
        yield limit("purpose", "isAnyOf", uses) | {"dct:description": told}
    if terms.licence.territory:
        yield limit("spatial", "eq", terms.licence.territory)


def prohibited_uses(terms: ProductTerms) -> Iterator[Node]:
    """Write a prohibition for each use that is refused."""
    if terms.scenario is None or terms.listed:
        return
    for name, told in terms.scenario.prohibited_uses.items():
        purpose = limit("purpose", "eq", {"@id": use_of(terms, name)})
        yield rule(terms, "use") | {"constraint": [purpose], "dct:description": told}


def use_of(terms: ProductTerms, name: str) -> str:
    """Name a use for the world."""
    return f"{named(terms)}:use:{name}"


def limit(operand: str, operator: str, value: object) -> Node:
    """Write one constraint or refinement."""
    return {"leftOperand": operand, "operator": operator, "rightOperand": value}


def duty(terms: ProductTerms, owed: Duty) -> Node:
    """Write one duty; attribution with its words."""
    action, told = DUTIES[owed]
    made: Node = {"action": action}
    if owed == "attribute" and terms.licence.attribution:
        told = terms.licence.attribution
    return made | {"dct:description": told}


def payments(terms: ProductTerms) -> Iterator[Node]:
    """Write what is paid: for a term, a quota or each unit; tiers one duty each."""
    price, unit = terms.price, f"a {terms.price.counted}"
    told = {
        "flat": f"for {price.months} months",
        "quota": f"for {price.quota} {price.counted}s",
        "per_call": unit,
        "per_row": unit,
    }
    if price.mode in told:
        yield compensation(f"{price.amount}", f"CNY without tax, {told[price.mode]}")
    for tier in price.tiers:
        up_to = f"up to {tier.up_to} a month" if tier.up_to else "above"
        yield compensation(f"{tier.amount}", f"CNY without tax, {unit}, {up_to}")


def compensation(amount: str, told: str) -> Node:
    """Write the duty to pay an amount."""
    exact = {"@value": amount, "@type": "xsd:decimal"}
    paid = limit("payAmount", "eq", exact) | {"unit": YUAN}
    action = {"rdf:value": {"@id": "odrl:compensate"}, "refinement": [paid]}
    return {"action": [action], "dct:description": told}
