"""Register what becomes of a right, and disputes over it: acts of people."""

from typing import Annotated, Any

import polars as pl

from schemas.contract import frame_of
from schemas.errors import RegisterError
from schemas.registers import Dispute, Right
from schemas.rights import SCOPE, DisputeAct, RightAct
from tasks.rights import Registered, clashes, registered

Row = dict[str, Any]  # one row of a register


def register_right(
    rights: Annotated[pl.LazyFrame, Right], terms: RightAct
) -> Annotated[pl.LazyFrame, Right]:
    """Write one registration: 初始登记, 变更, 转移, 续期 or 注销.

    The same registration again is the same row, which posts nothing.

    Args:
        rights: The asset's right events so far.
        terms: What is registered, of which certificate, from when, by what proof.

    Returns:
        One row a right. A row says in full how the right stands by it.

    Raises:
        RegisterError: Nothing was granted under the certificate, it was cancelled, the
            registration would change nothing, or clash with an exclusive right.
    """
    events = rights.collect()
    if terms.event == "grant":
        rows = [initial(events, terms)]
    else:
        rows = [following(one, terms) for one in concerned(events, terms)]
    made = frame_of(Right, [tuple(row.values()) for row in rows])
    if terms.event != "revoke":  # which can only part what clashes
        refuse_clash(pl.concat([events, made]).unique())
    return made.lazy()


def refuse_clash(events: pl.DataFrame) -> None:
    """Refuse a right beside one that somebody else holds exclusively 独占.

    Raises:
        RegisterError: It would be so.
    """
    for one, other in clashes(events):
        alone, beside = (one, other) if one.exclusive else (other, one)
        raise RegisterError(
            f"{alone.holder} holds the right to {alone.right} exclusively from"
            f" {alone.first} to {alone.last} under {alone.certificate}, and"
            f" {beside.holder} would under {beside.certificate}: end one of them first"
        )


def initial(events: pl.DataFrame, terms: RightAct) -> Row:
    """Write an initial registration.

    Raises:
        RegisterError: The certificate grants this right already, otherwise.
    """
    row = {
        "entity": terms.entity,
        "asset": terms.asset,
        "right": terms.right,
        "event": "grant",
        "certificate": terms.certificate,
        "holder": terms.holder,
        "basis": terms.basis,
        "scope": terms.scope,
        "evidence": terms.evidence,
        "effective_on": terms.valid_from,
        "valid_from": terms.valid_from,
        "valid_to": terms.valid_to,
        "number": 1,
        "field": terms.field or "",
        "territory": terms.territory or "",
        "exclusive": bool(terms.exclusive),
        "sublicensable": bool(terms.sublicensable),
        "evidence_sha256": terms.evidence_sha256,
    }
    same = {n: row[n] for n in ("certificate", "right", "event")}
    for before in events.filter(**same).to_dicts():
        if before != row:
            raise RegisterError(
                f"certificate {terms.certificate} grants the right to {terms.right}"
                " already: register a change, a transfer or a renewal"
            )
    return row


def concerned(events: pl.DataFrame, terms: RightAct) -> list[Registered]:
    """Find the rights of a certificate that a registration is about.

    Raises:
        RegisterError: There is none.
    """
    asked = events.filter(certificate=terms.certificate)
    kinds = [terms.right] if terms.right else asked["right"].unique().sort().to_list()
    found = [one for kind in kinds for one in registered(asked, kind)]
    if not found:
        of = f"right to {terms.right}" if terms.right else "right"
        raise RegisterError(
            f"certificate {terms.certificate} grants no {of}: name one that was granted"
        )
    return found


def following(one: Registered, terms: RightAct) -> Row:
    """Write the next event of a right; one that stands already is that event.

    Raises:
        RegisterError: It was cancelled, or the registration would change nothing.
    """
    mine = one.of(terms.event)
    now = as_registered(one, terms) | {"number": len(mine) + 1}
    for before in mine:
        if {**before, "number": 0} == {**now, "number": 0}:
            return dict(before)
    named = f"right to {one.grant['right']}, {terms.certificate}"
    if one.end and one.end["effective_on"] <= terms.effective_on:
        raise RegisterError(
            f"{named}: cancelled from {one.end['effective_on']}; nothing follows that,"
            " have a new certificate granted"
        )
    refuse_nothing(one, terms, named)
    return now


def as_registered(one: Registered, terms: RightAct) -> Row:
    """Say in full how a right stands by a registration."""
    past = [e for e in one.events if e["effective_on"] <= terms.effective_on]
    scope = [one.grant, *(e for e in past if e["event"] == "change")][-1]
    holder = [one.grant, *(e for e in past if e["event"] == "transfer")][-1]
    said = {n: getattr(terms, n) for n in SCOPE if getattr(terms, n) is not None}
    renewed = terms.event == "renew"
    return {
        **one.grant,
        **{n: scope[n] for n in SCOPE},
        **said,
        "event": terms.event,
        "holder": terms.holder or holder["holder"],
        "basis": terms.basis,
        "evidence": terms.evidence,
        "evidence_sha256": terms.evidence_sha256,
        "effective_on": terms.effective_on,
        "valid_from": terms.effective_on if renewed else one.grant["valid_from"],
        "valid_to": terms.valid_to or one.last_term,
    }


def refuse_nothing(one: Registered, terms: RightAct, named: str) -> None:
    """Refuse a registration that leaves all as it is, or is about no day of the right.

    Raises:
        RegisterError: It would.
    """
    if terms.event == "renew":
        if terms.valid_to and terms.valid_to <= one.last_term:
            raise RegisterError(
                f"{named}: lasts to {one.last_term} already; renew it until a later day"
            )
        return
    spell = next(
        (s for s in one.spells() if s.first <= terms.effective_on <= s.last), None
    )
    if spell is None and terms.event != "revoke":
        raise RegisterError(
            f"{named}: not held on {terms.effective_on}; name a day of its term, or"
            " renew it first"
        )
    if spell and terms.event == "transfer" and spell.holder == terms.holder:
        raise RegisterError(f"{named}: {spell.holder} holds it already")
    asked = {n: getattr(terms, n) for n in SCOPE if getattr(terms, n) is not None}
    if spell and asked and all(getattr(spell, n) == v for n, v in asked.items()):
        raise RegisterError(f"{named}: says so already; name what changes")


def register_dispute(
    disputes: Annotated[pl.LazyFrame, Dispute], terms: DisputeAct
) -> Annotated[pl.LazyFrame, Dispute]:
    """Write that a dispute is opened, or lifted.

    Args:
        disputes: All dispute events so far: a number is used once.
        terms: Which dispute, over what, raised by whom, on what ground.

    Raises:
        RegisterError: The number is taken, or no such dispute is open.
    """
    known = disputes.filter(dispute=terms.number).collect()
    opened = {e["event"]: e for e in known.to_dicts()}
    row = {
        "dispute": terms.number,
        "entity": terms.entity,
        "asset": terms.factor,
        "event": terms.event,
        "effective_on": terms.effective_on,
        "claimant": terms.claimant or opened.get("open", {}).get("claimant", ""),
        "ground": terms.ground,
        "evidence": terms.evidence,
    }
    refuse_dispute(opened, row)
    return frame_of(Dispute, [tuple(row.values())]).lazy()


def refuse_dispute(known: dict[str, Row], row: Row) -> None:
    """Refuse a dispute that is there already, and a lift of one that is not open.

    Raises:
        RegisterError: It is so.
    """
    number, before = row["dispute"], known.get("open")
    if row["event"] in known and known[row["event"]] != row:
        done = "opened" if row["event"] == "open" else "lifted"
        raise RegisterError(
            f"dispute {number} was {done} on {known[row['event']]['effective_on']}"
            " already: give a new one another number"
        )
    if row["event"] == "open":
        return
    if before is None or before["asset"] != row["asset"]:
        raise RegisterError(
            f"no dispute {number} over {row['asset']} is open: see `datafactor rights"
            f" {row['asset']}`"
        )
    if row["effective_on"] < before["effective_on"]:
        raise RegisterError(
            f"dispute {number} was opened on {before['effective_on']}: it cannot be"
            " lifted before"
        )
