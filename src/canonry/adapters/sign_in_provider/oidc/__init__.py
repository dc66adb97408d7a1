"""Any OpenID Connect provider: discovery, authorization code with PKCE, tokens checked against its keys, its device flow."""
