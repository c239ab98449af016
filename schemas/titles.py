"""Say what rights each input brings to a product: licence, agreement, certificate."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

from schemas.asset import AssetTerms
from schemas.compliance import PublicData
from schemas.licence import Grant, Unlisted
from schemas.rights import Kind, Title

# What a licence must permit for the product's maker to have the right.
PERMITTED: dict[Kind, str] = {"process": "derive", "operate": "distribute"}


def by_licence(grants: Mapping[str, Grant | Unlisted]) -> Iterator[Title]:
    """Read licences as rights: ``derive`` to process, ``distribute`` to operate.

    An input whose licence gives neither, or is not known, gives a right to hold alone.
    """
    for place, grant in grants.items():
        given: list[Kind] = ["hold"]
        if isinstance(grant, Grant):
            given += [
                right
                for right, act in PERMITTED.items()
                if act in grant.permissions and act not in grant.prohibitions
            ]
        for right in given:
            name = f"{place} ({grant.licence})"
            yield Title(input=name, by="licence", right=right, evidence=grant.licence)


def by_agreement(supplies: Mapping[str, PublicData]) -> Iterator[Title]:
    """Read agreements of authorised operation 授权运营 as rights of the operator."""
    for place, said in supplies.items():
        if not said.supply.startswith("authorised"):
            continue
        rights: tuple[Kind, ...] = ("process", "operate")
        for right in rights:
            yield Title(
                input=f"{place} (agreement {said.agreement or 'without a number'})",
                by="agreement",
                right=right,
                holder=said.operator,
                valid_from=said.valid_from,
                valid_to=said.valid_to,
                fields=said.fields,
                territory=said.territory,
                evidence=said.agreement or said.authority,
            )


def by_certificate(
    table: str, asset: AssetTerms, stage: Literal["resource", "product"], own: bool
) -> Iterator[Title]:
    """Read the rights over another factor's asset as what its rows bring.

    A resource is processed under the right to process; a product is offered on under
    the right to operate too. Another entity needs rights that may be handed on.
    """
    asked = ("process",) if stage == "resource" else ("process", "operate")
    name = f"inputs.{table} (rights over {asset.name})"
    held = {"input": name, "by": "right"}
    yield Title.model_validate(held | {"right": "hold", "evidence": asset.name})
    if stage == "resource":  # what is made of it is a product of one's own
        yield Title.model_validate(held | {"right": "operate", "evidence": asset.name})
    for r in asset.rights:
        if r.right in asked and (own or r.sublicensable):
            yield Title.model_validate(
                held
                | {
                    "right": r.right,
                    "holder": r.holder if own else "",
                    "valid_from": r.valid_from,
                    "valid_to": r.valid_to,
                    "fields": (r.field,) if r.field else (),
                    "territory": r.territory,
                    "evidence": f"{r.certificate}, {r.evidence}",
                }
            )


def free_of(supplies: Iterable[PublicData], free: Iterable[str]) -> tuple[str, ...]:
    """Name the supplies of public data that stay free of charge."""
    found = [s for s in supplies if s.supply in {*free}]
    return tuple(dict.fromkeys(f"{s.supply} by {s.authority}" for s in found))
