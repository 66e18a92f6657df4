from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from kie_ui.settings import Settings

KEY = "planted-key-0123456789"


@pytest.fixture(autouse=True)
def _clean_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Start every test in an empty folder and without any setting."""
    monkeypatch.chdir(tmp_path)
    for field in Settings.model_fields.values():
        monkeypatch.delenv(str(field.alias), raising=False)


def test_without_any_setting_all_is_local_and_in_demo_mode() -> None:
    """The defaults are Kie's own hosts, no key, one person, and patience for two hours."""
    settings = Settings()

    assert settings.kie_api_key is None
    assert settings.kie_api_base_url == "https://api.kie.ai"
    assert settings.kie_upload_base_url == "https://kieai.redpandaai.co"
    assert settings.simulator_speed == 1
    assert settings.simulator_credits == 10_000
    assert settings.call_timeout_minutes == 120
    assert settings.visitors == "auto"
    assert not settings.share_server_key
    assert not settings.has_many_visitors


@pytest.mark.parametrize(
    ("variable", "text", "name", "value"),
    [
        ("KIE_API_BASE_URL", "http://localhost:9000", "kie_api_base_url", "http://localhost:9000"),
        ("KIE_UPLOAD_BASE_URL", "http://up.example", "kie_upload_base_url", "http://up.example"),
        ("KIE_UI_DATA_DIR", "/srv/clips", "data_dir", Path("/srv/clips")),
        ("KIE_UI_SIMULATOR_SPEED", "12.5", "simulator_speed", 12.5),
        ("KIE_UI_SIMULATOR_CREDITS", "0", "simulator_credits", 0),
        ("KIE_UI_CALL_TIMEOUT_MINUTES", "0.5", "call_timeout_minutes", 0.5),
        ("KIE_UI_VISITORS", "many", "visitors", "many"),
        ("KIE_UI_SHARE_SERVER_KEY", "true", "share_server_key", True),
        ("KIE_UI_RUNS_PER_DAY", "0", "runs_per_day", 0),
        ("KIE_UI_TOTAL_RUNS_PER_DAY", "0", "total_runs_per_day", 0),
        ("KIE_UI_ADD_MODELS", "operator", "add_models", "operator"),
        ("KIE_UI_DOCS_HOSTS", "kie.example", "docs_hosts", "kie.example"),
        ("KIE_UI_TABS", "maker/model", "tabs", "maker/model"),
        ("KIE_UI_MAX_DISK_GB", "2.5", "max_disk_gb", 2.5),
        ("GRADIO_SERVER_NAME", "0.0.0.0", "gradio_server_name", "0.0.0.0"),
        ("GRADIO_SHARE", "True", "gradio_share", True),
        ("SPACE_ID", "ada/playground", "space_id", "ada/playground"),
    ],
)
def test_every_setting_has_its_variable(
    monkeypatch: pytest.MonkeyPatch, variable: str, text: str, name: str, value: object
) -> None:
    """Each setting is read from the environment variable of its name."""
    monkeypatch.setenv(variable, text)

    assert getattr(Settings(), name) == value


@pytest.mark.parametrize(
    ("text", "hosts"),
    [
        ("docs.kie.ai", {"docs.kie.ai"}),
        (" Docs.Kie.ai. , kie.example,", {"docs.kie.ai", "kie.example"}),
        ("none", set()),
        (" , ", set()),
    ],
)
def test_hosts_of_pages_are_a_list_of_names(text: str, hosts: set[str]) -> None:
    """Spelled as addresses spell them; `none` is no host."""
    assert Settings(docs_hosts=text).hosts_of_docs == hosts


def test_settings_may_stand_in_a_file(tmp_path: Path) -> None:
    """A `.env` beside the program sets what the environment does not, and strangers do no harm."""
    (tmp_path / ".env").write_text(
        f'# mine\nKIE_API_KEY="{KEY}"\nKIE_UI_DATA_DIR=Füße\nOTHER=1\n', encoding="utf-8"
    )
    settings = Settings()

    assert settings.kie_api_key is not None
    assert settings.kie_api_key.get_secret_value() == KEY
    assert settings.data_path == tmp_path.resolve() / "Füße"


def test_the_environment_goes_before_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is set for one start wins over what is set for all."""
    (tmp_path / ".env").write_text("KIE_UI_SIMULATOR_SPEED=2\n")
    monkeypatch.setenv("KIE_UI_SIMULATOR_SPEED", "3")

    assert Settings().simulator_speed == 3


@pytest.mark.parametrize("variable", [str(f.alias) for f in Settings.model_fields.values()])
def test_a_line_left_blank_sets_nothing(tmp_path: Path, variable: str) -> None:
    """A setting that is there without a value has its default."""
    (tmp_path / ".env").write_text(f"{variable}=\n")

    assert Settings() == Settings(_env_file=None)


@pytest.mark.parametrize("blank", ["", " ", "\t"])
def test_a_blank_key_is_no_key(monkeypatch: pytest.MonkeyPatch, blank: str) -> None:
    """Blanks for a key or a folder leave demo mode and the usual folder as they were."""
    monkeypatch.setenv("KIE_API_KEY", blank)
    monkeypatch.setenv("KIE_UI_DATA_DIR", blank)
    settings = Settings()

    assert settings.kie_api_key is None
    assert settings.data_dir is None


def test_settings_never_show_the_key() -> None:
    """The key is in no representation of the settings, so that logging them is harmless."""
    settings = Settings(kie_api_key=KEY)

    for shown in (repr(settings), str(settings), settings.model_dump_json(), f"{settings}"):
        assert KEY not in shown


def test_no_refusal_shows_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another setting being wrong does not bring the key into the error."""
    monkeypatch.setenv("KIE_API_KEY", KEY)
    monkeypatch.setenv("KIE_UI_SIMULATOR_SPEED", "fast")
    with pytest.raises(ValidationError) as caught:
        Settings()

    assert KEY not in str(caught.value)
    assert "KIE_UI_SIMULATOR_SPEED" in str(caught.value)


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("KIE_UI_SIMULATOR_SPEED", "0"),
        ("KIE_UI_SIMULATOR_SPEED", "-1"),
        ("KIE_UI_SIMULATOR_SPEED", "1001"),
        ("KIE_UI_SIMULATOR_SPEED", "nan"),
        ("KIE_UI_SIMULATOR_CREDITS", "-0.01"),
        ("KIE_UI_CALL_TIMEOUT_MINUTES", "0"),
        ("KIE_UI_CALL_TIMEOUT_MINUTES", "soon"),
        ("KIE_UI_VISITORS", "several"),
        ("KIE_UI_SHARE_SERVER_KEY", "perhaps"),
    ],
)
def test_a_setting_out_of_bounds_stops_the_start(
    monkeypatch: pytest.MonkeyPatch, variable: str, text: str
) -> None:
    """A mistake in a setting is reported at the start, with the name of its variable."""
    monkeypatch.setenv(variable, text)

    with pytest.raises(ValidationError, match=variable):
        Settings()


@pytest.mark.parametrize("speed", [0.001, 1000])
def test_the_bounds_themselves_are_allowed(speed: float) -> None:
    """The simulator may be up to a thousand times as fast, and as slow as anyone likes."""
    assert Settings(simulator_speed=speed).simulator_speed == speed


@pytest.mark.parametrize("address", ["http://kie.example/api/", " http://kie.example/api// "])
def test_a_base_address_loses_its_last_slash(address: str) -> None:
    """A path put after a base address makes one slash, in snippets as in requests."""
    settings = Settings(kie_api_base_url=address, kie_upload_base_url=address)

    assert settings.kie_api_base_url == "http://kie.example/api"
    assert settings.kie_upload_base_url == "http://kie.example/api"


def test_the_data_folder_is_the_users_own() -> None:
    """Without a setting, data lie in the user's data folder under our name, and nothing is made."""
    path = Settings().data_path

    assert path.is_absolute()
    assert path.name == "kie-ui"


def test_a_data_folder_may_be_relative_or_at_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`~` is the user's home and a relative folder counts from where the program started."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))

    assert Settings(data_dir=Path("~/clips")).data_path == (tmp_path / "home/clips").resolve()
    assert Settings(data_dir=Path("a/../clips")).data_path == (tmp_path / "clips").resolve()
    assert list(tmp_path.iterdir()) == []


def test_the_data_folder_stays_when_the_working_folder_moves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where data lie is settled at the first look."""
    settings = Settings(data_dir=Path("clips"))
    before = settings.data_path
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")

    assert settings.data_path == before


@pytest.mark.parametrize("host", ["", "localhost", "LOCALHOST", "127.0.0.1", "::1", "[::1]"])
def test_a_loopback_host_is_ours_alone(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    """Bound to this computer, the page has one person."""
    monkeypatch.setenv("GRADIO_SERVER_NAME", host)

    assert not Settings().has_many_visitors


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("GRADIO_SERVER_NAME", "0.0.0.0"),
        ("GRADIO_SERVER_NAME", "::"),
        ("GRADIO_SERVER_NAME", "192.168.1.5"),
        ("GRADIO_SERVER_NAME", "playground.example"),
        ("GRADIO_SHARE", "1"),
        ("SPACE_ID", "ada/playground"),
    ],
)
def test_any_way_in_makes_visitors_separate(
    monkeypatch: pytest.MonkeyPatch, variable: str, text: str
) -> None:
    """A bound address, a share link or a Space each let others in."""
    monkeypatch.setenv(variable, text)

    assert Settings().has_many_visitors


@pytest.mark.parametrize(("visitors", "is_reachable"), [("one", False), ("many", True)])
@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_the_operator_has_the_last_word(
    monkeypatch: pytest.MonkeyPatch,
    host: str,
    visitors: str,
    is_reachable: bool,  # noqa: FBT001 - a table's column
) -> None:
    """`KIE_UI_VISITORS` overrides what the address suggests, either way."""
    monkeypatch.setenv("GRADIO_SERVER_NAME", host)
    monkeypatch.setenv("KIE_UI_VISITORS", visitors)

    assert Settings().has_many_visitors is is_reachable


def test_every_setting_of_ours_is_explained() -> None:
    """Each variable that we invented says what it is for."""
    for field in Settings.model_fields.values():
        assert field.alias is not None
        if field.alias.startswith("KIE_"):
            assert field.description
            assert field.description.endswith(".")


def users_of(settings: Settings) -> dict[str, str]:
    """Read the users that settings name."""
    return {name: password.get_secret_value() for name, password in settings.passwords.items()}


def test_users_are_pairs(tmp_path: Path) -> None:
    """With commas between them, or one a line in a file; a password may hold colons."""
    (tmp_path / "users.txt").write_text("# ours\n\nada:a, b:c\nbén: d\n", encoding="utf-8")

    assert users_of(Settings()) == {}
    assert users_of(Settings(users="ada:a:b, ben:c,")) == {"ada": "a:b", "ben": "c"}
    assert users_of(Settings(users="users.txt")) == {"ada": "a, b:c", "bén": "d"}


@pytest.mark.parametrize("users", ["ada", "ada:", f":{KEY}", f"ada:{KEY},ada:b", ",", "no/file"])
def test_users_that_cannot_be_read_are_refused_without_a_password(users: str) -> None:
    """At the start, and not by letting everyone in."""
    with pytest.raises(ValidationError) as caught:
        Settings(users=users)

    assert KEY not in str(caught.value)
    assert "KIE_UI_USERS" in str(caught.value) or "users" in str(caught.value)


def test_users_are_many_unless_told_otherwise() -> None:
    """Each has a list of their own; all may share one behind the login."""
    assert Settings(users="ada:a").has_many_visitors
    assert not Settings(users="ada:a", visitors="one").has_many_visitors


def test_a_server_for_one_person_is_asked_under_its_own_names_only() -> None:
    """Any other name that points to this computer was made up by somebody else."""
    settings = Settings(
        allowed_hosts=" Desk.lan, proxy.example", public_url="https://me.example/kie"
    )
    ours = {"localhost", "127.0.0.1", "::1", "[::1]"}
    assert settings.hosts == frozenset(ours | {"desk.lan", "proxy.example", "me.example"})


@pytest.mark.parametrize(
    "reachable",
    [
        {"visitors": "many"},
        {"users": "ada:a"},
        {"gradio_server_name": "0.0.0.0"},
        {"gradio_share": True, "visitors": "one"},
        {"space_id": "ada/playground"},
    ],
)
def test_a_server_for_others_is_asked_under_any_name(reachable: dict[str, Any]) -> None:
    """It cannot know them all, and each visitor is known by a cookie of that name."""
    assert Settings(**reachable).hosts is None
