-- Mail that waits to be sent; the text is sealed with the key of this Canonry, and a row goes when its mail has gone.

CREATE TABLE mails (
    id text PRIMARY KEY,
    recipient text NOT NULL,
    subject text NOT NULL,
    sealed_text bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
