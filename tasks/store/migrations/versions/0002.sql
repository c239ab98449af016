-- The tables of the market, frozen on their day; see 0002_market.py.

CREATE TABLE orderrow (
  "order" VARCHAR NOT NULL,
  entity VARCHAR NOT NULL,
  factor VARCHAR NOT NULL,
  product VARCHAR NOT NULL,
  version VARCHAR NOT NULL,
  customer VARCHAR NOT NULL,
  customer_code VARCHAR NOT NULL,
  use VARCHAR NOT NULL,
  licence VARCHAR NOT NULL,
  fields VARCHAR NOT NULL,
  filters VARCHAR NOT NULL,
  rows_limit BIGINT,
  quota BIGINT,
  unit VARCHAR NOT NULL,
  price_mode VARCHAR NOT NULL,
  price VARCHAR NOT NULL,
  amount_fen BIGINT NOT NULL,
  valid_from DATE NOT NULL,
  valid_to DATE NOT NULL,
  ordered_on DATE NOT NULL,
  artifact {blob} NOT NULL,
  poster VARCHAR NOT NULL,
  CONSTRAINT pk_orderrow PRIMARY KEY ("order"),
  CONSTRAINT ck_orderrow_rows_limit CHECK (CAST(rows_limit AS BIGINT) = rows_limit AND abs(rows_limit) <= 9000000000000000 AND rows_limit > 0),
  CONSTRAINT ck_orderrow_quota CHECK (CAST(quota AS BIGINT) = quota AND abs(quota) <= 9000000000000000 AND quota > 0),
  CONSTRAINT ck_orderrow_unit CHECK (unit IN ('call', 'row')),
  CONSTRAINT ck_orderrow_price_mode CHECK (price_mode IN ('free', 'flat', 'per_call', 'per_row', 'tiers', 'quota')),
  CONSTRAINT ck_orderrow_amount_fen CHECK (CAST(amount_fen AS BIGINT) = amount_fen AND abs(amount_fen) <= 9000000000000000 AND amount_fen >= 0),
  CONSTRAINT ck_orderrow_term CHECK (valid_from <= valid_to),
  CONSTRAINT ck_orderrow_artifact CHECK (length(artifact) = 32),
  CONSTRAINT fk_orderrow_artifact FOREIGN KEY(artifact) REFERENCES artifact (id)
);

CREATE INDEX ix_orderrow_artifact ON orderrow (artifact);

CREATE INDEX ix_orderrow_factor ON orderrow (factor);

CREATE TABLE entitlementevent (
  entitlement VARCHAR NOT NULL,
  event VARCHAR NOT NULL,
  number BIGINT NOT NULL,
  key_sha256 VARCHAR NOT NULL,
  quota BIGINT,
  valid_from DATE NOT NULL,
  valid_to DATE NOT NULL,
  effective_on DATE NOT NULL,
  reason VARCHAR NOT NULL,
  artifact {blob} NOT NULL,
  poster VARCHAR NOT NULL,
  CONSTRAINT pk_entitlementevent PRIMARY KEY (entitlement, event, number),
  CONSTRAINT ck_entitlementevent_event CHECK (event IN ('grant', 'renew', 'revoke')),
  CONSTRAINT ck_entitlementevent_number CHECK (CAST(number AS BIGINT) = number AND abs(number) <= 9000000000000000 AND number >= 1),
  CONSTRAINT ck_entitlementevent_quota CHECK (CAST(quota AS BIGINT) = quota AND abs(quota) <= 9000000000000000 AND quota > 0),
  CONSTRAINT ck_entitlementevent_term CHECK (valid_from <= valid_to),
  CONSTRAINT ck_entitlementevent_artifact CHECK (length(artifact) = 32),
  CONSTRAINT fk_entitlementevent_artifact FOREIGN KEY(artifact) REFERENCES artifact (id)
);

CREATE INDEX ix_entitlementevent_artifact ON entitlementevent (artifact);

CREATE INDEX ix_entitlementevent_key_sha256 ON entitlementevent (key_sha256);

CREATE TABLE quota (
  entitlement VARCHAR NOT NULL,
  unit VARCHAR NOT NULL,
  limit_units BIGINT,
  used_calls BIGINT NOT NULL,
  used_rows BIGINT NOT NULL,
  CONSTRAINT pk_quota PRIMARY KEY (entitlement),
  CONSTRAINT ck_quota_unit CHECK (unit IN ('call', 'row')),
  CONSTRAINT ck_quota_limit_units CHECK (CAST(limit_units AS BIGINT) = limit_units AND abs(limit_units) <= 9000000000000000 AND limit_units > 0),
  CONSTRAINT ck_quota_used_calls CHECK (CAST(used_calls AS BIGINT) = used_calls AND abs(used_calls) <= 9000000000000000 AND used_calls >= 0),
  CONSTRAINT ck_quota_used_rows CHECK (CAST(used_rows AS BIGINT) = used_rows AND abs(used_rows) <= 9000000000000000 AND used_rows >= 0),
  CONSTRAINT ck_quota_calls CHECK (unit = 'row' OR used_calls <= limit_units),
  CONSTRAINT ck_quota_rows CHECK (unit = 'call' OR used_rows <= limit_units)
);

CREATE TABLE usagerow (
  delivery VARCHAR NOT NULL,
  entitlement VARCHAR NOT NULL,
  at VARCHAR NOT NULL,
  period VARCHAR NOT NULL,
  form VARCHAR NOT NULL,
  calls BIGINT NOT NULL,
  rows BIGINT NOT NULL,
  bytes BIGINT NOT NULL,
  fields VARCHAR NOT NULL,
  served VARCHAR NOT NULL,
  CONSTRAINT pk_usagerow PRIMARY KEY (delivery),
  CONSTRAINT ck_usagerow_period CHECK (substr(period, 1, 1) IN ('0', '1', '2', '3', '4', '5', '6', '7', '8', '9') AND substr(period, 2, 1) IN ('0', '1', '2', '3', '4', '5', '6', '7', '8', '9') AND substr(period, 3, 1) IN ('0', '1', '2', '3', '4', '5', '6', '7', '8', '9') AND substr(period, 4, 1) IN ('0', '1', '2', '3', '4', '5', '6', '7', '8', '9') AND substr(period, 5) IN ('-01', '-02', '-03', '-04', '-05', '-06', '-07', '-08', '-09', '-10', '-11', '-12')),
  CONSTRAINT ck_usagerow_form CHECK (form IN ('bundle', 'service')),
  CONSTRAINT ck_usagerow_calls CHECK (CAST(calls AS BIGINT) = calls AND abs(calls) <= 9000000000000000 AND calls >= 0),
  CONSTRAINT ck_usagerow_rows CHECK (CAST(rows AS BIGINT) = rows AND abs(rows) <= 9000000000000000 AND rows >= 0),
  CONSTRAINT ck_usagerow_bytes CHECK (CAST(bytes AS BIGINT) = bytes AND abs(bytes) <= 9000000000000000 AND bytes >= 0),
  CONSTRAINT fk_usagerow_entitlement FOREIGN KEY(entitlement) REFERENCES quota (entitlement)
);

CREATE INDEX ix_usagerow_entitlement ON usagerow (entitlement, at);

CREATE TABLE sealedusage (
  delivery VARCHAR NOT NULL,
  entitlement VARCHAR NOT NULL,
  at VARCHAR NOT NULL,
  period VARCHAR NOT NULL,
  form VARCHAR NOT NULL,
  calls BIGINT NOT NULL,
  rows BIGINT NOT NULL,
  bytes BIGINT NOT NULL,
  fields VARCHAR NOT NULL,
  served VARCHAR NOT NULL,
  artifact {blob} NOT NULL,
  poster VARCHAR NOT NULL,
  CONSTRAINT pk_sealedusage PRIMARY KEY (delivery),
  CONSTRAINT ck_sealedusage_period CHECK (substr(period, 1, 1) IN ('0', '1', '2', '3', '4', '5', '6', '7', '8', '9') AND substr(period, 2, 1) IN ('0', '1', '2', '3', '4', '5', '6', '7', '8', '9') AND substr(period, 3, 1) IN ('0', '1', '2', '3', '4', '5', '6', '7', '8', '9') AND substr(period, 4, 1) IN ('0', '1', '2', '3', '4', '5', '6', '7', '8', '9') AND substr(period, 5) IN ('-01', '-02', '-03', '-04', '-05', '-06', '-07', '-08', '-09', '-10', '-11', '-12')),
  CONSTRAINT ck_sealedusage_form CHECK (form IN ('bundle', 'service')),
  CONSTRAINT ck_sealedusage_calls CHECK (CAST(calls AS BIGINT) = calls AND abs(calls) <= 9000000000000000 AND calls >= 0),
  CONSTRAINT ck_sealedusage_rows CHECK (CAST(rows AS BIGINT) = rows AND abs(rows) <= 9000000000000000 AND rows >= 0),
  CONSTRAINT ck_sealedusage_bytes CHECK (CAST(bytes AS BIGINT) = bytes AND abs(bytes) <= 9000000000000000 AND bytes >= 0),
  CONSTRAINT ck_sealedusage_artifact CHECK (length(artifact) = 32),
  CONSTRAINT fk_sealedusage_artifact FOREIGN KEY(artifact) REFERENCES artifact (id)
);

CREATE INDEX ix_sealedusage_artifact ON sealedusage (artifact);

CREATE INDEX ix_sealedusage_entitlement ON sealedusage (entitlement);

CREATE TABLE invoiceline (
  invoice VARCHAR NOT NULL,
  line BIGINT NOT NULL,
  entity VARCHAR NOT NULL,
  "order" VARCHAR NOT NULL,
  period VARCHAR NOT NULL,
  kind VARCHAR NOT NULL,
  quantity BIGINT NOT NULL,
  unit_price VARCHAR NOT NULL,
  amount_fen BIGINT NOT NULL,
  issued_on DATE NOT NULL,
  reverses VARCHAR NOT NULL,
  artifact {blob} NOT NULL,
  poster VARCHAR NOT NULL,
  CONSTRAINT pk_invoiceline PRIMARY KEY (invoice, line),
  CONSTRAINT ck_invoiceline_line CHECK (CAST(line AS BIGINT) = line AND abs(line) <= 9000000000000000 AND line >= 1),
  CONSTRAINT ck_invoiceline_period CHECK (substr(period, 1, 1) IN ('0', '1', '2', '3', '4', '5', '6', '7', '8', '9') AND substr(period, 2, 1) IN ('0', '1', '2', '3', '4', '5', '6', '7', '8', '9') AND substr(period, 3, 1) IN ('0', '1', '2', '3', '4', '5', '6', '7', '8', '9') AND substr(period, 4, 1) IN ('0', '1', '2', '3', '4', '5', '6', '7', '8', '9') AND substr(period, 5) IN ('-01', '-02', '-03', '-04', '-05', '-06', '-07', '-08', '-09', '-10', '-11', '-12')),
  CONSTRAINT ck_invoiceline_kind CHECK (kind IN ('flat', 'quota', 'call', 'row', 'tier')),
  CONSTRAINT ck_invoiceline_quantity CHECK (CAST(quantity AS BIGINT) = quantity AND abs(quantity) <= 9000000000000000 AND quantity <> 0),
  CONSTRAINT ck_invoiceline_amount_fen CHECK (CAST(amount_fen AS BIGINT) = amount_fen AND abs(amount_fen) <= 9000000000000000 AND amount_fen = amount_fen),
  CONSTRAINT ck_invoiceline_sign CHECK ((reverses = '') = (quantity > 0)),
  CONSTRAINT ck_invoiceline_artifact CHECK (length(artifact) = 32),
  CONSTRAINT fk_invoiceline_artifact FOREIGN KEY(artifact) REFERENCES artifact (id)
);

CREATE INDEX ix_invoiceline_artifact ON invoiceline (artifact);

CREATE INDEX ix_invoiceline_order ON invoiceline ("order");

CREATE TABLE offerevent (
  entity VARCHAR NOT NULL,
  product VARCHAR NOT NULL,
  number BIGINT NOT NULL,
  factor VARCHAR NOT NULL,
  event VARCHAR NOT NULL,
  effective_on DATE NOT NULL,
  reason VARCHAR NOT NULL,
  evidence VARCHAR NOT NULL,
  artifact {blob} NOT NULL,
  poster VARCHAR NOT NULL,
  CONSTRAINT pk_offerevent PRIMARY KEY (entity, product, number),
  CONSTRAINT ck_offerevent_number CHECK (CAST(number AS BIGINT) = number AND abs(number) <= 9000000000000000 AND number >= 1),
  CONSTRAINT ck_offerevent_event CHECK (event IN ('withdraw', 'restore')),
  CONSTRAINT ck_offerevent_artifact CHECK (length(artifact) = 32),
  CONSTRAINT fk_offerevent_artifact FOREIGN KEY(artifact) REFERENCES artifact (id)
);

CREATE INDEX ix_offerevent_artifact ON offerevent (artifact);
