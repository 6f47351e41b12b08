"""Whatever pytest can do to a test, a check ends as it would without the plugin."""

from __future__ import annotations

import json
import sys

import pytest

from tests.plugin.scratch import Deploycheck

FEATURES = """
import sys, threading, unittest, warnings
import pytest

pytestmark = [pytest.mark.post_5min, pytest.mark.check("pod-status")]

@pytest.fixture(scope="session")
def broken_session(): raise RuntimeError("session")
@pytest.fixture
def broken(): raise RuntimeError("function")
@pytest.fixture
def broken_after():
    yield
    raise RuntimeError("after")
@pytest.fixture(scope="session")
def skipping(): pytest.skip("session fixture skips")
@pytest.fixture(scope="module")
def module_list(): return []
@pytest.fixture(params=["a", "b"])
def letter(request): return request.param
@pytest.fixture(scope="session", params=[1, 2])
def digit(request): return request.param
@pytest.fixture
def doubled(request): return 2 * request.param

def test_passes(): pass
def test_fails(): assert 1 == 2, "one"
def test_raises(): raise ValueError("two")
def test_shared(shared): assert shared == "shared"
def test_shared_fails(shared): assert shared == "other"

@pytest.mark.skip(reason="mark")
def test_skip_mark(): raise SystemError
@pytest.mark.skipif(sys.version_info > (3,), reason="python")
def test_skipif(): raise SystemError
@pytest.mark.skipif(sys.version_info < (3,), reason="python")
def test_skipif_not(): pass
def test_skips(): pytest.skip("in the body")
def test_fails_by_call(): pytest.fail("by call")
def test_xfails_by_call(): pytest.xfail("by call")
def test_importorskip(): pytest.importorskip("no_such_module_anywhere")

@pytest.mark.xfail
def test_xfail(): assert False
@pytest.mark.xfail
def test_xpass(): pass
@pytest.mark.xfail(strict=True)
def test_xpass_strict(): pass
@pytest.mark.xfail(raises=KeyError)
def test_xfail_raises(): raise KeyError
@pytest.mark.xfail(raises=KeyError)
def test_xfail_raises_other(): raise ValueError
@pytest.mark.xfail(run=False)
def test_xfail_norun(): raise SystemError

XFAIL = pytest.mark.xfail
@pytest.mark.parametrize("n", [1, 2, pytest.param(3, marks=XFAIL), pytest.param(4, id="four")])
def test_parametrize(n): assert n < 2
@pytest.mark.parametrize("n", [1, 2])
@pytest.mark.parametrize("a, b", [(1, 2), (3, 4)])
def test_parametrize_twice(n, a, b, shared): assert a + 1 == b and n
@pytest.mark.parametrize("doubled", [1, 2], indirect=True)
def test_indirect(doubled): assert doubled == 2
@pytest.mark.parametrize("doubled, n", [(1, 2)], indirect=["doubled"])
def test_partly_indirect(doubled, n): assert doubled == n
@pytest.mark.parametrize("shared", ["direct"])
def test_parameter_in_the_place_of_a_fixture(shared): assert shared == "direct"
@pytest.mark.parametrize("n", [])
def test_no_parameters(n): raise SystemError
def test_parametrized_fixture(letter): assert letter == "a"
def test_parametrized_session_fixture(digit, shared): assert digit == 1
def pytest_generate_tests(metafunc):
    if "generated" in metafunc.fixturenames:
        metafunc.parametrize("generated", [1, 2])
def test_generated(generated): assert generated == 1

def test_broken_session_one(broken_session): raise SystemError
def test_broken_session_two(broken_session): raise SystemError
def test_broken(broken): raise SystemError
def test_broken_after(broken_after): pass
def test_fails_and_broken_after(broken_after): assert 0
def test_skipping(skipping): raise SystemError
def test_unknown_fixture(no_such_fixture): raise SystemError
@pytest.mark.usefixtures("broken_session")
def test_usefixtures(): raise SystemError

def test_module_list_one(module_list): module_list.append(1)
def test_module_list_two(module_list): assert module_list == [1]
def test_tmp_path(tmp_path): assert tmp_path.exists()
def test_monkeypatch(monkeypatch): monkeypatch.setenv("X", "1")
def test_capsys(capsys):
    print("captured")
    assert capsys.readouterr().out == "captured\\n"
def test_caplog(caplog):
    import logging
    logging.getLogger().warning("logged")
    assert caplog.messages == ["logged"]
def test_record_property(record_property): record_property("a", 1)
def test_raises_context():
    with pytest.raises(ZeroDivisionError): 1 / 0
def test_did_not_raise():
    with pytest.raises(ZeroDivisionError): pass
@pytest.mark.filterwarnings("error")
def test_filterwarnings(): warnings.warn("a warning", stacklevel=1)

def test_group(): raise ExceptionGroup("several", [AssertionError("a"), ValueError("b")])
def test_base_group(): raise BaseExceptionGroup("several", [ValueError("b")])
def test_chained():
    try: raise KeyError("cause")
    except KeyError as error: raise ValueError("effect") from error
def test_system_exit(): raise SystemExit(3)
def test_subtests(subtests):
    with subtests.test(n=1): assert 0
    with subtests.test(n=2): pass

class TestClass:
    @pytest.fixture(autouse=True)
    def prepare(self): self.value = 1
    def test_autouse(self): assert self.value == 1
class TestPlainClass:
    def test_one(self): self.x = 1
    def test_two(self): assert not hasattr(self, "x")
    @staticmethod
    def test_static(): pass
    @classmethod
    def test_class(cls): assert cls
class TestXunit:
    @classmethod
    def setup_class(cls): cls.ready = True
    def setup_method(self): self.own = True
    def teardown_method(self): assert self.own
    def test_set_up(self): assert self.ready and self.own
class TestBrokenSetup:
    def setup_method(self): raise RuntimeError
    def test_never(self): raise SystemError
class TestUnit(unittest.TestCase):
    def setUp(self): self.ready = 1
    def test_unit(self): self.assertEqual(self.ready, 1)
    def test_unit_fails(self): self.assertEqual(self.ready, 2)
    @unittest.skip("unit")
    def test_unit_skips(self): raise SystemError
    @unittest.expectedFailure
    def test_unit_expected(self): self.fail()

counts = {"flaky": 0}
@pytest.mark.flaky(reruns=2)
def test_flaky():
    counts["flaky"] += 1
    assert counts["flaky"] == 2
async def test_async(): pass
"""
CONFTEST = """
import json, pytest

@pytest.fixture(scope="session")
def shared(): return "shared"

def pytest_runtest_logreport(report):
    crash = getattr(report.longrepr, "reprcrash", None)
    seen = [report.nodeid, report.when, report.outcome, str(getattr(report, "wasxfail", None)),
            report.longrepr[2] if isinstance(report.longrepr, tuple) else crash and crash.message,
            sorted(title for title, _ in report.sections), report.user_properties]
    with open("reports.jsonl", "a") as file:
        print(json.dumps(seen), file=file)
"""
OVERRIDING = """
import pytest
pytestmark = [pytest.mark.post_5min, pytest.mark.check("pod-status")]
@pytest.fixture(scope="session")
def shared(shared): return f"{shared}, overridden"
def test_overridden(shared): assert shared == "shared, overridden"
"""
MARKERS = 'markers = ["post_5min", "check(slug)", "flaky"]\n'


@pytest.mark.parametrize(
    "args",
    [
        (),
        ("-x",),
        ("--maxfail=4",),
        ("-k", "xfail or TestUnit or parametrize"),
        ("--setup-plan",),
        ("--reruns=1",),
        ("--pdb",),
        ("-n2", "--dist=loadfile"),  # some features share a module's state with their neighbours
        ("-s",),
    ],
    ids=lambda args: " ".join(args) or "all",
)
def test_every_item_ends_as_in_plain_pytest(
    deploycheck: Deploycheck, args: tuple[str, ...]
) -> None:
    """Item by item: phase, outcome, message, sections and properties; xdist in any order."""
    deploycheck.write("suites/test_features.py", FEATURES)
    deploycheck.write("suites/test_overriding.py", OVERRIDING)
    deploycheck.write("suites/conftest.py", CONFTEST)
    deploycheck.write("pyproject.toml", f'[tool.pytest]\ntestpaths = ["suites"]\n{MARKERS}')
    reports = deploycheck.root / "reports.jsonl"

    def seen() -> list[object]:
        found = [json.loads(line) for line in reports.read_text().splitlines()]
        reports.unlink()
        return sorted(found, key=json.dumps) if "-n2" in args else found

    common = ("-m", "post_5min", "-p", "no:randomly", "-p", "no:cacheprovider", "-p", "no:anyio")
    reports.touch()
    stdin = b"c\n" * 200  # for --pdb: go on
    plain = deploycheck.pytester.run(
        sys.executable, "-m", "pytest", *common, "-p", "no:deploycheck", *args, stdin=stdin
    )
    without = seen()
    reports.touch()
    awake = deploycheck.pytester.run(
        sys.executable, "-m", "pytest", *common, "--env=scratch", "--deploycheck-release=1",
        "--deploycheck-deployed-at=2026-01-01T00:00:00Z", "--deploycheck-no-wait",
        *args, stdin=stdin,
    )  # fmt: skip
    within = seen()
    assert within == without
    assert awake.parseoutcomes() == plain.parseoutcomes()


def test_what_the_last_check_leaves_to_the_garbage_is_heard_of(deploycheck: Deploycheck) -> None:
    """The end of a run is spared Python's search for garbage, but not that of the checks."""
    deploycheck.check(
        "class Broken:\n"
        "    def __init__(self): self.own = self\n"
        "    def __del__(self): raise ValueError('left behind')\n"
        "Broken()"
    )
    text = deploycheck.run(subprocess=True).text
    assert "PytestUnraisableExceptionWarning" in text
    assert "ValueError: left behind" in text
