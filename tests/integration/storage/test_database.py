from triform.storage.database import Database


async def test_every_test_has_a_migrated_database_of_its_own(database: Database) -> None:
    assert await database.fetchval("select count(*) from runs") == 0
    await database.execute("insert into circles values (gen_random_uuid(), 'acme', now())")


async def test_a_neighbour_sees_nothing_of_it(database: Database) -> None:
    assert await database.fetchval("select count(*) from circles") == 0
