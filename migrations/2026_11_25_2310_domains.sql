-- Domains and aliases of projects; hosts that redirect to another host.

ALTER TABLE hosts ADD COLUMN redirect_to text;

-- One claim on a hostname. Several organizations may claim the same one; only one can have proved that it is theirs.
CREATE TABLE domains (
    id text PRIMARY KEY,
    organization_id text NOT NULL REFERENCES organizations ON DELETE CASCADE,
    project_id text NOT NULL REFERENCES projects ON DELETE CASCADE,
    hostname text NOT NULL CHECK (hostname = lower(hostname)),
    kind text NOT NULL CHECK (kind IN ('custom', 'alias')),
    token text NOT NULL,
    verified_at timestamptz,
    is_primary boolean NOT NULL DEFAULT false,
    redirect boolean NOT NULL,
    points_here boolean,
    checks jsonb NOT NULL DEFAULT '[]',
    checked_at timestamptz,
    next_check_at timestamptz DEFAULT now(),
    unsuccessful integer NOT NULL DEFAULT 0,
    ssl_status text NOT NULL DEFAULT 'pending' CHECK (ssl_status IN ('pending', 'issuing', 'active', 'failed')),
    ssl_error text NOT NULL DEFAULT '',
    ssl_expires_at timestamptz,
    ssl_failures integer NOT NULL DEFAULT 0,
    ssl_next_try_at timestamptz DEFAULT now(),
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (project_id, hostname)
);
CREATE UNIQUE INDEX domains_one_verified ON domains (hostname) WHERE verified_at IS NOT NULL;
CREATE UNIQUE INDEX domains_one_primary ON domains (project_id) WHERE is_primary;
CREATE INDEX domains_by_hostname ON domains (hostname);
CREATE INDEX domains_to_check ON domains (next_check_at) WHERE next_check_at IS NOT NULL;

-- When an organization first claimed a hostname: it keeps others away for a while only, and not anew with each claim.
CREATE TABLE domain_claims (
    hostname text NOT NULL,
    organization_id text NOT NULL REFERENCES organizations ON DELETE CASCADE,
    first_claimed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (hostname, organization_id)
);

-- Projects whose free subdomain, too, sends its visitors to the primary domain.
CREATE TABLE redirected_subdomains (
    project_id text PRIMARY KEY REFERENCES projects ON DELETE CASCADE
);
