"""Pack an appraisal so that a stranger recomputes it, and re-perform a stranger's.

A bundle is a tar of fixed order, times and owners: ``inputs.json`` (all that was
stated, numbers as text), ``results.json`` (all that follows), a report and a tornado
plot in Chinese and in English, and ``SHA256SUMS``. Whoever changes one file breaks its
digest; whoever mends the digest too is found by recomputing. Who changed inputs *and*
all that follows has made another appraisal: its SHA-256 is not the one that was handed
over, so compare that.
"""

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Any

import rfc8785
from pydantic import ValidationError

from schemas.appraisal import Case
from schemas.errors import SourceError
from schemas.money import PRECISION, exact_fen, shown, yuan
from tasks.asset.appraise.result import Found
from tasks.asset.appraise.value import Results, results
from tasks.page.appraisal import pages, writer

Files = dict[str, bytes]
INPUTS, RESULTS, SUMS = "inputs.json", "results.json", "SHA256SUMS"
NUMBERS = (INPUTS, RESULTS)
MAX_BYTES = 8_000_000  # of a bundle; the demo's has 200 kB
NAMES = (
    *(INPUTS, RESULTS, "report.en.html", "report.zh.html"),
    *("tornado.en.svg", "tornado.zh.svg"),
)
PLACES = {"CNY": Decimal("0.01"), "months": Decimal(1)}


def bundle_of(case: Case) -> bytes:
    """Write the bundle of a case; the same case gives the same bytes.

    Raises:
        ContractError: The case contradicts itself.
    """
    signed = case.model_copy(update={"writer": writer()})
    # Read back: names of a mapping stand in the order in which a reader finds them.
    return packed(files_of(Case.model_validate_json(inputs_of(signed))))


def files_of(case: Case) -> Files:
    """Write every file of a bundle."""
    inputs, told = inputs_of(case), results_of(results(case))
    digest = hashlib.sha256(inputs).hexdigest()
    files = {INPUTS: inputs, RESULTS: rfc8785.dumps(told)}
    files |= pages(case.model_dump(mode="json"), told, digest)
    return files | {SUMS: sums_of(files)}


def inputs_of(case: Case) -> bytes:
    """Write a case as canonical JSON (RFC 8785); numbers that are exact are text."""
    return rfc8785.dumps(case.model_dump(mode="json"))


def sums_of(files: Mapping[str, bytes]) -> bytes:
    """Hash every file, as ``sha256sum -c`` reads it."""
    return "".join(
        f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n"
        for name in sorted(files)
        if name != SUMS
    ).encode()


def packed(files: Mapping[str, bytes]) -> bytes:
    """Pack files in the order of their names, with nothing of time or place."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name in sorted(files):
            member = tarfile.TarInfo(name)
            member.size = len(files[name])
            tar.addfile(member, io.BytesIO(files[name]))
    return out.getvalue()


def results_of(found: Results) -> dict[str, Any]:  # Any: JSON
    """Write results as JSON: amounts and rates as text."""
    rate = found.implied_rate
    return {
        "value": f"{yuan(found.value_fen)}",
        "valid_to": str(found.valid_to),
        "implied_rate": "" if rate is None else f"{rate:f}",
        "methods": [method_of(method) for method in found.methods],
        "sensitivity": [
            {
                "figure": "/".join(swing.path),
                "low": f"{yuan(swing.low_fen)}",
                "high": f"{yuan(swing.high_fen)}",
                "width": f"{yuan(swing.width)}",
            }
            for swing in found.swings
        ],
        "parts": [
            {
                "provider": part.provider,
                "share": f"{part.share.numerator}/{part.share.denominator}",
                "amount": f"{yuan(part.amount_fen)}",
            }
            for part in found.parts
        ],
        "notes": [{"code": n.code, "said": list(n.said)} for n in found.notes],
    }


def method_of(found: Found) -> dict[str, Any]:  # Any: JSON
    """Write what one method found. Steps are rounded here only, half up."""
    return {
        "method": found.method,
        "approach": found.approach,
        "weight": f"{found.weight:f}",
        "value": f"{yuan(found.value_fen)}",
        "steps": [
            {
                "name": step.name,
                "item": step.item,
                "period": step.period,
                "amount": rounded(step.amount, step.unit),
                "unit": step.unit,
            }
            for step in found.steps
        ],
        "notes": [{"code": n.code, "said": list(n.said)} for n in found.notes],
    }


def rounded(amount: Decimal, unit: str) -> str:
    """Write a step: money to fen, months whole, all else to six places; half up."""
    with localcontext(prec=2 * PRECISION):
        exponent = PLACES.get(unit, Decimal("0.000001"))
        return f"{amount.quantize(exponent, ROUND_HALF_UP):f}"


def unpacked(data: bytes) -> Files:
    """Read a bundle that a stranger handed over.

    Raises:
        SourceError: It is too long, no such bundle, or not packed as one.
    """
    if len(data) > MAX_BYTES:
        raise SourceError(f"the bundle is longer than {MAX_BYTES:,} bytes: it is none")
    files: Files = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as tar:
            for member in tar:
                if not member.isreg() or member.name not in (*NAMES, SUMS):
                    raise SourceError("the bundle holds what no bundle holds: ask anew")
                body = tar.extractfile(member)
                files[member.name] = body.read() if body else b""
    except (tarfile.TarError, ValueError, OSError, EOFError) as error:
        raise SourceError("this is no bundle of an appraisal: name one") from error
    if missing := sorted({*NAMES, SUMS} - set(files)):
        raise SourceError(f"the bundle lacks {missing[0]}: ask for a whole one")
    if packed(files) != data:  # links, repeated members, bytes behind the end
        raise SourceError("the bundle is not packed as one is: ask anew")
    return files


def case_in(files: Mapping[str, bytes]) -> Case:
    """Read the case of a bundle.

    Raises:
        SourceError: Its inputs are not what an appraisal may state.
    """
    try:
        return Case.model_validate_json(files[INPUTS])
    except (ValidationError, ValueError, RecursionError) as error:
        where = ""
        if isinstance(error, ValidationError):
            first = error.errors(include_url=False, include_input=False)[0]
            said = first["msg"].removeprefix("Value error, ")
            where = f", {'.'.join(map(str, first['loc']))}: {said}"
        raise SourceError(f"{INPUTS}{where or ' cannot be read'}: ask anew") from None


def reperform(data: bytes) -> dict[str, Any]:  # Any: JSON
    """Recompute a bundle from itself alone and compare every byte.

    Pages that another release wrote are not compared word for word, only for the value
    they tell; ``pages`` says which it was.

    Returns:
        Value, methods, digest, and what was compared.

    Raises:
        SourceError: The bundle was changed, or cannot be read.
        ContractError: Its case contradicts itself.
    """
    files = unpacked(data)
    if sums_of(files) != files[SUMS]:
        raise SourceError(
            f"a file of the bundle does not have the digest in {SUMS}: it was changed"
        )
    case = case_in(files)
    made = files_of(case)
    same = case.writer == writer()
    for name in NAMES if same else NUMBERS:
        if made[name] != files[name]:
            raise SourceError(
                f"{name} is not what {INPUTS} gives: the bundle was changed"
            )
    told = json.loads(made[RESULTS])
    value = shown(exact_fen(Decimal(told["value"])))
    for name in NAMES:
        if name.startswith("report") and value.encode() not in files[name]:
            raise SourceError(f"{name} tells another value: the bundle was changed")
    return {
        "report": case.appraisal.report,
        "asset": case.asset,
        "version": case.version,
        "value": told["value"],
        "methods": {m["method"]: m["value"] for m in told["methods"]},
        "valid_to": told["valid_to"],
        "illustrative": case.illustrative,
        "pages": "compared" if same else "of another release: only the value",
        "sha256": hashlib.sha256(data).hexdigest(),
    }
