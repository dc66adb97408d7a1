"""Canonry's own PostgreSQL: unpacked from its wheel, set up once, started, found again, stopped."""

from canonry.infra.postgres.server import Postgres

__all__ = ["Postgres"]
