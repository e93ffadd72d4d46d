import pytest

from gfla_tf.synthetic import SyntheticPeople


@pytest.fixture(scope="package")
def people():
    return SyntheticPeople(identities={"train": 40, "test": 6})
