-- Blind comparisons, the votes on them, and which category a brief asks for most.

CREATE TABLE comparison (
  id TEXT PRIMARY KEY,
  batch TEXT NOT NULL UNIQUE,               -- its jobs
  scope TEXT NOT NULL,                      -- a guild id or "cli"; part of every vote
  channel_id INTEGER, message_id INTEGER,
  requester_id INTEGER NOT NULL,
  blind INTEGER NOT NULL CHECK (blind IN (0, 1)),
  state TEXT NOT NULL CHECK (state IN ('open', 'revealed', 'cancelled')),
  quorum INTEGER NOT NULL CHECK (quorum >= 1),
  deadline_at INTEGER NOT NULL,
  letters TEXT NOT NULL,                    -- JSON: what A, B, C ... are, in that order
  questions TEXT NOT NULL,                  -- JSON: what an answer says about which category
  created_at INTEGER NOT NULL,
  ended_at INTEGER,
  ver INTEGER NOT NULL                      -- every vote and the reveal take the row first
) STRICT;
CREATE INDEX comparison_due ON comparison (deadline_at) WHERE state = 'open';
CREATE INDEX comparison_scope ON comparison (scope, created_at);

CREATE TABLE vote (
  comparison_id TEXT NOT NULL REFERENCES comparison (id),
  question TEXT NOT NULL,
  user_id INTEGER NOT NULL,
  choice TEXT NOT NULL,                     -- a model, "tie" or "none"
  weights TEXT NOT NULL,                    -- JSON: category -> weight
  at INTEGER NOT NULL,
  PRIMARY KEY (comparison_id, question, user_id)   -- a second answer replaces the first
) STRICT, WITHOUT ROWID;
CREATE INDEX vote_user ON vote (user_id);

ALTER TABLE decision ADD COLUMN category TEXT NOT NULL DEFAULT '';
CREATE TRIGGER decision_names_its_category AFTER INSERT ON decision BEGIN
  UPDATE decision SET category = coalesce((
    SELECT key FROM json_each(NEW.decision, '$.weights') WHERE key <> 'speed'
    ORDER BY value DESC, key LIMIT 1), '') WHERE batch = NEW.batch;
END;
UPDATE decision SET category = coalesce((
  SELECT key FROM json_each(decision.decision, '$.weights') WHERE key <> 'speed'
  ORDER BY value DESC, key LIMIT 1), '') WHERE json_valid(decision);
