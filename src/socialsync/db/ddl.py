"""SQL of migrations, run as it is written."""

from alembic import op


def run(sql: str) -> None:
    """Execute statements on the migrating connection; no character in them is a placeholder."""
    connection = op.get_bind().connection.driver_connection
    if connection is None:
        raise RuntimeError("Migrations need a live connection")
    connection.execute(sql)
