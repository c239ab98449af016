"""An ODRL offer, held word by word against the vocabulary and rules of ODRL 2.2.

The words are those that rdflib generated from W3C's ODRL22.ttl. By the Information
Model a policy has a uid and a rule (2.1), an offer's rule a target and an assigner, a
constraint three parts (2.5).
"""

import json
from collections.abc import Iterator
from typing import Any, get_args

import pytest
from rdflib import RDF, XSD, Graph, Literal, URIRef
from rdflib.namespace import ODRL2

from schemas.licence import Duty, Permission
from schemas.product import ProductTerms
from tasks.product.odrl import CONTEXT, odrl

WORDS = frozenset(ODRL2.__annotations__)
RULES = ("permission", "prohibition")
ROLES = {"@context", "@type", "@id", "@value", "rdf:value", "dct:title"}
# What W3C's context at http://www.w3.org/ns/odrl.jsonld says of the terms used here.
REFERENCE = {"@type": "@id"}
WORD = {"@type": "@vocab"}
OFFLINE = {
    "@vocab": "http://www.w3.org/ns/odrl/2/",
    "odrl": "http://www.w3.org/ns/odrl/2/",
    "rdf": str(RDF),
    "xsd": str(XSD),
    "uid": "@id",
    **dict.fromkeys(("target", "assigner", "unit"), REFERENCE),
    **dict.fromkeys(("action", "leftOperand", "operator", "conflict"), WORD),
}
# https://creativecommons.org/ns: requirements, and the one prohibition of CC licences.
CC = {"cc:CommercialUse", "cc:ShareAlike", "cc:Notice", "cc:Attribution"}
# ODRL Vocabulary 2.2, section 4.8 (deprecated) names CC's words for these.
GIVEN_UP = {"commercialize", "shareAlike", "attachPolicy", "pay"}


def terms(**changed: Any) -> ProductTerms:
    licence = {
        "name": "House terms",
        "permissions": list(get_args(Permission)[:5]),
        "prohibitions": ["sell"],
        "duties": list(get_args(Duty)),
        "attribution": "Jiangbei Data",
        "clauses": ["Inside the company"],
        "territory": "China",
    }
    return ProductTerms.model_validate(
        {
            "factor": "delays",
            "name": "delays-by-hour",
            "version": "1.2.0",
            "query": "SELECT a FROM resource",
            "columns": [{"name": "a", "logicalType": "integer"}],
            "licence": licence | changed.pop("licence", {}),
            "provider": {
                "entity": "jiangbei-data",
                "name": "Jiangbei Data",
                "credit_code": "91320400MA0JB0001E",
            },
            "scenario": {
                "user": "An insurer",
                "decision": "A premium",
                "benefit": "Fit premiums",
                "metric": "loss ratio",
                "uses": {"cover": "Pricing cover", "reserve": "Setting reserves"},
                "prohibited_uses": {"crews": "Rating a crew"},
                "industry": "J68 insurance",
                "region": "New York",
            },
            **changed,
        }
    )


def nodes(value: Any) -> Iterator[dict[str, Any]]:  # Any: JSON
    """List every object of a document, its context left out."""
    if isinstance(value, list):
        for item in value:
            yield from nodes(item)
    if isinstance(value, dict):
        yield value
        for key, inner in value.items():
            if key != "@context":
                yield from nodes(inner)


def action_of(node: dict[str, Any]) -> str:
    action = node["action"]
    if isinstance(action, str):
        return action
    (refined,) = action
    return str(refined["rdf:value"]["@id"]).removeprefix("odrl:")


PRICES: list[dict[str, Any]] = [
    {"mode": "free"},
    {"mode": "flat", "amount": "9.90"},
    {"mode": "per_call", "amount": "0.02"},
    {"mode": "quota", "amount": "300", "quota": 100, "unit": "row"},
    {"mode": "tiers", "tiers": [{"up_to": 9, "amount": "1"}, {"amount": "0.5"}]},
]
AMOUNTS: list[list[str]] = [[], ["9.90"], ["0.02"], ["300"], ["1", "0.5"]]


@pytest.mark.parametrize("price", PRICES, ids=lambda p: p["mode"])
def test_every_word_is_of_the_standard(price: dict[str, Any]) -> None:
    for node in nodes(odrl(terms(price=price))):
        for key, value in node.items():
            assert key in WORDS | ROLES | {"dct:description"}, key
            if key in ("leftOperand", "operator", "conflict"):
                assert value in WORDS, value
            if key == "action":
                assert action_of(node) in (WORDS - GIVEN_UP) | CC, value


@pytest.mark.parametrize("price", PRICES, ids=lambda p: p["mode"])
def test_policy_rules_and_constraints_are_whole(price: dict[str, Any]) -> None:
    offer = odrl(terms(price=price))

    assert offer["@type"] in WORDS
    assert offer["uid"].startswith("urn:datafactor:delays:delays-by-hour:1.2.0")
    rules = [rule for kind in RULES for rule in offer[kind]]
    assert rules
    for rule in rules:
        assert {"target", "assigner", "action"} <= set(rule)
    for node in nodes(offer):
        if {"leftOperand", "operator", "rightOperand"} & set(node):
            assert {"leftOperand", "operator", "rightOperand"} <= set(node)


def test_rules_are_those_of_the_licence() -> None:
    offer = odrl(terms())

    assert [rule["action"] for rule in offer["permission"]] == [
        "use", "reproduce", "present", "derive", "distribute",
    ]  # fmt: skip
    assert [rule["action"] for rule in offer["prohibition"]] == ["sell", "use"]
    first = offer["permission"][0]
    assert [one["action"] for one in first["duty"]] == [
        "attribute", "cc:ShareAlike", "cc:Notice", "annotate",
    ]  # fmt: skip
    assert first["duty"][0]["dct:description"] == "Jiangbei Data"
    purpose, place = first["constraint"]
    assert (purpose["leftOperand"], purpose["operator"]) == ("purpose", "isAnyOf")
    assert [use["@id"].rpartition(":")[2] for use in purpose["rightOperand"]] == [
        "cover", "reserve",
    ]  # fmt: skip
    assert (place["leftOperand"], place["rightOperand"]) == ("spatial", "China")
    refused = offer["prohibition"][1]
    assert refused["dct:description"] == "Rating a crew"
    assert refused["constraint"][0]["rightOperand"]["@id"].endswith(":use:crews")


def test_commercial_use_has_the_word_of_creative_commons() -> None:
    offer = odrl(terms(licence={"prohibitions": ["commercialize"]}))

    assert offer["prohibition"][0]["action"] == "cc:CommercialUse"


@pytest.mark.parametrize(("price", "amounts"), [*zip(PRICES, AMOUNTS, strict=True)])
def test_what_is_paid_stands_once_with_the_use(
    price: dict[str, Any], amounts: list[str]
) -> None:
    offer = odrl(terms(price=price))

    paid = [
        (rule["action"], refined["rightOperand"]["@value"])
        for rule in offer["permission"]
        for owed in rule["duty"]
        if action_of(owed) == "compensate"
        for refined in owed["action"][0]["refinement"]
    ]
    assert paid == [("use", amount) for amount in amounts]


def test_the_text_of_a_known_licence_is_not_narrowed() -> None:
    listed = {"licence": "CC0-1.0", "permissions": ["use"]}
    plain = {"permissions": ["use"], "prohibitions": [], "duties": [], "territory": ""}

    offer = odrl(terms(licence={"name": "CC0-1.0"} | plain, listed=listed))

    assert "prohibition" not in offer
    assert set(offer["permission"][0]) == {"target", "assigner", "action"}


@pytest.mark.filterwarnings("ignore:ConjunctiveGraph:DeprecationWarning")  # rdflib's
def test_it_is_a_graph_of_the_standard() -> None:
    offer = odrl(terms(price=PRICES[1]))
    text = json.dumps(offer | {"@context": [OFFLINE, CONTEXT[1]]})

    graph = Graph().parse(data=text, format="json-ld")

    whole = URIRef(offer["uid"])
    assert (whole, RDF.type, ODRL2.Offer) in graph
    assert len([*graph.objects(whole, ODRL2.permission)]) == 5
    assert len([*graph.objects(whole, ODRL2.prohibition)]) == 2
    assert (None, ODRL2.leftOperand, ODRL2.purpose) in graph
    assert (None, ODRL2.action, ODRL2.distribute) in graph
    alike = URIRef("http://creativecommons.org/ns#ShareAlike")
    assert (None, ODRL2.action, alike) in graph
    paid = Literal("9.90", datatype=XSD.decimal)
    (refined,) = graph.subjects(ODRL2.rightOperand, paid)
    assert (refined, ODRL2.leftOperand, ODRL2.payAmount) in graph
