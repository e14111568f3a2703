import psycopg

from socialsync.db.pool import PatientPool


async def test_a_connection_that_the_server_ended_is_replaced_before_it_is_used(fresh):
    async with PatientPool(fresh.app, min_size=1, max_size=1) as pool:
        async with pool.connection() as connection:
            first = connection.info.backend_pid
        with psycopg.connect(fresh.owner, autocommit=True) as other:
            other.execute("select pg_terminate_backend(%s, 5000)", [first])
        async with pool.connection() as connection:
            await connection.execute("select 1")
            assert connection.info.backend_pid != first


async def test_every_statement_is_a_transaction_of_its_own(fresh):
    async with PatientPool(fresh.app, min_size=1, max_size=1) as pool, pool.connection() as connection:
        await connection.execute("select 1")
        assert connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
