-- Comparisons from their offer to the last word on them, auditions, and when a team's taste changed.

CREATE TABLE audition (
  id TEXT PRIMARY KEY,
  scope TEXT NOT NULL,
  user_id INTEGER NOT NULL,
  model TEXT NOT NULL,                      -- on trial
  incumbent TEXT NOT NULL,
  skipped TEXT NOT NULL,                    -- JSON: prompts that one of them cannot make, and why
  told INTEGER NOT NULL DEFAULT 0 CHECK (told IN (0, 1)),
  created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE comparison_plan (
  id TEXT PRIMARY KEY,                      -- also of the comparison that is voted on
  offer TEXT NOT NULL,                      -- what one yes starts: this, or a whole audition
  scope TEXT NOT NULL,                      -- a guild id or "cli"; part of every query
  guild_id INTEGER, channel_id INTEGER, user_id INTEGER NOT NULL,
  brief TEXT NOT NULL,                      -- JSON, without a model
  entries TEXT NOT NULL,                    -- JSON: model, format and price of each, as shown
  questions TEXT NOT NULL,                  -- JSON
  blind INTEGER NOT NULL CHECK (blind IN (0, 1)),
  seed INTEGER NOT NULL,                    -- of the order of letters
  patience_s INTEGER NOT NULL,              -- from the yes until what has arrived is shown
  phase TEXT NOT NULL
    CHECK (phase IN ('offered', 'making', 'showing', 'voting', 'ended', 'told')),
  note TEXT NOT NULL,                       -- about the copies or the end, for people
  created_at INTEGER NOT NULL,
  batch TEXT UNIQUE, started_at INTEGER     -- of its jobs
) STRICT, WITHOUT ROWID;
CREATE INDEX comparison_plan_offer ON comparison_plan (offer, id);
CREATE INDEX comparison_plan_open ON comparison_plan (phase)
  WHERE phase NOT IN ('offered', 'told') AND channel_id IS NOT NULL;

-- An offer that was declined in the meantime starts nothing.
CREATE TRIGGER comparison_plan_is_needed BEFORE INSERT ON job
  WHEN NEW.origin LIKE 'compare:%' AND instr(NEW.origin, '/') = 0 AND NOT EXISTS
    (SELECT 1 FROM comparison_plan WHERE id = substr(NEW.origin, 9) AND phase = 'offered')
  BEGIN SELECT RAISE(ABORT, 'offer closed'); END;
-- Accepted with its jobs and their holds, in their transaction.
CREATE TRIGGER comparison_plan_begins AFTER INSERT ON job WHEN NEW.origin LIKE 'compare:%' BEGIN
  UPDATE comparison_plan SET phase = 'making', batch = NEW.batch, started_at = NEW.created_at
    WHERE id = substr(NEW.origin, 9) AND phase = 'offered';
END;

-- Counted up whenever the votes a ranking is made from change.
CREATE TABLE taste (scope TEXT PRIMARY KEY, ver INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TRIGGER taste_changes_with_a_reveal AFTER UPDATE OF state ON comparison
  WHEN NEW.state = 'revealed' AND OLD.state <> 'revealed' BEGIN
  INSERT INTO taste (scope, ver) VALUES (NEW.scope, 1)
    ON CONFLICT (scope) DO UPDATE SET ver = ver + 1;
END;
CREATE TRIGGER taste_changes_with_a_removal AFTER DELETE ON vote BEGIN
  INSERT INTO taste (scope, ver)
    SELECT scope, 1 FROM comparison WHERE id = OLD.comparison_id AND state = 'revealed'
    ON CONFLICT (scope) DO UPDATE SET ver = ver + 1;
END;

-- What was charged by model and category, so that the price of a kept second needs no look at jobs.
CREATE TABLE spent_on (
  scope TEXT NOT NULL, model TEXT NOT NULL, category TEXT NOT NULL,
  micros INTEGER NOT NULL,
  PRIMARY KEY (scope, model, category)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER spent_on_grows AFTER INSERT ON ledger WHEN NEW.kind = 'settle' BEGIN
  INSERT INTO spent_on (scope, model, category, micros)
    SELECT j.scope, j.model, d.category, NEW.micros
    FROM job j JOIN decision d ON d.batch = j.batch WHERE j.id = NEW.job_id
    ON CONFLICT (scope, model, category) DO UPDATE SET micros = micros + excluded.micros;
END;
INSERT INTO spent_on (scope, model, category, micros)
  SELECT j.scope, j.model, d.category, sum(l.micros)
  FROM ledger l JOIN job j ON j.id = l.job_id JOIN decision d ON d.batch = j.batch
  WHERE l.kind = 'settle' GROUP BY j.scope, j.model, d.category;
