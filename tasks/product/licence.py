"""Compare what a product offers with what all its inputs grant.

A product offers at most the intersection of its inputs' permissions and carries the
union of their duties on. CC-BY-4.0 with CC-BY-NC-4.0 grants no ``sell`` and asks for
``attribute``; CC-BY-SA-4.0 with CC-BY-NC-4.0 grants nothing, since whatever is made of
the first must be offered for commerce too.

In an enclave nothing is handed on, so share-alike binds no product there.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from itertools import combinations
from typing import NamedTuple

from schemas.licence import DUTIES, PERMISSIONS, Grant, Unlisted
from schemas.product import ProductTerms
from tasks.product.case import Answer, Case


class Bounds(NamedTuple):
    """What may be offered at most; a meet-semilattice whose top is ``EVERYTHING``."""

    permissions: frozenset[str]
    prohibitions: frozenset[str]
    duties: frozenset[str]
    under: frozenset[str] | None  # licences it may be handed on under; None: any


EVERYTHING = Bounds(frozenset(PERMISSIONS), frozenset(), frozenset(), None)


class Input(NamedTuple):
    """A licence, and the sources and inputs that come under it."""

    places: tuple[str, ...]
    grant: Grant

    def __str__(self) -> str:
        shown = ", ".join(self.places[:3])
        more = f" and {len(self.places) - 3} more" if len(self.places) > 3 else ""
        return f"{shown}{more} ({self.grant.licence})"


def bounds_of(grant: Grant) -> Bounds:
    """Say what one input leaves open."""
    prohibitions = frozenset(grant.prohibitions)
    same = frozenset({grant.licence, *grant.accepts})
    return Bounds(
        frozenset(grant.permissions) - prohibitions,
        prohibitions,
        frozenset(grant.duties),
        same if "share-alike" in grant.duties else None,
    )


def meet(one: Bounds, other: Bounds) -> Bounds:
    """Take what both leave open: fewer permissions, more duties."""
    under = one.under if other.under is None else other.under
    if one.under is not None and other.under is not None:
        under = one.under & other.under
    return Bounds(
        one.permissions & other.permissions,
        one.prohibitions | other.prohibitions,
        one.duties | other.duties,
        under,
    )


def licence(case: Case) -> Iterator[Answer]:
    """Answer whether the product may be offered on its terms."""
    terms = case.terms
    inputs = by_licence(terms.grants)
    wrong = [*unknown(terms.grants), *refusals(terms, inputs)]
    evidence = "; ".join(map(str, inputs))
    ground = "; ".join(wrong) or carried(terms, inputs)
    yield "licence", bool(inputs) and not wrong, ground, evidence


def refusals(terms: ProductTerms, inputs: Sequence[Input]) -> Iterator[str]:
    """Say everything that stands against the licence of a product."""
    handed_on = terms.release != "enclave"
    if not terms.grants:
        yield "no input says under which licence it comes; write licence: on a source"
    yield from as_listed(terms)
    yield from needed(terms, inputs)
    yield from too_much(terms, inputs)
    yield from dropped_duties(terms, inputs, handed_on)
    yield from uncredited(terms, inputs)
    if handed_on:
        yield from impossible(inputs)
        yield from not_alike(terms, inputs)


def by_licence(grants: Mapping[str, Grant | Unlisted]) -> list[Input]:
    """Put inputs under the same terms together; credits stay apart."""
    places: dict[Grant, list[str]] = {}
    for place, grant in grants.items():
        if isinstance(grant, Grant):
            places.setdefault(grant.model_copy(update={"credit": ""}), []).append(place)
    return [Input(tuple(names), grant) for grant, names in places.items()]


def unknown(grants: Mapping[str, Grant | Unlisted]) -> Iterator[str]:
    """Name each input whose licence the catalogue does not hold."""
    for place, grant in grants.items():
        if isinstance(grant, Unlisted):
            yield (
                f"{place}: unknown licence {grant.licence!r}; the nearest known are"
                f" {', '.join(grant.nearest) or 'none'}; name one of the catalogue, or"
                " add it to deployments/licences with its source"
            )


def as_listed(terms: ProductTerms) -> Iterator[str]:
    """Hold a product to the text of a licence that it names."""
    listed, own = terms.listed, terms.licence
    if listed is None:
        return
    same = all(
        {*getattr(own, part)} == {*getattr(listed, part)}
        for part in ("permissions", "prohibitions", "duties")
    )
    if not same:
        yield (
            f"licence {own.name} says: {codes(listed)}; write these, or give terms of"
            " your own another name"
        )


def codes(grant: Grant) -> str:
    """Write the codes of a licence in the order of the vocabulary."""
    return ", ".join(
        f"{part} [{', '.join(said)}]"
        for part, said in (
            ("permissions", [p for p in PERMISSIONS if p in grant.permissions]),
            ("prohibitions", [p for p in PERMISSIONS if p in grant.prohibitions]),
            ("duties", [d for d in DUTIES if d in grant.duties]),
        )
    )


def needed(terms: ProductTerms, inputs: Sequence[Input]) -> Iterator[str]:
    """Ask each input for what the provider itself does with it."""
    acts = {
        "use": "reads it",
        "derive": "is derived of it",
        "distribute": "is handed on" if terms.release != "enclave" else "",
        "commercialize": "is charged for" if terms.price.mode != "free" else "",
    }
    for each in inputs:
        left = bounds_of(each.grant).permissions
        lacking = {act: why for act, why in acts.items() if why and act not in left}
        if lacking:
            yield (
                f"{each} does not permit {', '.join(lacking)}, but the product"
                f" {' and '.join(lacking.values())}; leave it out or obtain the right"
            )


def too_much(terms: ProductTerms, inputs: Sequence[Input]) -> Iterator[str]:
    """Name permissions that go beyond what some input grants."""
    for each in inputs:
        left = bounds_of(each.grant).permissions
        if beyond := [p for p in terms.licence.permissions if p not in left]:
            yield (
                f"the product's licence offers {', '.join(beyond)}, which {each} does"
                " not grant; take it out of licence.permissions"
            )


def dropped_duties(
    terms: ProductTerms, inputs: Sequence[Input], handed_on: bool
) -> Iterator[str]:
    """Name duties that the product does not carry on."""
    spared = () if handed_on else ("share-alike",)
    for each in inputs:
        owed = {*each.grant.duties} - {*terms.licence.duties} - {*spared}
        if owed:
            told = ", ".join(d for d in DUTIES if d in owed)
            yield f"{each} asks for {told}; write it in licence.duties"


def uncredited(terms: ProductTerms, inputs: Sequence[Input]) -> Iterator[str]:
    """Ask for the words of attribution, and for each credit in them."""
    asking = {p for each in inputs if owes_credit(each.grant) for p in each.places}
    credits = {p: g.credit for p, g in terms.grants.items() if isinstance(g, Grant)}
    text = terms.licence.attribution
    if asking and not text.strip():
        yield (
            f"{', '.join(sorted(asking))} must be attributed; write licence.attribution"
        )
        return
    missing = {credits[p] for p in sorted(asking) if credits[p] not in text}
    for credit in sorted(missing):
        yield f"licence.attribution does not name {credit!r}; add these words"


def owes_credit(grant: Grant) -> bool:
    """Say whether a licence asks that its author is named."""
    return "attribute" in grant.duties


def impossible(inputs: Sequence[Input]) -> Iterator[str]:
    """Name each pair of inputs that nothing can be made of together."""
    for pair in combinations(inputs, 2):
        one, other = (bounds_of(each.grant).under for each in pair)
        if one is not None and other is not None and not one & other:
            yield (
                f"{pair[0]} and {pair[1]} both ask to be handed on under themselves;"
                " leave one of the two out"
            )
        for alike, beside in (pair, pair[::-1]):
            yield from denied(alike, beside)


def denied(alike: Input, beside: Input) -> Iterator[str]:
    """Say what a share-alike licence must offer on and another input withholds."""
    mine, its = bounds_of(alike.grant), bounds_of(beside.grant)
    if mine.under is None or (its.under is not None and mine.under & its.under):
        return
    if its.under is None and (lost := mine.permissions - its.permissions):
        told = ", ".join(p for p in PERMISSIONS if p in lost)
        yield (
            f"{alike} must be handed on under the same licence, with {told}, which"
            f" {beside} does not grant; leave one of the two out"
        )


def not_alike(terms: ProductTerms, inputs: Sequence[Input]) -> Iterator[str]:
    """Hold the product to a licence that its share-alike inputs accept."""
    asking = [each for each in inputs if bounds_of(each.grant).under is not None]
    under = reduce(meet, (bounds_of(each.grant) for each in asking), EVERYTHING).under
    told = ", ".join(map(str, asking))
    if under and terms.licence.name not in under:
        choice = " or ".join(sorted(under))
        yield f"{told} must be handed on under the same licence: offer it as {choice}"
    if under is not None and not under and len(asking) > 2:
        yield f"no licence serves all of {told}; leave one of them out"


def carried(terms: ProductTerms, inputs: Sequence[Input]) -> str:
    """Say what the inputs leave open and what is carried on."""
    all_of = reduce(meet, (bounds_of(each.grant) for each in inputs), EVERYTHING)
    most = [p for p in PERMISSIONS if p in all_of.permissions]
    duties = [d for d in DUTIES if d in all_of.duties]
    return (
        f"{len(terms.grants)} inputs grant {', '.join(most)}; the product offers"
        f" {', '.join(terms.licence.permissions)} and carries on"
        f" {', '.join(duties) or 'no duty'}"
    )
