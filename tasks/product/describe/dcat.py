"""Say a product as a DCAT-AP 3 dataset in JSON-LD, for any catalogue to harvest.

The context stands in the document: reading it needs no network. A product has no web
address of its own before somebody serves it, so things are named by URN. What is
delivered as a service is a ``DataService`` beside the file.

``0.02 CNY`` and the like are not DCAT's matter: the policy (``odrl:hasPolicy``) and the
contract (``dct:conformsTo``) say them, by name.

Source: DCAT-AP 3.0.1, semiceu.github.io/DCAT-AP/releases/3.0.1/; DCAT 3 (W3C).
"""

from collections.abc import Iterator
from typing import Any

from schemas.product import ProductTerms
from schemas.scenario import Scenario
from tasks.product.describe.facts import MEDIA_TYPE, Facts, file_of, zh_or_en
from tasks.product.odrl import named

Node = dict[str, Any]  # Any: JSON-LD
CONTEXT = {
    "adms": "http://www.w3.org/ns/adms#",
    "dcat": "http://www.w3.org/ns/dcat#",
    "dct": "http://purl.org/dc/terms/",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "odrl": "http://www.w3.org/ns/odrl/2/",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "spdx": "http://spdx.org/rdf/terms#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}
EU = "http://publications.europa.eu/resource/authority"
MEDIA = f"https://www.iana.org/assignments/media-types/{MEDIA_TYPE}"
# Of each release: the word of the EU access-right list, and how people call it.
ACCESS = {
    "open": ("PUBLIC", "open", "开放"),
    "controlled": ("RESTRICTED", "controlled", "受控"),
    "enclave": ("NON_PUBLIC", "enclave", "可信环境"),
}
# Sections of GB/T 4754-2017: name, 名称, and the nearest theme of the EU list.
SECTIONS = {
    "A": ("agriculture", "农、林、牧、渔业", "AGRI"),
    "B": ("mining", "采矿业", "ENER"),
    "C": ("manufacturing", "制造业", "ECON"),
    "D": ("electricity, heat, gas and water supply", "电热燃水生产供应业", "ENER"),
    "E": ("construction", "建筑业", "ECON"),
    "F": ("wholesale and retail", "批发和零售业", "ECON"),
    "G": ("transport and storage", "交通运输、仓储和邮政业", "TRAN"),
    "H": ("accommodation and catering", "住宿和餐饮业", "ECON"),
    "I": ("information technology", "信息技术服务业", "TECH"),
    "J": ("finance", "金融业", "ECON"),
    "K": ("real estate", "房地产业", "ECON"),
    "L": ("leasing and business services", "租赁和商务服务业", "ECON"),
    "M": ("research and technical services", "科学研究和技术服务业", "TECH"),
    "N": ("water, environment and public facilities", "水利、环境", "ENVI"),
    "O": ("household services", "居民服务业", "SOCI"),
    "P": ("education", "教育", "EDUC"),
    "Q": ("health and social work", "卫生和社会工作", "HEAL"),
    "R": ("culture, sports and entertainment", "文化、体育和娱乐业", "EDUC"),
    "S": ("public administration", "公共管理、社会保障", "GOVE"),
    "T": ("international organisations", "国际组织", "INTR"),
}


def dcat(facts: Facts) -> Node:
    """Write the dataset, its distribution, its service and its publisher.

    Args:
        facts: Of the product; its terms with provider and scenario filled in.
    """
    graph = [dataset(facts), distribution(facts)]
    terms = facts.terms
    if "service" in terms.delivery.forms:
        graph.append(service(terms))
    if terms.provider:
        graph.append(publisher(terms))
    return {"@context": CONTEXT, "@graph": [*graph, *concepts(terms)]}


def dataset(facts: Facts) -> Node:
    """Write what the product is about."""
    terms, me = facts.terms, named(facts.terms)
    made: Node = {
        "@id": me,
        "@type": "dcat:Dataset",
        "dct:identifier": me,
        "dct:title": told(terms.title or terms.name),
        "dct:description": [told(text) for text in descriptions(terms)],
        "dcat:version": terms.version,
        "dct:issued": day(facts.at.date().isoformat()),
        "dct:modified": day(facts.as_of.isoformat()),
        "dcat:keyword": [*keywords(terms)],
        "dct:accessRights": {"@id": access(terms)},
        "dct:conformsTo": {"@id": f"urn:datafactor:{terms.factor}:{terms.name}"},
        "dcat:distribution": {"@id": file_iri(terms)},
    }
    if terms.provider:
        made["dct:publisher"] = {"@id": publisher_iri(terms)}
    if terms.scenario:
        made["dcat:theme"] = [{"@id": iri} for iri, _, _ in themes(terms.scenario)]
        made["dct:spatial"] = {
            "@type": "dct:Location",
            "skos:prefLabel": told(terms.scenario.region),
        }
    if facts.period:
        first, last = facts.period
        made["dct:temporal"] = {
            "@type": "dct:PeriodOfTime",
            "dcat:startDate": day(first.isoformat()),
            "dcat:endDate": day(last.isoformat()),
        }
    return made


def told(text: str) -> Node:
    """Write a text in its language."""
    return {"@value": text, "@language": zh_or_en(text)}


def day(text: str) -> Node:
    """Write a date."""
    return {"@value": text, "@type": "xsd:date"}


def count(number: int) -> Node:
    """Write a number of bytes."""
    return {"@value": str(number), "@type": "xsd:nonNegativeInteger"}


def descriptions(terms: ProductTerms) -> Iterator[str]:
    """Say for whom it is and what it decides, then what it must not be used for."""
    said = terms.scenario
    if said is None:
        yield terms.title or terms.name
        return
    yield f"{said.user}: {said.decision}"
    yield said.benefit
    yield "; ".join(said.prohibited_uses.values())


def keywords(terms: ProductTerms) -> Iterator[Node]:
    """Give words to find it by, in English and Chinese."""
    said, (_, en, zh) = terms.scenario, ACCESS[terms.release]
    yield {"@value": en, "@language": "en"}
    yield {"@value": zh, "@language": "zh"}
    if said:
        name, other, _ = SECTIONS[said.industry[0]]
        yield {"@value": name, "@language": "en"}
        yield {"@value": other, "@language": "zh"}
        yield told(said.region)


def themes(said: Scenario) -> Iterator[tuple[str, str, str]]:
    """Name the themes: that of the EU list, then the section of GB/T 4754."""
    section = said.industry[0]
    en, zh, theme = SECTIONS[section]
    yield f"{EU}/data-theme/{theme}", theme, ""
    yield f"urn:gbt4754:2017:{section}", en, zh


def concepts(terms: ProductTerms) -> Iterator[Node]:
    """Describe what the document names from elsewhere, as far as it must be known."""
    for iri, en, zh in themes(terms.scenario) if terms.scenario else ():
        labels = [{"@value": en, "@language": "en"}]
        labels += [{"@value": zh, "@language": "zh"}] if zh else []
        yield {"@id": iri, "@type": "skos:Concept", "skos:prefLabel": labels}
    yield {"@id": access(terms), "@type": "dct:RightsStatement"}
    yield {
        "@id": licence_iri(terms),
        "@type": "dct:LicenseDocument",
        "dct:title": terms.licence.name,
    }
    yield {"@id": MEDIA, "@type": ["dct:MediaType", "dct:MediaTypeOrExtent"]}
    yield {
        "@id": f"urn:datafactor:{terms.factor}:{terms.name}",
        "@type": "dct:Standard",
        "dct:title": "Open Data Contract Standard v3.1.0",
    }
    yield {"@id": f"{named(terms)}:offer", "@type": "odrl:Policy"}
    yield {"@id": "spdx:checksumAlgorithm_sha256", "@type": "spdx:ChecksumAlgorithm"}


def access(terms: ProductTerms) -> str:
    """Name who may have it, in the EU's list."""
    return f"{EU}/access-right/{ACCESS[terms.release][0]}"


def file_iri(terms: ProductTerms) -> str:
    """Name the file."""
    return f"{named(terms)}:file"


def publisher_iri(terms: ProductTerms) -> str:
    """Name the provider by its unified social credit code."""
    return f"urn:uscc:{terms.provider.credit_code if terms.provider else ''}"


def licence_iri(terms: ProductTerms) -> str:
    """Name the licence: its SPDX page where it is one of that list, else a URN."""
    name = terms.licence.name
    spdx = terms.listed is not None and name not in HOUSE
    return f"https://spdx.org/licenses/{name}" if spdx else f"{named(terms)}:licence"


# Licences of the catalogue that SPDX does not list.
HOUSE = frozenset(("own books", "public domain", "unstated", "OGDL-Taiwan-1.0"))


def distribution(facts: Facts) -> Node:
    """Write the published file, with its checksum and size."""
    terms = facts.terms
    made: Node = {
        "@id": file_iri(terms),
        "@type": "dcat:Distribution",
        "dct:title": file_of(terms),
        "dcat:accessURL": {"@id": file_iri(terms)},
        "dct:license": {"@id": licence_iri(terms)},
        "odrl:hasPolicy": {"@id": f"{named(terms)}:offer"},
        "dcat:mediaType": {"@id": MEDIA},
        "dcat:byteSize": count(facts.bytes),
        "spdx:checksum": {
            "@type": "spdx:Checksum",
            "spdx:algorithm": {"@id": "spdx:checksumAlgorithm_sha256"},
            "spdx:checksumValue": {"@value": facts.sha256, "@type": "xsd:hexBinary"},
        },
    }
    if "service" in terms.delivery.forms:
        made["dcat:accessService"] = {"@id": f"{named(terms)}:service"}
    return made


def service(terms: ProductTerms) -> Node:
    """Write the service that answers with rows."""
    me = f"{named(terms)}:service"
    return {
        "@id": me,
        "@type": "dcat:DataService",
        "dct:title": told(terms.title or terms.name),
        "dcat:endpointURL": {"@id": me},
        "dcat:servesDataset": {"@id": named(terms)},
        "dct:license": {"@id": licence_iri(terms)},
        "dct:accessRights": {"@id": access(terms)},
    } | ({"dct:publisher": {"@id": publisher_iri(terms)}} if terms.provider else {})


def publisher(terms: ProductTerms) -> Node:
    """Write who offers it."""
    assert terms.provider is not None
    return {
        "@id": publisher_iri(terms),
        "@type": "foaf:Agent",
        "foaf:name": told(terms.provider.name),
        "dct:identifier": terms.provider.credit_code,
    }
