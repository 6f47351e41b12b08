"""Makes pytester available to the project's own tests; only the top conftest may name plugins."""

pytest_plugins = ("pytester",)
