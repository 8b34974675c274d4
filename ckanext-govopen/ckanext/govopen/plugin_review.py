"""The plugin `govopen_review`: who may see what is not public. The only one of its kind."""

from __future__ import annotations

from typing import Any

import ckan.plugins as p
from ckan.lib.plugins import DefaultPermissionLabels

from ckanext.govopen.logic import labels


class GovopenReviewPlugin(p.SingletonPlugin, DefaultPermissionLabels):
    """Labels of datasets and users; CKAN asks only the first plugin that offers them."""

    p.implements(p.IPermissionLabels)
    p.implements(p.IConfigurable)

    def get_dataset_labels(self, dataset_obj: Any) -> list[str]:
        return labels.of_dataset(dataset_obj)

    def get_user_dataset_labels(self, user_obj: Any) -> list[str]:
        return labels.of_user(user_obj)

    def configure(self, _config: Any) -> None:
        labels.require_only(self, list(p.PluginImplementations(p.IPermissionLabels)))
