"""The auditor finds what it is there for: each lie that is planted is one of its sentences."""

from __future__ import annotations

from typing import Any

import pytest
from faults_kit import Lab
from harvest_auditor import Truth
from harvest_kit import alone

import ckan.model as model
from ckan.lib.search.common import make_connection

from ckanext.govopen.logic import search

PLANTS = {
    "a record that the source never had": (
        "INSERT INTO govopen_harvest_object (source_id, guid, record_type, record_id, unit_id,"
        " record_hash, first_job, last_job) SELECT source_id, 'ghost', record_type, gen_random_uuid()::text,"
        " unit_id, 'x', first_job, last_job FROM govopen_harvest_object WHERE source_id = :id"
        " LIMIT 1",
        "ghost should not be here",
    ),
    "a title that is another": (
        "UPDATE package SET title = '公共停车场改名' WHERE id = (SELECT min(record_id)"
        " FROM govopen_harvest_object WHERE source_id = :id)",
        "is called '公共停车场改名'",
    ),
    "a record that was lost": (
        "UPDATE govopen_harvest_object SET state = 'removed' WHERE source_id = :id"
        " AND guid = (SELECT max(guid) FROM govopen_harvest_object WHERE source_id = :id)",
        "is not here",
    ),
    "a run that is at work for ever": (
        "UPDATE govopen_harvest_job SET state = 'running' WHERE source_id = :id",
        "is said to be at work",
    ),
    "a count that does not add up": (
        "UPDATE govopen_harvest_job SET created = created + 1, seen = seen + 1,"
        " known_after = known_after + 1 WHERE source_id = :id",
        "in the report",
    ),
}


@pytest.fixture
def sound(lab: Lab) -> dict[str, Any]:
    """A source of datasets that was taken whole and has passed its audit."""
    lab.site.records = lab.site.records[:2]
    source = lab.source("dataset")
    assert lab.run(source)["state"] == "finished"
    lab.audit(source)
    return source


@pytest.mark.parametrize("plant", PLANTS)
def test_a_planted_lie_is_found(lab: Lab, sound: dict[str, Any], plant: str) -> None:
    sql, sentence = PLANTS[plant]
    lab.field.sql(sql, id=sound["id"])
    found = lab.auditor.findings(sound["id"], Truth(lab.site.truth()))
    assert any(sentence in one for one in found), found
    lab.field.sql("UPDATE govopen_harvest_job SET state = 'failed' WHERE source_id = :id"
                  " AND state = 'running'", id=sound["id"])  # fmt: skip


def test_a_dataset_that_the_index_has_lost_or_invented_is_found(
    lab: Lab, sound: dict[str, Any]
) -> None:
    first = lab.field.sql("SELECT guid, record_id FROM govopen_harvest_object"
                          " WHERE source_id = :id ORDER BY guid LIMIT 1", id=sound["id"])[0]  # fmt: skip
    make_connection().delete(q=f'id:"{first.record_id}"', commit=True)
    found = lab.auditor.findings(sound["id"], Truth(lab.site.truth()))
    assert [f"the index calls {first.guid} None" in one for one in found] == [True]
    with alone():
        search.store.enqueue(model.Session, [first.record_id])
        model.Session.commit()
    lab.audit(sound)
