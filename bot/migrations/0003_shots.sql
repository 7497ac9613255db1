-- Shots and their takes, the library of prompts, and each server's rules.

CREATE TABLE shot (
  id TEXT PRIMARY KEY,
  scope TEXT NOT NULL,                      -- a guild id or "cli"; part of every query
  origin TEXT NOT NULL,                     -- a redelivered command is the same shot
  channel_id INTEGER, thread_id INTEGER,
  title TEXT NOT NULL,
  owner_id INTEGER NOT NULL,
  board_message_id INTEGER,
  created_at INTEGER NOT NULL,
  UNIQUE (scope, origin)
) STRICT;
CREATE UNIQUE INDEX shot_thread ON shot (scope, thread_id) WHERE thread_id IS NOT NULL;
CREATE INDEX shot_recent ON shot (scope, created_at);

CREATE TABLE take (
  job_id TEXT PRIMARY KEY REFERENCES job (id),
  shot_id TEXT NOT NULL REFERENCES shot (id),
  number INTEGER NOT NULL CHECK (number >= 1),
  parent INTEGER CHECK (parent < number),   -- the number of an earlier take of the same shot
  verb TEXT NOT NULL,                       -- how it came from its parent
  verdict TEXT NOT NULL CHECK (verdict IN ('none', 'picked', 'rejected')),
  verdict_by INTEGER, verdict_at INTEGER,
  UNIQUE (shot_id, number),
  FOREIGN KEY (shot_id, parent) REFERENCES take (shot_id, number)
) STRICT;
CREATE UNIQUE INDEX take_picked ON take (shot_id) WHERE verdict = 'picked';
CREATE TRIGGER take_stays_in_its_server BEFORE INSERT ON take
  WHEN (SELECT scope FROM job WHERE id = NEW.job_id)
    IS NOT (SELECT scope FROM shot WHERE id = NEW.shot_id)
  BEGIN SELECT RAISE(ABORT, 'a take and its shot are of one server'); END;
CREATE TRIGGER take_keeps_numbers BEFORE DELETE ON take
  BEGIN SELECT RAISE(ABORT, 'take numbers have no gaps'); END;

-- Which shot the job of an origin will be a take of; used up when the job is accepted.
CREATE TABLE take_plan (
  origin TEXT PRIMARY KEY,
  shot_id TEXT NOT NULL REFERENCES shot (id),
  parent INTEGER, verb TEXT NOT NULL,
  takes INTEGER NOT NULL CHECK (takes >= 1) -- as offered: how many jobs a yes makes
) STRICT, WITHOUT ROWID;

-- Clips a person has deleted: hidden everywhere, their file set aside, their money untouched.
CREATE TABLE trash (
  job_id TEXT PRIMARY KEY REFERENCES job (id),
  deleted_by INTEGER NOT NULL, deleted_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Prompts by a number that grows with time, so that full text comes newest first without a sort,
-- in rows narrow enough to be looked through; what they are of never changes.
CREATE TABLE library (
  id INTEGER PRIMARY KEY,
  job_id TEXT NOT NULL UNIQUE REFERENCES job (id),
  scope TEXT NOT NULL,
  model TEXT NOT NULL, user_id INTEGER NOT NULL, created_at INTEGER NOT NULL,
  prompt TEXT NOT NULL
) STRICT;
CREATE INDEX library_scope ON library (scope, id);
CREATE VIRTUAL TABLE library_words USING fts5(
  scope, prompt, content='library', content_rowid='id',
  tokenize='unicode61 remove_diacritics 2', prefix='1 2 3'
);
CREATE TRIGGER library_learns_words AFTER INSERT ON library BEGIN
  INSERT INTO library_words (rowid, scope, prompt) VALUES (NEW.id, NEW.scope, NEW.prompt);
END;
CREATE TRIGGER library_learns_jobs AFTER INSERT ON job BEGIN
  INSERT INTO library (job_id, scope, model, user_id, created_at, prompt)
    VALUES (NEW.id, NEW.scope, NEW.model, NEW.user_id, NEW.created_at, NEW.prompt);
END;
INSERT INTO library (job_id, scope, model, user_id, created_at, prompt)
  SELECT id, scope, model, user_id, created_at, prompt FROM job ORDER BY created_at, id;

CREATE TABLE server_rules (
  scope TEXT PRIMARY KEY,
  rules TEXT NOT NULL,                      -- JSON
  changed_by INTEGER NOT NULL, changed_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE just_go (
  scope TEXT NOT NULL, user_id INTEGER NOT NULL,
  micros INTEGER NOT NULL CHECK (micros >= 0),
  PRIMARY KEY (scope, user_id)
) STRICT, WITHOUT ROWID;
