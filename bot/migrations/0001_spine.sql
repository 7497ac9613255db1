-- Jobs, the double-entry ledger and what the bot must remember. Times are UTC milliseconds.

CREATE TABLE job (
  id TEXT PRIMARY KEY,
  origin TEXT NOT NULL UNIQUE,              -- a redelivered command is the same job
  batch TEXT NOT NULL,
  guild_id INTEGER, channel_id INTEGER, user_id INTEGER NOT NULL,
  scope TEXT NOT NULL,                      -- whose cap and usage: guild id or "cli"
  model TEXT NOT NULL,
  brief TEXT NOT NULL,                      -- JSON
  prompt TEXT NOT NULL,
  routes TEXT NOT NULL,                     -- JSON
  hold_micros INTEGER NOT NULL CHECK (hold_micros >= 0),
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  due_at INTEGER NOT NULL,
  state TEXT NOT NULL,
  ver INTEGER NOT NULL,
  route INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  provider TEXT NOT NULL,
  request TEXT,                             -- JSON
  fingerprint TEXT,                         -- equal for submissions a vendor cannot tell apart
  first_sent_at INTEGER,
  remote_id TEXT,
  remote TEXT,                              -- JSON
  rendering_since INTEGER,
  rendered_s REAL,
  deadline_at INTEGER,
  looks INTEGER NOT NULL,
  fetch_tries INTEGER NOT NULL,
  progress REAL,
  result_url TEXT,
  result_expires_at INTEGER,
  cost_micros INTEGER,
  cost_note TEXT NOT NULL,
  clip TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  size_bytes INTEGER NOT NULL,
  duration_s REAL NOT NULL,
  width INTEGER NOT NULL,
  height INTEGER NOT NULL,
  result_message_id INTEGER,
  first_post_at INTEGER,
  cancel_sent INTEGER NOT NULL,
  reason TEXT NOT NULL,
  message TEXT NOT NULL,
  detail TEXT NOT NULL,
  event TEXT NOT NULL,                      -- what moved it last
  cancel_at INTEGER,                        -- written by whoever asks, never by a move
  status_message_id INTEGER,                -- written when the message is there, never by a move
  UNIQUE (provider, remote_id)
) STRICT;
CREATE INDEX job_open ON job (scope, hold_micros) WHERE state NOT IN ('done', 'refunded');
CREATE INDEX job_due ON job (due_at) WHERE state NOT IN ('done', 'refunded');
CREATE INDEX job_batch ON job (batch);
CREATE INDEX job_recent ON job (scope, created_at);
CREATE INDEX job_unresolved ON job (provider, fingerprint)
  WHERE state IN ('submitting', 'uncertain');
CREATE INDEX job_times ON job (model, updated_at) WHERE rendered_s IS NOT NULL;

CREATE TABLE decision (batch TEXT PRIMARY KEY, decision TEXT NOT NULL) STRICT;

CREATE TABLE job_event (
  job_id TEXT NOT NULL REFERENCES job (id), ver INTEGER NOT NULL,
  state TEXT NOT NULL, event TEXT NOT NULL, at INTEGER NOT NULL, detail TEXT NOT NULL,
  PRIMARY KEY (job_id, ver)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER job_begins AFTER INSERT ON job BEGIN
  INSERT INTO job_event (job_id, ver, state, event, at, detail)
  VALUES (new.id, new.ver, new.state, new.event, new.updated_at, new.detail);
END;
CREATE TRIGGER job_moves AFTER UPDATE OF ver ON job BEGIN
  INSERT INTO job_event (job_id, ver, state, event, at, detail)
  VALUES (new.id, new.ver, new.state, new.event, new.updated_at, new.detail);
END;

CREATE TABLE ledger (
  job_id TEXT NOT NULL REFERENCES job (id), kind TEXT NOT NULL,
  debit TEXT NOT NULL, credit TEXT NOT NULL,
  micros INTEGER NOT NULL CHECK (micros >= 0),
  note TEXT NOT NULL, at INTEGER NOT NULL,
  PRIMARY KEY (job_id, kind), CHECK (debit <> credit)   -- a second settlement is impossible
) STRICT, WITHOUT ROWID;
CREATE TRIGGER ledger_is_append_only BEFORE UPDATE ON ledger
  BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER ledger_keeps_rows BEFORE DELETE ON ledger
  BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TABLE balance (account TEXT PRIMARY KEY, micros INTEGER NOT NULL) STRICT, WITHOUT ROWID;

-- What ended, by day: `usage` reads this, `ledger check` proves it from the ledger.
CREATE TABLE usage_day (
  day TEXT NOT NULL, scope TEXT NOT NULL, user_id INTEGER NOT NULL,
  model TEXT NOT NULL, provider TEXT NOT NULL,
  clips INTEGER NOT NULL, micros INTEGER NOT NULL,
  PRIMARY KEY (scope, day, user_id, model, provider)
) STRICT, WITHOUT ROWID;

-- Requests another process leaves for the running bot.
CREATE TABLE ask (
  id INTEGER PRIMARY KEY, job_id TEXT NOT NULL, kind TEXT NOT NULL, value TEXT NOT NULL,
  at INTEGER NOT NULL, done_at INTEGER, answer TEXT
) STRICT;

-- A vendor paused for account trouble (wire_id ''), or a route the vendor said is gone.
CREATE TABLE trouble (
  provider TEXT NOT NULL, wire_id TEXT NOT NULL, dialect TEXT NOT NULL,
  reason TEXT NOT NULL, since INTEGER NOT NULL,
  PRIMARY KEY (provider, wire_id, dialect)
) STRICT, WITHOUT ROWID;

-- Prices shown with a "Go" button; the button knows the id, nothing else.
CREATE TABLE quote (
  id TEXT PRIMARY KEY,
  guild_id INTEGER, channel_id INTEGER, user_id INTEGER NOT NULL,
  brief TEXT NOT NULL,                      -- JSON
  terms TEXT NOT NULL,                      -- model and format the price was for
  price_micros INTEGER NOT NULL CHECK (price_micros >= 0),
  created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
