"""Say in SQL who may do what in a PostgreSQL database: owner, app and read.

The owner makes and migrates the tables. The app adds rows and turns two counters; it
removes nothing, changes no other row, makes no table and switches no guard off. Read
only reads. Who holds the app's login may still add a forged run or turn a counter to
any number: the head that is signed outside and ``verify``, which adds the counters up
from their rows, find both. What a pledge may secure is decided by those rows, not by
the counter. SQLite has no roles: there the mode of the file decides.
"""

from schemas.tables.columns import Row
from schemas.tables.market import Quota
from schemas.tables.pledge import Collateral

OWNER, APP, READ = "datafactor_owner", "datafactor_app", "datafactor_read"
TURNED: dict[str, tuple[str, ...]] = {
    Collateral.__name__.lower(): ("cap_fen", "pledged_fen", "exclusive"),
    Quota.__name__.lower(): ("limit_units", "used_calls", "used_rows"),
}
ROLE = """\
DO $$ BEGIN CREATE ROLE {0} NOLOGIN;
EXCEPTION WHEN duplicate_object THEN NULL; END $$;"""


def statements() -> list[str]:
    """List what an administrator runs once, and again after a migration.

    Each line may be run again. Logins are made beside it: ``CREATE ROLE worker LOGIN IN
    ROLE datafactor_app``.
    """
    tables = [table.name for table in Row.metadata.sorted_tables]
    whole = ", ".join([*tables, "alembic_version"])
    made = [ROLE.format(role) for role in (OWNER, APP, READ)]
    made += ["REVOKE CREATE ON SCHEMA public FROM PUBLIC;"]
    made += [f"GRANT CREATE, USAGE ON SCHEMA public TO {OWNER};"]
    made += [f"GRANT USAGE ON SCHEMA public TO {APP}, {READ};"]
    for name in [*tables, "alembic_version"]:
        made.append(f"ALTER TABLE {name} OWNER TO {OWNER};")
    made += [
        f"REVOKE ALL ON {whole} FROM PUBLIC, {APP}, {READ};",
        f"GRANT SELECT ON {whole} TO {APP}, {READ};",
        f"GRANT INSERT ON {', '.join(tables)} TO {APP};",
        f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {APP};",
    ]
    for name, columns in TURNED.items():
        made.append(f"GRANT UPDATE ({', '.join(columns)}) ON {name} TO {APP};")
    # Who migrates replaces the guards' functions, and must own them.
    return [*made, FUNCTIONS]


FUNCTIONS = f"""\
DO $$ DECLARE f record; BEGIN
  FOR f IN SELECT DISTINCT p.oid::regprocedure AS named FROM pg_trigger t
    JOIN pg_proc p ON p.oid = t.tgfoid JOIN pg_class c ON c.oid = t.tgrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE NOT t.tgisinternal AND n.nspname = 'public'
  LOOP EXECUTE format('ALTER FUNCTION %s OWNER TO {OWNER}', f.named); END LOOP;
END $$;"""
