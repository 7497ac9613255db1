-- Clips shown again elsewhere, channels for adults only, open searches, and what was announced.

CREATE TABLE posting (
  message_id INTEGER PRIMARY KEY,           -- a further message with the clip of this job
  job_id TEXT NOT NULL REFERENCES job (id),
  scope TEXT NOT NULL,
  channel_id INTEGER NOT NULL,
  posted_at INTEGER NOT NULL
) STRICT;
CREATE INDEX posting_job ON posting (job_id);

-- Channels that were age-restricted when last seen: they may be gone when their clips are not.
CREATE TABLE restricted_channel (channel_id INTEGER PRIMARY KEY) STRICT;

-- What somebody looks for in the library; a button knows only the id.
CREATE TABLE search (
  id TEXT PRIMARY KEY,
  scope TEXT NOT NULL, user_id INTEGER NOT NULL,
  search TEXT NOT NULL,                     -- JSON
  created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- News a server's log channel has had.
CREATE TABLE notice (
  scope TEXT NOT NULL, key TEXT NOT NULL,
  told_at INTEGER NOT NULL,
  PRIMARY KEY (scope, key)
) STRICT, WITHOUT ROWID;

-- When a trouble began; `since` is when it was last found to be still there.
ALTER TABLE trouble ADD COLUMN began INTEGER;
