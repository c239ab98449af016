-- Registers of the third stage, frozen on their day; see 0003_asset.py.

CREATE TABLE disputeevent (
  dispute VARCHAR NOT NULL,
  entity VARCHAR NOT NULL,
  asset VARCHAR NOT NULL,
  event VARCHAR NOT NULL,
  effective_on DATE NOT NULL,
  claimant VARCHAR NOT NULL,
  ground VARCHAR NOT NULL,
  evidence VARCHAR NOT NULL,
  artifact {blob} NOT NULL,
  poster VARCHAR NOT NULL,
  CONSTRAINT pk_disputeevent PRIMARY KEY (dispute, event),
  CONSTRAINT ck_disputeevent_event CHECK (event IN ('open', 'lift')),
  CONSTRAINT ck_disputeevent_artifact CHECK (length(artifact) = 32),
  CONSTRAINT fk_disputeevent_artifact FOREIGN KEY(artifact) REFERENCES artifact (id)
);

CREATE INDEX ix_disputeevent_artifact ON disputeevent (artifact);

CREATE TABLE assetcardrow (
  entity VARCHAR NOT NULL,
  asset VARCHAR NOT NULL,
  number BIGINT NOT NULL,
  factor VARCHAR NOT NULL,
  product VARCHAR NOT NULL,
  version VARCHAR NOT NULL,
  kind VARCHAR NOT NULL,
  origin VARCHAR NOT NULL,
  serves VARCHAR NOT NULL,
  method VARCHAR NOT NULL,
  life_months BIGINT,
  residual_fen BIGINT NOT NULL,
  units BIGINT,
  available_from DATE,
  right_ends DATE,
  effective_on DATE NOT NULL,
  life_basis VARCHAR NOT NULL,
  artifact {blob} NOT NULL,
  poster VARCHAR NOT NULL,
  CONSTRAINT pk_assetcardrow PRIMARY KEY (entity, asset, number),
  CONSTRAINT ck_assetcardrow_number CHECK (CAST(number AS BIGINT) = number AND abs(number) <= 9000000000000000 AND number >= 1),
  CONSTRAINT ck_assetcardrow_kind CHECK (kind IN ('intangible', 'development expenditure', 'inventory', 'not recognised')),
  CONSTRAINT ck_assetcardrow_origin CHECK (origin IN ('purchase', 'internal', 'other')),
  CONSTRAINT ck_assetcardrow_serves CHECK (serves IN ('customers', 'management', 'sales', 'development')),
  CONSTRAINT ck_assetcardrow_method CHECK (method IN ('straight_line', 'units_of_use', 'sum_of_years', 'declining_balance', 'none')),
  CONSTRAINT ck_assetcardrow_life_months CHECK (CAST(life_months AS BIGINT) = life_months AND abs(life_months) <= 9000000000000000 AND life_months > 0),
  CONSTRAINT ck_assetcardrow_residual_fen CHECK (CAST(residual_fen AS BIGINT) = residual_fen AND abs(residual_fen) <= 9000000000000000 AND residual_fen >= 0),
  CONSTRAINT ck_assetcardrow_units CHECK (CAST(units AS BIGINT) = units AND abs(units) <= 9000000000000000 AND units > 0),
  CONSTRAINT ck_assetcardrow_artifact CHECK (length(artifact) = 32),
  CONSTRAINT fk_assetcardrow_artifact FOREIGN KEY(artifact) REFERENCES artifact (id)
);

CREATE INDEX ix_assetcardrow_artifact ON assetcardrow (artifact);

CREATE TABLE asseteventrow (
  entity VARCHAR NOT NULL,
  asset VARCHAR NOT NULL,
  decision VARCHAR NOT NULL,
  event VARCHAR NOT NULL,
  decided_on DATE NOT NULL,
  fair_value_fen BIGINT,
  costs_fen BIGINT,
  value_in_use_fen BIGINT,
  proceeds_fen BIGINT,
  tax_fen BIGINT,
  counterparty VARCHAR NOT NULL,
  evidence VARCHAR NOT NULL,
  reason VARCHAR NOT NULL,
  artifact {blob} NOT NULL,
  poster VARCHAR NOT NULL,
  CONSTRAINT pk_asseteventrow PRIMARY KEY (entity, asset, decision),
  CONSTRAINT ck_asseteventrow_event CHECK (event IN ('impair', 'provision', 'dispose', 'expire', 'contribute')),
  CONSTRAINT ck_asseteventrow_fair_value_fen CHECK (CAST(fair_value_fen AS BIGINT) = fair_value_fen AND abs(fair_value_fen) <= 9000000000000000 AND fair_value_fen >= 0),
  CONSTRAINT ck_asseteventrow_costs_fen CHECK (CAST(costs_fen AS BIGINT) = costs_fen AND abs(costs_fen) <= 9000000000000000 AND costs_fen >= 0),
  CONSTRAINT ck_asseteventrow_value_in_use_fen CHECK (CAST(value_in_use_fen AS BIGINT) = value_in_use_fen AND abs(value_in_use_fen) <= 9000000000000000 AND value_in_use_fen >= 0),
  CONSTRAINT ck_asseteventrow_proceeds_fen CHECK (CAST(proceeds_fen AS BIGINT) = proceeds_fen AND abs(proceeds_fen) <= 9000000000000000 AND proceeds_fen >= 0),
  CONSTRAINT ck_asseteventrow_tax_fen CHECK (CAST(tax_fen AS BIGINT) = tax_fen AND abs(tax_fen) <= 9000000000000000 AND tax_fen >= 0),
  CONSTRAINT ck_asseteventrow_artifact CHECK (length(artifact) = 32),
  CONSTRAINT fk_asseteventrow_artifact FOREIGN KEY(artifact) REFERENCES artifact (id)
);

CREATE INDEX ix_asseteventrow_artifact ON asseteventrow (artifact);

CREATE TABLE approvalrow (
  entity VARCHAR NOT NULL,
  subject VARCHAR NOT NULL,
  decision VARCHAR NOT NULL,
  preparer_key VARCHAR NOT NULL,
  approver_key VARCHAR NOT NULL,
  approver VARCHAR NOT NULL,
  decided_on DATE NOT NULL,
  note VARCHAR NOT NULL,
  signature VARCHAR NOT NULL,
  artifact {blob} NOT NULL,
  poster VARCHAR NOT NULL,
  CONSTRAINT pk_approvalrow PRIMARY KEY (subject, approver_key),
  CONSTRAINT ck_approvalrow_decision CHECK (decision IN ('approve', 'reject')),
  CONSTRAINT ck_approvalrow_subject CHECK (length(subject) IN (0, 64) AND replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(subject, '0', ''), '1', ''), '2', ''), '3', ''), '4', ''), '5', ''), '6', ''), '7', ''), '8', ''), '9', ''), 'a', ''), 'b', ''), 'c', ''), 'd', ''), 'e', ''), 'f', '') = ''),
  CONSTRAINT ck_approvalrow_preparer_key CHECK (length(preparer_key) IN (0, 64) AND replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(preparer_key, '0', ''), '1', ''), '2', ''), '3', ''), '4', ''), '5', ''), '6', ''), '7', ''), '8', ''), '9', ''), 'a', ''), 'b', ''), 'c', ''), 'd', ''), 'e', ''), 'f', '') = ''),
  CONSTRAINT ck_approvalrow_approver_key CHECK (length(approver_key) IN (0, 64) AND replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(approver_key, '0', ''), '1', ''), '2', ''), '3', ''), '4', ''), '5', ''), '6', ''), '7', ''), '8', ''), '9', ''), 'a', ''), 'b', ''), 'c', ''), 'd', ''), 'e', ''), 'f', '') = ''),
  CONSTRAINT ck_approvalrow_another_person CHECK (preparer_key <> approver_key),
  CONSTRAINT ck_approvalrow_artifact CHECK (length(artifact) = 32),
  CONSTRAINT fk_approvalrow_artifact FOREIGN KEY(artifact) REFERENCES artifact (id)
);

CREATE INDEX ix_approvalrow_artifact ON approvalrow (artifact);

CREATE TABLE periodcloserow (
  entity VARCHAR NOT NULL,
  period VARCHAR NOT NULL,
  closed_on DATE NOT NULL,
  entries BIGINT NOT NULL,
  trial_balance_sha256 VARCHAR NOT NULL,
  artifact {blob} NOT NULL,
  poster VARCHAR NOT NULL,
  CONSTRAINT pk_periodcloserow PRIMARY KEY (entity, period),
  CONSTRAINT ck_periodcloserow_period CHECK (substr(period, 1, 1) IN ('0', '1', '2', '3', '4', '5', '6', '7', '8', '9') AND substr(period, 2, 1) IN ('0', '1', '2', '3', '4', '5', '6', '7', '8', '9') AND substr(period, 3, 1) IN ('0', '1', '2', '3', '4', '5', '6', '7', '8', '9') AND substr(period, 4, 1) IN ('0', '1', '2', '3', '4', '5', '6', '7', '8', '9') AND substr(period, 5) IN ('-01', '-02', '-03', '-04', '-05', '-06', '-07', '-08', '-09', '-10', '-11', '-12')),
  CONSTRAINT ck_periodcloserow_entries CHECK (CAST(entries AS BIGINT) = entries AND abs(entries) <= 9000000000000000 AND entries >= 0),
  CONSTRAINT ck_periodcloserow_trial_balance_sha256 CHECK (length(trial_balance_sha256) IN (0, 64) AND replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(trial_balance_sha256, '0', ''), '1', ''), '2', ''), '3', ''), '4', ''), '5', ''), '6', ''), '7', ''), '8', ''), '9', ''), 'a', ''), 'b', ''), 'c', ''), 'd', ''), 'e', ''), 'f', '') = ''),
  CONSTRAINT ck_periodcloserow_artifact CHECK (length(artifact) = 32),
  CONSTRAINT fk_periodcloserow_artifact FOREIGN KEY(artifact) REFERENCES artifact (id)
);

CREATE INDEX ix_periodcloserow_artifact ON periodcloserow (artifact);

CREATE TABLE rightevent_before AS SELECT * FROM rightevent;

DROP TABLE rightevent;

CREATE TABLE rightevent (
  entity VARCHAR NOT NULL,
  asset VARCHAR NOT NULL,
  "right" VARCHAR NOT NULL,
  event VARCHAR NOT NULL,
  certificate VARCHAR NOT NULL,
  holder VARCHAR NOT NULL,
  basis VARCHAR NOT NULL,
  scope VARCHAR NOT NULL,
  evidence VARCHAR NOT NULL,
  effective_on DATE NOT NULL,
  valid_from DATE NOT NULL,
  valid_to DATE NOT NULL,
  number BIGINT NOT NULL,
  field VARCHAR NOT NULL,
  territory VARCHAR NOT NULL,
  "exclusive" BOOLEAN NOT NULL,
  sublicensable BOOLEAN NOT NULL,
  evidence_sha256 VARCHAR NOT NULL,
  artifact {blob} NOT NULL,
  poster VARCHAR NOT NULL,
  CONSTRAINT pk_rightevent PRIMARY KEY (entity, "right", event, certificate, number),
  CONSTRAINT ck_rightevent_right CHECK ("right" IN ('hold', 'process', 'operate')),
  CONSTRAINT ck_rightevent_event CHECK (event IN ('grant', 'change', 'transfer', 'renew', 'revoke')),
  CONSTRAINT ck_rightevent_number CHECK (CAST(number AS BIGINT) = number AND abs(number) <= 9000000000000000 AND number >= 1),
  CONSTRAINT ck_rightevent_exclusive CHECK ("exclusive" = ("exclusive" = TRUE)),
  CONSTRAINT ck_rightevent_sublicensable CHECK ("sublicensable" = ("sublicensable" = TRUE)),
  CONSTRAINT ck_rightevent_evidence_sha256 CHECK (length(evidence_sha256) IN (0, 64) AND replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(evidence_sha256, '0', ''), '1', ''), '2', ''), '3', ''), '4', ''), '5', ''), '6', ''), '7', ''), '8', ''), '9', ''), 'a', ''), 'b', ''), 'c', ''), 'd', ''), 'e', ''), 'f', '') = ''),
  CONSTRAINT ck_rightevent_artifact CHECK (length(artifact) = 32),
  CONSTRAINT fk_rightevent_artifact FOREIGN KEY(artifact) REFERENCES artifact (id)
);

CREATE INDEX ix_rightevent_artifact ON rightevent (artifact);

INSERT INTO rightevent ("entity", "asset", "right", "event", "certificate", "holder", "basis", "scope", "evidence", "effective_on", "valid_from", "valid_to", "artifact", "poster", "number", "field", "territory", "exclusive", "sublicensable", "evidence_sha256")
SELECT "entity", "asset", "right", "event", "certificate", "holder", "basis", "scope", "evidence", "effective_on", "valid_from", "valid_to", "artifact", "poster", 1, '', '', FALSE, FALSE, ''
FROM rightevent_before;

DROP TABLE rightevent_before;

CREATE TABLE costline_before AS SELECT * FROM costline;

DROP TABLE costline;

CREATE TABLE costline (
  entity VARCHAR NOT NULL,
  voucher VARCHAR NOT NULL,
  line BIGINT NOT NULL,
  pool VARCHAR NOT NULL,
  supplier VARCHAR NOT NULL,
  incurred_on DATE NOT NULL,
  project VARCHAR NOT NULL,
  phase VARCHAR NOT NULL,
  kind VARCHAR NOT NULL,
  amount_fen BIGINT NOT NULL,
  evidence VARCHAR NOT NULL,
  production_factor VARCHAR NOT NULL,
  file_sha256 VARCHAR NOT NULL,
  reverses VARCHAR NOT NULL,
  artifact {blob} NOT NULL,
  poster VARCHAR NOT NULL,
  CONSTRAINT pk_costline PRIMARY KEY (entity, voucher, line),
  CONSTRAINT ck_costline_line CHECK (line >= 1),
  CONSTRAINT ck_costline_phase CHECK (phase IN ('research', 'development', 'operation')),
  CONSTRAINT ck_costline_amount_fen CHECK (CAST(amount_fen AS BIGINT) = amount_fen AND abs(amount_fen) <= 9000000000000000 AND amount_fen <> 0),
  CONSTRAINT ck_costline_reverses CHECK (amount_fen > 0 OR reverses <> ''),
  CONSTRAINT ck_costline_production_factor CHECK (production_factor IN ('labour', 'capital', 'technology', 'data', 'service')),
  CONSTRAINT ck_costline_file_sha256 CHECK (length(file_sha256) IN (0, 64) AND replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(file_sha256, '0', ''), '1', ''), '2', ''), '3', ''), '4', ''), '5', ''), '6', ''), '7', ''), '8', ''), '9', ''), 'a', ''), 'b', ''), 'c', ''), 'd', ''), 'e', ''), 'f', '') = ''),
  CONSTRAINT ck_costline_artifact CHECK (length(artifact) = 32),
  CONSTRAINT fk_costline_artifact FOREIGN KEY(artifact) REFERENCES artifact (id)
);

CREATE INDEX ix_costline_artifact ON costline (artifact);

INSERT INTO costline ("entity", "voucher", "line", "pool", "supplier", "incurred_on", "project", "phase", "kind", "amount_fen", "evidence", "artifact", "poster", "production_factor", "file_sha256", "reverses")
SELECT "entity", "voucher", "line", "pool", "supplier", "incurred_on", "project", "phase", "kind", "amount_fen", "evidence", "artifact", "poster", 'service', '', ''
FROM costline_before;

DROP TABLE costline_before;

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
  CONSTRAINT ck_journallinerow_event CHECK (event IN ('incur', 'recognise', 'expense', 'amortise', 'impair', 'provision', 'restore', 'sell', 'revenue', 'dispose', 'expire', 'contribute', 'transfer', 'reverse')),
  CONSTRAINT ck_journallinerow_approval CHECK (length(approval) IN (0, 64) AND replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(approval, '0', ''), '1', ''), '2', ''), '3', ''), '4', ''), '5', ''), '6', ''), '7', ''), '8', ''), '9', ''), 'a', ''), 'b', ''), 'c', ''), 'd', ''), 'e', ''), 'f', '') = ''),
  CONSTRAINT ck_journallinerow_amount_fen CHECK (CAST(amount_fen AS BIGINT) = amount_fen AND abs(amount_fen) <= 9000000000000000 AND amount_fen <> 0),
  CONSTRAINT ck_journallinerow_artifact CHECK (length(artifact) = 32),
  CONSTRAINT fk_journallinerow_entity FOREIGN KEY(entity, entry) REFERENCES journalentry (entity, entry) DEFERRABLE INITIALLY DEFERRED,
  CONSTRAINT fk_journallinerow_artifact FOREIGN KEY(artifact) REFERENCES artifact (id)
);

CREATE INDEX ix_journallinerow_artifact ON journallinerow (artifact);

INSERT INTO journallinerow ("entity", "entry", "line", "booked_on", "period", "account", "amount_fen", "memo", "artifact", "poster", "asset", "event", "voucher", "approval")
SELECT "entity", "entry", "line", "booked_on", "period", "account", "amount_fen", "memo", "artifact", "poster", substr(named, 1, {position}(named || '/', '/') - 1), CASE WHEN entry LIKE 'recognise/%' THEN 'recognise' ELSE 'incur' END, '', ''
FROM (SELECT journallinerow_before.*, substr(entry, {position}(entry, '/') + 1) AS named FROM journallinerow_before) AS known;

DROP TABLE journallinerow_before;
