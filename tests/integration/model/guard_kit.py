"""A small dataset in plain SQL, as the application's own role, for the tests of the guard."""

from __future__ import annotations

from collections.abc import Iterator
from configparser import RawConfigParser
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg2

OFFICER, APPROVER = "person-officer", "person-approver"
THIRD = "person-third"
PEOPLE = (OFFICER, APPROVER, THIRD)


def application_url(data_folder: Path) -> str:
    """The URL with which web and workers connect."""
    settings = RawConfigParser()
    settings.read(data_folder / "ckan.ini", encoding="utf-8")
    return settings["app:main"]["sqlalchemy.url"]


@dataclass
class Dataset:
    """Ids of the rows that one dataset consists of."""

    package: str
    resource: str
    second: str
    tag: str
    group: str
    view: str
    case: str


class Guarded:
    """One connection and one dataset; SQL takes the dataset's ids as `%(package)s` and so on."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.cursor = connection.cursor()
        self.ids = Dataset(*(str(uuid4()) for _ in range(7)))

    def run(self, sql: str, **more: object) -> list[tuple[Any, ...]]:
        self.cursor.execute(sql, {**vars(self.ids), **more})
        return self.cursor.fetchall() if self.cursor.description else []

    def draft(self) -> Guarded:
        """A private dataset with two resources, a file, a tag, a group, a view and its review row."""
        self.run(
            """
            INSERT INTO "user" (id, name, state) SELECT p, p, 'active' FROM unnest(CAST(%(people)s AS text[])) p
              ON CONFLICT DO NOTHING;
            INSERT INTO package (id, name, title, state, private, type, extras, owner_org, notes)
            VALUES (%(package)s, %(package)s, 'Car parks', 'active', true, 'dataset',
                    '{"open_type": "unconditional"}', 'unit-a', NULL);
            INSERT INTO resource (id, package_id, url, position, state, name, extras)
            VALUES (%(resource)s, %(package)s, 'a.csv', 0, 'active', 'a', '{}'),
                   (%(second)s, %(package)s, 'b.csv', 1, 'active', 'b', '{}');
            INSERT INTO govopen_file (resource_id, sha256, size, filename, media_type, actor)
            VALUES (%(resource)s, repeat('a', 64), 1, 'a.csv', 'text/csv', 'x');
            INSERT INTO tag (id, name) VALUES (%(tag)s, %(tag)s);
            INSERT INTO package_tag (id, package_id, tag_id, state)
            VALUES (%(tag)s, %(package)s, %(tag)s, 'active');
            INSERT INTO "group" (id, name, title, type, state, is_organization)
            VALUES (%(group)s, %(group)s, 'g', 'group', 'active', false);
            INSERT INTO member (id, group_id, table_id, table_name, capacity, state)
            VALUES (%(group)s, %(group)s, %(package)s, 'package', 'public', 'active');
            INSERT INTO resource_view (id, resource_id, title, view_type, "order")
            VALUES (%(view)s, %(resource)s, 'v', 'text_view', 0);
            INSERT INTO govopen_review_case (id, kind, title, unit_ids, profile, created_by)
            VALUES (%(case)s, 'dataset', 't', '{unit-a}', 'two_person', 'x');
            INSERT INTO govopen_review (record_type, record_id, case_id, state)
            VALUES ('package', %(package)s, %(case)s, 'draft');
            """,
            people=list(PEOPLE),
        )
        return self

    def say(
        self,
        person: str,
        result: str,
        content_hash: str | None = None,
        deputy_for: str | None = None,
        not_before: str | None = None,
    ) -> Guarded:
        """One opinion for the present content, or for another hash.

        Args:
            not_before: embargo of a submission, from now on (`1 day`).
        """
        self.run(
            """
            INSERT INTO govopen_opinion
              (case_id, record_type, record_id, content_hash, person, roles, step, result,
               deputy_for, not_before)
            VALUES (%(case)s, 'package', %(package)s,
                    coalesce(%(hash)s, govopen_content_hash(%(package)s, 1)), %(person)s, '{}', 's',
                    %(result)s, %(deputy_for)s, govopen_now() + CAST(%(not_before)s AS interval))
            """,
            hash=content_hash,
            deputy_for=deputy_for,
            not_before=not_before,
            person=person,
            result=result,
        )
        return self

    def approve(self) -> Guarded:
        return self.say(OFFICER, "submitted").say(APPROVER, "approved")

    def state(self, state: str) -> Guarded:
        self.run(
            "UPDATE govopen_review SET state = %(state)s WHERE record_id = %(package)s", state=state
        )
        return self

    def flip(self) -> Guarded:
        self.run("UPDATE package SET private = false WHERE id = %(package)s")
        return self

    def published(self) -> Guarded:
        return self.draft().approve().state("published").flip()

    def is_public(self) -> bool:
        return bool(self.run("SELECT 1 FROM govopen_public WHERE id = %(package)s"))

    def remove(self) -> None:
        """Takes a committed dataset away again, the way that the guard allows."""
        self.connection.rollback()
        self.run("UPDATE package SET private = true WHERE id = %(package)s")
        self.state("withdrawn")
        self.run("DELETE FROM resource_view WHERE id = %(view)s")
        self.run("DELETE FROM govopen_file WHERE resource_id = %(resource)s")
        self.run("DELETE FROM resource WHERE package_id = %(package)s")
        self.run("DELETE FROM package_tag WHERE id = %(tag)s")
        self.run("DELETE FROM tag WHERE id = %(tag)s")
        self.run("DELETE FROM member WHERE id = %(group)s")
        self.run('DELETE FROM "group" WHERE id = %(group)s')
        self.run("DELETE FROM govopen_review WHERE record_id = %(package)s")
        self.run("DELETE FROM package WHERE id = %(package)s")
        self.run(
            'DELETE FROM "user" WHERE id = ANY (CAST(%(people)s AS text[]))', people=list(PEOPLE)
        )
        self.connection.commit()


@contextmanager
def connected(url: str) -> Iterator[Any]:
    connection = psycopg2.connect(url)
    try:
        yield connection
    finally:
        connection.rollback()
        connection.close()
