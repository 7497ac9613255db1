-- What a person's language is, and which sheet of takes a batch was shown on.

CREATE TABLE person (
  user_id INTEGER PRIMARY KEY,
  locale TEXT NOT NULL                      -- as Discord names it: "de", "pt-BR"
) STRICT;

CREATE TABLE sheet (
  batch TEXT PRIMARY KEY,
  message_id INTEGER NOT NULL               -- where its takes are shown side by side
) STRICT, WITHOUT ROWID;

-- Files on a message somebody pointed at: Discord shows them to us only at that moment.
CREATE TABLE pointed (
  message_id INTEGER PRIMARY KEY,
  files TEXT NOT NULL                       -- JSON: whose, and [[url, name, kind], ...]
) STRICT;

CREATE INDEX job_message ON job (result_message_id) WHERE result_message_id IS NOT NULL;
