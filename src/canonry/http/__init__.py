"""Everything that knows FastAPI, except the routes: authentication, dependencies, errors, middleware, paging, streams."""
