"""The whole document: one data factor from its sources to its financing.

It says *what*; where things lie is said by environment variables. The chain ends where
the document ends: a public good stops at the product.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Self, TypeGuard
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pandera.polars as pa
from pydantic import Field, field_validator, model_validator

from schemas.appraisal import Ending
from schemas.artifact import Snapshot, Stage
from schemas.asset import AssetTerms
from schemas.capital import CapitalTerms, Financing
from schemas.compliance import PublicData
from schemas.contract import Column
from schemas.document import load
from schemas.entity import Entity
from schemas.errors import FactorError
from schemas.grade import GRADES, Grade, grade_of
from schemas.licence import Grant, Unlisted, catalogues, looked_up
from schemas.loan import BankCalendar, LprRate, LprTable
from schemas.policy import AssetRules, CapitalRules, Policy
from schemas.portfolio import CoverageRules
from schemas.product import ProductRules, ProductTerms, Provider, Upstream
from schemas.quality import CheckCounts, Indicator
from schemas.registers import Approval, Cost, Dispute, JournalLine, PeriodClose
from schemas.resource import ResourceTerms, Source, in_order
from schemas.rights import Title
from schemas.scenario import Scenario
from schemas.terms import Name, Slug, Terms, Text
from schemas.titles import by_agreement, by_certificate, by_licence, free_of

Published = Annotated[
    str, Field(pattern=r"^[a-z][a-z0-9-]{0,62}/(?:resource|product)$")
]


SPAN = r"(?:\*|[0-9A-Za-z]+(?:-[0-9A-Za-z]+)?)(?:/[0-9]+)?"
CRON = rf"{SPAN}(?:,{SPAN})*"  # one field; what it means, the scheduler says


class Schedule(Terms):
    """When a deployed factor runs."""

    cron: Text = Field(description="Five-field cron expression")
    timezone: Text = Field(description="IANA time zone of the cron expression")

    @field_validator("cron")
    @classmethod
    def _has_five_fields(cls, cron: str) -> str:
        fields = cron.split()
        if len(fields) != 5 or not all(re.fullmatch(CRON, field) for field in fields):
            raise ValueError(
                "write five fields, minute hour day month weekday: '30 2 * * *' is"
                " every night at half past two"
            )
        return cron

    @field_validator("timezone")
    @classmethod
    def _is_a_zone(cls, zone: str) -> str:
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(
                "no such time zone: write an IANA name such as Asia/Shanghai"
            ) from None
        return zone


class Factor(Terms):
    """One data factor.

    ``inputs`` names what other factors publish, ``river-weather/resource``: so factors
    form a graph without cycles. A product that only combines inputs needs no resource.
    """

    factor: Slug = Field(description="Name of the factor and of this file")
    title: Text = Field(description="One line for people")
    entity: Slug = Field(description="Reporting entity: a file in deployments/entities")
    policy: Slug = Field(description="Dated rules: a file in deployments/policies")
    illustrative: bool = Field(
        False, description="Rights, parties and money are made up; said at each figure"
    )
    scenario: Scenario = Field(description="User, decision, benefit, prohibited uses")
    schedule: Schedule | None = Field(None, description="When it runs once deployed")
    inputs: dict[Name, Published] = Field(
        default_factory=dict,
        description="Resources or products of other factors, by table name in the SQL",
    )
    sources: dict[Name, Source] = Field(
        default_factory=dict, description="Raw tables by name"
    )
    resource: ResourceTerms | None = Field(
        None, description="Stage 1: consolidate, clean, label"
    )
    product: ProductTerms | None = Field(None, description="Stage 2: what is offered")
    asset: AssetTerms | None = Field(None, description="Stage 3: rights, cost, value")
    capital: Financing | None = Field(None, description="Stage 4: financing")
    zone: str = Field("Asia/Shanghai", description="Filled in from the entity")

    @field_validator("sources", mode="before")
    @classmethod
    def _name_the_sources(cls, sources: Any) -> Any:  # Any: what the file holds
        if not isinstance(sources, dict):
            return sources
        return {
            name: {**terms, "name": name} if isinstance(terms, dict) else terms
            for name, terms in sources.items()
        }

    @model_validator(mode="after")
    def _begins_somewhere(self) -> Self:
        if bool(self.sources) != bool(self.resource):
            raise ValueError("sources and resource go together: write both or none")
        if not self.sources and not self.inputs:
            raise ValueError("nothing to begin with: write sources, or inputs")
        if self.inputs and not self.product:
            raise ValueError("inputs are read by a product: write the product stage")
        if self.resource:
            self.resource.filled(tuple(self.sources.values()))
        return self

    @model_validator(mode="after")
    def _inputs_are_of_others(self) -> Self:
        if "resource" in self.inputs:
            raise ValueError("resource is this factor's own table: rename that input")
        for name, ref in self.inputs.items():
            if ref.partition("/")[0] == self.factor:
                raise ValueError(f"input {name} is of this very factor: leave it out")
        return self

    @model_validator(mode="after")
    def _references_end(self) -> Self:
        in_order(self.sources.values())
        return self

    @model_validator(mode="after")
    def _stages_follow_each_other(self) -> Self:
        if self.asset and not self.product:
            raise ValueError("an asset is made of a product: write the product stage")
        if self.asset and not self.resource:
            raise ValueError(
                "an asset is appraised by the quality of this factor's own resource:"
                " write sources and resource, or end the chain at the product"
            )
        if self.capital and not self.asset:
            raise ValueError("a loan rests on an asset: write the asset stage")
        return self

    @property
    def loan(self) -> CapitalTerms | None:
        """The financing, if it is a loan: pledged, unsecured or of several lenders."""
        return self.capital if isinstance(self.capital, CapitalTerms) else None

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The stages this document asks for."""
        asked = (self.resource, self.product, self.asset, self.capital)
        return tuple(s for s, terms in zip(Stage, asked, strict=True) if terms)

    def through(self, last: Stage) -> "Factor":
        """Cut the chain after ``last``.

        Raises:
            FactorError: Nothing is left of it.
        """
        cut = {s.value: None for s in Stage if s not in (*last.before, last)}
        left = self.model_copy(update=cut)
        if not left.stages:
            raise FactorError(
                f"{self.factor} has no {last.value}, it begins with its"
                f" {self.stages[0].value}; run it through a later stage"
            )
        return left

    def live(self, register: type[pa.DataFrameModel]) -> Snapshot:
        """Ask for the register rows of this factor's asset."""
        asset = self.asset.name if self.asset else ""
        where = {"entity": self.entity, "asset": asset}
        return Snapshot(register=register, where=where)

    @property
    def books(self) -> tuple[Snapshot, Snapshot, Snapshot]:
        """Ask what is posted of the asset, closed and approved of its entity."""
        approvals = Snapshot(register=Approval, where={"entity": self.entity})
        return self.live(JournalLine), self.closed, approvals

    @property
    def closed(self) -> Snapshot:
        """Ask for the closed months of the entity."""
        return Snapshot(register=PeriodClose, where={"entity": self.entity})

    @property
    def spent(self) -> Snapshot:
        """Ask for the voucher lines that are posted of the entity."""
        return Snapshot(register=Cost, where={"entity": self.entity})

    @property
    def disputes(self) -> Snapshot:
        """Ask for the disputes over this factor."""
        return Snapshot(register=Dispute, where={"asset": self.factor})

    @property
    def counted(self) -> Snapshot:
        """Ask for what the runs that made the resource have counted."""
        return Snapshot(register=CheckCounts, where={"factor": self.factor})

    @property
    def assessed(self) -> Snapshot:
        """Ask for the earlier assessments of the resource."""
        return Snapshot(register=Indicator, where={"factor": self.factor})


class Documents(NamedTuple):
    """A factor as it is written, with all the documents that it names."""

    factor: Factor
    entity: Entity
    policy: Policy
    feeders: Mapping[str, Factor]
    folders: Sequence[Path]
    policies: Path  # folder of the policies


def load_factor(name: str, factors: Path, trail: tuple[str, ...] = ()) -> Factor:
    """Read one factor with all it names, and hand each stage what it reads.

    Args:
        name: A factor's name, or the path of its file.
        factors: Folder of factor documents; ``entities`` and ``policies`` lie beside.
        trail: The factors that asked for this one, first to last.

    Raises:
        FactorError: A file is missing or breaks its schema; one sentence a problem.
            Factors feed each other in a circle; the sentence names it.
    """
    found = load_documents(name, factors, trail)
    return resolved(
        found.factor, found.entity, found.policy, found.feeders, found.folders
    )


def load_documents(name: str, factors: Path, trail: tuple[str, ...] = ()) -> Documents:
    """Read one factor and all that it names, before its stages are filled in.

    Arguments and errors are those of ``load_factor``; what is changed in it here, such
    as the supply of public data or the policy, reaches every stage by ``resolved``.
    """
    path = Path(name) if name.endswith((".yaml", ".yml")) else factors / f"{name}.yaml"
    if not path.is_file():
        known = ", ".join(sorted(p.stem for p in factors.glob("*.yaml"))) or "none"
        raise FactorError(
            f"no factor {name!r} in {factors.name}/ (there are: {known}); set"
            " DATAFACTOR_FACTORS to the folder of your documents"
        )
    factor = load(path, Factor)
    if factor.factor != path.stem:
        raise FactorError(
            f"{path.name}: factor is {factor.factor!r}; call the file after it"
        )
    near = path.resolve().parent.parent
    # A document that lies anywhere else names the house's own entities and policies.
    beside = near if (near / "entities").is_dir() else factors.parent
    entity = load(named(beside / "entities", factor.entity), Entity)
    policy = load(named(beside / "policies", factor.policy), Policy)
    factor = dated(factor, beside)
    feeders = feeding(factor, factors, trail)
    folders = catalogues(beside, factors.parent)
    return Documents(factor, entity, policy, feeders, folders, beside / "policies")


def feeding(
    factor: Factor, factors: Path, trail: tuple[str, ...]
) -> dict[str, "Factor"]:
    """Load the factors that feed this one, by the table names of its inputs."""
    met = (*trail, factor.factor)
    if factor.factor in trail:
        circle = " -> ".join(met[trail.index(factor.factor) :])
        raise FactorError(
            f"factors feed each other in a circle: {circle}; take one input out"
        )
    made = {}
    for table, published in factor.inputs.items():
        other, _, stage = published.partition("/")
        made[table] = load_factor(other, factors, met)
        if getattr(made[table], stage) is None:
            raise FactorError(
                f"inputs.{table}: factor {other} has no {stage}; name one that it has"
            )
    return made


def named(folder: Path, name: str) -> Path:
    """Find a document that a factor names.

    Raises:
        FactorError: It is not there; the sentence lists what is.
    """
    path = folder / f"{name}.yaml"
    if not path.is_file():
        known = ", ".join(sorted(p.stem for p in folder.glob("*.yaml"))) or "none"
        raise FactorError(
            f"there is no {folder.name}/{name}.yaml beside the factors folder (there"
            f" are: {known}); write it or name another"
        )
    return path


def resolved(
    factor: Factor,
    entity: Entity,
    policy: Policy,
    feeders: Mapping[str, Factor],
    folders: Sequence[Path],
) -> Factor:
    """Write into each stage's terms what it needs of the other documents."""
    me = {"factor": factor.factor}
    sources = {n: s.model_copy(update=me) for n, s in factor.sources.items()}
    given = tuple(sources.values())
    resource = factor.resource and factor.resource.filled(given).model_copy(
        update={**me, "sources": given}
    )
    known = factor.model_copy(update={"sources": sources, "resource": resource})
    product = factor.product and offered(known, entity, policy, feeders, folders)
    asset = factor.asset and product and booked(factor.asset, product, entity, policy)
    told = {"illustrative": factor.illustrative}
    if product and resource:
        told |= vouched(product, resource)
    capital = factor.capital and asset and financed(factor.capital, asset, policy, told)
    return known.model_copy(
        update={
            "product": product,
            "asset": asset,
            "capital": capital,
            "zone": entity.zone,
        }
    )


def offered(
    factor: Factor,
    entity: Entity,
    policy: Policy,
    feeders: Mapping[str, Factor],
    folders: Sequence[Path],
) -> ProductTerms | None:
    """Fill in who offers the product, what it is made of, and the rules."""
    tables = {"resource": factor.resource} if factor.resource else {}
    licences = {f"sources.{n}": s.licence for n, s in factor.sources.items()}
    for table, published in factor.inputs.items():
        other, stage = feeders[table], published.partition("/")[2]
        tables[table] = getattr(other, stage)
        licences |= licences_of(other, stage, table)
    provider = Provider(
        entity=entity.entity, name=entity.name, credit_code=entity.credit_code
    )
    return factor.product and factor.product.model_copy(
        update={
            "factor": factor.factor,
            "title": factor.title,
            "scenario": factor.scenario,
            "provider": provider,
            "licences": licences,
            "grants": grants_of(factor, feeders, folders),
            "listed": listed_as(factor.product, folders),
            "graded": graded(tables),
            "classified": {n: classes_in(t) for n, t in tables.items()},
            "public_inputs": public_of(feeders),
            "titles": titles_of(factor, feeders, folders),
            "upstream": {
                n: upstream_of(t)
                for n, t in tables.items()
                if isinstance(t, ResourceTerms)
            },
            "rules": policy.resolve(ProductRules),
            "keyed": {n: t.key for n, t in tables.items()},
            **(counted(tables) if factor.product.deidentification.cells else {}),
        }
    )


def counted(tables: Mapping[str, ResourceTerms | ProductTerms]) -> dict[str, Any]:
    """Say which column of each table counts persons.

    Any: a field of the product's terms.
    """
    cells = {
        n: t.deidentification.cells
        for n, t in tables.items()
        if isinstance(t, ProductTerms)
    }
    return {
        "counts": {n: step.cells for n, step in cells.items() if step},
    }


def upstream_of(resource: ResourceTerms) -> Upstream:
    """Say how a resource is made, so that a column can be followed to its source."""
    return Upstream(
        consolidate=resource.consolidate,
        labels=resource.labels,
        sources={s.name: classes_of(s.columns) for s in resource.sources},
        rejecting={s.name: rejecting(s) for s in resource.sources},
        rejecting_itself=rejecting(resource),
    )


def rejecting(table: Source | ResourceTerms) -> tuple[str, ...]:
    """Name the columns whose values may set rows aside, or choose among copies.

    A rule in SQL reads the columns that its text names.
    """
    chosen = [table.keep.rpartition(" ")[2]] if table.keep else []
    if table.max_rejected_rate > 0:
        strict = [r for r in table.quality if r.severity == "error"]
        chosen += [r.column for r in strict if r.column]
        told = " ".join(r.expression for r in strict)
        read = [c.name for c in table.columns if c.name in told]
        chosen += [*read, *(c.name for c in table.columns if c.checks() or c.quality)]
    return tuple(dict.fromkeys(chosen))


def licences_of(other: Factor, stage: str, table: str) -> dict[str, str]:
    """Name the licences under which an input comes: its product's, or its sources'."""
    if stage == "product" and other.product:
        return {f"inputs.{table}": other.product.licence.name}
    return {f"inputs.{table}.{n}": s.licence for n, s in other.sources.items()}


def grants_of(
    factor: Factor, feeders: Mapping[str, Factor], folders: Sequence[Path]
) -> dict[str, Grant | Unlisted]:
    """Look up what each source and input of a product grants."""
    texts = {f"sources.{n}": s.licence for n, s in factor.sources.items()}
    made: dict[str, Grant | Unlisted] = {}
    for table, published in factor.inputs.items():
        other, stage = feeders[table], published.partition("/")[2]
        if stage != "product" or other.product is None:
            texts |= licences_of(other, stage, table)
        elif other.entity == factor.entity:
            # The house is no customer of its own: what its own inputs grant goes on.
            made |= {f"inputs.{table}.{n}": g for n, g in other.product.grants.items()}
        else:
            made[f"inputs.{table}"] = granted_by(other.product)
    return {n: looked_up(text, folders) for n, text in texts.items()} | made


def titles_of(
    factor: Factor, feeders: Mapping[str, Factor], folders: Sequence[Path]
) -> tuple[Title, ...]:
    """Gather the rights that sources, agreements and other factors' assets bring."""
    found = [*by_licence(grants_of(factor, feeders, folders))]
    if factor.product:
        found += by_agreement(supplied_to(factor.product, feeders))
    for table, published in factor.inputs.items():
        other, stage = feeders[table], published.partition("/")[2]
        if other.asset:
            kind: Literal["resource", "product"]
            kind = "product" if stage == "product" else "resource"
            own = other.entity == factor.entity
            found += by_certificate(table, other.asset, kind, own)
    return tuple(found)


def supplied_to(
    product: ProductTerms, feeders: Mapping[str, Factor]
) -> dict[str, PublicData]:
    """List the supplies of public data that a product rests on, by where they are."""
    own = product.compliance.public_data if product.compliance else None
    found = {"product.compliance": own} if own else {}
    return found | {f"inputs.{n}": s for n, s in public_of(feeders).items()}


def public_of(feeders: Mapping[str, Factor]) -> dict[str, PublicData]:
    """Say on which terms the public data of the inputs are supplied, by their table."""
    found = {}
    for table, other in feeders.items():
        review = other.product and other.product.compliance
        if review and review.public_data:
            found[table] = review.public_data
    return found


def granted_by(product: ProductTerms) -> Grant:
    """Say what the product of another factor grants: its own terms.

    Inside an enclave a share-alike licence asks nothing, since nobody hands on. What
    is made of it elsewhere owes it again.
    """
    licence = product.licence
    owed = next((g for g in product.grants.values() if shares_alike(g)), None)
    spared = owed if "share-alike" not in licence.duties else None
    listed = product.listed.accepts if product.listed else ()
    return Grant(
        licence=spared.licence if spared else licence.name,
        permissions=licence.permissions,
        prohibitions=licence.prohibitions,
        duties=(*licence.duties, "share-alike") if spared else licence.duties,
        accepts=spared.accepts if spared else listed,
        credit=licence.attribution if "attribute" in licence.duties else "",
    )


def shares_alike(grant: Grant | Unlisted) -> TypeGuard[Grant]:
    """Say whether what is made under a grant must be offered alike."""
    return isinstance(grant, Grant) and "share-alike" in grant.duties


def listed_as(product: ProductTerms | None, folders: Sequence[Path]) -> Grant | None:
    """Look up the licence that a product names, if the catalogue knows it."""
    found = looked_up(product.licence.name, folders) if product else None
    return found if isinstance(found, Grant) else None


def graded(tables: Mapping[str, Any]) -> dict[str, Grade]:
    """Give each table the highest grade of its fields 就高从严, if one says any.

    Any: terms that declare columns.
    """
    made = {}
    for name, terms in tables.items():
        said = [c.affects for c in terms.columns if c.affects]
        if said:
            grades = (grade_of(one.object, one.harm) for one in said)
            made[name] = max(grades, key=GRADES.index)
    return made


def classes_in(table: ResourceTerms | ProductTerms) -> dict[str, str]:
    """Say how each column of a table is classified.

    A product that is not open was measured for few readers: by its quasi-identifiers,
    sensitive values and subject persons can be told apart, whatever its columns say.
    """
    said = classes_of(table.columns)
    if not isinstance(table, ProductTerms) or table.release == "open":
        return said
    asked = table.deidentification
    told = {*asked.quasi_identifiers, *asked.sensitive, asked.subject}
    return {
        name: "personal" if name in told and kind != "sensitive" else kind
        for name, kind in said.items()
    }


def classes_of(columns: Iterable[Column]) -> dict[str, str]:
    """Say how each column is classified; undecided where nobody has."""
    return {c.name: c.classification or "undecided" for c in columns}


def booked(
    asset: AssetTerms, product: ProductTerms, entity: Entity, policy: Policy
) -> AssetTerms:
    """Fill in whose books the asset enters, what it is made of, and the rules."""
    me = {"factor": product.factor}
    return asset.model_copy(
        update={
            **me,
            "entity": entity.entity,
            "holder": entity.name,
            "product": product.name,
            "product_version": product.version,
            "costs": asset.costs.model_copy(update=me),
            "ceiling": product.price.ceiling if product.price else None,
            "authorised": authorised(product),
            "titles": product.titles,
            "free": free_of(supplies_of(product), free_supplies(product)),
            "accounts": entity.accounts,
            "rules": policy.resolve(AssetRules),
        }
    )


def supplies_of(product: ProductTerms) -> tuple[PublicData, ...]:
    """List the supplies of public data of a product that is filled in."""
    own = product.compliance.public_data if product.compliance else None
    return (*((own,) if own else ()), *product.public_inputs.values())


def free_supplies(product: ProductTerms) -> tuple[str, ...]:
    """Name the ways of supply that stay free, by the product's policy."""
    return product.rules.free_supplies if product.rules else ()


def authorised(product: ProductTerms) -> Ending | None:
    """Say when the authorised operation of public data ends, if it is one."""
    public = product.compliance.public_data if product.compliance else None
    if public is None or public.valid_to is None:
        return None
    source = public.agreement or "agreement of authorised operation"
    return Ending(last_day=public.valid_to, source=source)


def ladder_of(policy: Policy) -> CoverageRules | None:
    """Read at which loan to value a lender warns, calls and enforces, if it is said."""
    said = policy.rules.keys() >= {*CoverageRules.names()}
    return policy.resolve(CoverageRules) if said else None


def vouched(product: ProductTerms, resource: ResourceTerms) -> dict[str, Any]:
    """Say what a lender asks of the data: grades, public supplies, how often renewed.

    Any: a field of the stage's terms.
    """
    return {
        "graded": product.graded | graded({"product": product}),
        "public": supplies_of(product),
        "renewed": {s.name: s.update_frequency for s in resource.sources},
    }


def dated(factor: Factor, beside: Path) -> Factor:
    """Fill in by which rest days a loan is due, and the LPR where its rate floats."""
    loan = factor.loan
    if loan is None:
        return factor
    days, lpr = beside / "calendars" / "cn.yaml", beside / "lpr.yaml"
    known: dict[str, Terms] = {}
    if days.is_file():
        known["calendar"] = load(days, BankCalendar)
    if lpr.is_file() and isinstance(loan.contract_rate, LprRate):
        known["lpr"] = load(lpr, LprTable)
    return factor.model_copy(update={"capital": loan.model_copy(update=known)})


def financed(
    capital: Financing, asset: AssetTerms, policy: Policy, said: Mapping[str, Any]
) -> Financing:
    """Fill in which asset is financed, the rules, and what the document says of all."""
    known: dict[str, Any] = {  # Any: a field of the stage's terms
        **said,
        "factor": asset.factor,
        "entity": asset.entity,
        "asset": asset.name,
        "version": asset.version,
        "accounts": asset.accounts,
        "rules": policy.resolve(CapitalRules),
        "ladder": ladder_of(policy),
    }
    read = {n: v for n, v in known.items() if n in type(capital).model_fields}
    return capital.model_copy(update=read)
