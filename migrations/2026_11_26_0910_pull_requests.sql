-- Pull requests of hosted repositories: a branch that wants to be merged into another, what was said of it, and what became of it.
CREATE TABLE pull_requests (
    repository_id text NOT NULL REFERENCES repositories ON DELETE CASCADE,
    number integer NOT NULL,
    title text NOT NULL,
    body text NOT NULL DEFAULT '',
    head text NOT NULL,
    base text NOT NULL,
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'merged', 'closed')),
    created_by text,
    created_at timestamptz NOT NULL DEFAULT now(),
    -- once it is merged or closed: where its branch stood, and the commit that brought it into the base
    head_commit text,
    merge_commit text,
    ended_by text,
    ended_at timestamptz,
    PRIMARY KEY (repository_id, number)
);
CREATE UNIQUE INDEX pull_requests_one_open ON pull_requests (repository_id, head, base) WHERE state = 'open';

CREATE TABLE reviews (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    repository_id text NOT NULL,
    number integer NOT NULL,
    user_id text,
    verdict text NOT NULL CHECK (verdict IN ('approved', 'changes_requested', 'commented')),
    body text NOT NULL DEFAULT '',
    -- the commit that was looked at
    commit text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (repository_id, number) REFERENCES pull_requests ON DELETE CASCADE
);
CREATE INDEX reviews_by_pull_request ON reviews (repository_id, number, id);
