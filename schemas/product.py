"""Terms of the second stage: a product with a user, a decision and a licence."""

from typing import Annotated, Any, Literal, NamedTuple, Self

import polars as pl
from pydantic import Field, model_validator

from schemas.answer import Reading
from schemas.compliance import Compliance, PublicData
from schemas.contract import Declared
from schemas.gates import Gates
from schemas.grade import Grade
from schemas.licence import Grant, Licence, Unlisted
from schemas.offer import Delivery, Deprecation, Price
from schemas.policy import Rules, Several
from schemas.privacy import Deidentification, Disclosure, Release
from schemas.rights import Title
from schemas.scenario import Scenario
from schemas.terms import Name, Slug, Terms, Text


class ProductRules(Rules):
    """What the policy asks of a product."""

    k_open: int = Field(gt=0, description="Smallest class of an open release")
    k_controlled: int = Field(gt=0, description="Smallest class, controlled release")
    k_enclave: int = Field(gt=0, description="Smallest class inside an enclave")
    refused_grades: Several = Field(description="Grades of which nothing is offered")
    assessed_grades: Several = Field(description="Grades that need an assessment")
    important_export_grounds: Several = Field(
        description="Grounds on which data of those grades may leave the country"
    )
    free_supplies: Several = Field(description="Supplies of public data that stay free")
    raw_supplies: Several = Field(description="Supplies whose raw rows may leave")
    authorisation_max_years: int = Field(
        gt=0, description="Longest term of an operating agreement"
    )
    authorised_operator_only: bool = Field(
        description="Whether the operator itself must be the provider"
    )


class Provider(Terms):
    """Who offers it."""

    entity: Slug = Field(description="Reporting entity")
    name: Text = Field(description="Its registered name")
    credit_code: str = Field(description="Unified social credit code")


class Upstream(Terms):
    """How a resource was made of its sources, and how their columns are classified."""

    consolidate: str = Field("", description="SQL over the sources")
    labels: dict[str, str] = Field(
        default_factory=dict, description="Columns that judge a row"
    )
    sources: dict[Name, dict[Name, str]] = Field(
        default_factory=dict, description="Classification of each source's columns"
    )
    rejecting: dict[Name, tuple[Name, ...]] = Field(
        default_factory=dict,
        description="Columns of each source whose values may set its rows aside",
    )
    rejecting_itself: tuple[Name, ...] = Field(
        (), description="Columns of the resource whose values may set its rows aside"
    )


class Derivation(Declared):
    """How rows become the product's rows: what may change them, and nothing else."""

    factor: Slug | Literal[""] = Field("", description="Filled in from the document")
    name: Slug = Field(description="Stable name of the product")
    query: str = Field("", description="SELECT over the resource and the inputs")
    task: Name | Literal[""] = Field(
        "", description="Registered stage task that makes it, instead of a query"
    )
    parameters: dict[Name, Any] = Field(  # Any: the task's own terms say
        default_factory=dict, description="Terms of that task"
    )
    order: tuple[Name, ...] = Field((), description="Sort order of the product")
    deidentification: Deidentification = Field(
        Deidentification(), description="How personal rows are treated"
    )
    smallest_class: int = Field(
        1, ge=1, description="Filled in from the policy by the release: least k"
    )

    @model_validator(mode="after")
    def _is_made_in_one_way(self) -> Self:
        if bool(self.query) == bool(self.task):
            raise ValueError("write either a query or a task, not both or none")
        if self.parameters and not self.task:
            raise ValueError("parameters are those of a task; name the task")
        return self

    @model_validator(mode="after")
    def _classes_are_of_its_columns(self) -> Self:
        asked = self.deidentification
        named = {*asked.quasi_identifiers, *asked.sensitive}
        # Of a table of counts the subject is a column of what is counted.
        named |= set() if asked.cells else {asked.subject or ""}
        for table in asked.tables:
            named |= {table.cells, *table.by}
        if strange := sorted(named - {c.name for c in self.columns} - {""}):
            raise ValueError(
                f"deidentification names {', '.join(strange)}, which the product has"
                " not after the last step; name one of its columns"
            )
        return self

    @property
    def secrets(self) -> tuple[str, ...]:
        """The names of the keys that the seam reads for it."""
        return self.deidentification.key_names


class ProductTerms(Derivation):
    """How a product is made and offered."""

    version: str = Field(
        pattern=r"^(?:0|[1-9][0-9]*)\.(?:0|[1-9][0-9]*)\.(?:0|[1-9][0-9]*)$",
        description="Semantic version of its contract",
    )
    licence: Licence = Field(description="Licence of the product")
    release: Release = Field("open", description="To whom rows are shown 发布方式")
    compliance: Compliance | None = Field(
        None, description="Compliance review; without one the gate stays shut"
    )
    price: Price = Field(Price(mode="free"), description="What it costs")
    delivery: Delivery = Field(Delivery(), description="How it is handed over")
    deprecated: Deprecation | None = Field(None, description="When it ends")
    answer: Reading = Field(
        Reading(), description="Which rows answer the decision, and their picture"
    )
    title: str = Field("", description="Filled in from the document")
    scenario: Scenario | None = Field(None, description="Filled in from the document")
    provider: Provider | None = Field(None, description="Filled in from the entity")
    licences: dict[str, str] = Field(
        default_factory=dict,
        description="Filled in from the document: licence of each source and input",
    )
    grants: dict[str, Grant | Unlisted] = Field(
        default_factory=dict,
        description="Filled in from the catalogue: what each of those licences grants",
    )
    listed: Grant | None = Field(
        None, description="Filled in from the catalogue: what the named licence grants"
    )
    graded: dict[Name, Grade] = Field(
        default_factory=dict,
        description="Filled in: highest grade of the columns of each table it reads",
    )
    classified: dict[Name, dict[Name, str]] = Field(
        default_factory=dict,
        description="Filled in: classification of the columns of each table it reads",
    )
    public_inputs: dict[Name, PublicData] = Field(
        default_factory=dict,
        description="Filled in: on which terms the public data of its inputs come",
    )
    titles: tuple[Title, ...] = Field(
        (), description="Filled in: what rights each input brings"
    )
    upstream: dict[Name, Upstream] = Field(
        default_factory=dict,
        description="Filled in from the documents: how each resource it reads was made",
    )
    keyed: dict[Name, tuple[Name, ...]] = Field(
        default_factory=dict,
        description="Filled in from the documents: the key of each table it reads",
    )
    counts: dict[Name, Name] = Field(
        default_factory=dict,
        description="Filled in for a table of counts: what its inputs count persons by",
    )
    rules: ProductRules | None = Field(None, description="Filled in from the policy")

    @model_validator(mode="after")
    def _answers_with_its_columns(self) -> Self:
        strange = sorted(self.answer.named - {c.name for c in self.columns})
        if strange:
            raise ValueError(
                f"answer names {', '.join(strange)}, which the product has not; name"
                " one of its columns"
            )
        return self

    @property
    def derivation(self) -> Derivation:
        """What ``derive`` reads: a new price derives no row anew."""
        given = {n: getattr(self, n) for n in Derivation.model_fields}
        return Derivation(**given | {"smallest_class": self.threshold or 1})

    @property
    def threshold(self) -> int | None:
        """The least k that the policy asks of its release; None without a policy."""
        limit = getattr(self.rules, f"k_{self.release}", None)
        return None if limit is None else int(limit)


class Derived(NamedTuple):
    """What the query or the task yields, treated as the document says."""

    derived: Annotated[pl.LazyFrame, Derivation.contract]


class Product(NamedTuple):
    """What the second stage hands over."""

    gates: Annotated[pl.LazyFrame, Gates]
    disclosure: Annotated[pl.LazyFrame, Disclosure]
    product: Annotated[pl.LazyFrame, ProductTerms.contract]
