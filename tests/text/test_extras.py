import json

import pytest

from escuta.errors import InstallError
from escuta.text.extras import extra_package


def test_an_installed_package_is_imported():
    assert extra_package("json", extra="zh") is json


def test_a_missing_package_is_an_error_the_user_can_mend():
    with pytest.raises(InstallError, match=r"^language zh: package no_such_package is missing; .* 'escuta\[zh\]'$"):
        extra_package("no_such_package", extra="zh")
