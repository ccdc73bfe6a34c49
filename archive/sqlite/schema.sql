-- The catalogue of an archive. Each row is of the releases first <= n < last;
-- readers see the rows of head.release. So a release is staged while readers see
-- the one before, and one update of head switches it on.

CREATE TABLE head (
  one     INTEGER PRIMARY KEY CHECK (one = 1),
  release INTEGER NOT NULL,
  indexed INTEGER NOT NULL
);
INSERT INTO head VALUES (1, 0, 0);

CREATE TABLE release (
  number     INTEGER PRIMARY KEY,
  newsroom   TEXT NOT NULL,
  day        TEXT NOT NULL,
  checkpoint BLOB NOT NULL, -- SHA-256 of the log's signed checkpoint
  entries    INTEGER NOT NULL,
  staged     INTEGER NOT NULL -- entries staged so far
);

CREATE TABLE entry ( -- everything but documents and renditions
  kind    TEXT NOT NULL,
  id      TEXT NOT NULL,
  first   INTEGER NOT NULL,
  last    INTEGER NOT NULL,
  leaf    INTEGER NOT NULL,
  salt    BLOB NOT NULL,
  payload BLOB,
  size    INTEGER NOT NULL,
  body    BLOB NOT NULL, -- zstd
  PRIMARY KEY (kind, id, first)
);

CREATE TABLE document (
  n          INTEGER PRIMARY KEY,
  id         BLOB NOT NULL,
  first      INTEGER NOT NULL,
  last       INTEGER NOT NULL,
  collection TEXT NOT NULL,
  parent     BLOB,
  title      TEXT NOT NULL,
  name       TEXT NOT NULL,
  type       TEXT NOT NULL,
  size       INTEGER NOT NULL,
  date       INTEGER, -- seconds since 1970; NULL when unknown
  language   TEXT NOT NULL,
  origin     TEXT NOT NULL,
  state      TEXT NOT NULL,
  sender     TEXT NOT NULL,
  leaf       INTEGER NOT NULL,
  salt       BLOB NOT NULL,
  body       BLOB NOT NULL -- zstd
);
CREATE UNIQUE INDEX document_id ON document (id, first);
CREATE INDEX document_parent ON document (parent) WHERE parent IS NOT NULL;
CREATE INDEX document_first ON document (collection, first);
CREATE INDEX document_release ON document (first);
CREATE INDEX document_last ON document (last) WHERE last < 9223372036854775807;

CREATE TABLE rendition (
  document BLOB NOT NULL,
  name     TEXT NOT NULL,
  first    INTEGER NOT NULL,
  last     INTEGER NOT NULL,
  original INTEGER NOT NULL,
  leaf     INTEGER NOT NULL,
  salt     BLOB NOT NULL,
  payload  BLOB NOT NULL,
  size     INTEGER NOT NULL,
  body     BLOB NOT NULL,
  PRIMARY KEY (document, name, first)
) WITHOUT ROWID;
CREATE INDEX rendition_payload ON rendition (payload);
CREATE INDEX rendition_last ON rendition (last) WHERE last < 9223372036854775807;

CREATE TABLE link ( -- Message-IDs that a document carries (own) or cites
  message  TEXT NOT NULL,
  document INTEGER NOT NULL REFERENCES document (n) ON DELETE CASCADE,
  own      INTEGER NOT NULL,
  PRIMARY KEY (message, document, own)
) WITHOUT ROWID;
CREATE INDEX link_document ON link (document);

CREATE TABLE doomed (blob BLOB PRIMARY KEY) WITHOUT ROWID; -- what rows named that are gone; to delete from the blobs

CREATE TRIGGER rendition_doomed AFTER DELETE ON rendition
  BEGIN INSERT OR IGNORE INTO doomed VALUES (OLD.payload); END;
CREATE TRIGGER entry_doomed AFTER DELETE ON entry WHEN OLD.payload IS NOT NULL
  BEGIN INSERT OR IGNORE INTO doomed VALUES (OLD.payload); END;

CREATE VIEW live_entry AS SELECT entry.* FROM head CROSS JOIN entry
  WHERE entry.first <= head.release AND entry.last > head.release;
CREATE VIEW live_document AS SELECT document.* FROM head CROSS JOIN document
  WHERE document.first <= head.release AND document.last > head.release;
CREATE VIEW live_rendition AS SELECT rendition.* FROM head CROSS JOIN rendition
  WHERE rendition.first <= head.release AND rendition.last > head.release;
