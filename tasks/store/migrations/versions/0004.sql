CREATE TABLE pledgerow_before AS SELECT * FROM pledgerow;

DROP TABLE pledgerow;

CREATE TABLE pledgerow (
  request VARCHAR NOT NULL,
  entity VARCHAR NOT NULL,
  asset VARCHAR NOT NULL,
  version VARCHAR NOT NULL,
  lender VARCHAR NOT NULL,
  principal_fen BIGINT NOT NULL,
  cap_fen BIGINT NOT NULL,
  "exclusive" BOOLEAN NOT NULL,
  pledged_on DATE NOT NULL,
  matures_on DATE NOT NULL,
  rank BIGINT NOT NULL,
  meets_ppm BIGINT NOT NULL,
  minor_ppm BIGINT NOT NULL,
  artifact {blob} NOT NULL,
  poster VARCHAR NOT NULL,
  CONSTRAINT pk_pledgerow PRIMARY KEY (request),
  CONSTRAINT ck_pledgerow_principal_fen CHECK (CAST(principal_fen AS BIGINT) = principal_fen AND abs(principal_fen) <= 9000000000000000 AND principal_fen > 0),
  CONSTRAINT ck_pledgerow_cap_fen CHECK (CAST(cap_fen AS BIGINT) = cap_fen AND abs(cap_fen) <= 9000000000000000 AND cap_fen > 0),
  CONSTRAINT ck_pledgerow_exclusive CHECK ("exclusive" = ("exclusive" = TRUE)),
  CONSTRAINT ck_pledgerow_rank CHECK (CAST(rank AS BIGINT) = rank AND abs(rank) <= 9000000000000000 AND rank >= 1),
  CONSTRAINT ck_pledgerow_meets_ppm CHECK (CAST(meets_ppm AS BIGINT) = meets_ppm AND abs(meets_ppm) <= 9000000000000000 AND meets_ppm > 0 AND meets_ppm <= 1000000),
  CONSTRAINT ck_pledgerow_minor_ppm CHECK (CAST(minor_ppm AS BIGINT) = minor_ppm AND abs(minor_ppm) <= 9000000000000000 AND minor_ppm >= 0 AND minor_ppm <= 1000000),
  CONSTRAINT ck_pledgerow_artifact CHECK (length(artifact) = 32),
  CONSTRAINT fk_pledgerow_artifact FOREIGN KEY(artifact) REFERENCES artifact (id)
);

CREATE INDEX ix_pledgerow_artifact ON pledgerow (artifact);

INSERT INTO pledgerow ("request", "entity", "asset", "version", "lender", "principal_fen", "cap_fen", "exclusive", "pledged_on", "matures_on", "artifact", "poster", "rank", "meets_ppm", "minor_ppm")
SELECT "request", "entity", "asset", "version", "lender", "principal_fen", "cap_fen", "exclusive", "pledged_on", "matures_on", "artifact", "poster", 1, 1000000, 0
FROM pledgerow_before;

DROP TABLE pledgerow_before;

CREATE TABLE loanrow (
  loan VARCHAR NOT NULL,
  tranche VARCHAR NOT NULL,
  entity VARCHAR NOT NULL,
  factor VARCHAR NOT NULL,
  asset VARCHAR NOT NULL,
  version VARCHAR NOT NULL,
  kind VARCHAR NOT NULL,
  lender VARCHAR NOT NULL,
  borrower VARCHAR NOT NULL,
  borrower_code VARCHAR NOT NULL,
  industry VARCHAR NOT NULL,
  amount_fen BIGINT NOT NULL,
  signed_on DATE NOT NULL,
  matures_on DATE NOT NULL,
  artifact {blob} NOT NULL,
  poster VARCHAR NOT NULL,
  CONSTRAINT pk_loanrow PRIMARY KEY (loan, tranche),
  CONSTRAINT ck_loanrow_kind CHECK (kind IN ('pledge_loan', 'unsecured_line', 'facility')),
  CONSTRAINT ck_loanrow_amount_fen CHECK (CAST(amount_fen AS BIGINT) = amount_fen AND abs(amount_fen) <= 9000000000000000 AND amount_fen > 0),
  CONSTRAINT ck_loanrow_term CHECK (signed_on <= matures_on),
  CONSTRAINT ck_loanrow_artifact CHECK (length(artifact) = 32),
  CONSTRAINT fk_loanrow_artifact FOREIGN KEY(artifact) REFERENCES artifact (id)
);

CREATE INDEX ix_loanrow_artifact ON loanrow (artifact);

CREATE TABLE loanfactrow (
  loan VARCHAR NOT NULL,
  event VARCHAR NOT NULL,
  number BIGINT NOT NULL,
  tranche VARCHAR NOT NULL,
  effective_on DATE NOT NULL,
  amount_fen BIGINT,
  name VARCHAR NOT NULL,
  evidence VARCHAR NOT NULL,
  evidence_sha256 VARCHAR NOT NULL,
  reason VARCHAR NOT NULL,
  artifact {blob} NOT NULL,
  poster VARCHAR NOT NULL,
  CONSTRAINT pk_loanfactrow PRIMARY KEY (loan, event, number),
  CONSTRAINT ck_loanfactrow_event CHECK (event IN ('condition', 'draw', 'pay', 'fee', 'waive')),
  CONSTRAINT ck_loanfactrow_number CHECK (CAST(number AS BIGINT) = number AND abs(number) <= 9000000000000000 AND number >= 1),
  CONSTRAINT ck_loanfactrow_amount_fen CHECK (CAST(amount_fen AS BIGINT) = amount_fen AND abs(amount_fen) <= 9000000000000000 AND amount_fen > 0),
  CONSTRAINT ck_loanfactrow_evidence_sha256 CHECK (length(evidence_sha256) IN (0, 64) AND replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(evidence_sha256, '0', ''), '1', ''), '2', ''), '3', ''), '4', ''), '5', ''), '6', ''), '7', ''), '8', ''), '9', ''), 'a', ''), 'b', ''), 'c', ''), 'd', ''), 'e', ''), 'f', '') = ''),
  CONSTRAINT ck_loanfactrow_artifact CHECK (length(artifact) = 32),
  CONSTRAINT fk_loanfactrow_artifact FOREIGN KEY(artifact) REFERENCES artifact (id)
);

CREATE INDEX ix_loanfactrow_artifact ON loanfactrow (artifact);

CREATE TABLE collateralrootrow (
  request VARCHAR NOT NULL,
  entity VARCHAR NOT NULL,
  asset VARCHAR NOT NULL,
  version VARCHAR NOT NULL,
  root VARCHAR NOT NULL,
  place VARCHAR NOT NULL,
  rows BIGINT NOT NULL,
  weight_ppm BIGINT NOT NULL,
  sketch VARCHAR NOT NULL,
  artifact {blob} NOT NULL,
  poster VARCHAR NOT NULL,
  CONSTRAINT pk_collateralrootrow PRIMARY KEY (request, asset, root),
  CONSTRAINT ck_collateralrootrow_root CHECK (length(root) IN (0, 64) AND replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(root, '0', ''), '1', ''), '2', ''), '3', ''), '4', ''), '5', ''), '6', ''), '7', ''), '8', ''), '9', ''), 'a', ''), 'b', ''), 'c', ''), 'd', ''), 'e', ''), 'f', '') = ''),
  CONSTRAINT ck_collateralrootrow_named CHECK (root <> ''),
  CONSTRAINT ck_collateralrootrow_rows CHECK (CAST(rows AS BIGINT) = rows AND abs(rows) <= 9000000000000000 AND rows >= 0),
  CONSTRAINT ck_collateralrootrow_weight_ppm CHECK (CAST(weight_ppm AS BIGINT) = weight_ppm AND abs(weight_ppm) <= 9000000000000000 AND weight_ppm >= 0 AND weight_ppm <= 1000000),
  CONSTRAINT ck_collateralrootrow_artifact CHECK (length(artifact) = 32),
  CONSTRAINT fk_collateralrootrow_artifact FOREIGN KEY(artifact) REFERENCES artifact (id)
);

CREATE INDEX ix_collateralrootrow_artifact ON collateralrootrow (artifact);

CREATE INDEX ix_collateralrootrow_root ON collateralrootrow (root);

CREATE TABLE pledgeeventrow (
  request VARCHAR NOT NULL,
  event VARCHAR NOT NULL,
  number BIGINT NOT NULL,
  effective_on DATE NOT NULL,
  amount_fen BIGINT,
  asset VARCHAR NOT NULL,
  version VARCHAR NOT NULL,
  replaces VARCHAR NOT NULL,
  cap_fen BIGINT,
  junior VARCHAR NOT NULL,
  registration VARCHAR NOT NULL,
  registered_at VARCHAR NOT NULL,
  valid_to DATE,
  evidence VARCHAR NOT NULL,
  evidence_sha256 VARCHAR NOT NULL,
  reason VARCHAR NOT NULL,
  artifact {blob} NOT NULL,
  poster VARCHAR NOT NULL,
  CONSTRAINT pk_pledgeeventrow PRIMARY KEY (request, event, number),
  CONSTRAINT ck_pledgeeventrow_event CHECK (event IN ('perfect', 'extend', 'consent', 'add', 'substitute', 'release_part', 'cancel', 'release', 'step_in')),
  CONSTRAINT ck_pledgeeventrow_number CHECK (CAST(number AS BIGINT) = number AND abs(number) <= 9000000000000000 AND number >= 1),
  CONSTRAINT ck_pledgeeventrow_amount_fen CHECK (CAST(amount_fen AS BIGINT) = amount_fen AND abs(amount_fen) <= 9000000000000000 AND amount_fen > 0),
  CONSTRAINT ck_pledgeeventrow_cap_fen CHECK (CAST(cap_fen AS BIGINT) = cap_fen AND abs(cap_fen) <= 9000000000000000 AND cap_fen > 0),
  CONSTRAINT ck_pledgeeventrow_evidence_sha256 CHECK (length(evidence_sha256) IN (0, 64) AND replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(evidence_sha256, '0', ''), '1', ''), '2', ''), '3', ''), '4', ''), '5', ''), '6', ''), '7', ''), '8', ''), '9', ''), 'a', ''), 'b', ''), 'c', ''), 'd', ''), 'e', ''), 'f', '') = ''),
  CONSTRAINT ck_pledgeeventrow_artifact CHECK (length(artifact) = 32),
  CONSTRAINT fk_pledgeeventrow_artifact FOREIGN KEY(artifact) REFERENCES artifact (id)
);

CREATE INDEX ix_pledgeeventrow_artifact ON pledgeeventrow (artifact);

CREATE TABLE coverstaterow (
  request VARCHAR NOT NULL,
  number BIGINT NOT NULL,
  watched_on DATE NOT NULL,
  "before" VARCHAR NOT NULL,
  state VARCHAR NOT NULL,
  outstanding_fen BIGINT NOT NULL,
  value_fen BIGINT,
  ltv_ppm BIGINT,
  coverage_ppm BIGINT,
  repay_fen BIGINT,
  top_up_fen BIGINT,
  ground VARCHAR NOT NULL,
  evidence VARCHAR NOT NULL,
  artifact {blob} NOT NULL,
  poster VARCHAR NOT NULL,
  CONSTRAINT pk_coverstaterow PRIMARY KEY (request, number),
  CONSTRAINT ck_coverstaterow_number CHECK (CAST(number AS BIGINT) = number AND abs(number) <= 9000000000000000 AND number >= 1),
  CONSTRAINT ck_coverstaterow_before CHECK (before IN ('normal', 'warning', 'margin_call', 'default')),
  CONSTRAINT ck_coverstaterow_state CHECK (state IN ('normal', 'warning', 'margin_call', 'default')),
  CONSTRAINT ck_coverstaterow_outstanding_fen CHECK (CAST(outstanding_fen AS BIGINT) = outstanding_fen AND abs(outstanding_fen) <= 9000000000000000 AND outstanding_fen >= 0),
  CONSTRAINT ck_coverstaterow_value_fen CHECK (CAST(value_fen AS BIGINT) = value_fen AND abs(value_fen) <= 9000000000000000 AND value_fen >= 0),
  CONSTRAINT ck_coverstaterow_ltv_ppm CHECK (CAST(ltv_ppm AS BIGINT) = ltv_ppm AND abs(ltv_ppm) <= 9000000000000000 AND ltv_ppm >= 0),
  CONSTRAINT ck_coverstaterow_coverage_ppm CHECK (CAST(coverage_ppm AS BIGINT) = coverage_ppm AND abs(coverage_ppm) <= 9000000000000000 AND coverage_ppm >= 0),
  CONSTRAINT ck_coverstaterow_repay_fen CHECK (CAST(repay_fen AS BIGINT) = repay_fen AND abs(repay_fen) <= 9000000000000000 AND repay_fen >= 0),
  CONSTRAINT ck_coverstaterow_top_up_fen CHECK (CAST(top_up_fen AS BIGINT) = top_up_fen AND abs(top_up_fen) <= 9000000000000000 AND top_up_fen >= 0),
  CONSTRAINT ck_coverstaterow_artifact CHECK (length(artifact) = 32),
  CONSTRAINT fk_coverstaterow_artifact FOREIGN KEY(artifact) REFERENCES artifact (id)
);

CREATE INDEX ix_coverstaterow_artifact ON coverstaterow (artifact);

CREATE TABLE journallinerow_before AS SELECT * FROM journallinerow;

DROP TABLE journallinerow;

CREATE TABLE journallinerow (
  entity VARCHAR NOT NULL,
  entry VARCHAR NOT NULL,
  line BIGINT NOT NULL,
  booked_on DATE NOT NULL,
  period VARCHAR NOT NULL,
  account VARCHAR NOT NULL,
  amount_fen BIGINT NOT NULL,
  memo VARCHAR NOT NULL,
  asset VARCHAR NOT NULL,
  event VARCHAR NOT NULL,
  voucher VARCHAR NOT NULL,
  approval VARCHAR NOT NULL,
  artifact {blob} NOT NULL,
  poster VARCHAR NOT NULL,
  CONSTRAINT pk_journallinerow PRIMARY KEY (entity, entry, line),
  CONSTRAINT ck_journallinerow_line CHECK (line >= 1),
  CONSTRAINT ck_journallinerow_period CHECK (substr(period, 1, 1) IN ('0', '1', '2', '3', '4', '5', '6', '7', '8', '9') AND substr(period, 2, 1) IN ('0', '1', '2', '3', '4', '5', '6', '7', '8', '9') AND substr(period, 3, 1) IN ('0', '1', '2', '3', '4', '5', '6', '7', '8', '9') AND substr(period, 4, 1) IN ('0', '1', '2', '3', '4', '5', '6', '7', '8', '9') AND substr(period, 5) IN ('-01', '-02', '-03', '-04', '-05', '-06', '-07', '-08', '-09', '-10', '-11', '-12')),
  CONSTRAINT ck_journallinerow_event CHECK (event IN ('incur', 'recognise', 'expense', 'amortise', 'impair', 'provision', 'restore', 'sell', 'revenue', 'dispose', 'expire', 'contribute', 'transfer', 'reverse', 'borrow', 'interest', 'fee', 'repay', 'collect', 'distribute')),
  CONSTRAINT ck_journallinerow_approval CHECK (length(approval) IN (0, 64) AND replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(approval, '0', ''), '1', ''), '2', ''), '3', ''), '4', ''), '5', ''), '6', ''), '7', ''), '8', ''), '9', ''), 'a', ''), 'b', ''), 'c', ''), 'd', ''), 'e', ''), 'f', '') = ''),
  CONSTRAINT ck_journallinerow_amount_fen CHECK (CAST(amount_fen AS BIGINT) = amount_fen AND abs(amount_fen) <= 9000000000000000 AND amount_fen <> 0),
  CONSTRAINT ck_journallinerow_artifact CHECK (length(artifact) = 32),
  CONSTRAINT fk_journallinerow_entity FOREIGN KEY(entity, entry) REFERENCES journalentry (entity, entry) DEFERRABLE INITIALLY DEFERRED,
  CONSTRAINT fk_journallinerow_artifact FOREIGN KEY(artifact) REFERENCES artifact (id)
);

CREATE INDEX ix_journallinerow_artifact ON journallinerow (artifact);

INSERT INTO journallinerow ("entity", "entry", "line", "booked_on", "period", "account", "amount_fen", "memo", "asset", "event", "voucher", "approval", "artifact", "poster")
SELECT "entity", "entry", "line", "booked_on", "period", "account", "amount_fen", "memo", "asset", "event", "voucher", "approval", "artifact", "poster"
FROM journallinerow_before;

DROP TABLE journallinerow_before;
