"""The frame in which a stage answers whether it may go on."""

import pandera.polars as pa
import polars as pl


class Gates(pa.DataFrameModel):
    """One row a gate; a failed row withholds every other frame of the stage.

    ``ground`` says why in words, ``evidence`` names what was looked at (a certificate,
    an artifact, a policy rule). A gate without evidence does not pass.
    ``decided_on`` is null where the day does not matter. Key: gate.
    """

    gate: str
    passed: bool
    ground: str
    evidence: str
    decided_on: pl.Date = pa.Field(nullable=True)

    class Config:
        strict = True
        unique = ["gate"]
