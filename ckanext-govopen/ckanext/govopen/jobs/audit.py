"""The head of the audit log, kept outside the database every hour."""

from __future__ import annotations

import ckan.model as model

from ckanext.govopen.jobs.app import app, in_ckan
from ckanext.govopen.logic import audit_proof


@app.periodic(cron="7 * * * *")
@app.task(name="audit.keep_head", queue="audit", queueing_lock="audit.keep_head")
@in_ckan
def keep_head(timestamp: int) -> None:
    """Seals what another program has left, then keeps the head."""
    model.repo.commit()
    audit_proof.keep_head(model.Session)
