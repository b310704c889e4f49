"""`writers.py <library> <url>`: an application that knows nothing of ops, by one of Python's libraries.

It reads commands, one a line, and answers each with a line: `ok`, or what the library says. A row is read once and then saved
with all its columns, as it was, however long ago that is.
"""

import sys


class Sqlite3:
    def __init__(self, url):
        import sqlite3

        self.db = sqlite3.connect(url.removeprefix("sqlite:"), timeout=30)
        self.db.row_factory = sqlite3.Row

    def run(self, sql, values=()):
        with self.db:
            return self.db.execute(sql, values)

    def read(self):
        self.row = dict(self.db.execute("select * from notes where id = 1").fetchone())

    def save(self):
        assignments = ", ".join(f"{name} = :{name}" for name in self.row)
        self.run(f"update notes set {assignments} where id = :id", self.row)

    def replace(self):
        names = ", ".join(self.row)
        self.run(f"insert or replace into notes ({names}) values ({', '.join(':' + name for name in self.row)})", self.row)

    def bulk_status(self):
        self.run("update notes set status = 'canceled'")

    def bulk(self):
        self.run("update notes set text = 'bulk'")

    def migrate(self):
        """The twelve steps of sqlite.org/lang_altertable.html, without those for triggers and indexes."""
        (create,) = self.db.execute("select sql from sqlite_master where name = 'notes'").fetchone()
        self.db.execute("pragma foreign_keys = off")
        self.db.isolation_level = None
        self.db.execute("begin immediate")
        self.db.execute(create.replace("notes", "new_notes", 1))
        self.db.execute("insert into new_notes select * from notes")
        self.db.execute("drop table notes")
        self.db.execute("alter table new_notes rename to notes")
        self.db.execute("commit")
        self.db.isolation_level = ""


class Psycopg2(Sqlite3):
    def __init__(self, url):
        import psycopg2
        import psycopg2.extras

        self.db = psycopg2.connect(url, cursor_factory=psycopg2.extras.RealDictCursor)

    def run(self, sql, values=None):
        with self.db, self.db.cursor() as cursor:
            cursor.execute(sql, values)
            return cursor.fetchall() if cursor.description else None

    def read(self):
        (self.row,) = self.run("select * from notes where id = 1")

    def save(self):
        assignments = ", ".join(f"{name} = %({name})s" for name in self.row if name != "id")
        self.run(f"update notes set {assignments} where id = %(id)s", self.row)

    def replace(self):
        names = ", ".join(self.row)
        values = ", ".join(f"%({name})s" for name in self.row)
        self.run(
            f"insert into notes ({names}) overriding system value values ({values}) "
            "on conflict (id) do update set status = excluded.status, attempt = excluded.attempt",
            self.row,
        )

    def migrate(self):
        self.run(
            "lock table notes; create table new_notes (like notes including all);"
            "insert into new_notes overriding system value select * from notes;"
            "drop table notes; alter table new_notes rename to notes;"
            "select setval(pg_get_serial_sequence('notes', 'id'), (select max(id) from notes))"
        )


class SqlAlchemy:
    """Its ORM, and Alembic for the migration."""

    def __init__(self, url):
        import alembic
        import sqlalchemy
        from sqlalchemy.ext.automap import automap_base
        from sqlalchemy.orm import Session

        del alembic
        url = url.replace("sqlite:", "sqlite:///") if url.startswith("sqlite:") else url.replace("postgres:", "postgresql:", 1)
        self.engine = sqlalchemy.create_engine(url)
        base = automap_base()
        base.prepare(self.engine, reflect=True)
        self.note = base.classes.notes
        self.session = Session

    def work(self, act):
        with self.session(self.engine) as session:
            act(session)
            session.commit()

    def read(self):
        with self.session(self.engine) as session:
            row = session.get(self.note, 1)
            self.values = {column.name: getattr(row, column.name) for column in self.note.__table__.columns}

    def save(self):
        self.work(lambda session: session.merge(self.note(**self.values)))

    def replace(self):
        def act(session):
            session.delete(session.get(self.note, 1))
            session.flush()
            session.add(self.note(**self.values))

        self.work(act)

    def bulk_status(self):
        self.work(lambda session: session.query(self.note).update({"status": "canceled"}))

    def bulk(self):
        self.work(lambda session: session.query(self.note).update({"text": "bulk"}))

    def migrate(self):
        import sqlalchemy
        from alembic.migration import MigrationContext
        from alembic.operations import Operations

        with self.engine.begin() as connection:
            operations = Operations(MigrationContext.configure(connection))
            if self.engine.name == "sqlite":
                with operations.batch_alter_table("notes", recreate="always"):
                    pass
            else:
                operations.alter_column("notes", "text", type_=sqlalchemy.String(200))


class Django:
    def __init__(self, url):
        import django
        from django.conf import settings
        from django.db import connection, models

        is_sqlite = url.startswith("sqlite:")
        if is_sqlite:
            database = {"ENGINE": "django.db.backends.sqlite3", "NAME": url.removeprefix("sqlite:")}
        else:
            from urllib.parse import unquote, urlsplit

            parts = urlsplit(url)
            database = {
                "ENGINE": "django.db.backends.postgresql",
                "NAME": parts.path[1:],
                "USER": unquote(parts.username or ""),
                "PASSWORD": unquote(parts.password or ""),
                "HOST": parts.hostname,
                "PORT": parts.port,
            }
        settings.configure(DATABASES={"default": database}, USE_TZ=True, DEFAULT_AUTO_FIELD="django.db.models.BigAutoField")
        django.setup()
        instant = models.BigIntegerField if is_sqlite else models.DateTimeField

        class Note(models.Model):
            id = (models.AutoField if is_sqlite else models.BigAutoField)(primary_key=True)
            status = models.TextField()
            created_at = instant()
            run_at = instant()
            attempt = models.IntegerField()
            started_at = instant(null=True)
            finished_at = instant(null=True)
            error = models.TextField(null=True)
            progress = models.FloatField(null=True)
            progress_note = models.TextField(null=True)
            text = models.TextField(null=True)

            class Meta:
                app_label = "notes"
                db_table = "notes"

        self.note = Note
        self.connection = connection
        self.models = models

    def read(self):
        self.row = self.note.objects.get(pk=1)

    def save(self):
        self.row.save()

    def replace(self):
        self.note.objects.filter(pk=1).delete()
        self.row.save(force_insert=True)

    def bulk_status(self):
        self.note.objects.update(status="canceled")

    def bulk(self):
        self.note.objects.update(text="bulk")

    def migrate(self):
        """A column becomes another type: on SQLite, Django makes the table anew for it."""
        column = self.models.CharField(max_length=200, null=True)
        column.set_attributes_from_name("text")
        column.model = self.note
        with self.connection.schema_editor() as editor:
            editor.alter_field(self.note, self.note._meta.get_field("text"), column)


library, url = sys.argv[1:]
writer = {"sqlite3": Sqlite3, "psycopg2": Psycopg2, "sqlalchemy": SqlAlchemy, "django": Django}[library](url)
print("ready", flush=True)
for line in sys.stdin:
    try:
        getattr(writer, line.strip())()
        print("ok", flush=True)
    except Exception as error:
        print(" ".join(str(error).split()), flush=True)
