CREATE TABLE erasurerow (
  subject VARCHAR NOT NULL,
  sha256 VARCHAR NOT NULL,
  kind VARCHAR NOT NULL,
  name VARCHAR NOT NULL,
  erased_on DATE NOT NULL,
  reason VARCHAR NOT NULL,
  person VARCHAR NOT NULL,
  artifact {blob} NOT NULL,
  poster VARCHAR NOT NULL,
  CONSTRAINT pk_erasurerow PRIMARY KEY (subject),
  CONSTRAINT ck_erasurerow_subject CHECK (length(subject) IN (0, 64) AND replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(subject, '0', ''), '1', ''), '2', ''), '3', ''), '4', ''), '5', ''), '6', ''), '7', ''), '8', ''), '9', ''), 'a', ''), 'b', ''), 'c', ''), 'd', ''), 'e', ''), 'f', '') = ''),
  CONSTRAINT ck_erasurerow_sha256 CHECK (length(sha256) IN (0, 64) AND replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(sha256, '0', ''), '1', ''), '2', ''), '3', ''), '4', ''), '5', ''), '6', ''), '7', ''), '8', ''), '9', ''), 'a', ''), 'b', ''), 'c', ''), 'd', ''), 'e', ''), 'f', '') = ''),
  CONSTRAINT ck_erasurerow_named CHECK (subject <> '' AND sha256 <> ''),
  CONSTRAINT ck_erasurerow_kind CHECK (kind IN ('raw', 'frame', 'manifest', 'document')),
  CONSTRAINT ck_erasurerow_artifact CHECK (length(artifact) = 32),
  CONSTRAINT fk_erasurerow_artifact FOREIGN KEY(artifact) REFERENCES artifact (id)
);

CREATE INDEX ix_erasurerow_artifact ON erasurerow (artifact);

CREATE INDEX ix_erasurerow_sha256 ON erasurerow (sha256);
