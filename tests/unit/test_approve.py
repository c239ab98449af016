"""A decision is signed over its canonical JSON, by another person than who prepared."""

from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from schemas.approval import ApprovalTerms, Signed
from schemas.errors import RegisterError
from tasks.asset.approve import approve, statement

SUBJECT, PREPARER, APPROVER = "a" * 64, "b" * 64, "c" * 64


def signed(**changed: Any) -> Signed:
    given: dict[str, Any] = {
        "entity": "jiangbei",
        "subject": SUBJECT,
        "decision": "approve",
        "preparer_key": PREPARER,
        "approver_key": APPROVER,
        "approver": "controller",
        "decided_on": date(2026, 7, 1),
        "note": "seen",
        "signature": "0" * 128,
    }
    return Signed(**given | changed)


def test_what_is_signed_is_canonical_json_without_the_signature() -> None:
    told = (
        '{"approver":"controller","approver_key":"' + APPROVER + '","decided_on":'
        '"2026-07-01","decision":"approve","entity":"jiangbei","note":"seen",'
        '"preparer_key":"' + PREPARER + '","subject":"' + SUBJECT + '"}'
    )

    assert statement(signed()) == told.encode()


def test_a_decision_becomes_one_row() -> None:
    row = approve(ApprovalTerms(factor="index", signed=signed())).collect().row(0)

    assert row[:3] == ("jiangbei", SUBJECT, "approve")
    assert row[-1] == "0" * 128


def test_who_prepared_does_not_approve() -> None:
    own = signed(approver_key=PREPARER)

    with pytest.raises(RegisterError, match="another person approves it"):
        approve(ApprovalTerms(factor="index", signed=own))


@pytest.mark.parametrize(
    "changed",
    [{"decision": "yes"}, {"signature": "0" * 127}, {"subject": "A" * 64}],
)
def test_what_is_no_decision_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        signed(**changed)
