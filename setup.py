"""Two source roots need a few lines that pyproject.toml cannot express; all metadata is there."""

from setuptools import find_namespace_packages, setup

setup(
    package_dir={"": "ckanext-govopen", "govopen_harvesters": "harvesters/govopen_harvesters"},
    packages=find_namespace_packages("ckanext-govopen", include=["ckanext.*"])
    + find_namespace_packages("harvesters"),
    package_data={
        "govopen_harvesters": ["words/*.yaml"],
        "ckanext.govopen": [
            "config_declaration.yaml",
            "schemas/*.yaml",
            "data/**/*",
            "templates/**/*",
            "templates/**/.*",
            "assets/**/*",
            "public/**/*",
            "i18n/**/*.mo",
            "i18n/**/*.po",
            "model/sql/*.sql",
            "migration/**/*",
        ],
    },
)
