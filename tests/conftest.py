"""Property tests draw the same examples in every run; compiled code goes to no cache of a user."""

import os

import pytest
from hypothesis import settings

from diagrad.compile.build import working
from diagrad.errors import NoCompiler

settings.register_profile("same", derandomize=True, deadline=None)
settings.load_profile("same")


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory):
    """Where compiled code is kept: DIAGRAD_CACHE where that is set, or a directory of the run."""
    with pytest.MonkeyPatch.context() as patch:
        if not os.environ.get("DIAGRAD_CACHE"):
            patch.setenv("DIAGRAD_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def compiles(cache):
    """For tests that compile: without a compiler they are skipped."""
    try:
        working()
    except NoCompiler as error:
        pytest.skip(str(error))


@pytest.fixture(params=["numpy", "c"])
def backend(request):
    """What a function is compiled for; without a compiler NumPy alone."""
    if request.param == "c":
        request.getfixturevalue("compiles")
    return request.param
