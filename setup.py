"""What pyproject.toml cannot say: configs/ and savedmodels/ are installed inside the package."""

from setuptools import find_packages, setup

setup(
    packages=[*find_packages(include=["gfla_tf", "gfla_tf.*"]), "gfla_tf.configs", "gfla_tf.savedmodels"],
    package_dir={"gfla_tf.configs": "configs", "gfla_tf.savedmodels": "savedmodels"},
    package_data={"gfla_tf.configs": ["*.yaml"], "gfla_tf.savedmodels": ["**/*"]},
)
