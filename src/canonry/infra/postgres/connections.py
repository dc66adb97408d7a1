"""The few connections that are opened to set the server up. Apart from server.py, because importing psycopg takes a while."""

import psycopg
from psycopg import sql

from canonry.core.secret import Secret


def answers(url: Secret) -> bool:
    """Say whether a connection can be opened now."""
    try:
        psycopg.connect(url.reveal(), connect_timeout=5).close()
    except psycopg.OperationalError:
        return False
    return True


def make_database(url: Secret, maintenance_url: Secret, name: str) -> None:
    """Make the database `name` behind `url` when it is not there. Raises: ConnectionError when the server refuses us."""
    try:
        psycopg.connect(url.reveal(), connect_timeout=10).close()
    except psycopg.OperationalError as error:
        if f'database "{name}" does not exist' not in str(error):
            raise ConnectionError(str(error).strip()) from error
        with psycopg.connect(maintenance_url.reveal(), autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
