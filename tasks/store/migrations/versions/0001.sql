-- The tables of the foundation, frozen on their day; see 0001_foundation.py.

CREATE TABLE artifact (
  id {blob} NOT NULL,
  sha256 {blob} NOT NULL,
  name VARCHAR NOT NULL,
  kind VARCHAR NOT NULL,
  rows BIGINT NOT NULL,
  bytes BIGINT NOT NULL,
  CONSTRAINT pk_artifact PRIMARY KEY (id),
  CONSTRAINT ck_artifact_id CHECK (length(id) = 32),
  CONSTRAINT ck_artifact_sha256 CHECK (length(sha256) = 32),
  CONSTRAINT ck_artifact_kind CHECK (kind IN ('raw', 'frame', 'manifest', 'document')),
  CONSTRAINT ck_artifact_rows CHECK (rows >= 0),
  CONSTRAINT ck_artifact_bytes CHECK (bytes >= 0)
);

CREATE INDEX ix_artifact_sha256 ON artifact (sha256);

CREATE TABLE collateral (
  entity VARCHAR NOT NULL,
  asset VARCHAR NOT NULL,
  cap_fen BIGINT NOT NULL,
  pledged_fen BIGINT NOT NULL,
  "exclusive" BOOLEAN NOT NULL,
  CONSTRAINT pk_collateral PRIMARY KEY (entity, asset),
  CONSTRAINT ck_collateral_cap_fen CHECK (CAST(cap_fen AS BIGINT) = cap_fen AND abs(cap_fen) <= 9000000000000000 AND cap_fen > 0),
  CONSTRAINT ck_collateral_exclusive CHECK ("exclusive" = ("exclusive" = TRUE)),
  CONSTRAINT ck_collateral_pledged_fen CHECK (CAST(pledged_fen AS BIGINT) = pledged_fen AND abs(pledged_fen) <= 9000000000000000 AND 0 <= pledged_fen),
  CONSTRAINT ck_collateral_cap CHECK (pledged_fen <= cap_fen)
);

CREATE TABLE identity (
  one INTEGER NOT NULL,
  store {blob} NOT NULL,
  CONSTRAINT pk_identity PRIMARY KEY (one),
  CONSTRAINT ck_identity_one CHECK (one = 1),
  CONSTRAINT ck_identity_store CHECK (length(store) = 32),
  CONSTRAINT uq_identity_store UNIQUE (store)
);

CREATE TABLE stagerun (
  seq BIGINT NOT NULL,
  "key" {blob} NOT NULL,
  prev {blob} NOT NULL,
  hash {blob} NOT NULL,
  status VARCHAR NOT NULL,
  stage VARCHAR NOT NULL,
  task VARCHAR NOT NULL,
  kind VARCHAR NOT NULL,
  factor VARCHAR NOT NULL,
  as_of VARCHAR,
  body VARCHAR NOT NULL,
  at {stamp} NOT NULL,
  CONSTRAINT pk_stagerun PRIMARY KEY (seq),
  CONSTRAINT ck_stagerun_key CHECK (length(key) = 32),
  CONSTRAINT ck_stagerun_prev CHECK (length(prev) = 32),
  CONSTRAINT ck_stagerun_hash CHECK (length(hash) = 32),
  CONSTRAINT ck_stagerun_status CHECK (status IN ('COMPLETE', 'FAIL')),
  CONSTRAINT ck_stagerun_seq CHECK (seq > 0),
  CONSTRAINT uq_stagerun_prev UNIQUE (prev),
  CONSTRAINT uq_stagerun_hash UNIQUE (hash)
);

CREATE INDEX ix_stagerun_factor ON stagerun (factor);

CREATE UNIQUE INDEX uq_stagerun_key ON stagerun ("key", status) WHERE status = 'COMPLETE';

CREATE TABLE checkresult (
  run {blob} NOT NULL,
  frame VARCHAR NOT NULL,
  position INTEGER NOT NULL,
  rule VARCHAR NOT NULL,
  examined BIGINT NOT NULL,
  failed BIGINT NOT NULL,
  CONSTRAINT pk_checkresult PRIMARY KEY (run, frame, position),
  CONSTRAINT ck_checkresult_run CHECK (length(run) = 32),
  CONSTRAINT ck_checkresult_failed CHECK (0 <= failed AND failed <= examined),
  CONSTRAINT fk_checkresult_run FOREIGN KEY(run) REFERENCES stagerun (hash)
);

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
  artifact {blob} NOT NULL,
  poster VARCHAR NOT NULL,
  CONSTRAINT pk_costline PRIMARY KEY (entity, voucher, line),
  CONSTRAINT ck_costline_line CHECK (line >= 1),
  CONSTRAINT ck_costline_phase CHECK (phase IN ('research', 'development', 'operation')),
  CONSTRAINT ck_costline_amount_fen CHECK (CAST(amount_fen AS BIGINT) = amount_fen AND abs(amount_fen) <= 9000000000000000 AND amount_fen > 0),
  CONSTRAINT ck_costline_artifact CHECK (length(artifact) = 32),
  CONSTRAINT fk_costline_artifact FOREIGN KEY(artifact) REFERENCES artifact (id)
);

CREATE INDEX ix_costline_artifact ON costline (artifact);

CREATE TABLE derivation (
  child {blob} NOT NULL,
  parent {blob} NOT NULL,
  role VARCHAR NOT NULL,
  CONSTRAINT pk_derivation PRIMARY KEY (child, parent, role),
  CONSTRAINT ck_derivation_child CHECK (length(child) = 32),
  CONSTRAINT ck_derivation_parent CHECK (length(parent) = 32),
  CONSTRAINT ck_derivation_other CHECK (child <> parent),
  CONSTRAINT fk_derivation_child FOREIGN KEY(child) REFERENCES artifact (id),
  CONSTRAINT fk_derivation_parent FOREIGN KEY(parent) REFERENCES artifact (id)
);

CREATE INDEX ix_derivation_parent ON derivation (parent);

CREATE TABLE journalentry (
  entity VARCHAR NOT NULL,
  entry VARCHAR NOT NULL,
  artifact {blob} NOT NULL,
  poster VARCHAR NOT NULL,
  CONSTRAINT pk_journalentry PRIMARY KEY (entity, entry),
  CONSTRAINT ck_journalentry_artifact CHECK (length(artifact) = 32),
  CONSTRAINT fk_journalentry_artifact FOREIGN KEY(artifact) REFERENCES artifact (id)
);

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
  artifact {blob} NOT NULL,
  poster VARCHAR NOT NULL,
  CONSTRAINT pk_pledgerow PRIMARY KEY (request),
  CONSTRAINT ck_pledgerow_principal_fen CHECK (CAST(principal_fen AS BIGINT) = principal_fen AND abs(principal_fen) <= 9000000000000000 AND principal_fen > 0),
  CONSTRAINT ck_pledgerow_cap_fen CHECK (CAST(cap_fen AS BIGINT) = cap_fen AND abs(cap_fen) <= 9000000000000000 AND cap_fen > 0),
  CONSTRAINT ck_pledgerow_exclusive CHECK ("exclusive" = ("exclusive" = TRUE)),
  CONSTRAINT ck_pledgerow_artifact CHECK (length(artifact) = 32),
  CONSTRAINT fk_pledgerow_artifact FOREIGN KEY(artifact) REFERENCES artifact (id)
);

CREATE INDEX ix_pledgerow_artifact ON pledgerow (artifact);

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
  artifact {blob} NOT NULL,
  poster VARCHAR NOT NULL,
  CONSTRAINT pk_rightevent PRIMARY KEY (entity, "right", event, certificate),
  CONSTRAINT ck_rightevent_right CHECK ("right" IN ('hold', 'process', 'operate')),
  CONSTRAINT ck_rightevent_event CHECK (event IN ('grant', 'revoke')),
  CONSTRAINT ck_rightevent_artifact CHECK (length(artifact) = 32),
  CONSTRAINT fk_rightevent_artifact FOREIGN KEY(artifact) REFERENCES artifact (id)
);

CREATE INDEX ix_rightevent_artifact ON rightevent (artifact);

CREATE TABLE runoutput (
  run {blob} NOT NULL,
  frame VARCHAR NOT NULL,
  artifact {blob} NOT NULL,
  contract VARCHAR NOT NULL,
  path VARCHAR,
  file_sha256 {blob},
  member VARCHAR,
  licence VARCHAR,
  CONSTRAINT pk_runoutput PRIMARY KEY (run, frame),
  CONSTRAINT ck_runoutput_run CHECK (length(run) = 32),
  CONSTRAINT ck_runoutput_artifact CHECK (length(artifact) = 32),
  CONSTRAINT ck_runoutput_file_sha256 CHECK (length(file_sha256) = 32),
  CONSTRAINT fk_runoutput_run FOREIGN KEY(run) REFERENCES stagerun (hash),
  CONSTRAINT fk_runoutput_artifact FOREIGN KEY(artifact) REFERENCES artifact (id)
);

CREATE INDEX ix_runoutput_artifact ON runoutput (artifact);

CREATE INDEX ix_runoutput_file_sha256 ON runoutput (file_sha256);

CREATE TABLE journallinerow (
  entity VARCHAR NOT NULL,
  entry VARCHAR NOT NULL,
  line BIGINT NOT NULL,
  booked_on DATE NOT NULL,
  period VARCHAR NOT NULL,
  account VARCHAR NOT NULL,
  amount_fen BIGINT NOT NULL,
  memo VARCHAR NOT NULL,
  artifact {blob} NOT NULL,
  poster VARCHAR NOT NULL,
  CONSTRAINT pk_journallinerow PRIMARY KEY (entity, entry, line),
  CONSTRAINT ck_journallinerow_line CHECK (line >= 1),
  CONSTRAINT ck_journallinerow_period CHECK (substr(period, 1, 1) IN ('0', '1', '2', '3', '4', '5', '6', '7', '8', '9') AND substr(period, 2, 1) IN ('0', '1', '2', '3', '4', '5', '6', '7', '8', '9') AND substr(period, 3, 1) IN ('0', '1', '2', '3', '4', '5', '6', '7', '8', '9') AND substr(period, 4, 1) IN ('0', '1', '2', '3', '4', '5', '6', '7', '8', '9') AND substr(period, 5) IN ('-01', '-02', '-03', '-04', '-05', '-06', '-07', '-08', '-09', '-10', '-11', '-12')),
  CONSTRAINT ck_journallinerow_amount_fen CHECK (CAST(amount_fen AS BIGINT) = amount_fen AND abs(amount_fen) <= 9000000000000000 AND amount_fen <> 0),
  CONSTRAINT ck_journallinerow_artifact CHECK (length(artifact) = 32),
  CONSTRAINT fk_journallinerow_entity FOREIGN KEY(entity, entry) REFERENCES journalentry (entity, entry) DEFERRABLE INITIALLY DEFERRED,
  CONSTRAINT fk_journallinerow_artifact FOREIGN KEY(artifact) REFERENCES artifact (id)
);

CREATE INDEX ix_journallinerow_artifact ON journallinerow (artifact);
